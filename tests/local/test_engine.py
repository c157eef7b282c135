"""No Docker engine, or one that is not well: a plain no, a sentence, and no socket left open."""

import gc
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from deploy.local import containers, engine
from deploy.local.failures import CannotStart

UNWELL = b"HTTP/1.1 500 Unwell\r\nContent-Length: 6\r\n\r\nunwell"


@contextmanager
def nothing_left_open() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(each.message) for each in warned] == []


@pytest.fixture(params=["no socket", "nobody listens", "a path too long", "no such scheme", "no port"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("dead")
    addresses = {
        "no socket": f"unix://{tmp_path}/none",
        "nobody listens": f"unix://{tmp_path}/dead",
        "a path too long": f"unix:///{'x' * 200}",
        "no such scheme": "carrier-pigeon://coop",
        "no port": "tcp://127.0.0.1:99999",
    }
    monkeypatch.setenv("DOCKER_HOST", addresses[request.param])


@pytest.mark.usefixtures("nowhere")
def test_where_no_engine_is_none_answers() -> None:
    with nothing_left_open():
        assert not engine.answers()


@pytest.fixture
def unwell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/unwell")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "unwell"))
        listener.listen()
        answering = Thread(target=_answer_unwell, args=(listener,))
        answering.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        answering.join()


def _answer_unwell(listener: socket.socket) -> None:
    while True:
        try:
            asking, _ = listener.accept()
        except OSError:
            return
        with asking:
            while asking.recv(4096):
                asking.sendall(UNWELL)


@pytest.mark.usefixtures("unwell")
def test_an_engine_that_is_not_well_does_not_answer() -> None:
    with nothing_left_open():
        assert not engine.answers()


@pytest.mark.usefixtures("nowhere")
def test_a_container_without_an_engine_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with nothing_left_open(), pytest.raises(CannotStart, match=r"No Docker engine answers at .*DOCKER_HOST"):
        containers.kafka(tmp_path, 9092).start()


@pytest.mark.usefixtures("nowhere")
def test_a_container_left_behind_is_remembered_until_there_is_an_engine(tmp_path: Path) -> None:
    memory = tmp_path / "kafka.container"
    memory.write_text("a name")

    with nothing_left_open():
        assert not containers.remove_remembered(memory)

    assert memory.exists()
