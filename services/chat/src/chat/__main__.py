"""`python -m chat` serves."""

import sys

from chassis.service import main
from chat.app import build
from chat.settings import ChatSettings

if __name__ == "__main__":
    sys.exit(main(ChatSettings, build, hears=False))
