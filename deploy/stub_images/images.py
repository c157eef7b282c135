"""The stand-ins: what each is made of, and how it becomes an image of one layer."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]

from deploy.local import cache, engine, jars, java, mongod, platforms, wheels
from deploy.local.failures import CannotStart
from deploy.stub_images import debian

HERE = Path(__file__).parent
LABEL = "candor.stub-image"
START = "/usr/local/bin/start-kafka"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
LIBRARIES = ("libcurl4", "zlib1g")


@dataclass(frozen=True)
class Recipe:
    """A Debian with `packages`, the files that `fill` adds to it, and the image's settings."""

    packages: tuple[str, ...]
    settings: tuple[str, ...]
    fill: Callable[[Path], None]


def build(names: Sequence[str], *, again: bool = False) -> None:
    """Build those of `names` that aren't there as they are wanted. Raises CannotStart."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise CannotStart(f"There is no stand-in for {', '.join(unknown)}: only for {', '.join(NAMES)}.")
    engine.require()
    with closing(docker.from_env(timeout=600)) as client:
        missing = [name for name in names if again or not _is_there(client, name)]
        if missing:
            debian.require()
            platforms.check()
        with _debians() as made:
            for name in missing:
                _build(client, name, made)
    for name in names:
        print(f"{tag(name)} {'was built' if name in missing else 'is there already'}.", flush=True)


def tag(name: str) -> str:
    """What an image is called."""
    return f"candor-stub/{name}:latest"


@contextmanager
def _debians() -> Iterator[Callable[[Sequence[str]], Path]]:
    with tempfile.TemporaryDirectory(prefix="stub-image-", dir=_cache()) as folder:
        made: dict[Sequence[str], Path] = {}

        def one(packages: Sequence[str]) -> Path:
            if packages not in made:
                made[packages] = Path(folder, str(len(made)))
                print(f"Making a Debian with {', '.join(packages)}…", flush=True)
                debian.make(made[packages], packages)
            return made[packages]

        yield one


def _build(client: Any, name: str, debian_with: Callable[[Sequence[str]], Path]) -> None:
    recipe = RECIPES[name]
    base = debian_with(recipe.packages)
    with tempfile.TemporaryDirectory(prefix="stub-image-", dir=_cache()) as folder:
        system, archive = Path(folder, "system"), Path(folder, "image.tar")
        subprocess.run(["cp", "--archive", "--link", str(base), str(system)], check=True)
        recipe.fill(system)
        command = ["tar", "--create", "--file", str(archive), "--numeric-owner", *debian.exclusions()]
        subprocess.run([*command, "-C", str(system), "."], check=True)
        # One layer: an engine that knows no layers copies each of them for every container.
        settings = [*recipe.settings, f"LABEL {LABEL}={recipe_digest(recipe)}"]
        repository, version = tag(name).split(":")
        try:
            client.api.import_image_from_file(
                str(archive), repository=repository, tag=version, changes=settings
            )
        except engine.TROUBLE as reason:
            raise CannotStart(f"The Docker engine did not take {tag(name)}: {reason}") from reason


def _is_there(client: Any, name: str) -> bool:
    found = client.images.list(
        filters={"reference": tag(name), "label": f"{LABEL}={recipe_digest(RECIPES[name])}"}
    )
    return bool(found)


def recipe_digest(recipe: Recipe) -> str:
    """Sixteen hexadecimal digits of all that an image is made of: another digest, another image."""
    pins = sorted(
        [*wheels.PINS.glob("*.requirements.txt"), jars.LOCK, *HERE.glob("*.py"), HERE / "start-kafka.sh"]
    )
    words = "\n".join([*recipe.packages, *recipe.settings]).encode()
    return hashlib.sha256(b"\0".join([words, *(each.read_bytes() for each in pins)])).hexdigest()[:16]


def _cache() -> Path:
    cache.cache_folder().mkdir(parents=True, exist_ok=True)
    return cache.cache_folder()


def _mongo(system: Path) -> None:
    _open_to_all(system / "data/db")
    shutil.copy2(mongod.executable(), system / "usr/local/bin/mongod")


def _kafka(system: Path) -> None:
    _open_to_all(system / "var/lib/kafka/data")
    libraries, start = system / "opt/kafka/libs", system / START.removeprefix("/")
    libraries.mkdir(parents=True)
    for jar in jars.classpath().split(":"):
        shutil.copy2(jar, libraries)
    shutil.copytree(java.downloaded(), system / "opt/java", symlinks=True)
    shutil.copy2(HERE / "start-kafka.sh", start)
    start.chmod(0o755)


def _python(system: Path) -> None:
    # Builds on it have to trust the authorities that this machine trusts, perhaps some of its own.
    if AUTHORITIES.is_file():
        there = system / AUTHORITIES.relative_to("/")
        there.unlink(missing_ok=True)
        shutil.copy2(AUTHORITIES, there)


def _open_to_all(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)


RECIPES: Mapping[str, Recipe] = {
    "mongo": Recipe(LIBRARIES, ('CMD ["mongod"]', "EXPOSE 27017"), _mongo),
    "kafka": Recipe(LIBRARIES, (f'CMD ["{START}"]', "USER 1000:1000", "EXPOSE 9092"), _kafka),
    "python": Recipe(("python3-venv", "python3-pip", "ca-certificates"), ('CMD ["python3"]',), _python),
}
NAMES = tuple(RECIPES)
