"""What clients can do with their forms over HTTP, and what nobody can."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.access import Role
from contracts.clients import ClientErased
from contracts.ratings import RatingChanged, RatingGiven
from rating.api.views import AT_ONCE
from rating.domain.quality_control.texts import BUILT_IN
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.builders import CLOSED_AT, EXPIRY, WINDOW
from tests.rating.harness import KEYS, Harness, closed, reopened

pytestmark = pytest.mark.real

FAMILY = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}\N{RIGHT-TO-LEFT OVERRIDE}"
WORDS = [" as it is \n", "a\u0000", "e\u0301 \u00e9", FAMILY, "x" * 2000, "\N{THUMBS UP SIGN}" * 2000]

ROLES_OF_STAFF = [Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN, Role.SERVICE, Role.PLATFORM]
BLANK = ["", " \n\u00a0", "\u200b\u200d", " " * 3000]
INVISIBLE = ["\ufe00", "\u3164", "\u2800 \u2065", "\U000e01ef"]
WRONG_SHAPES: list[dict[str, Any]] = [
    {"score": "5"},
    {"score": 4.5},
    {"score": True},
    {"score": None},
    {},
    {"score": 5, "comment": 1},
    {"score": 5, "comment": ["$gt"]},
    {"score": 5, "more": 1},
    {"score": 5, "token": {"$gt": ""}},
]


@pytest.fixture
async def api(harness: Harness) -> AsyncIterator[ApiClient]:
    async with open_api_client(harness) as api:
        yield api


@pytest.fixture
async def asked(api: ApiClient) -> ApiClient:
    """The API after the first close of d1: its client c1 is asked."""
    await api.harness.inbound.on_dialog_closed(closed())
    await api.harness.relayed()
    return api


async def ask(api: ApiClient, number: int) -> tuple[str, str]:
    """Closes another dialog, whose client is asked; returns both."""
    dialog, client = f"another-{number}", f"client-{number}"
    await api.harness.inbound.on_dialog_closed(closed(dialog, client=client))
    await api.harness.relayed()
    return dialog, client


class Most:
    """Stands in front of a function, and counts how many calls were under way at once."""

    def __init__(self, function: Callable[..., Awaitable[str | None]]) -> None:
        self._function = function
        self._now, self.most = 0, 0

    async def __call__(self, sealed: str, **context: str) -> str | None:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        try:
            return await self._function(sealed, **context)
        finally:
            self._now -= 1


async def last_comment(api: ApiClient) -> str | None:
    """The comment of the last answer published, in clear."""
    await api.harness.relayed()
    event = api.harness.notes.ratings[-1]
    assert isinstance(event, RatingGiven | RatingChanged)
    return await opened(api, event)


async def opened(api: ApiClient, event: RatingGiven | RatingChanged) -> str | None:
    """The comment of an answer, in clear."""
    if event.comment is None:
        return None
    return await api.harness.keys.open(
        event.comment, subject=event.client, scope=event.dialog, purpose="comment"
    )


def an_answer(score: int, comment: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer without reasons and follow-ups."""
    return {"score": score, "comment": comment, "tags": [], "follow_ups": {}}


def readable(text: str) -> dict[str, str]:
    """A comment as its client reads it."""
    return {"state": "open", "text": text}


def answers_of(api: ApiClient) -> list[RatingGiven | RatingChanged]:
    """Every answer that was published, in order."""
    return [event for event in api.harness.notes.ratings if isinstance(event, RatingGiven | RatingChanged)]


async def commits(api: ApiClient) -> int:
    return await api.harness.database["commits"].count_documents({})


