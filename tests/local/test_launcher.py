"""Start, start twice, crash, stop: the launcher leaves what it should and nothing else."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from errno import ENOSPC
from io import StringIO
from itertools import takewhile
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient
from rich.console import Console

from chassis.kafka.connection import KafkaConnection
from contracts.topics import SERVICES
from deploy.local import containers, launcher, mongod, servers, stack, stopping
from deploy.local.failures import CannotStart
from deploy.local.launcher import Watched
from deploy.local.ports import Ports, free_port
from deploy.local.process import is_alive
from deploy.local.servers import Servers

ROOT = Path(__file__).parents[2]


@pytest.mark.real
def test_servers_named_by_the_environment_are_used_and_never_ended(
    stack_servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_KAFKA", stack_servers.kafka_connection.servers)
    monkeypatch.setenv("CANDOR_MONGO", stack_servers.mongo_address)

    with servers.servers(tmp_path) as up:
        assert (up.kafka_connection.servers, up.mongo_address) == (
            stack_servers.kafka_connection.servers,
            stack_servers.mongo_address,
        )
        with pytest.raises(CannotStart, match="kafka is named by CANDOR_KAFKA"):
            up.kafka.kill()

    assert stack_servers.kafka.running()
    assert stack_servers.mongo.running()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "CANDOR_KAFKA",
            "127.0.0.1:1",
            r"no use\. No Kafka answers at 127\.0\.0\.1:1\. Name one that runs, as host:port, or unset",
        ),
        ("CANDOR_KAFKA", "a:b:c", "CANDOR_KAFKA must name servers as host:port,host:port."),
        (
            "CANDOR_MONGO",
            "mongodb://127.0.0.1:1",
            r"MONGO points: 127\.0\.0\.1:1: \[Errno 111\] Connection refused\. Name one that runs, as mongodb://",
        ),
        ("CANDOR_MONGO", "nonsense", r"points: nonsense:27017: [^<]*\. Name one that runs"),
    ],
)
def test_a_named_server_that_does_not_answer_is_said(
    variable: str, value: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    for each in ("CANDOR_KAFKA", "CANDOR_MONGO"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(mongod, "NAMED_TIMEOUT_MS", 100)

    def start() -> None:
        named = servers.servers(tmp_path)
        (named.kafka if variable == "CANDOR_KAFKA" else named.mongo).start()

    with pytest.raises(CannotStart, match=sentence):
        start()


def test_a_taken_port_is_said_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("CANDOR_SERVERS", "embedded")
        monkeypatch.setenv("CANDOR_KAFKA_PORT", str(port))

        with pytest.raises(
            CannotStart,
            match=rf"kafka cannot start: port {port} is taken by .*{os.getpid()}\)\. CANDOR_KAFKA_PORT names",
        ):
            servers.servers(tmp_path)


@pytest.mark.parametrize(
    ("ports", "both"),
    [
        (
            {"CANDOR_KAFKA_PORT": 0, "CANDOR_MONGO_PORT": 0},
            "CANDOR_KAFKA_PORT and CANDOR_MONGO_PORT",
        ),
        (
            {"CANDOR_PORT_BASE": -2, "CANDOR_MONGO_PORT": 0},
            "CANDOR_PORT_BASE (the API of analytics) and CANDOR_MONGO_PORT",
        ),
        (
            {"CANDOR_PORT_BASE": -stack.METRICS, "CANDOR_KAFKA_PORT": 0},
            "CANDOR_PORT_BASE (the metrics of chat) and CANDOR_KAFKA_PORT",
        ),
        (
            {"CANDOR_PORT_BASE": -3, "CANDOR_MONGO_PORT": 0},
            "CANDOR_PORT_BASE (the start page) and CANDOR_MONGO_PORT",
        ),
    ],
)
def test_a_port_that_is_wanted_twice_is_said_with_both_settings(
    ports: dict[str, int], both: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    for variable in ("CANDOR_KAFKA", "CANDOR_MONGO"):
        monkeypatch.delenv(variable, raising=False)
    for variable, offset in ports.items():
        monkeypatch.setenv(variable, str(port + offset))

    with pytest.raises(CannotStart) as said:
        stack.Stack(tmp_path, start_page=True)

    assert str(said.value) == f"{both} both come to port {port}: change one of them."


def test_a_port_that_is_given_is_not_taken_for_another_server(tmp_path: Path) -> None:
    before = Ports(tmp_path).of("kafka")

    now = Ports(tmp_path, {"mongo": before})

    assert now.of("mongo") == before != now.of("kafka")


def test_a_taken_service_port_is_said_with_who_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        chat = stack.Stack(tmp_path, names=(), base=port).service("chat", port)

        with pytest.raises(CannotStart, match=rf"chat cannot start: port {port} is taken by .*{os.getpid()}"):
            chat.launch()


def test_a_taken_service_port_is_said_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    monkeypatch.setattr(servers.Servers, "start", lambda *_: pytest.fail("the servers were started"))
    base = stack.free_port_base()
    last = stack.port_of(SERVICES[-1], base)
    with (
        socket.create_server(("127.0.0.1", last)),
        pytest.raises(CannotStart, match=f"port {last} is taken"),
    ):
        stack.Stack(tmp_path, base=base).start()


@pytest.mark.parametrize(("offset", "what"), [(3, "the start page"), (4, "the sample site")])
def test_a_taken_port_of_the_start_page_is_said_before_anything_is_started(
    offset: int, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    monkeypatch.setattr(servers.Servers, "start", lambda *_: pytest.fail("the servers were started"))
    base = stack.free_port_base()
    with (
        socket.create_server(("127.0.0.1", base + offset)),
        pytest.raises(CannotStart, match=f"{what} cannot start: port {base + offset} is taken"),
    ):
        stack.Stack(tmp_path, base=base, start_page=True).start()


def test_the_start_page_is_what_is_shown_first(tmp_path: Path) -> None:
    out = StringIO()
    whole = stack.Addresses("k", "m", {"chat": "http://127.0.0.1:1"}, start_page="http://127.0.0.1:4/")

    launcher.show(Console(file=out, width=200), whole, tmp_path, "embedded")

    assert out.getvalue().startswith("Open http://127.0.0.1:4/ ")


def test_a_named_kafka_that_lets_nobody_in_is_said_with_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refusal(_: KafkaConnection) -> str:
        return "Wrong password."

    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("CANDOR_KAFKA", f"127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setattr(KafkaConnection, "refusal", refusal)

        with pytest.raises(CannotStart, match=r"no use\. Wrong password\. Name one that runs"):
            servers.servers(tmp_path).kafka.start()


def test_a_wrong_setting_of_a_service_is_said_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    monkeypatch.setenv("CANDOR_RATING_DELAY", "soon")
    monkeypatch.setattr(servers.Servers, "start", lambda *_: pytest.fail("the servers were started"))

    with pytest.raises(CannotStart, match=r"^rating cannot start:\n  CANDOR_RATING_DELAY .*\.$"):
        stack.Stack(tmp_path, base=stack.free_port_base()).start()


@pytest.mark.parametrize("port", ["0", "65536", "port", "\uff19\uff12", "-1"])
@pytest.mark.parametrize("variable", ["CANDOR_KAFKA_PORT", "CANDOR_MONGO_PORT"])
def test_what_is_no_port_is_said(
    variable: str, port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    monkeypatch.setenv(variable, port)

    with pytest.raises(CannotStart, match=f"{variable} must be a port number from 1 to 65535, not '{port}'"):
        servers.servers(tmp_path)


@pytest.mark.parametrize("command", ["run", "stop", "token --role=admin"])
def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")

    ran = subprocess.run(
        [sys.executable, "-m", "deploy.local", *command.split(), "--data", str(folder)],
        cwd=ROOT, env={**os.environ, "CANDOR_ENV": "development", "CANDOR_SERVERS": "embedded"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "Not a directory. Candor writes to .candor" in ran.stderr or "File exists" in ran.stderr


@pytest.mark.real
def test_a_folder_may_be_called_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    for each in ("CANDOR_KAFKA", "CANDOR_MONGO"):
        monkeypatch.delenv(each, raising=False)
    folder = tmp_path / "ü, b's $x"

    with servers.servers(folder):
        assert (folder / "kafka" / "meta.properties").is_file()

    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_wrong_way_to_servers_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_SERVERS", "clouds")

    with pytest.raises(CannotStart, match="CANDOR_SERVERS must be containers or embedded, not 'clouds'"):
        servers.servers(tmp_path)


def test_a_container_is_told_the_settings_of_the_embedded_kafka(tmp_path: Path) -> None:
    told = containers.kafka(tmp_path, 9092).settings

    assert told["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert told["KAFKA_ADVERTISED_LISTENERS"].startswith("PLAINTEXT://127.0.0.1:9092,")


@pytest.fixture
def launched(
    tmp_path: Path, kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    # Kafka is the shared one: these stories are about whatever is started, and mongod starts in a second.
    monkeypatch.setenv("CANDOR_KAFKA", kafka.servers)
    monkeypatch.delenv("CANDOR_MONGO", raising=False)
    monkeypatch.setenv("CANDOR_SERVERS", "embedded")
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    made: list[subprocess.Popen[str]] = []

    def launch() -> subprocess.Popen[str]:
        one = subprocess.Popen(said("servers", tmp_path), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        made.append(one)
        assert one.stdout is not None
        lines = list(takewhile(lambda line: "Ctrl-C" not in line, one.stdout))
        assert lines[0] == "Starting mongo, kafka …\n"
        assert [line.partition(" ready after ")[0].strip() for line in lines[1:3]] == ["mongo", "kafka"]
        return one

    yield launch
    for each in made:
        each.kill()
        each.communicate()
    assert stopping.stop(tmp_path, Console(file=StringIO())) == 0


def said(command: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "deploy.local", command, "--data", str(folder)]


def do(command: str, folder: Path) -> str:
    return subprocess.run(said(command, folder), cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_to_stop_and_to_make_a_token_no_client_of_a_server_is_imported() -> None:
    imports = "import sys, deploy.local.__main__; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", imports], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert not {"aiokafka", "httpx", "pymongo", "fastapi"} & set(ran.stdout.split())


def mongod_of(folder: Path) -> psutil.Process:
    return psutil.Process(json.loads((folder / "run" / "mongo.json").read_text())["pid"])


@pytest.mark.real
def test_started_twice_crashed_started_again_and_stopped(
    launched: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = launched()
    addresses = launcher.running(tmp_path)
    assert addresses is not None
    with MongoClient[dict[str, str]](addresses.mongo) as client:
        client["story"]["words"].insert_one({"_id": "kept"})

    again = do("servers", tmp_path)
    assert "runs already" in again
    assert addresses.mongo in again

    mongod = mongod_of(tmp_path)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert launcher.running(tmp_path) is None

    second = launched()
    assert not is_alive(mongod)
    assert launcher.running(tmp_path) == addresses, "ports are the same"
    with MongoClient[dict[str, str]](addresses.mongo) as client:
        assert client["story"]["words"].count_documents({}) == 1, "data survives"

    mongod = mongod_of(tmp_path)
    assert "Stopped." in do("stop", tmp_path)
    assert second.wait(timeout=10) == 0
    assert not is_alive(mongod)
    assert "Nothing is running." in do("stop", tmp_path)


class Fallen:
    """A part that ended by itself."""

    name = "thing"
    log = Path("thing.log")

    def __init__(self) -> None:
        self.starts = 0

    def running(self) -> bool:
        return bool(self.starts)

    def start(self) -> None:
        self.starts += 1

    stop = kill = start


def test_what_ends_by_itself_is_said_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now, out, part = [100.0], StringIO(), Fallen()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    watched, console = Watched(part), Console(file=out, width=200)

    watched.look(console)
    assert "thing ended by itself, starting it again in 1 s; its log is thing.log" in out.getvalue()
    assert part.starts == 0

    now[0] += 1
    watched.look(console)
    assert part.starts == 1
    assert "thing runs again." in out.getvalue()


def test_what_cannot_be_started_again_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(ENOSPC, "No space left on device")

    now, out, part = [100.0], StringIO(), Fallen()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(part, "start", full)
    watched, console = Watched(part), Console(file=out, width=500)
    watched.look(console)
    now[0] += 1
    watched.look(console)
    assert "\nNo space left on device. Candor writes to .candor" in out.getvalue()
