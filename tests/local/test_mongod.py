"""A mongod that does not run, and an address that is none: sentences, with the place to look at."""

from pathlib import Path

import pytest

from deploy.local import mongod, platforms, wheels
from deploy.local.failures import CannotStart, Unsupported


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data-1.0" / mongod.MEMBER
    path.parent.mkdir(parents=True)
    path.touch(0o755)
    monkeypatch.setattr(platforms, "check", lambda: None)
    monkeypatch.setattr(wheels, "unpacked", lambda *_: tmp_path)
    return path


def test_a_mongod_that_the_system_refuses_to_run_is_named(program: Path) -> None:
    program.write_text("no program")

    with pytest.raises(CannotStart) as said:
        mongod.executable()

    assert str(said.value) == (
        f"{program} cannot be run: Exec format error. CANDOR_CACHE names another folder for it."
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo one >&2; echo no libcurl.so.4 >&2; exit 127", "no libcurl.so.4"),
        ("echo >&2; exit 1", "exit code 1"),
        ("kill -ILL $$", "exit code -4"),
    ],
)
def test_a_machine_that_mongod_does_not_run_on_is_told_why(script: str, why: str, program: Path) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")

    with pytest.raises(Unsupported) as said:
        mongod.executable()

    assert f"({program} does not run: {why})" in str(said.value)


@pytest.mark.parametrize(
    "address",
    [
        "mongodb://127.0.0.1:99999",
        "mongodb://127.0.0.1:x",
        "mongodb://127.0.0.1/?tls=true&tlsCAFile=/no/such/file",
    ],
)
def test_an_address_that_is_none_is_said(address: str) -> None:
    with pytest.raises(CannotStart, match=r"No MongoDB answers where CANDOR_MONGO points: ."):
        mongod.check_named(address)
