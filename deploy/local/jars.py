"""Kafka's jars: resolved once into a lock with a SHA-256 for each, downloaded by it ever after."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from deploy.local import cache
from deploy.local.failures import CannotStart

VERSION = "4.3.0"
# log4j-slf4j-impl in the same resolution would pull the Kafka client back to an old version.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
LOCK = Path(__file__).with_name("kafka.lock.txt")
TRIES = 4
SAID_EVERY = 10
REPOSITORY = "repository"
T = TypeVar("T")


@dataclass(frozen=True)
class Jar:
    """One line of the lock: Maven coordinates and the sum of the file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @classmethod
    def of(cls, line: str) -> "Jar":
        """Read a line such as ``group:artifact:version sha256:…``."""
        coordinates, digest = line.split()
        group, artifact, version = coordinates.split(":")
        return cls(group, artifact, version, digest.removeprefix("sha256:"))

    @property
    def file(self) -> str:
        """The name it has in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def read_lock(path: Path = LOCK) -> list[Jar]:
    """The jars of the lock. Raises CannotStart if a Kafka jar has another version than the broker."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    jars = [Jar.of(line) for line in lines]
    wrong = [jar.file for jar in jars if jar.group == "org.apache.kafka" and jar.version != VERSION]
    if wrong:
        raise CannotStart(f"The lock {path.name} mixes Kafka versions: {', '.join(wrong)} beside {VERSION}.")
    return jars


def classpath(lock: Path = LOCK) -> str:
    """The jars of the lock, from the cache; downloads what is missing. Raises CannotStart on a wrong sum."""
    jars = read_lock(lock)
    name = f"kafka-{VERSION}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = cache.entry(
        name,
        lambda place: download(jars, place, fetch_with_jgo(place)),
        lambda place: all(is_whole(jar, place) for jar in jars),
    )
    return ":".join(str(folder / jar.file) for jar in jars)


def is_whole(jar: Jar, folder: Path) -> bool:
    """Whether the file is there and has the sum of the lock."""
    path = folder / jar.file
    return path.is_file() and cache.sha256(path) == jar.sha256


def download(jars: Sequence[Jar], folder: Path, fetch: Callable[[Jar], Path]) -> None:
    """Fetch every jar into `folder`, several at a time; raises CannotStart on a wrong sum."""
    print(f"Downloading Kafka {VERSION}, once, into {cache.cache_folder()}", flush=True)
    with ThreadPoolExecutor(8) as pool:
        for jar, path in _with_progress(zip(jars, pool.map(fetch, jars), strict=True), len(jars)):
            if cache.sha256(path) != jar.sha256:
                raise CannotStart(f"{jar.file} does not have the SHA-256 of {LOCK.name}: it was not used.")
            path.rename(folder / jar.file)
    shutil.rmtree(folder / REPOSITORY, ignore_errors=True)


def _with_progress(fetched: Iterator[T], total: int) -> Iterator[T]:
    columns = (TextColumn("     "), BarColumn(40), MofNCompleteColumn(), TextColumn("jars"))
    console = Console()
    if console.is_terminal:
        with Progress(*columns, console=console) as progress:
            yield from progress.track(fetched, total=total)
        return
    for done, each in enumerate(fetched, start=1):
        yield each
        if done % SAID_EVERY == 0 or done == total:
            print(f"      {done}/{total} jars", flush=True)


def fetch_with_jgo(folder: Path) -> Callable[[Jar], Path]:
    """Downloads single jars by their coordinates into a repository below `folder`."""
    import requests  # noqa: PLC0415 - only a cold cache needs it and jgo: half a second
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    mirrors = GlobalSettings.load().repositories or None
    maven = MavenContext(repo_cache=folder / REPOSITORY, remote_repos=mirrors, timeout=60)

    def fetch(jar: Jar) -> Path:
        artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        for attempt in range(1, TRIES + 1):
            try:
                return Path(artifact.resolve())
            except (requests.RequestException, RuntimeError) as reason:
                # A torn download would be taken for a whole one by the next try.
                torn = artifact.cached_path
                if torn is not None:
                    torn.unlink(missing_ok=True)
                if attempt == TRIES:
                    raise CannotStart(_not_downloaded(jar, reason)) from reason
                time.sleep(attempt)
        raise AssertionError("unreachable")

    return fetch


def _not_downloaded(jar: Jar, reason: Exception) -> str:
    # Of a connection that failed only the innermost words are for people: "[Errno 111] Connection refused".
    inner = getattr(reason.args[0], "reason", None) if reason.args else None
    why = str(inner).rsplit(": ", 1)[-1].strip("\"')") if inner else str(reason)
    return f"{jar.file} could not be downloaded ({why}): {cache.TRY_AGAIN}"


def relock() -> None:
    """Resolve the coordinates anew and write the lock, with the sums of what was downloaded."""
    import jgo  # noqa: PLC0415 - only here

    artifacts = sorted(jgo.resolve(ENDPOINT), key=str)
    found = [
        (f"{each.groupId}:{each.artifactId}:{each.version}", cache.sha256(each.resolve()))
        for each in artifacts
    ]
    lines = [f"{coordinates} sha256:{digest}" for coordinates, digest in found]
    LOCK.write_text("\n".join([f"# {ENDPOINT}, resolved by `python -m deploy.local lock`", *lines, ""]))
    read_lock()
