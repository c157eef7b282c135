"""``python -m deploy.local run | servers | stop | token | command``: Candor on this machine."""

import argparse
import os
import sys
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from contracts.access import EVERY_CHANNEL, Role, Scope
from contracts.envelope import Id
from contracts.topics import SERVICES
from deploy.local import stopping, tokens
from deploy.local.failures import CannotStart, sentence

CHANNELS = TypeAdapter(tuple[Id | Literal["*"], ...])
STAFF = [role.value for role in Role if role is not Role.VISITOR]


def main() -> int:
    """Do what the command line names; a failure is a sentence on standard error and exit code 1."""
    arguments = _parser().parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        # Imported where they are needed: each takes longer than to stop or to make a token.
        match arguments.command:
            case "run" | "servers":
                from deploy.local import launcher  # noqa: PLC0415

                return launcher.run(arguments.data, console, only_servers=arguments.command == "servers")
            case "command":
                from deploy.local import launcher  # noqa: PLC0415

                launcher.command(arguments.data, arguments.service, arguments.words)
            case "stop":
                return stopping.stop(arguments.data, console)
            case "token":
                print(_token(arguments))
            case "lock":
                from deploy.local import jars  # noqa: PLC0415

                jars.relock()
    except (CannotStart, OSError) as failure:
        said = Console(stderr=True, soft_wrap=True, highlight=False)
        said.print(sentence(failure), style="red", markup=False)
        return 1
    return 0


def _token(arguments: argparse.Namespace) -> str:
    if os.environ.get("CANDOR_ENV") != "development":
        raise CannotStart("Development tokens are for CANDOR_ENV=development only.")
    if arguments.role not in STAFF:
        raise CannotStart(f"Say whose: make token ROLE={'|'.join(STAFF)} (not {arguments.role!r}).")
    words = arguments.scope.split()
    if unknown := [word for word in words if word not in set(Scope)]:
        raise CannotStart(f"SCOPE is {' or '.join(Scope)}, with a blank between two (not {unknown[0]!r}).")
    if words and arguments.role != Role.SERVICE:
        raise CannotStart(f"SCOPE is for ROLE=service; of ROLE={arguments.role} it changes nothing.")
    channels = _names(arguments.channels)
    try:
        CHANNELS.validate_python(channels or [""])
    except ValidationError:
        given = arguments.channels
        raise CannotStart(f"CHANNELS is ids of channels, with commas between them (not {given!r}).") from None
    return tokens.token(
        arguments.data,
        Role(arguments.role),
        channels=channels,
        teams=None if arguments.teams is None else _names(arguments.teams),
        sub=arguments.sub,
        name=arguments.name,
        scope=arguments.scope,
        hours=arguments.hours,
    )


def _names(given: str) -> list[str]:
    return [each.strip() for each in given.split(",") if each.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data", type=Path, default=stopping.FOLDER, help="the folder for data, logs and secrets"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", parents=[common], help="servers and services, until Ctrl-C")
    commands.add_parser("servers", parents=[common], help="Kafka and MongoDB only, until Ctrl-C")
    commands.add_parser("stop", parents=[common], help="end what was started, and nothing else")
    commands.add_parser("lock", help="resolve Kafka's jars anew and write their sums")
    command = commands.add_parser(
        "command", parents=[common], help="a service's own command, such as: analytics status"
    )
    command.add_argument("service", choices=SERVICES)
    command.add_argument("words", nargs=argparse.REMAINDER)
    token = commands.add_parser("token", parents=[common], help="print a development token")
    token.add_argument("--role", required=True, help=f"one of {', '.join(STAFF)}")
    token.add_argument("--channels", default=EVERY_CHANNEL, help="comma-separated; all unless given")
    token.add_argument(
        "--teams", help="comma-separated, what a supervisor is limited to; not limited unless given"
    )
    token.add_argument("--scope", default="", help="what a service may do, such as dialogs:write")
    token.add_argument("--sub", help="whose token it is")
    token.add_argument("--name", help="what the person is called")
    token.add_argument("--hours", type=float, default=12)
    return parser


if __name__ == "__main__":
    sys.exit(main())
