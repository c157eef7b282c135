"""Packages of npm are there whole, with what was made from them, or not at all."""

import json
import shutil
from pathlib import Path

import pytest

from deploy.local.failures import CannotStart
from deploy.local.npm_packages import PINS, installed


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that names no other, so that nothing is downloaded."""
    monkeypatch.setenv("CANDOR_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "pins"
    folder.mkdir()
    package = {"name": "empty", "version": "1.0.0"}
    (folder / "package.json").write_text(json.dumps(package))
    lock = {**package, "lockfileVersion": 3, "packages": {"": package}}
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (folder / ".npmrc").touch()
    return folder


def test_they_are_installed_once_and_finished_once(pins: Path) -> None:
    finished: list[Path] = []

    place = installed("empty", pins, finished.append)

    assert installed("empty", pins, finished.append) == place
    assert len(finished) == 1
    assert all((place / each).is_file() for each in PINS)


def test_other_pins_are_another_folder(pins: Path) -> None:
    before = installed("empty", pins)
    (pins / ".npmrc").write_text("save-exact=true\n")

    assert installed("empty", pins) != before


def test_a_lock_that_npm_refuses_is_said_with_what_npm_wrote_and_leaves_nothing(
    pins: Path, tmp_path: Path
) -> None:
    (pins / "package.json").write_text(json.dumps({"dependencies": {"none": "1.0.0"}}))

    with pytest.raises(
        CannotStart, match=r"(?s)packages of empty .*npm wrote: .*Missing: none@1\.0\.0 from lock"
    ):
        installed("empty", pins)

    assert [each.suffix for each in (tmp_path / "cache").iterdir()] == [".lock"]


def test_what_could_not_be_finished_is_not_kept(pins: Path, tmp_path: Path) -> None:
    def broken(folder: Path) -> None:
        shutil.rmtree(folder)
        raise CannotStart("broken")

    with pytest.raises(CannotStart, match="broken"):
        installed("empty", pins, broken)

    assert [each.suffix for each in (tmp_path / "cache").iterdir()] == [".lock"]
