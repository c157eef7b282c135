"""Quality control over HTTP: who may, what is refused, and that a form keeps its version."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.access import Role
from contracts.channels import ChannelPublished
from contracts.ratings import RatingAnswer, RatingNotOffered, RatingOffered
from rating.domain.quality_control.texts import BUILT_IN, Texts
from rating.read_models.quality_control import REMEMBERED
from tests.rating.api_client import ApiClient, open_api_client, staff, visitor
from tests.rating.harness import closed, open_harness

pytestmark = pytest.mark.real

CLARA = staff(Role.SUPERVISOR, sub="clara", name="Clara Moen")
IVO = staff(Role.ADMIN, sub="ivo", name="Ivo Brandt")
SHOP = ChannelPublished(channel="shop", name="The shop", locales=("fr", "en"))
NONE_WRITTEN = dict.fromkeys(Texts.model_fields)
SHOWN_IN_FRENCH = NONE_WRITTEN | {"question": "Alors ?"}
PATH = "/v1/quality-control/shop"
SLOW: dict[str, Any] = {"id": "slow", "lowest": 1, "highest": 3, "texts": {"en": "slow", "fr": "lent"}}
QUICK: dict[str, Any] = {"id": "quick", "lowest": 4, "highest": 5, "texts": {"en": "quick"}}
YES: dict[str, Any] = {"id": "yes", "texts": {"en": "Yes", "fr": "Oui"}}
NO: dict[str, Any] = {"id": "no", "texts": {"en": "No", "fr": "Non"}}
SOLVED: dict[str, Any] = {"id": "solved", "texts": {"en": "Was it solved?"}, "options": [YES, NO]}
MISSING: dict[str, Any] = {"id": "missing", "texts": {"fr": "Que manquait-il ?"}, "options": []}
BUILT_IN_TEXTS = {
    locale: dict(texts.shown(satisfied=None)) | {"expired": None} for locale, texts in BUILT_IN.items()
}
ANYBODY: dict[str, Any] = {
    "closed_by": ["operator", "client"],
    "needs_reply": True,
    "least_client_messages": 0,
    "least_operator_messages": 0,
    "least_text": 0,
    "skips_spam": True,
    "skips_labels": [],
    "share": 100,
    "reopened": "each_close",
    "once_within": 0,
}
"""What is demanded of a close before anything is saved."""


@pytest.fixture
async def api(mongo: str, database: str) -> AsyncIterator[ApiClient]:
    """A service whose closes go by Quality control, and that knows the channel `shop`."""
    async with open_harness(mongo, database, rules=None) as harness, open_api_client(harness) as api:
        await harness.channels.publish(SHOP, 1)
        yield api


async def read(api: ApiClient, path: str = PATH, **how: Any) -> Any:
    response = await api.http.get(path, **{"headers": CLARA, **how})
    assert response.status_code == 200, response.text
    return response.json()


async def save(
    api: ApiClient, version: int, who: dict[str, str] = CLARA, path: str = PATH, **changes: Any
) -> httpx.Response:
    """Saves the present settings with changes, based on a version."""
    settings = (await read(api, path))["settings"] | changes
    return await api.http.put(path, headers={**who, "If-Match": f'"{version}"'}, json=settings)


class TestReading:
    async def test_a_channel_has_the_services_own_settings_until_others_are_saved(
        self, api: ApiClient
    ) -> None:
        response = await api.http.get(PATH, headers=CLARA)
        found = response.json()
        assert response.headers["etag"] == '"1"'
        assert found["settings"] == {
            "enabled": True,
            "scale": {"name": "stars", "satisfied_from": 4},
            "comment": {"mode": "optional", "required_at_or_below": None},
            "texts": {},
            "delay": 0,
            "expiry": 604_800,
            "edit_window": 900,
            "offer_window": 86_400,
            "cool_down": 0,
            "eligibility": ANYBODY,
            "tags": [],
            "follow_ups": [],
            "names_operator": False,
            "ways": [{"way": "widget", "after": 0}],
            "reminder": None,
            "alert": None,
            "accent": None,
            "form_webhook": None,
        }
        assert found["mail_available"] is False
        names = ("version", "saved_at", "saved_by", "restores", "name", "locales", "default_locale")
        assert [found[name] for name in names] == [1, None, None, None, "The shop", ["fr", "en"], "fr"]
        assert found["built_in_texts"] == BUILT_IN_TEXTS

    async def test_the_list_has_the_channels_of_the_token(self, api: ApiClient) -> None:
        await api.harness.channels.publish(ChannelPublished(channel="blog", name="Blog", closed=True), 1)
        await save(api, 1, enabled=False)
        await api.harness.relayed()
        shop = {"channel": "shop", "name": "The shop", "enabled": False, "version": 2, "closed": False}
        blog = {"channel": "blog", "name": "Blog", "enabled": True, "version": 1, "closed": True}
        assert (await read(api, "/v1/quality-control"))["channels"] == [blog, shop]
        limited = staff(Role.SUPERVISOR, channel="shop")
        assert (await read(api, "/v1/quality-control", headers=limited))["channels"] == [shop]


OTHERS = {
    "an operator": staff(Role.OPERATOR),
    "an operator who is a supervisor and an admin": staff(Role.OPERATOR, Role.SUPERVISOR, Role.ADMIN),
    "the platform team": staff(Role.PLATFORM),
    "a supervisor of another channel": staff(Role.SUPERVISOR, channel="blog"),
    "a visitor": visitor(),
}
ROUTES = (
    ("GET", ""),
    ("PUT", ""),
    ("GET", "/versions"),
    ("GET", "/versions/1"),
    ("POST", "/restore"),
    ("POST", "/dry-run"),
)


class TestWhoMay:
    async def test_nobody_else(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        for method, path in ROUTES:
            for who, headers in OTHERS.items():
                with subtests.test(f"{method} {path}", who=who):
                    response = await api.http.request(method, PATH + path, headers=headers)
                    assert response.status_code == 403
            with subtests.test(f"{method} {path}", who="nobody"):
                assert (await api.http.request(method, PATH + path)).status_code == 401

    async def test_no_operator_sees_the_list(self, api: ApiClient) -> None:
        both = staff(Role.OPERATOR, Role.ADMIN)
        assert (await api.http.get("/v1/quality-control", headers=both)).status_code == 403


NO_VERSIONS = (None, "1", "*", '"0"', '"x"', '"1", "2"', '"' + "1" * 40 + '"')
NONSENSE: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"scale": {"name": "hearts", "satisfied_from": 4}}, "body.scale.name", "not-a-choice"),
    ({"comment": {"mode": "required", "required_at_or_below": None}}, "body.comment", "required"),
    ({"expiry": 0}, "body.expiry", "too-small"),
    ({"delay": -1}, "body.delay", "too-small"),
    ({"offer_window": 4e8}, "body.offer_window", "too-large"),
    ({"edit_window": "900"}, "body.edit_window", "not-a-number"),
    ({"enabled": 1}, "body.enabled", "not-true-or-false"),
    ({"texts": {"no language": SHOWN_IN_FRENCH}}, "body.texts.….…", "not-a-language-tag"),
    (
        {"texts": {"fr": SHOWN_IN_FRENCH | {"question": "x" * 201}}},
        "body.texts.fr.question",
        "too-long",
    ),
    ({"more": 1}, "body", "unknown-field"),
    ({"tags": [SLOW, SLOW]}, "body.tags", "given-twice"),
    ({"tags": [SLOW | {"id": f"t{n}"} for n in range(13)]}, "body.tags", "too-many"),
    ({"tags": [SLOW | {"id": "so slow"}]}, "body.tags.0.id", "not-an-id"),
    ({"tags": [SLOW | {"texts": {}}]}, "body.tags.0.texts", "required"),
    ({"tags": [SLOW | {"texts": {"en": " "}}]}, "body.tags.0.texts", "required"),
    ({"tags": [SLOW | {"lowest": 4}]}, "body.tags.0", "not-valid"),
    ({"follow_ups": [SOLVED] * 2}, "body.follow_ups", "given-twice"),
    (
        {"follow_ups": [SOLVED | {"options": [YES, YES]}]},
        "body.follow_ups.0.options",
        "given-twice",
    ),
    ({"eligibility": ANYBODY | {"closed_by": []}}, "body.eligibility.closed_by", "too-few"),
    (
        {"eligibility": ANYBODY | {"closed_by": ["bot"]}},
        "body.eligibility.closed_by.0",
        "not-a-choice",
    ),
    ({"eligibility": ANYBODY | {"share": 0}}, "body.eligibility.share", "too-small"),
    ({"eligibility": ANYBODY | {"share": 101}}, "body.eligibility.share", "too-large"),
    ({"eligibility": ANYBODY | {"share": 50.5}}, "body.eligibility.share", "not-a-whole-number"),
    ({"eligibility": ANYBODY | {"least_text": -1}}, "body.eligibility.least_text", "too-small"),
    ({"eligibility": ANYBODY | {"skips_labels": [" "]}}, "body.eligibility.skips_labels.0", "blank"),
    ({"eligibility": ANYBODY | {"reopened": "once_within"}}, "body.eligibility", "required"),
    (
        {"eligibility": ANYBODY | {"reopened": "once_within", "once_within": 0.0004}},
        "body.eligibility",
        "required",
    ),
    ({"eligibility": ANYBODY | {"share": None}}, "body.eligibility.share", "not-a-whole-number"),
)
"""What is changed in the settings, and which field is wrong for which reason."""


class TestSaving:
    async def test_makes_the_next_version(self, api: ApiClient) -> None:
        response = await save(api, 1, cool_down=86_400, texts={"fr": SHOWN_IN_FRENCH})
        assert (response.status_code, response.headers["etag"]) == (200, '"2"')
        found = await read(api)
        assert found == response.json()
        assert found["saved_by"] == {"id": "clara", "name": "Clara Moen"}
        assert (found["version"], found["settings"]["cool_down"]) == (2, 86_400)
        assert found["settings"]["texts"] == {"fr": SHOWN_IN_FRENCH}

    async def test_needs_the_version_that_was_read(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        settings = (await read(api))["settings"]
        for etag in NO_VERSIONS:
            headers = {**CLARA, **({"If-Match": etag} if etag else {})}
            for method, path, body in (
                ("PUT", PATH, settings),
                ("POST", f"{PATH}/restore", {"version": 1}),
            ):
                with subtests.test(f"{method} {path}", etag=etag):
                    response = await api.http.request(method, path, headers=headers, json=body)
                    assert (response.status_code, response.json()["type"]) == (
                        428, "/problems/version-missing"
                    )  # fmt: skip

    async def test_takes_an_etag_that_an_ingress_has_made_weak(self, api: ApiClient) -> None:
        settings = (await read(api))["settings"]
        response = await api.http.put(PATH, headers={**CLARA, "If-Match": 'W/"1"'}, json=settings)
        assert response.status_code == 200

    async def test_over_what_somebody_saved_meanwhile_is_refused(self, api: ApiClient) -> None:
        await save(api, 1, IVO, delay=60)
        response = await save(api, 1, enabled=False)
        assert (response.status_code, response.json()["type"]) == (412, "/problems/saved-meanwhile")
        assert response.json()["facts"] == {
            "who": "Ivo Brandt", "when": "2026-03-29T00:59:59.999Z", "version": 2
        }  # fmt: skip
        assert (await read(api))["settings"]["delay"] == 60

    async def test_of_two_at_once_one_wins_and_the_other_is_told(self, api: ApiClient) -> None:
        responses = await asyncio.gather(save(api, 1, CLARA, delay=60), save(api, 1, IVO, delay=120))
        won, lost = sorted(responses, key=lambda response: response.status_code)
        assert (won.status_code, lost.status_code) == (200, 412)
        assert lost.json()["facts"]["who"] == won.json()["saved_by"]["name"]
        assert (await read(api))["settings"] == won.json()["settings"]

    async def test_refuses_what_makes_no_sense(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        for changes, field, code in NONSENSE:
            with subtests.test(changes=str(changes)[:60], field=field, code=code):
                response = await save(api, 1, **changes)
                assert response.status_code == 422
                wrong = [(each["field"], each["code"]) for each in response.json()["errors"]]
                assert wrong == [(field, code)]

    async def test_refuses_a_threshold_beside_the_scale(self, api: ApiClient) -> None:
        response = await save(api, 1, scale={"name": "faces", "satisfied_from": 4})
        assert (response.status_code, response.json()["facts"]) == (409, {"lowest": 1, "highest": 3})

    async def test_an_emptied_text_is_none_and_a_locale_is_called_by_its_name(self, api: ApiClient) -> None:
        texts = {"fr_ca": SHOWN_IN_FRENCH | {"question": " \N{ZERO WIDTH SPACE} ", "thanks": " Merci "}}
        saved = (await save(api, 1, texts=texts)).json()["settings"]["texts"]
        assert saved == {"fr-CA": SHOWN_IN_FRENCH | {"question": None, "thanks": "Merci"}}

    async def test_takes_what_is_demanded_of_a_close(self, api: ApiClient) -> None:
        demands = {
            **ANYBODY,
            "closed_by": ["idle", "operator", "idle"],
            "skips_labels": ["Test", "internal", "test"],
            "share": 50.0,
            "once_within": 60,
        }
        saved = (await save(api, 1, eligibility=demands)).json()["settings"]["eligibility"]
        known = {"closed_by": ["operator", "idle"], "skips_labels": ["Test", "internal"], "once_within": 0}
        assert saved == demands | known
        within = demands | {"reopened": "once_within", "once_within": 0.25}
        saved = (await save(api, 2, eligibility=within)).json()["settings"]["eligibility"]
        assert (saved["reopened"], saved["once_within"]) == ("once_within", 0.25)


class TestHistory:
    async def test_says_who_changed_what_page_by_page(self, api: ApiClient) -> None:
        await save(api, 1, delay=60)
        await save(api, 2, IVO, expiry=60, enabled=False)
        await save(api, 3, delay=0, eligibility=ANYBODY | {"share": 50, "least_text": 12})
        first = await read(api, f"{PATH}/versions", params={"limit": 2})
        second = await read(api, f"{PATH}/versions", params={"limit": 2, "cursor": first["next_cursor"]})
        found = first["versions"] + second["versions"]
        assert [each["version"] for each in found] == [4, 3, 2, 1]
        assert [each["changed"] for each in found] == [
            ["delay", "eligibility.least_text", "eligibility.share"], ["enabled", "expiry"], ["delay"], []
        ]  # fmt: skip
        assert [each["saved_by"] and each["saved_by"]["name"] for each in found] == [
            "Clara Moen", "Ivo Brandt", "Clara Moen", None
        ]  # fmt: skip
        assert (len(first["versions"]), second["next_cursor"]) == (2, None)
        assert (await read(api, f"{PATH}/versions"))["versions"] == found

    @pytest.mark.parametrize("cursor", ["x", "AAAA"])
    async def test_knows_its_cursors(self, api: ApiClient, cursor: str) -> None:
        response = await api.http.get(f"{PATH}/versions", headers=CLARA, params={"cursor": cursor})
        assert response.status_code == 422

    async def test_an_older_version_can_be_read_and_restored(self, api: ApiClient) -> None:
        old = (await save(api, 1, delay=60)).json()["settings"]
        await save(api, 2, delay=120)
        assert (await read(api, f"{PATH}/versions/2"))["settings"] == old
        response = await api.http.post(
            f"{PATH}/restore", headers={**IVO, "If-Match": '"3"'}, json={"version": 2}
        )
        found = response.json()
        assert (found["version"], found["restores"], found["settings"]) == (4, 2, old)
        assert found["saved_by"]["name"] == "Ivo Brandt"

    async def test_there_is_nothing_beyond_the_last_version(self, api: ApiClient) -> None:
        response = await api.http.get(f"{PATH}/versions/2", headers=CLARA)
        assert (response.status_code, response.json()["type"]) == (404, "/problems/no-such-version")
        response = await api.http.post(
            f"{PATH}/restore", headers={**CLARA, "If-Match": '"1"'}, json={"version": 2}
        )
        assert response.status_code == 404


class TestDryRun:
    """What settings would have made of the last closes."""

    async def run(self, api: ApiClient, closes: int = 200, **changes: Any) -> httpx.Response:
        settings = (await read(api))["settings"] | changes
        return await api.http.post(
            f"{PATH}/dry-run", headers=CLARA, json={"settings": settings, "closes": closes}
        )

    async def test_counts_who_would_be_asked_and_says_why_the_others_would_not(self, api: ApiClient) -> None:
        for number, messages in enumerate([0, 1, 2, 3]):
            close = closed(f"d{number}", client=f"c{number}", client_messages=messages)
            await api.harness.inbound.on_dialog_closed(close)
            api.harness.clock.advance(timedelta(minutes=1))
        await api.harness.inbound.on_dialog_closed(closed("d9", spam=True, channel="blog"))
        await api.harness.relayed()
        found = (await self.run(api, eligibility=ANYBODY | {"least_client_messages": 2})).json()
        assert [found[name] for name in ("closes", "asked", "asked_as_saved")] == [4, 2, 4]
        closed_at = "2026-03-29T00:59:59.999Z"
        assert sorted(found["not_asked"], key=str) == [
            {"dialog": f"d{number}", "close_seq": 1, "closed_at": closed_at, "reason": "too_short"}
            for number in (0, 1)
        ]
        off = (await self.run(api, closes=3, enabled=False)).json()
        assert (off["closes"], off["asked"], {each["reason"] for each in off["not_asked"]}) == (
            3, 0, {"disabled"}
        )  # fmt: skip
        assert len(await api.mine("c1")) == 1

    async def test_tells_of_the_closes_that_count_for_the_teams_of_the_token(self, api: ApiClient) -> None:
        for number, team in enumerate(["north", "south", None]):
            await api.harness.inbound.on_dialog_closed(closed(f"d{number}", team=team))
        await api.harness.relayed()
        body = {"settings": (await read(api))["settings"] | {"enabled": False}}
        limited = staff(Role.SUPERVISOR, teams=["north"])
        found = (await api.http.post(f"{PATH}/dry-run", headers=limited, json=body)).json()
        assert [found[name] for name in ("closes", "asked", "asked_as_saved")] == [1, 0, 1]
        assert [each["dialog"] for each in found["not_asked"]] == ["d0"]

    async def test_knows_whom_the_channel_asked_before_the_last_closes(self, api: ApiClient) -> None:
        for number in range(3):
            at = api.harness.clock.now()
            await api.harness.inbound.on_dialog_closed(closed(f"d{number}", closed_at=at))
            api.harness.clock.advance(timedelta(minutes=20))
        await api.harness.relayed()
        for cool_down, reasons in ((3600, ["cool_down"]), (2400, [])):
            found = (await self.run(api, closes=1, cool_down=cool_down)).json()
            assert (found["closes"], [each["reason"] for each in found["not_asked"]]) == (1, reasons)

    async def test_of_a_channel_without_closes_is_of_none(self, api: ApiClient) -> None:
        nothing = {"closes": 0, "asked": 0, "asked_as_saved": 0, "not_asked": []}
        assert (await self.run(api)).json() == nothing

    async def test_refuses_what_cannot_be_saved(self, api: ApiClient) -> None:
        response = await self.run(api, scale={"name": "faces", "satisfied_from": 4})
        assert (response.status_code, response.json()["type"]) == (409, "/problems/threshold-not-on-scale")
        assert (await self.run(api, closes=201)).status_code == 422

    async def test_tries_two_hundred_closes_at_once(self, api: ApiClient) -> None:
        closes = [closed(f"d{n}", client=f"c{n % 7}", close_seq=1) for n in range(200)]
        for close in closes:
            await api.harness.inbound.on_dialog_closed(close)
        await api.harness.relayed()
        found = (await self.run(api, cool_down=3600)).json()
        assert (found["closes"], found["asked"], found["asked_as_saved"]) == (200, 7, 200)


LANGUAGES = (
    ("ar-EG", "fr", "ar", "rtl"),
    (None, "ar", "ar", "rtl"),
    ("de", "ru_RU", "ru", "ltr"),
    ("de", "no language", "fr", "ltr"),
    (None, None, "fr", "ltr"),
)
"""What the client's dialog and browser say, and in which language and direction the form then is."""
NOT_OFFERED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"score": 4, "tags": ["slow"]}, "tag-not-offered"),
    ({"score": 2, "tags": ["rude"]}, "tag-not-offered"),
    ({"score": 2, "follow_ups": {"solved": "perhaps"}}, "follow-up-not-asked"),
    ({"score": 2, "follow_ups": {"other": "x"}}, "follow-up-not-asked"),
    ({"score": 2, "follow_ups": {"missing": "x" * 2001}}, "follow-up-too-long"),
)


