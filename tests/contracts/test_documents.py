"""The documents name what there is: every topic, every setting, every alarm."""

import re
from pathlib import Path

from chassis.kafka.connection import KafkaConnection
from chassis.settings import PREFIX, ServiceSettings
from chassis.telemetry.metrics import Alarm
from contracts.topics import ALL

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text()


def in_table(heading: str) -> set[str]:
    """The code words in the first column of the table under `heading`."""
    section = OPERATING.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_every_topic_has_its_rights() -> None:
    assert in_table("Who may what on Kafka") == {topic.name for topic in ALL}


def test_every_shared_setting_is_explained() -> None:
    fields = {PREFIX + name.upper() for name in ServiceSettings.model_fields}
    fields |= set(KafkaConnection.VARIABLES.values())
    sections = ("Settings of every service", "Staff sign in with your provider", "Logging in to Kafka")
    named = set().union(*map(in_table, sections))
    assert {name for name in named if name.startswith(PREFIX)} == fields


def test_every_alarm_says_what_to_do() -> None:
    assert in_table("Alarms") == set(Alarm)
