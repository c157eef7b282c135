"""The story of a close over HTTP: what it tells, to whom, on record, and to which pages."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.access import Role
from contracts.clients import ClientErased
from contracts.dialogs import ClosedBy
from rating.domain.quality_control.texts import Texts
from rating.domain.rating.eligibility import Eligibility
from rating.domain.rating.form_version import FormVersion
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.builders import CLOSED_AT, DELAY, MINUTE, RULES
from tests.rating.harness import always, closed, open_harness, reopened

pytestmark = pytest.mark.real

CLARA = staff(Role.SUPERVISOR, sub="clara")
PATH = "/v1/closes/d1.1/story"
LIVE_CHAT = "http://127.0.0.1:8003"
ASKS = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
DEMANDS = RULES.model_copy(update={"eligibility": Eligibility(least_client_messages=2, share=99)})
SETTINGS = "/v1/quality-control/shop"
SLOW = {"id": "slow", "lowest": 1, "highest": 3, "texts": {"en": "Slow", "fr": "Trop lent"}}
QUICK = {"id": "quick", "lowest": 4, "highest": 5, "texts": {"en": "Quick", "ar": "سريع"}}
SOLVED = {
    "id": "solved",
    "texts": {"en": "Was the matter solved?", "fr": "Le problème est-il résolu ?"},
    "options": [
        {"id": "yes", "texts": {"en": "Yes", "fr": "Oui"}},
        {"id": "no", "texts": {"en": "No", "fr": "Non"}},
    ],
}
MISSING = {"id": "missing", "texts": {"en": "What was missing?"}, "options": []}


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    async with open_harness(mongo, database) as harness, open_api_client(harness) as api:
        yield api


def by(api: ApiClient, rules: FormVersion) -> None:
    """Closes go by these rules from now on."""
    object.__setattr__(api.harness.inbound, "form_version_of", always(rules))


async def register(api: ApiClient, **close: Any) -> None:
    """A close is consumed, and its form is in the read model."""
    await api.harness.inbound.on_dialog_closed(closed(**close))
    await api.harness.relayed()


async def story(api: ApiClient, close: str = "d1.1", who: dict[str, str] = CLARA) -> Any:
    response = await api.http.get(f"/v1/closes/{close}/story", headers=who)
    assert response.status_code == 200, response.text
    return response.json()


async def save(api: ApiClient, version: int, **changes: Any) -> None:
    """Changes the settings of Quality control that were read at `version`."""
    settings = (await api.http.get(SETTINGS, headers=CLARA)).json()["settings"]
    based_on = {**CLARA, "If-Match": f'"{version}"'}
    response = await api.http.put(SETTINGS, headers=based_on, json=settings | changes)
    assert response.status_code == 200, response.text


def rule(told: Any, name: str) -> Any:
    return next(each for each in told["rules"] if each["name"] == name)


def kinds(told: Any) -> list[str]:
    return [each["kind"] for each in told["timeline"]]


async def audited(api: ApiClient) -> list[dict[str, Any]]:
    return await api.harness.database["audit"].find({}, {"_id": 0}).to_list(None)


class TestWhatItTells:
    async def test_a_close_that_was_not_asked_about(self, api: ApiClient) -> None:
        by(api, DEMANDS)
        await register(api, client_messages=1)
        told = await story(api)
        verdicts = [(each["name"], each["verdict"]) for each in told["rules"]]
        assert verdicts[5:8] == [
            ("no_reply", "passed"),
            ("too_short", "failed"),
            ("too_late", "not_looked_at"),
        ]
        assert rule(told, "too_short") == {
            "name": "too_short",
            "verdict": "failed",
            "demanded": {"least_client_messages": 2, "least_operator_messages": 0, "least_text": 0},
            "found": {"client_messages": 1, "operator_messages": 2, "longest_text": 40},
        }
        assert rule(told, "too_late")["demanded"] == {"offer_window": 86_400}
        assert rule(told, "sampled_out") == {
            "name": "sampled_out", "verdict": "not_looked_at", "demanded": {"share": 99}, "found": {}
        }  # fmt: skip
        moment = "2026-03-29T00:59:59.999Z"
        known = {
            name: value for name, value in told.items() if name not in {"rules", "timeline", "scale", "texts"}
        }
        assert known == {
            "form": "d1.1", "dialog": "d1", "close_seq": 1, "channel": "shop", "closed_at": moment,
            "closed_by": "operator", "resumes": None, "client_messages": 1, "operator_messages": 2,
            "registered_at": moment, "settings_version": 1, "current_version": 1,
        }  # fmt: skip
        assert kinds(told) == ["registered", "not_offered"]
        assert told["timeline"][1]["reason"] == "too_short"

    async def test_a_form_from_the_delay_to_the_last_answer_without_a_word(self, api: ApiClient) -> None:
        by(api, RULES.model_copy(update={"delay": DELAY}))
        await register(api)
        api.harness.clock.advance(DELAY)
        await api.harness.timers.settle_due()
        await api.answer(4)
        await api.answer(2, "Had to repeat myself")
        told = await story(api)
        assert {each["verdict"] for each in told["rules"]} == {"passed"}
        assert kinds(told) == ["registered", "scheduled", "offered", "given", "changed"]
        assert told["scale"] == {"name": "stars", "lowest": 1, "highest": 5}
        _, scheduled, offer, given, changed = told["timeline"]
        assert scheduled["at"] == told["registered_at"]
        assert scheduled["due_at"] == offer["at"] == "2026-03-29T01:04:59.999Z"
        assert offer["expires_at"] == "2026-03-29T02:04:59.999Z"
        assert (given["score"], given["with_comment"]) == (4, False)
        assert (changed["score"], changed["with_comment"], changed["change"]) == (2, True, 1)
        assert "repeat" not in str(told)

    async def test_a_form_that_was_declined_and_one_that_expired(self, api: ApiClient) -> None:
        await register(api)
        await register(api, dialog="d2", client="c2")
        await api.post("decline", {"token": api.token()})
        api.harness.clock.advance(60 * MINUTE)
        await api.harness.timers.settle_due()
        assert kinds(await story(api)) == ["registered", "offered", "declined"]
        assert kinds(await story(api, "d2.1")) == ["registered", "offered", "expired"]

    async def test_a_reopening_and_the_close_that_follows(self, api: ApiClient) -> None:
        await register(api)
        await api.harness.inbound.on_dialog_reopened(reopened())
        await register(
            api, close_seq=2, closed_by=ClosedBy.SYSTEM, resumes=1, client_messages=0, operator_messages=0
        )
        first, second = await story(api), await story(api, "d1.2")
        assert kinds(first) == ["registered", "offered", "cancelled"]
        assert first["timeline"][2]["reason"] == "reopened"
        assert (second["resumes"], second["closed_by"], second["client_messages"]) == (1, "operator", 2)
        assert kinds(second) == ["registered", "offered"]

    async def test_a_client_who_was_erased(self, api: ApiClient) -> None:
        await register(api)
        await api.answer(5, "words")
        await api.harness.inbound.on_client_erased(ClientErased(client="c1", erased_at=CLOSED_AT))
        await api.harness.erasures_done()
        assert kinds(await story(api)) == ["registered", "offered", "given", "forgotten"]
        await register(api, dialog="d2")
        assert rule(await story(api, "d2.1"), "erased")["verdict"] == "failed"

    async def test_a_cool_down_names_no_other_dialog(self, api: ApiClient) -> None:
        by(api, RULES.model_copy(update={"cool_down": 60 * MINUTE}))
        await register(api)
        await register(api, dialog="d2")
        told = await story(api, "d2.1")
        assert rule(told, "cool_down") == {
            "name": "cool_down", "verdict": "failed", "demanded": {"cool_down": 3600},
            "found": {"cooling_down": True},
        }  # fmt: skip
        assert "d1" not in str(told)

    async def test_a_dialog_longer_than_what_is_read_at_once(
        self, api: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rating.api.story.SLICE", 2)
        await register(api)
        for score in (1, 2, 3, 4):
            await api.answer(score)
        assert kinds(await story(api)) == ["registered", "offered", "given", *["changed"] * 3]

    async def test_which_version_holds_now(self, mongo: str, database: str) -> None:
        async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
            await register(api)
            await save(api, 1, enabled=False)
            told = await story(api)
            assert (told["settings_version"], told["current_version"]) == (1, 2)


def asking(**questions: str) -> dict[str, dict[str, str | None]]:
    """Texts of which only the question is written, by locale."""
    none = dict.fromkeys(Texts.model_fields)
    return {locale: {**none, "question": question} for locale, question in questions.items()}


class TestTexts:
    """The texts are those of the form's own version, in the language that its client had in the dialog."""

    @pytest.fixture
    async def api(self, mongo: str, database: str) -> AsyncIterator[ApiClient]:
        async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
            yield api

    async def test_they_are_those_that_the_client_saw(self, api: ApiClient) -> None:
        await save(
            api, 1, texts=asking(fr="Êtes-vous satisfait ?"), tags=[SLOW, QUICK], follow_ups=[SOLVED, MISSING]
        )
        await register(api, locale="fr-CA")
        (form,) = await api.mine()
        told = (await story(api))["texts"]
        assert told == {
            "locale": form["locale"], "direction": form["direction"], "question": form["texts"]["question"],
            "tags": form["tags"], "follow_ups": form["follow_ups"],
        }  # fmt: skip
        assert (told["locale"], told["question"]) == ("fr", "Êtes-vous satisfait ?")
        assert [each["text"] for each in told["tags"]] == ["Trop lent", "Quick"]
        solved, missing = told["follow_ups"]
        assert solved["text"] == "Le problème est-il résolu ?"
        assert solved["options"] == [{"id": "yes", "text": "Oui"}, {"id": "no", "text": "Non"}]
        assert missing == {"id": "missing", "text": "What was missing?", "options": []}

    async def test_a_later_version_does_not_reword_them(self, api: ApiClient) -> None:
        await save(api, 1, texts=asking(en="Before?"), tags=[SLOW])
        await register(api, locale=None)
        await save(api, 2, texts=asking(en="After?"), tags=[QUICK])
        told = await story(api)
        assert (told["settings_version"], told["current_version"]) == (2, 3)
        assert told["texts"]["question"] == "Before?"
        assert told["texts"]["tags"] == [{"id": "slow", "text": "Slow", "lowest": 1, "highest": 3}]
        assert told["texts"]["follow_ups"] == []

    async def test_of_a_language_that_nothing_is_written_in_there_is_what_is_built_in(
        self, api: ApiClient
    ) -> None:
        await save(api, 1, tags=[SLOW, QUICK])
        await register(api, locale="ar")
        told = (await story(api))["texts"]
        assert (told["locale"], told["direction"]) == ("ar", "rtl")
        assert told["question"] == "كيف كانت محادثتك معنا؟"
        assert [each["text"] for each in told["tags"]] == ["Slow", "سريع"]


