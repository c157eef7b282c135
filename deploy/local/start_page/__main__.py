"""``python -m deploy.local.start_page``: the launcher runs it, with the environment of a service."""

import argparse
import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import uvicorn

from chassis.http.protocol import HttpProtocol
from chassis.kafka.connection import KafkaConnection
from deploy.local.ports import HERE
from deploy.local.start_page.app import build
from deploy.local.start_page.setup import Setup


def main() -> None:
    """Serve on loopback until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.start_page", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kind", required=True)
    arguments = parser.parse_args()
    if os.environ.get("CANDOR_ENV") != "development":
        sys.exit("The start page gives tokens away: it is for CANDOR_ENV=development only.")
    setup = Setup(
        folder=arguments.data,
        base=int(os.environ["CANDOR_PORT_BASE"]),
        kafka=KafkaConnection.read(os.environ),
        mongo=os.environ["CANDOR_MONGO"],
        kind=arguments.kind,
    )
    with ExitStack() as listening:
        sockets = [
            listening.enter_context(socket.create_server((HERE, port)))
            for port in (setup.port, setup.sample_port)
        ]
        config = uvicorn.Config(
            build(setup), lifespan="on", ws="none", http=HttpProtocol, log_level="warning", access_log=False,
            server_header=False, proxy_headers=False, timeout_graceful_shutdown=2,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=sockets)


if __name__ == "__main__":
    main()
