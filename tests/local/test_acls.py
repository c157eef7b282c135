"""The table of rights: as the documents say it, and as the commands that grant it."""

import re
import shlex
from pathlib import Path

import pytest

from contracts.topics import SERVICES
from deploy import topics
from deploy.acls import GRANTABLE, GRANTED, PLATFORM, RIGHTS, Acl, Holders, acls, foreign

GRANTED_ARE = "granted are candor.dialogs, candor.dialogs.keys, candor.ratings, candor.ratings.keys"
DOCS = Path(__file__).parents[2] / "docs"
OPERATING, SUBSCRIBING = DOCS / "operating.md", DOCS / "subscribing.md"


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """Who writes and who reads each topic, as operating.md says."""
    found = {}
    for line in OPERATING.read_text().splitlines():
        if line.startswith("| `candor."):
            names, writes, reads = (cell.strip() for cell in line.strip("|").split("|"))
            for topic in re.findall(r"`([^`]+)`", names):
                found[topic] = (roles(writes, topic), roles(reads, topic))
    return found


def roles(cell: str, topic: str) -> set[str]:
    words = {
        "the service that is named": topic.split(".")[1],
        "platform team": PLATFORM,
        "granted systems": GRANTED,
        **{service: service for service in SERVICES},
    }
    return {words[word.strip()] for word in re.sub(r"\([^)]*\)", "", cell).split(",")}


def test_the_documents_name_the_same_rights() -> None:
    assert documented() == {rights.topic: (set(rights.writes), set(rights.reads)) for rights in RIGHTS}


def test_subscribers_are_sent_to_no_topic_that_cannot_be_granted_to_them() -> None:
    named = set(re.findall(r"`(candor\.[a-z.]+[a-z])`", SUBSCRIBING.read_text()))
    assert {"candor.ratings", "candor.ratings.keys"} <= named <= GRANTABLE


def test_nobody_but_whom_the_documents_warn_of_touches_ratings() -> None:
    granted = {(acl.principal, acl.operation) for acl in acls(Holders()) if acl.name == "candor.ratings"}

    assert granted == {("User:rating", "write"), ("User:analytics", "read")}


def test_users_databases_and_subscribers_are_those_that_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = [
        "--user=chat=CN=chat,O=Candor", "--user=platform=ops", "--database=analytics=one",
        "--database=analytics=two", "--subscriber=CN=crm=candor.ratings,candor.ratings.keys", "--dry-run",
    ]  # fmt: skip

    assert topics.main(told) == 0

    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    said = {
        (words[5], words[-1] if words[-2] == "--topic" else words[words.index("--group") + 1])
        for words in lines
    }
    assert ("User:CN=chat,O=Candor", "candor.dialogs") in said
    assert ("User:ops", "candor.chat.dead") in said
    assert {group for user, group in said if user == "User:analytics" and group.endswith(".")} == {
        "one.",
        "two.",
    }
    assert {name for user, name in said if user == "User:CN=crm"} == {
        "candor.ratings", "candor.ratings.keys", "CN=crm.",
    }  # fmt: skip
    assert "User:chat" not in {user for user, _ in said}


def test_the_commands_are_those_of_kafkas_own_tool(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_KAFKA", "kafka:9092")

    topics.main(["--dry-run"])

    said = capsys.readouterr().out.splitlines()
    start = "kafka-acls.sh --bootstrap-server kafka:9092 --add --allow-principal User:chat"
    assert f"{start} --operation Read --operation Write --topic candor.dialogs.keys" in said
    assert f"{start} --operation Read --group candor_chat. --resource-pattern-type prefixed" in said


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        (
            "--user=crm=x",
            "crm=x must be NAME=VALUE, with one of chat, rating, analytics, platform as the name.",
        ),
        (
            "--user=chat=",
            "chat= must be NAME=VALUE, with one of chat, rating, analytics, platform as the name.",
        ),
        (
            "--database=platform=x",
            "platform=x must be NAME=VALUE, with one of chat, rating, analytics as the name.",
        ),
        ("--subscriber=crm", "crm must be USER=TOPIC,TOPIC."),
        (
            "--subscriber=crm=candor.ratings,candor.clients",
            f"candor.clients can't be granted to crm; {GRANTED_ARE}.",
        ),
    ],
)
def test_what_cannot_be_granted_is_said(
    argument: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert topics.main([argument, "--dry-run"]) == 2
    assert capsys.readouterr().err.strip() == sentence


def test_wrong_settings_are_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CANDOR_KAFKA", raising=False)
    assert topics.main([]) == 2
    assert capsys.readouterr().err == "CANDOR_KAFKA is missing (the Kafka servers, as host:port,host:port).\n"


@pytest.mark.parametrize(
    ("resource", "name", "pattern", "reaches"),
    [
        ("topic", "candor.", "prefixed", True),
        ("topic", "can", "prefixed", True),
        ("topic", "candor", "literal", False),
        ("topic", "orders", "literal", False),
        ("topic", "candor.ratings.copy", "literal", True),
        ("group", "candor_chat.x", "literal", True),
        ("group", "candor_chat2.x", "literal", False),
        ("group", "*", "literal", True),
        ("cluster", "kafka-cluster", "literal", False),
    ],
)
def test_what_reaches_candor_is_noticed(resource: str, name: str, pattern: str, *, reaches: bool) -> None:
    acl = Acl("User:other", resource, name, pattern, "read")

    assert foreign([acl, *acls(Holders())], Holders()) == ([acl] if reaches else [])
