"""`python -m analytics` serves; with a word more it looks after dead letters, keys and read models."""

import sys

from analytics.app import build
from analytics.messaging import rebuilding, status, verification
from analytics.settings import AnalyticsSettings
from chassis.crypto_shredding.commands import reader_commands
from chassis.service import dead_letters, main, with_settings

COMMANDS = {
    "dead-letters": dead_letters,
    "keys": with_settings(reader_commands),
    "rebuild": with_settings(rebuilding.command),
    "status": with_settings(status.command),
    "verify": with_settings(verification.command),
}

if __name__ == "__main__":
    sys.exit(main(AnalyticsSettings, build, commands=COMMANDS))
