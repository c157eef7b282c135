"""`python -m analytics` serves; `python -m analytics dead-letters …` looks after what could not be heard."""

import sys

from analytics.app import build
from analytics.settings import AnalyticsSettings
from chassis.service import main

if __name__ == "__main__":
    sys.exit(main(AnalyticsSettings, build))