class TestMine:
    async def test_shows_what_waits(self, asked: ApiClient) -> None:
        (form,) = await asked.mine()
        assert form == {
            "form": "d1.1",
            "token": asked.token(),
            "dialog": "d1",
            "close_seq": 1,
            "channel_name": "shop",
            "opened_at": "2026-03-29T00:59:59.999Z",
            "closed_at": "2026-03-29T00:59:59.999Z",
            "locale": "en",
            "direction": "ltr",
            "texts": dict(BUILT_IN["en"].shown(satisfied=None)) | {"expired": None},
            "scale": {"name": "stars", "lowest": 1, "highest": 5},
            "comment": {"mode": "optional", "required_at_or_below": None, "max_length": 2000},
            "tags": [],
            "follow_ups": [],
            "operator_name": None,
            "test": False,
            "colours": None,
            "state": "pending",
            "expires_at": "2026-03-29T01:59:59.999Z",
            "editable_until": None,
            "edit_window": 900,
            "expired_at": None,
            "cancelled_reason": None,
            "answer": None,
        }

    async def test_shows_nobody_elses(self, asked: ApiClient) -> None:
        assert await asked.mine("c2") == []
        assert await asked.mine("c1", "another") == []

    async def test_shows_an_answer_until_it_can_no_longer_be_changed(self, asked: ApiClient) -> None:
        await asked.answer(4, "Thank you")
        await asked.harness.relayed()
        (form,) = await asked.mine()
        assert form["state"] == "given"
        assert form["answer"] == an_answer(4, readable("Thank you"))
        assert form["editable_until"] == "2026-03-29T01:14:59.999Z"
        asked.harness.clock.advance(WINDOW)
        assert await asked.mine() == []

    async def test_shows_a_declined_form_until_it_expires(self, asked: ApiClient) -> None:
        await asked.post("decline", {"token": asked.token()})
        await asked.harness.relayed()
        asked.harness.clock.advance(EXPIRY - timedelta(milliseconds=1))
        assert [form["state"] for form in await asked.mine()] == ["declined"]
        asked.harness.clock.advance(timedelta(milliseconds=1))
        assert await asked.mine() == []

    async def test_shows_no_form_past_its_time_even_before_the_timer_comes(self, asked: ApiClient) -> None:
        asked.harness.clock.advance(EXPIRY)
        assert await asked.mine() == []

    async def test_shows_nothing_that_was_withdrawn(self, asked: ApiClient) -> None:
        await asked.harness.inbound.on_dialog_reopened(reopened())
        await asked.harness.relayed()
        assert await asked.mine() == []

    async def test_shows_no_form_that_was_changed_too_often(self, asked: ApiClient) -> None:
        for n in range(20):
            await asked.answer(1 + n % 2, "Thank you")
        await asked.harness.relayed()
        assert [form["state"] for form in await asked.mine()] == ["given"]
        last = await asked.answer(1)
        await asked.harness.relayed()
        assert (await asked.answer(2)).status_code == 409
        assert await asked.mine() == []
        form = (await asked.post("read", {"token": asked.token()})).json()
        assert (form["expires_at"], form["editable_until"]) == (None, None)
        assert form["answer"] == an_answer(1, readable("Thank you"))
        assert last.json() == {
            "state": "given",
            "answer": form["answer"],
            "thanks": form["texts"]["thanks"],
            "editable_until": None,
        }

    async def test_opens_the_comments_of_many_forms_a_few_at_a_time(
        self, api: ApiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dialogs = [f"d{number}" for number in range(30)]
        for dialog in dialogs:
            await api.harness.inbound.on_dialog_closed(closed(dialog))
            await api.post("answer", {"token": api.token(dialog), "score": 5, "comment": f"in {dialog}"})
        await api.harness.relayed()
        at_once = Most(api.harness.keys.open)
        monkeypatch.setattr(api.harness.keys, "open", at_once)
        before = await commits(api)
        forms = await api.mine()
        assert {form["dialog"]: form["answer"]["comment"] for form in forms} == {
            dialog: readable(f"in {dialog}") for dialog in dialogs
        }
        assert at_once.most == AT_ONCE
        assert await commits(api) == before

    async def test_shows_the_others_when_a_comment_is_damaged(self, api: ApiClient) -> None:
        for dialog in ("d1", "d2"):
            await api.harness.inbound.on_dialog_closed(closed(dialog))
            await api.post("answer", {"token": api.token(dialog), "score": 5, "comment": dialog})
        await api.harness.relayed()
        forms = api.harness.database["forms"]
        other = await forms.find_one({"_id": "d2.1"})
        assert other is not None
        foreign = {"$set": {"sealed_comment": other["sealed_comment"]}}
        await forms.update_one({"_id": "d1.1"}, foreign)
        assert {form["dialog"]: form["answer"]["comment"] for form in await api.mine()} == {
            "d1": {"state": "unreadable", "text": None},
            "d2": readable("d2"),
        }

    async def test_needs_a_visitor(self, asked: ApiClient) -> None:
        assert (await asked.http.get("/v1/forms/mine")).status_code == 401
        for roles in ((Role.SUPERVISOR,), (Role.ADMIN,), (Role.OPERATOR,), (Role.OPERATOR, Role.ADMIN)):
            answer = await asked.http.get("/v1/forms/mine", headers=staff(*roles))
            assert answer.status_code == 403


class TestRead:
    async def test_shows_the_form_and_changes_nothing(self, asked: ApiClient) -> None:
        before = await commits(asked)
        answer = await asked.post("read", {"token": asked.token()})
        assert answer.status_code == 200
        assert answer.json() == (await asked.mine())[0]
        assert await commits(asked) == before

    async def test_shows_an_answered_form_as_answered_for_ever(self, asked: ApiClient) -> None:
        await asked.answer(2)
        asked.harness.clock.advance(10 * EXPIRY)
        form = (await asked.post("read", {"token": asked.token()})).json()
        assert form["state"] == "given"
        assert form["answer"] == an_answer(2)

    async def test_shows_clients_what_they_answered_last_in_their_own_words(self, asked: ApiClient) -> None:
        await asked.answer(2, "Thank you")
        await asked.answer(3, " as it is \n")
        form = (await asked.post("read", {"token": asked.token()})).json()
        assert form["answer"] == an_answer(3, readable(" as it is \n"))

    async def test_shows_an_erased_comment_as_erased_and_the_score_as_it_was(self, asked: ApiClient) -> None:
        await asked.answer(2, "Never again")
        await asked.harness.relayed()
        await asked.harness.inbound.on_client_erased(ClientErased(client="c1", erased_at=CLOSED_AT))
        await asked.harness.erasures_done()
        answer = await asked.post("read", {"token": asked.token()})
        assert answer.json()["answer"] == an_answer(2, {"state": "erased", "text": None})
        assert "Never again" not in answer.text

    async def test_get_does_nothing_at_all(self, asked: ApiClient) -> None:
        before = await commits(asked)
        for route in ("read", "answer", "decline"):
            answer = await asked.http.get(f"/v1/forms/{route}", params={"token": asked.token(), "score": 5})
            assert answer.status_code == 405
        assert await commits(asked) == before


class TestAnswer:
    async def test_rates(self, asked: ApiClient) -> None:
        answer = await asked.answer(5)
        assert answer.status_code == 200
        assert answer.json() == {
            "state": "given",
            "answer": an_answer(5),
            "thanks": "Thank you for your answer.",
            "editable_until": "2026-03-29T01:14:59.999Z",
        }

    async def test_the_same_answer_again_is_one_answer(self, asked: ApiClient) -> None:
        for _ in range(3):
            assert (await asked.answer(5, "Thank you")).status_code == 200
        await asked.harness.relayed()
        assert [type(event) for event in asked.harness.notes.ratings[1:]] == [RatingGiven]

    async def test_the_same_answer_many_times_at_once_is_one_answer(self, asked: ApiClient) -> None:
        answers = await asyncio.gather(*(asked.answer(5, "Thank you") for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}
        await asked.harness.relayed()
        assert [type(event) for event in asked.harness.notes.ratings[1:]] == [RatingGiven]

    async def test_another_comment_is_another_answer(self, asked: ApiClient) -> None:
        await asked.answer(5, "Thank you")
        await asked.answer(5, "Thank you!")
        await asked.harness.relayed()
        assert [type(event) for event in asked.harness.notes.ratings[1:]] == [RatingGiven, RatingChanged]

    @pytest.mark.parametrize("more", [{}, {"comment": None}])
    async def test_another_score_alone_keeps_the_comment(
        self, asked: ApiClient, more: dict[str, Any]
    ) -> None:
        await asked.answer(4, "Thank you")
        answer = await asked.post("answer", {"token": asked.token(), "score": 5, **more})
        kept = an_answer(5, readable("Thank you"))
        assert answer.json()["answer"] == kept
        assert await last_comment(asked) == "Thank you"
        assert [event.score for event in answers_of(asked)] == [4, 5]
        assert (await asked.mine())[0]["answer"] == kept

    async def test_the_same_score_alone_changes_nothing(self, asked: ApiClient) -> None:
        await asked.answer(4, "Thank you")
        assert (await asked.answer(4)).status_code == 200
        assert await last_comment(asked) == "Thank you"
        assert len(answers_of(asked)) == 1

    async def test_an_empty_comment_removes_the_one_before_once(
        self, api: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for number, blank in enumerate(BLANK):
            with subtests.test(blank=ascii(blank[:4])):
                dialog, client = await ask(api, number)
                await api.answer(4, "Thank you", dialog=dialog)
                for _ in range(2):
                    answer = await api.answer(4, blank, dialog=dialog)
                    assert answer.json()["answer"]["comment"] is None
                assert await last_comment(api) is None
                assert [event.dialog for event in answers_of(api)].count(dialog) == 2
                assert (await api.mine(client))[0]["answer"] == an_answer(4)

    async def test_an_empty_comment_is_none_and_nothing_is_sealed(
        self, api: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for number, blank in enumerate(BLANK):
            with subtests.test(blank=ascii(blank[:4])):
                dialog, _ = await ask(api, number)
                await api.answer(5, dialog=dialog)
                await api.answer(5, blank, dialog=dialog)
                assert await last_comment(api) is None
                assert [event.dialog for event in answers_of(api)].count(dialog) == 1
        assert await api.harness.database["keys"].count_documents({}) == 0

    async def test_a_comment_is_sealed_as_it_is_and_its_key_is_published_first(
        self, api: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for number, words in enumerate(WORDS):
            with subtests.test(words=ascii(words[:8])):
                before = len(api.harness.notes.records)
                dialog, _ = await ask(api, number)
                assert (await api.answer(1, words, dialog=dialog)).status_code == 200
                await api.harness.relayed()
                event = api.harness.notes.ratings[-1]
                assert isinstance(event, RatingGiven)
                assert event.comment is not None
                assert (event.dialog, await opened(api, event)) == (dialog, words)
                published = api.harness.notes.records[before:]
                assert [record.topic == KEYS for record in published] == [False, True, False]

    async def test_the_key_is_published_first_when_only_a_change_has_words(self, asked: ApiClient) -> None:
        await asked.answer(5)
        await asked.harness.relayed()
        await asked.answer(5, "Thank you")
        await asked.harness.relayed()
        assert isinstance(asked.harness.notes.ratings[-1], RatingChanged)
        assert [record.topic == KEYS for record in asked.harness.notes.records] == [False, False, True, False]

    async def test_nobody_can_guess_a_comment_from_what_is_stored_without_its_key(
        self, asked: ApiClient
    ) -> None:
        await asked.harness.inbound.on_dialog_closed(closed("d2", client="c2"))
        for dialog in ("d1", "d2"):
            body = {"token": asked.token(dialog), "score": 1, "comment": "no"}
            assert (await asked.post("answer", body)).status_code == 200
        given = {"events.type": "given"}
        found = await asked.harness.database["commits"].find(given).to_list(None)
        prints = [commit["events"][0]["fingerprint"] for commit in found]
        assert len(set(prints)) == 2  # the same words, and nothing to look them up by

    async def test_no_word_of_a_comment_is_stored_in_clear(self, asked: ApiClient) -> None:
        await asked.answer(1, "canary")
        await asked.harness.relayed()
        assert "canary" in str(await asked.mine())
        for name in await asked.harness.database.list_collection_names():
            assert "canary" not in str(await asked.harness.database[name].find().to_list(None))
        assert b"canary" not in b"".join(record.value or b"" for record in asked.harness.notes.records)

    async def test_no_word_of_a_comment_is_logged(
        self, asked: ApiClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        for words in ("canary", "canary" * 1000, "another canary"):
            await asked.answer(1, words)
            await asked.harness.relayed()
            assert "canary" in str(await asked.mine())
            assert "canary" in (await asked.post("read", {"token": asked.token()})).text
        assert "canary" not in caplog.text
        assert "canary" not in "".join(capfd.readouterr())

    async def test_is_refused_at_the_deadline_and_nothing_is_stored(self, asked: ApiClient) -> None:
        asked.harness.clock.advance(EXPIRY)
        before = await commits(asked)
        answer = await asked.answer(5)
        assert answer.status_code == 409
        assert answer.json()["detail"] == "The time to rate this dialog is over."
        assert await commits(asked) == before

    @pytest.mark.parametrize(
        ("score", "comment", "later"),
        [(5, "Thanks", EXPIRY), (77, "Thanks", timedelta(0)), (5, "x" * 2001, timedelta(0))],
    )
    async def test_what_is_refused_leaves_no_key(
        self, asked: ApiClient, score: int, comment: str, later: timedelta
    ) -> None:
        asked.harness.clock.advance(later)
        before = await commits(asked)
        assert (await asked.answer(score, comment)).status_code == 409
        assert await asked.harness.database["keys"].count_documents({}) == 0
        assert await commits(asked) == before

    async def test_a_comment_repeated_after_the_edit_window_is_the_same_answer(
        self, asked: ApiClient
    ) -> None:
        await asked.answer(5, "Thanks")
        asked.harness.clock.advance(WINDOW)
        assert (await asked.answer(5, "Thanks")).status_code == 200
        assert (await asked.answer(5, "Other")).status_code == 409

    async def test_another_answer_after_the_edit_window_is_refused(self, asked: ApiClient) -> None:
        await asked.answer(5)
        asked.harness.clock.advance(WINDOW)
        assert (await asked.answer(4)).status_code == 409
        assert (await asked.answer(5)).status_code == 200

    async def test_a_score_off_the_scale_is_refused(
        self, asked: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for score in (0, 6, -1, 10**18):
            with subtests.test(score=score):
                answer = await asked.answer(score)
                assert (answer.status_code, answer.json()["detail"]) == (
                    409, "Please choose a score from 1 to 5."
                )  # fmt: skip

    async def test_a_comment_that_is_too_long_is_refused_never_cut(
        self, asked: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for character in ("x", "\u0416", "\N{THUMBS UP SIGN}", "\u0301"):
            with subtests.test(character=ascii(character)):
                answer = await asked.answer(5, "x" + character * 2000)
                assert answer.status_code == 409
                assert answer.json()["detail"] == "A comment can have at most 2000 characters."
                assert [form["state"] for form in await asked.mine()] == ["pending"]

    async def test_a_wrong_shape_is_refused_without_quoting_it(
        self, asked: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for body in WRONG_SHAPES:
            with subtests.test(body=body):
                answer = await asked.post("answer", {"token": asked.token(), **body})
                assert answer.status_code == 422
                assert asked.token() not in answer.text
                assert "$gt" not in answer.text

    async def test_a_whole_number_is_a_score_however_it_is_written(self, asked: ApiClient) -> None:
        answer = await asked.post("answer", {"token": asked.token(), "score": 5.0})
        assert (answer.status_code, answer.json()["answer"]["score"]) == (200, 5)

    @pytest.mark.parametrize("field", ["token", "comment"])
    async def test_half_a_character_is_refused(self, asked: ApiClient, field: str) -> None:
        body = json.dumps({"token": asked.token(), "score": 5, field: "a\ud800"})
        answer = await asked.http.post(
            "/v1/forms/answer", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422

    async def test_a_comment_in_which_nothing_can_be_seen_is_none(
        self, api: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for number, blank in enumerate(INVISIBLE):
            with subtests.test(blank=ascii(blank)):
                dialog, _ = await ask(api, number)
                answer = await api.answer(5, blank, dialog=dialog)
                assert (answer.status_code, answer.json()["answer"]["comment"]) == (200, None)

    async def test_a_withdrawn_form_cannot_be_answered(self, asked: ApiClient) -> None:
        await asked.harness.inbound.on_dialog_reopened(reopened())
        answer = await asked.answer(5)
        assert (answer.status_code, "withdrawn" in answer.json()["detail"]) == (409, True)


class TestDecline:
    async def test_declines_and_can_still_be_answered(self, asked: ApiClient) -> None:
        for _ in range(2):
            answer = await asked.post("decline", {"token": asked.token()})
            assert answer.status_code == 200
            assert answer.json() == {"state": "declined", "expires_at": "2026-03-29T01:59:59.999Z"}
        assert (await asked.answer(3)).status_code == 200
        assert (await asked.post("decline", {"token": asked.token()})).status_code == 409


@pytest.mark.parametrize("command", ["answer", "decline", None])
async def test_nothing_more_is_asked_of_an_erased_client_nor_taken_from_them(
    asked: ApiClient, command: str | None
) -> None:
    if command:
        more = {"score": 5, "comment": "a word"} if command == "answer" else {}
        assert (await asked.post(command, {"token": asked.token(), **more})).status_code == 200
        await asked.harness.relayed()
        assert len(await asked.mine()) == 1
    await asked.harness.inbound.on_client_erased(ClientErased(client="c1", erased_at=CLOSED_AT))
    await asked.harness.erasures_done()
    answers = [
        await asked.answer(4, "another word"), await asked.answer(4), await asked.answer(5),
        await asked.post("decline", {"token": asked.token()}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [409] * 4
    if command:
        assert {answer.json()["detail"] for answer in answers} == {
            "This dialog can't be rated any more: its client was erased."
        }
    await asked.harness.relayed()
    assert await asked.mine() == []
    form = (await asked.post("read", {"token": asked.token()})).json()
    state = {"answer": "given", "decline": "declined", None: "cancelled"}[command]
    assert (form["state"], form.get("expires_at"), form.get("editable_until")) == (state, None, None)


class TestStrangers:
    """Whoever holds no token learns nothing, whether the form exists or not."""

    async def test_every_wrong_token_gets_the_same_answer(self, asked: ApiClient) -> None:
        good = asked.token()
        wrong = [good[:-1], "d1.1", "d9.1.x", "", "x" * 500, good.replace("d1.1", "d1.2"), asked.token("d9")]
        for route, more in (
            ("read", {}),
            ("answer", {"score": 5}),
            ("answer", {"score": 99}),
            ("decline", {}),
        ):
            answers = [await asked.post(route, {"token": token, **more}) for token in wrong]
            assert {answer.status_code for answer in answers} == {404}
            assert len({_problem(answer) for answer in answers}) == 1

    async def test_a_form_that_is_not_offered_isnt_there(self, asked: ApiClient) -> None:
        await asked.harness.inbound.on_dialog_closed(closed("d2", spam=True))
        answer = await asked.post("read", {"token": asked.token("d2")})
        assert answer.status_code == 404

    async def test_staff_are_kept_out_whatever_they_send(
        self, asked: ApiClient, subtests: pytest.Subtests
    ) -> None:
        bodies: list[Any] = [
            {"token": asked.token(), "score": 5},
            {"token": asked.token()},
            {"token": "wrong", "score": 5},
            {},
            [],
        ]
        for roles in (*((role,) for role in ROLES_OF_STAFF), (Role.OPERATOR, Role.ADMIN, Role.SUPERVISOR)):
            with subtests.test(who="+".join(roles)):
                somebody = staff(*roles)
                answers = [
                    await asked.post(route, body, headers=somebody)
                    for route in ("read", "answer", "decline")
                    for body in bodies
                ]
                for content in (b"{", b"\xff", b""):
                    broken = await asked.http.post("/v1/forms/answer", content=content, headers=somebody)
                    answers.append(broken)
                assert {answer.status_code for answer in answers} == {403}
                assert len({_problem(answer) for answer in answers}) == 1
        assert [form["state"] for form in await asked.mine()] == ["pending"]

    async def test_a_token_of_staff_is_no_forms_token(
        self, asked: ApiClient, subtests: pytest.Subtests
    ) -> None:
        for role in ROLES_OF_STAFF:
            with subtests.test(who=role):
                token = staff(role)["Authorization"].removeprefix("Bearer ")
                for route, more in (("read", {}), ("answer", {"score": 5}), ("decline", {})):
                    assert (await asked.post(route, {"token": token, **more})).status_code == 404
        assert [form["state"] for form in await asked.mine()] == ["pending"]

    async def test_a_bearer_token_that_is_no_good_is_refused(self, asked: ApiClient) -> None:
        answer = await asked.post("read", {"token": asked.token()}, headers={"Authorization": "Bearer x.y.z"})
        assert answer.status_code == 401

    async def test_a_visitor_may_send_their_token_along(self, asked: ApiClient) -> None:
        assert (await asked.answer(5, headers=visitor())).status_code == 200


def _problem(answer: httpx.Response) -> str:
    body = answer.json()
    body.pop("instance")
    return str(body)


async def test_every_route_is_documented_with_its_errors(api: ApiClient) -> None:
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    for route, codes in {
        "read": {"200", "401", "403", "404", "422", "503"},
        "answer": {"200", "401", "403", "404", "409", "422", "503"},
        "decline": {"200", "401", "403", "404", "409", "422", "503"},
    }.items():
        assert codes <= set(paths[f"/v1/forms/{route}"]["post"]["responses"])
    assert {"200", "401", "403"} <= set(paths["/v1/forms/mine"]["get"]["responses"])


async def test_what_becomes_of_a_comment_is_documented(api: ApiClient) -> None:
    shapes = (await api.http.get("/openapi.json")).json()["components"]["schemas"]
    comment = shapes["AnswerBody"]["properties"]["comment"]["description"]
    assert "comment given before stays" in comment
    assert "the answer has none any more" in comment
    assert "Unicode code points" in shapes["CommentField"]["properties"]["max_length"]["description"]
