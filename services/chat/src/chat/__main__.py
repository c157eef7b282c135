"""`python -m chat` serves; `python -m chat dead-letters …` looks after what could not be heard."""

import sys

from chassis.messaging.deadletters import cli
from chassis.service import serve
from chat.app import build
from chat.settings import ChatSettings


def main(arguments: list[str]) -> int:
    """Runs the command line; returns the exit code."""
    settings = ChatSettings.load()
    if arguments[:1] == ["dead-letters"]:
        return cli(settings.service, settings.kafka, arguments[1:])
    if arguments:
        sys.stderr.write("Usage: python -m chat [dead-letters …]\n")
        return 2
    serve(build(settings), settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