OTHERS = {
    "an operator": staff(Role.OPERATOR),
    "an operator who is a supervisor and an admin": staff(Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN),
    "the platform team": staff(Role.PLATFORM),
    "a visitor": visitor(),
}
ELSEWHERE = {
    "a supervisor of another channel": staff(Role.SUPERVISOR, channel="blog"),
    "an admin of another channel": staff(Role.ADMIN, channel="blog"),
    "a supervisor of another team": staff(Role.SUPERVISOR, teams=["south"]),
    "a supervisor of no team": staff(Role.SUPERVISOR, channel="shop", teams=[]),
}
NO_CLOSES = ("d1", "d1.0", "d1.01", ".1", "d1.x", "d.1.1", "d1.1" + "0" * 10)


class TestWhoMay:
    async def test_nobody_else(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        await register(api)
        for path in (PATH, "/v1/closes/d9.1/story", "/v1/closes/nonsense/story"):
            for who, headers in OTHERS.items():
                with subtests.test(path, who=who):
                    assert (await api.http.get(path, headers=headers)).status_code == 403
            with subtests.test(path, who="nobody"):
                assert (await api.http.get(path)).status_code == 401
        assert await audited(api) == []

    async def test_a_close_of_others_is_as_one_that_never_was(
        self, api: ApiClient, subtests: pytest.Subtests
    ) -> None:
        await register(api)
        for who, headers in ELSEWHERE.items():
            with subtests.test(who=who):
                refused = [
                    await api.http.get(f"/v1/closes/{each}/story", headers=headers)
                    for each in ("d1.1", "d9.1")
                ]
                bodies = [{**each.json(), "instance": None} for each in refused]
                assert [each.status_code for each in refused] == [404, 404]
                assert bodies[0] == bodies[1]
        assert await audited(api) == []

    async def test_a_close_of_others_is_not_read(
        self, api: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await register(api)

        async def read(*_: Any, **__: Any) -> Any:
            raise AssertionError("the stream was read")

        monkeypatch.setattr(api.harness.store, "read", read)
        for close in ("d1.1", "d9.1"):
            response = await api.http.get(
                f"/v1/closes/{close}/story", headers=staff(Role.SUPERVISOR, channel="blog")
            )
            assert response.status_code == 404

    @pytest.mark.parametrize(
        "who",
        [
            staff(Role.ADMIN),
            staff(Role.SUPERVISOR, channel="shop"),
            staff(Role.SUPERVISOR, channel="shop", teams=["south", "north"]),
        ],
    )
    async def test_who_supervises_its_channel_and_team(self, api: ApiClient, who: dict[str, str]) -> None:
        await register(api)
        assert (await story(api, who=who))["form"] == "d1.1"

    async def test_a_close_that_counts_for_no_team_is_for_those_without_limits(self, api: ApiClient) -> None:
        await register(api, team=None)
        assert (await story(api))["form"] == "d1.1"
        limited = staff(Role.SUPERVISOR, teams=["north"])
        assert (await api.http.get(PATH, headers=limited)).status_code == 404

    async def test_who_reads_is_recorded_first(self, api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
        await register(api)
        await story(api)
        (entry,) = await audited(api)
        assert (entry["what"], entry["who"], entry["close"]) == ("story.read", "clara", "d1.1")

        async def note(*_: Any, **__: Any) -> None:
            raise ConnectionError

        monkeypatch.setattr(api.harness.app.state.audit, "note", note)
        assert (await api.http.get(PATH, headers=CLARA)).status_code >= 500

    async def test_what_is_no_close_is_refused(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        for close in NO_CLOSES:
            with subtests.test(close):
                response = await api.http.get(f"/v1/closes/{close}/story", headers=CLARA)
                assert response.status_code == 422

    async def test_a_close_that_was_reopened_before_it_was_heard_is_not_there(self, api: ApiClient) -> None:
        await api.harness.inbound.on_dialog_reopened(reopened())
        await api.harness.relayed()
        assert (await api.http.get(PATH, headers=CLARA)).status_code == 404
        await register(api)
        told = await story(api)
        assert kinds(told) == ["reopened", "registered", "not_offered"]
        assert rule(told, "reopened")["verdict"] == "failed"


def granted(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("access-control")}


STRANGE = ("https://strange.example", "null", "", f"{LIVE_CHAT}0", "HTTP://127.0.0.1:8003")


class TestWhichPages:
    async def test_live_chat_may_read_it_and_why_it_is_refused(self, api: ApiClient) -> None:
        await register(api)
        for headers, status in ((CLARA, 200), ({}, 401), (staff(Role.OPERATOR), 403)):
            response = await api.http.get(PATH, headers={**headers, "Origin": LIVE_CHAT})
            assert response.status_code == status
            assert granted(response) == {
                "access-control-allow-origin": LIVE_CHAT,
                "access-control-expose-headers": "Retry-After, WWW-Authenticate, X-Request-ID",
            }
            assert response.headers["vary"] == "Origin"

    async def test_its_preflight_is_answered(self, api: ApiClient) -> None:
        response = await api.http.options(PATH, headers={"Origin": LIVE_CHAT, **ASKS})
        assert (response.status_code, response.content) == (204, b"")
        assert granted(response) == {
            "access-control-allow-origin": LIVE_CHAT,
            "access-control-allow-methods": "GET",
            "access-control-allow-headers": "Authorization, X-Request-ID",
            "access-control-max-age": "600",
            "access-control-expose-headers": "Retry-After, WWW-Authenticate, X-Request-ID",
        }
        assert (await api.http.options(PATH, headers={"Origin": LIVE_CHAT})).status_code == 405

    async def test_no_other_page_may(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        await register(api)
        unasked = await api.http.get(PATH, headers=CLARA)
        for origin in STRANGE:
            with subtests.test(origin=origin):
                response = await api.http.get(PATH, headers={**CLARA, "Origin": origin})
                asked = await api.http.options(PATH, headers={"Origin": origin, **ASKS})
                assert granted(response) == granted(asked) == {}
                assert response.headers.keys() == unasked.headers.keys()
                assert (response.status_code, asked.status_code) == (200, 405)

    async def test_live_chat_may_read_nothing_else(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        for path in ("/v1/quality-control", "/v1/closes", f"{PATH}/", "/v1/forms/mine"):
            with subtests.test(path):
                response = await api.http.get(path, headers={**CLARA, "Origin": LIVE_CHAT})
                asked = await api.http.options(path, headers={"Origin": LIVE_CHAT, **ASKS})
                assert granted(response) == granted(asked) == {}


async def test_events_that_are_not_known_here_yet_are_told_by_their_name(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rating.api.story_schemas._KINDS", {})
    await register(api)
    told = await story(api)
    assert kinds(told) == ["close_registered", "offered"]
    assert {each["at"] for each in told["timeline"]} == {told["registered_at"]}
