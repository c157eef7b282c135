"""`python -m analytics` serves; `python -m analytics dead-letters …` lists and replays dead letters."""

import sys

from analytics.app import build
from analytics.settings import AnalyticsSettings
from chassis.service import main

if __name__ == "__main__":
    sys.exit(main(AnalyticsSettings, build))
