"""The real servers that tests share, once for each worker, and which worker runs what."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from chassis.kafka.connection import KafkaConnection
from deploy.local.ports import HERE, free_port
from deploy.local.servers import Servers, servers
from deploy.local.stack import Stack, free_port_base
from tests.databases import Databases
from tests.rating.adapters.smtp_server import Mailbox, MailServer

STACK_USERS = ("tests/e2e/", "tests/browser/", "tests/blindness/")
# How long an example takes says how busy the machine is; a test as a whole has its own timeout.
settings.register_profile("candor", deadline=None)
settings.load_profile("candor")
RUNNING = pytest.StashKey[Stack]()
EXPIRY_SECONDS = 6
"""When a form of the shared system expires, unless the channel's Quality control says otherwise."""


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file's tests stay on one worker; all that use `stack`, too, since they share a whole system."""

    def _split_scope(self, nodeid: str) -> str:
        return "stack" if nodeid.startswith(STACK_USERS) else super()._split_scope(nodeid)


def _uses_stack(item: pytest.Item) -> bool:
    return item.nodeid.startswith(STACK_USERS)


@pytest.hookimpl(optionalhook=True)  # a run without xdist has no workers
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Which worker runs what."""
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes long, the whole system first: no worker begins it when others are through."""
    items.sort(key=lambda item: (not _uses_stack(item), item.get_closest_marker("long") is None))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Ends the shared system after the last test that uses it."""
    if RUNNING in item.config.stash and not (nextitem and _uses_stack(nextitem)):
        item.config.stash[RUNNING].stop()
        del item.config.stash[RUNNING]


@pytest.fixture(scope="session")
def stack_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Kafka and MongoDB; a test that crashes one of them starts it again."""
    with servers(tmp_path_factory.mktemp("servers")) as up:
        yield up


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    """Where the shared system's mails go: an SMTP server in a thread of its own."""
    server = MailServer(Mailbox(), hostname=HERE, port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, mail_server: MailServer
) -> Iterator[Stack]:
    """A whole system of the tests' own, ready: servers, services and their pages."""
    rules = {
        "CANDOR_RATING_EXPIRY": str(EXPIRY_SECONDS),
        "CANDOR_RATING_DELAY": "1",
        "CANDOR_SMTP": f"smtp://{HERE}:{mail_server.port}",
        "CANDOR_MAIL_FROM": "no-reply@candor.test",
        "CANDOR_WEBHOOK_PRIVATE": "127.0.0.0/8",
    }
    with Stack(tmp_path_factory.mktemp("stack"), base=free_port_base(), extra=rules) as up:
        pytestconfig.stash[RUNNING] = up
        yield up


@pytest.fixture
def kafka(stack_servers: Servers) -> KafkaConnection:
    """How clients connect."""
    return stack_servers.kafka_connection


@pytest.fixture
def mongo(stack_servers: Servers) -> str:
    """The URI of a replica set of one."""
    return stack_servers.mongo_address


@pytest.fixture(scope="session")
def databases(stack_servers: Servers) -> Iterator[Databases]:
    """Of the worker's MongoDB."""
    databases = Databases(stack_servers.mongo_address)
    yield databases
    databases.close()


@pytest.fixture
def database(databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of an empty database of the test's own."""
    room = request.node.nodeid.split("/")[1]
    name = databases.take(room)
    yield name
    databases.give_back(room, name)
