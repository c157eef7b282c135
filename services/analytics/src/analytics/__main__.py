"""`python -m analytics` serves; `… dead-letters …` looks after what was put aside, `… keys status` counts."""

import sys

from analytics.app import build
from analytics.settings import AnalyticsSettings
from chassis.crypto_shredding.commands import reader_commands
from chassis.service import dead_letters, main, with_settings

COMMANDS = {"dead-letters": dead_letters, "keys": with_settings(reader_commands)}

if __name__ == "__main__":
    sys.exit(main(AnalyticsSettings, build, commands=COMMANDS))
