"""What operators could come by beside the routes: chat's database, its metrics, logs, and their own pages."""

import re

import pytest
from bson import decode
from prometheus_client.parser import text_string_to_metric_families

from contracts.topics import SERVICES
from tests.blindness.observing import Observed
from tests.blindness.story import COMMENT
from tests.blindness.words import telling
from tests.chassis.telemetry.test_metrics import ALLOWED

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

OF_PYTHON = {"generation", "implementation", "major", "minor", "patchlevel", "version"}
each_turn = pytest.mark.parametrize("turn", ["rated", "settled"])
each_service = pytest.mark.parametrize("service", SERVICES)


@each_turn
def test_no_document_of_chat_is_another_after_a_rating(observed: Observed, turn: str) -> None:
    before, after = (traces.documents for traces in observed.turns[turn])
    assert {name.partition(" ")[0] for name in after} >= {"commits", "dialogs", "clients", "keys"}
    changed = before.items() ^ after.items()
    assert {name: (before.get(name), after.get(name)) for name, _ in changed} == {}


def test_no_document_of_chat_hints_at_ratings(observed: Observed) -> None:
    _, after = observed.turns["settled"]
    told = {name: str(decode(document)) for name, document in after.documents.items()}
    ours = {name: text for name, text in told.items() if any(each in text for each in observed.story.ids)}
    assert len(ours) > 40
    assert {name: found for name, text in ours.items() if (found := telling(text))} == {}


@each_turn
def test_no_metric_of_chat_moves_with_a_rating(observed: Observed, turn: str) -> None:
    before, after = (traces.metrics for traces in observed.turns[turn])
    assert any(name.startswith("candor_command_seconds_count CloseDialog") for name in after)
    changed = before.items() ^ after.items()
    assert {name: (before.get(name), after.get(name)) for name, _ in changed} == {}


@each_service
def test_no_label_of_a_metric_names_anything_of_a_dialog(observed: Observed, service: str) -> None:
    families = list(text_string_to_metric_families(observed.metrics[service]))
    labels = {each for family in families for sample in family.samples for each in sample.labels.items()}
    assert {name for name, _ in labels} <= ALLOWED | OF_PYTHON
    assert {value for _, value in labels if any(each in value for each in observed.story.ids)} == set()


def test_the_log_of_chat_hints_at_no_rating(observed: Observed) -> None:
    lines = observed.logs["chat"].splitlines()
    assert any('"/v1/dialogs/{dialog}/close"' in line for line in lines)
    assert {line: found for line in lines if (found := telling(line))} == {}


@pytest.mark.parametrize("service", ["rating", "analytics"])
def test_logs_hold_no_score_no_comment_and_no_link(observed: Observed, service: str) -> None:
    log = observed.logs[service]
    assert {"rating": '"/v1/forms/answer"', "analytics": '"/v1/live-chat/reviews"'}[service] in log
    form = observed.story.form
    assert [each for each in (COMMENT, form, form.rpartition(".")[2]) if each in log] == []
    assert re.findall(r'"(?:score|satisfied|comment|token)":.{20}', log) == []


def test_the_pages_of_operators_hint_at_no_rating(observed: Observed) -> None:
    loaded = {address.rpartition("/")[2].partition("-")[0] for address in observed.pages}
    assert loaded >= {"console", "transcript", "api", "en", "fr", "ru"}
    assert {name: found for name, text in observed.pages.items() if (found := telling(text))} == {}
