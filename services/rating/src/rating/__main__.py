"""`python -m rating` serves; `python -m rating dead-letters …` looks after what could not be heard."""

import sys

from chassis.service import main
from rating.app import build
from rating.settings import RatingSettings

if __name__ == "__main__":
    sys.exit(main(RatingSettings, build))
