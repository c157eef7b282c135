"""`python -m analytics` serves; `python -m analytics dead-letters …` looks after what could not be heard."""

import sys

from analytics.app import build
from analytics.settings import AnalyticsSettings
from chassis.messaging.deadletters import cli
from chassis.service import serve


def main(arguments: list[str]) -> int:
    """Runs the command line; returns the exit code."""
    settings = AnalyticsSettings.load()
    if arguments[:1] == ["dead-letters"]:
        return cli(settings.service, settings.kafka, arguments[1:])
    if arguments:
        sys.stderr.write("Usage: python -m analytics [dead-letters …]\n")
        return 2
    serve(build(settings), settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
