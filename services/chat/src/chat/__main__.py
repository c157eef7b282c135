"""`python -m chat` serves; `python -m chat keys …` rotates the keys that wrap others."""

import sys

from chassis.crypto_shredding.commands import ring_commands
from chassis.service import main, with_settings
from chat.app import build
from chat.settings import ChatSettings
from contracts.topics import DIALOG_KEYS

COMMANDS = {"keys": with_settings(ring_commands(DIALOG_KEYS.name))}

if __name__ == "__main__":
    sys.exit(main(ChatSettings, build, commands=COMMANDS))