class TestForms:
    async def test_a_form_keeps_its_version_whatever_is_saved_later(self, api: ApiClient) -> None:
        await save(api, 1, texts={"fr": SHOWN_IN_FRENCH}, scale={"name": "points", "satisfied_from": 8})
        await api.harness.inbound.on_dialog_closed(closed("d1", locale="fr-CA"))
        await save(api, 2, texts={}, scale={"name": "thumbs", "satisfied_from": 2})
        api.harness.clock.advance(REMEMBERED)
        await api.harness.inbound.on_dialog_closed(closed("d2", locale="fr-CA"))
        await api.harness.relayed()
        second, first = sorted(await api.mine(), key=lambda form: str(form["dialog"]), reverse=True)
        assert first["scale"] == {"name": "points", "lowest": 0, "highest": 10}
        assert first["texts"] == BUILT_IN_TEXTS["fr"] | {"question": "Alors ?"}
        assert second["scale"] == {"name": "thumbs", "lowest": 1, "highest": 2}
        assert second["texts"] == BUILT_IN_TEXTS["fr"]
        shown = (await api.post("read", {"token": api.token("d1")})).json()
        assert shown == first
        offered = [each for each in api.harness.notes.ratings if isinstance(each, RatingOffered)]
        assert [each.form_version for each in offered] == [2, 3]

    async def test_a_channel_that_is_off_asks_nobody(self, api: ApiClient) -> None:
        await save(api, 1, enabled=False)
        await api.harness.inbound.on_dialog_closed(closed())
        await api.harness.relayed()
        (event,) = api.harness.notes.ratings
        assert isinstance(event, RatingNotOffered)
        assert (event.reason, event.settings_version) == ("disabled", 2)

    async def test_a_channel_asks_whom_it_says(self, api: ApiClient) -> None:
        await save(api, 1, eligibility=ANYBODY | {"least_client_messages": 3, "skips_labels": ["Test"]})
        told: dict[str, dict[str, Any]] = {
            "short": {"client_messages": 2},
            "test": {"client_messages": 3, "labels": ("test",)},
            "asked": {"client_messages": 3},
        }
        for dialog, said in told.items():
            await api.harness.inbound.on_dialog_closed(closed(dialog, **said))
        await api.harness.relayed()
        assert {event.dialog: getattr(event, "reason", None) for event in api.harness.notes.ratings} == {
            "short": "too_short", "test": "kind_of_close", "asked": None
        }  # fmt: skip

    async def test_half_of_the_closes_are_asked_about_and_the_same_again(self, api: ApiClient) -> None:
        await save(api, 1, eligibility=ANYBODY | {"share": 50})
        for dialog in range(60):
            await api.harness.inbound.on_dialog_closed(closed(f"d{dialog}", client=f"c{dialog}"))
        await api.harness.relayed()
        outcomes = [getattr(event, "reason", "offered") for event in api.harness.notes.ratings]
        assert set(outcomes) == {"offered", "sampled_out"}
        assert 15 <= outcomes.count("offered") <= 45  # one in ten thousand falls outside

    async def test_what_holds_is_looked_up_again_within_a_second(self, api: ApiClient) -> None:
        await api.harness.inbound.on_dialog_closed(closed("d1"))
        await save(api, 1, enabled=False)
        api.harness.clock.advance(REMEMBERED - timedelta(milliseconds=1))
        await api.harness.inbound.on_dialog_closed(closed("d2"))
        api.harness.clock.advance(timedelta(milliseconds=1))
        await api.harness.inbound.on_dialog_closed(closed("d3"))
        await api.harness.relayed()
        assert {event.dialog: type(event) for event in api.harness.notes.ratings} == {
            "d1": RatingOffered, "d2": RatingOffered, "d3": RatingNotOffered
        }  # fmt: skip

    async def test_speaks_the_clients_language(self, api: ApiClient, subtests: pytest.Subtests) -> None:
        for number, (said, browser, locale, direction) in enumerate(LANGUAGES):
            with subtests.test(client=said, browser=browser):
                dialog, client = f"d{number}", f"c{number}"
                await api.harness.inbound.on_dialog_closed(closed(dialog, client=client, locale=said))
                await api.harness.relayed()
                body = {"token": api.token(dialog)} | ({"locale": browser} if browser else {})
                form = (await api.post("read", body)).json()
                assert (form["locale"], form["direction"], form["texts"]) == (
                    locale, direction, BUILT_IN_TEXTS[locale]
                )  # fmt: skip
                params = {"locale": browser} if browser else None
                response = await api.http.get("/v1/forms/mine", headers=visitor(client), params=params)
                assert response.json()["forms"] == [form]

    async def test_says_what_it_asks_of_a_comment_and_holds_to_it(self, api: ApiClient) -> None:
        await save(api, 1, comment={"mode": "required", "required_at_or_below": 2})
        await api.harness.inbound.on_dialog_closed(closed())
        await api.harness.relayed()
        (form,) = await api.mine()
        assert form["comment"] == {"mode": "required", "required_at_or_below": 2, "max_length": 2000}
        assert form["channel_name"] == "The shop"
        response = await api.answer(2)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/comment-required")
        assert response.json()["facts"] == {"at_or_below": 2}
        assert (await api.answer(2, "Slow")).status_code == 200

    async def test_asks_for_reasons_and_further_questions_in_the_clients_language(
        self, api: ApiClient
    ) -> None:
        await save(api, 1, tags=[SLOW, QUICK], follow_ups=[SOLVED, MISSING], names_operator=True)
        await api.harness.inbound.on_dialog_closed(closed(locale="fr-CA", operator_name="Ann Lee"))
        await api.harness.relayed()
        (form,) = await api.mine()
        assert form["tags"] == [
            {"id": "slow", "text": "lent", "lowest": 1, "highest": 3},
            {"id": "quick", "text": "quick", "lowest": 4, "highest": 5},
        ]
        assert form["follow_ups"] == [
            {
                "id": "solved",
                "text": "Was it solved?",
                "options": [{"id": "yes", "text": "Oui"}, {"id": "no", "text": "Non"}],
            },
            {"id": "missing", "text": "Que manquait-il ?", "options": []},
        ]
        assert form["operator_name"] == "Ann Lee"

    async def test_keeps_reasons_and_further_answers_and_gives_them_back(self, api: ApiClient) -> None:
        await save(api, 1, tags=[SLOW, QUICK], follow_ups=[SOLVED, MISSING])
        await api.harness.inbound.on_dialog_closed(closed())
        token = {"token": api.token()}
        body = {**token, "score": 2, "tags": ["slow"], "follow_ups": {"solved": "no", "missing": "A receipt"}}
        answer = (await api.post("answer", body)).json()["answer"]
        assert (answer["tags"], answer["follow_ups"]) == (
            ["slow"],
            {
                "solved": {"option": "no", "text": None},
                "missing": {"option": None, "text": {"state": "open", "text": "A receipt"}},
            },
        )
        assert (await api.post("answer", body)).json()["answer"] == answer
        changes = {**token, "score": 5, "follow_ups": {"missing": " ", "solved": "yes"}}
        changed = (await api.post("answer", changes)).json()["answer"]
        assert (changed["tags"], changed["follow_ups"]) == ([], {"solved": {"option": "yes", "text": None}})
        await api.harness.relayed()
        given, last = [each for each in api.harness.notes.ratings if isinstance(each, RatingAnswer)]
        assert (given.tags, given.answers["solved"], last.answers) == (
            ("slow",), ("no",), {"solved": ("yes",)}
        )  # fmt: skip
        sealed = given.answers["missing"]
        assert isinstance(sealed, str)
        assert "receipt" not in sealed
        (form,) = await api.mine()
        assert form["answer"] == changed
        await api.harness.erasure.erase("c1", api.harness.clock.now())
        await api.harness.erasures_done()
        assert (await api.post("answer", changes)).json()["type"] == "/problems/client-erased"

    async def test_a_change_keeps_further_answers_that_it_does_not_name_and_removes_those_that_are_empty(
        self, api: ApiClient
    ) -> None:
        await save(api, 1, tags=[SLOW, QUICK], follow_ups=[SOLVED, MISSING])
        await api.harness.inbound.on_dialog_closed(closed())
        token = {"token": api.token()}
        first = {"tags": ["slow"], "follow_ups": {"solved": "no", "missing": "A receipt"}}
        await api.post("answer", {**token, "score": 2, **first})
        kept = (await api.post("answer", {**token, "score": 3})).json()["answer"]
        assert (kept["tags"], kept["follow_ups"]["solved"]["option"]) == (["slow"], "no")
        assert kept["follow_ups"]["missing"]["text"] == {"state": "open", "text": "A receipt"}
        empty = {"solved": " ", "missing": ""}
        emptied = (await api.post("answer", {**token, "score": 3, "tags": [], "follow_ups": empty})).json()
        assert (emptied["answer"]["tags"], emptied["answer"]["follow_ups"]) == ([], {})

    async def test_words_of_further_answers_are_erased_with_their_client(self, api: ApiClient) -> None:
        await save(api, 1, follow_ups=[SOLVED, MISSING])
        await api.harness.inbound.on_dialog_closed(closed())
        token = {"token": api.token()}
        await api.post("answer", {**token, "score": 2, "follow_ups": {"solved": "no", "missing": "Canary"}})
        await api.harness.erasure.erase("c1", api.harness.clock.now())
        await api.harness.erasures_done()
        answer = (await api.post("read", token)).json()["answer"]
        assert answer["follow_ups"] == {
            "solved": {"option": "no", "text": None},
            "missing": {"option": None, "text": {"state": "erased", "text": None}},
        }
        assert await api.harness.database["keys"].count_documents({"subject": "c1"}) == 0

    async def test_takes_no_answer_that_it_doesnt_offer_and_stores_no_word_of_it(
        self, api: ApiClient, subtests: pytest.Subtests
    ) -> None:
        await save(api, 1, tags=[SLOW, QUICK], follow_ups=[SOLVED, MISSING])
        for number, (wrong, code) in enumerate(NOT_OFFERED):
            with subtests.test(wrong=str(wrong)[:60]):
                await api.harness.inbound.on_dialog_closed(closed(f"d{number}"))
                token = {"token": api.token(f"d{number}")}
                response = await api.post("answer", {**token, "comment": "Hm", **wrong})
                assert (response.status_code, response.json()["type"]) == (409, f"/problems/{code}")
                assert (await api.post("read", token)).json()["state"] == "pending"
        assert await api.harness.database["keys"].count_documents({}) == 0

    async def test_thanks_by_what_was_answered(self, api: ApiClient) -> None:
        english = {"thanks_unsatisfied": "Sorry.", "thanks": "Thanks.", "expired": "Over."}
        texts = {"en": NONE_WRITTEN | english}
        await save(api, 1, texts=texts)
        await api.harness.inbound.on_dialog_closed(closed())
        await save(api, 2, texts={})  # which changes no form that is there
        assert [(await api.answer(score)).json()["thanks"] for score in (3, 4)] == ["Sorry.", "Thanks."]
        form = (await api.post("read", {"token": api.token()})).json()
        assert (form["texts"]["thanks"], form["texts"]["expired"]) == ("Thanks.", "Over.")

    async def test_that_takes_no_comment_seals_none(self, api: ApiClient) -> None:
        await save(api, 1, comment={"mode": "off", "required_at_or_below": 3})
        await api.harness.inbound.on_dialog_closed(closed())
        response = await api.answer(2, "Slow")
        assert (response.status_code, response.json()["type"]) == (409, "/problems/comment-not-asked")
        assert await api.harness.database["keys"].count_documents({}) == 0
        assert (await api.answer(2)).status_code == 200

    async def test_that_is_over_still_says_what_happened(self, api: ApiClient) -> None:
        await save(api, 1, expiry=60)
        await api.harness.inbound.on_dialog_closed(closed())
        await api.harness.relayed()
        api.harness.clock.advance(timedelta(minutes=1))
        assert await api.harness.timers.settle_due() == 1
        form = (await api.post("read", {"token": api.token()})).json()
        assert (form["state"], form["expired_at"], form["expires_at"]) == (
            "expired", "2026-03-29T01:00:59.999Z", None
        )  # fmt: skip
