"""Who may call what: every route with every role, and what wrong requests get."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import chat
from chassis.validation.messages import ID_SENTENCE
from chat.api.tokens import VisitorTokens
from contracts.access import Role
from tests.chat.harness import Harness, Person, done
from tests.tokens import bearer
from tests.waiting import until

pytestmark = pytest.mark.real

ROUTES: dict[str, tuple[str, str, Any]] = {
    "publish a channel": ("PUT", "/v1/channels/{channel}", {"name": "Shop"}),
    "list channels": ("GET", "/v1/channels", None),
    "admit a visitor": ("POST", "/v1/channels/{channel}/visitors", {}),
    "open a dialog": ("PUT", "/v1/dialogs/{fresh}", {}),
    "write": ("PUT", "{dialog}/messages/m1", {"text": "Hello"}),
    "take": ("PUT", "{dialog}/operator", None),
    "assign": ("PUT", "{dialog}/operator", {"operator": "ann", "name": "Ann"}),
    "close": ("POST", "{dialog}/close", {"close_seq": 1}),
    "reopen": ("POST", "{dialog}/reopen", {"close_seq": 1}),
    "read": ("GET", "{dialog}", None),
    "list dialogs": ("GET", "/v1/dialogs", None),
    "erase": ("DELETE", "/v1/clients/{client}", None),
    "erase a stranger": ("DELETE", "/v1/clients/somebody", None),
    "read the keys": ("GET", "/.well-known/jwks.json", None),
}
OPEN_TO_ALL = {"admit a visitor", "read the keys"}
ALLOWED: dict[str, set[str]] = {
    "nobody": set(),
    "its visitor": {"open a dialog", "write", "close", "reopen", "read"},
    "another visitor": {"open a dialog"},
    "its operator": {"list channels", "write", "take", "assign", "close", "reopen", "read", "list dialogs"},
    "an operator elsewhere": {"list channels", "list dialogs"},
    "a supervisor": {"list channels", "assign", "read"},
    "a supervisor elsewhere": {"list channels"},
    "an admin": {"publish a channel", "list channels", "assign", "read", "erase", "erase a stranger"},
    "an admin of the channel": {"publish a channel", "list channels", "assign", "read", "erase"},
    "an admin elsewhere": {"list channels"},
    "an admin of nothing": {"list channels"},
    "a service": set(),
    "a service that writes": {"write"},
    "the platform team": set(),
}


def refusals(who: str, what: str) -> set[int]:
    if who == "nobody":
        return {401}
    # Whoever may assign anybody has to name whom.
    supervises = {"a supervisor", "an admin", "an admin of the channel"}
    return {422} if who in supervises and what == "take" else {403, 404}


async def callers(harness: Harness, channel: str, zoe: Person) -> dict[str, Person]:
    return {
        "nobody": harness.anybody,
        "its visitor": zoe,
        "another visitor": await harness.visitor(channel),
        "its operator": harness.operator("ann", channel),
        "an operator elsewhere": harness.operator("bo", "another"),
        "a supervisor": harness.staff(Role.SUPERVISOR, "sue", channel),
        "a supervisor elsewhere": harness.staff(Role.SUPERVISOR, "tom", "another"),
        "an admin": harness.admin,
        "an admin of the channel": harness.staff(Role.ADMIN, "lee", channel),
        "an admin elsewhere": harness.staff(Role.ADMIN, "kim", "another"),
        "an admin of nothing": harness.staff(Role.ADMIN, "pat", nowhere=True),
        "a service": harness.staff(Role.SERVICE, zoe.id),
        "a service that writes": harness.staff(Role.SERVICE, "helper", channel, scope="dialogs:write"),
        "the platform team": harness.staff(Role.PLATFORM, "ann"),
    }


async def test_every_door_with_every_role(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, ann = await harness.visitor(channel), harness.operator("ann", channel)
    for who, caller in (await callers(harness, channel, zoe)).items():
        for what, (method, path, body) in ROUTES.items():
            dialog = await harness.dialog(zoe, taken_by=ann)
            client = (await harness.visitor(channel)).id if what == "erase" else ""
            fresh = f"f-{caller.id[:8]}-{channel}"
            where = path.format(channel=channel, dialog=dialog, fresh=fresh, client=client)
            if what == "reopen":
                done(await zoe.post(f"{dialog}/close"))
            response = await caller.do(method, where, body)
            allowed = what in ALLOWED[who] | OPEN_TO_ALL
            assert response.is_success == allowed, (
                f"{who} may {'' if allowed else 'not '}{what}: {response.text}"
            )
            if not allowed:
                assert response.status_code in refusals(who, what), f"{who}: {what}"
                assert response.headers["content-type"] == "application/problem+json"
            await zoe.post(f"{dialog}/close")  # a client has few open ones


async def test_unknown_dialogs_and_those_of_others_look_alike(harness: Harness) -> None:
    channel = await harness.channel()
    zoe, other = await harness.visitor(channel), await harness.visitor(channel)
    there = await harness.dialog(zoe)
    for method, path, body in [ROUTES["write"], ROUTES["close"], ROUTES["reopen"], ROUTES["read"]]:
        responses = [
            await other.do(method, path.format(dialog=where), body)
            for where in (there, "/v1/dialogs/never-opened")
        ]
        problems = [{**response.json(), "instance": ""} for response in responses]
        assert problems[0] == problems[1]
        assert responses[0].status_code == 404
    assert (await other.put(there)).status_code == 404


async def test_roles_are_not_mixed_up_with_each_other(harness: Harness) -> None:
    channel = await harness.channel()
    zoe = await harness.visitor(channel)
    path = await harness.dialog(zoe)
    like_the_client = harness.operator(zoe.id, "another")
    assert (await like_the_client.get(path)).status_code == 404
    forged = replace(zoe, token=f"{str(zoe.token)[:-6]}AAAAAA")
    assert (await forged.get(path)).status_code == 401


WRONG_SHAPES: tuple[tuple[str, Any], ...] = (
    ("/v1/dialogs/with%20space", {}),
    ("/v1/dialogs/-begins-with-a-dash", {}),
    (f"/v1/dialogs/{'d' * 65}", {}),
    ("/v1/dialogs/client:somebody", {}),
    ("/v1/dialogs/d1", {"locale": {"not a language": 3}}),
    ("/v1/dialogs/d1", {"unknown": 1}),
    ("/v1/dialogs/d1/messages/m.1", {"text": "Hello"}),
    ("/v1/dialogs/d1/messages/m1", {"text": ""}),
    ("/v1/dialogs/d1/messages/m1", {"text": "x" * 10_001}),
    ("/v1/dialogs/d1/messages/m1", {"text": 5}),
    ("/v1/dialogs/d1/messages/m1", {"text": " "}),
    ("/v1/dialogs/d1/messages/m1", {"text": "\n\t\u00a0\u2003\u200b\u200d\ufeff"}),
    ("/v1/dialogs/d1/messages/m1", None),
)


async def test_a_wrong_shape_is_refused_without_quoting_it(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    zoe = await harness.visitor(await harness.channel())
    for path, body in WRONG_SHAPES:
        with subtests.test(path[:40], body=ascii(body)[:40]):
            response = await zoe.put(path, body)
            assert response.status_code == 422
            assert "not a language" not in response.text
            assert "xxx" not in response.text


BLANK = "must hold something that can be seen"


WRONG_FIELDS: tuple[tuple[str, str, Any, str, str], ...] = (
    ("PUT", "/v1/dialogs/-", {}, "path.dialog", ID_SENTENCE),
    ("PUT", "/v1/dialogs/d1/messages/m1", {"text": " "}, "body.text", BLANK),
    ("PUT", "/v1/dialogs/d1/messages/m1", {"text": ""}, "body.text", "must have at least 1 character"),
    (
        "PUT",
        "/v1/dialogs/d1/messages/m1",
        {"text": "Hello", "kanarienvogel": 1},
        "body",
        "has a field that isn't known here",
    ),
    ("PUT", "/v1/dialogs/d1", {"locale": 7}, "body.locale", "must be text"),
    ("POST", "/v1/dialogs/d1/close", {"close_seq": "1"}, "body.close_seq", "must be a whole number"),
    ("POST", "/v1/dialogs/d1/close", {"close_seq": True}, "body.close_seq", "must be a whole number"),
    ("POST", "/v1/dialogs/d1/reopen", {"close_seq": 0}, "body.close_seq", "must be at least 1"),
    (
        "POST",
        "/v1/channels/c1/visitors",
        {"email": "zoe"},
        "body.email",
        "must be an e-mail address, such as zoe@school.example",
    ),
    (
        "POST",
        "/v1/channels/c1/visitors",
        {"email": "x" * 300},
        "body.email",
        "must have at most 254 characters",
    ),
    ("GET", "/v1/dialogs/d1?limit=1&limit=2", None, "query.limit", "may be given only once"),
)
"""Requests, and which field is wrong and why."""


async def test_a_wrong_field_is_refused_with_a_sentence(harness: Harness, subtests: pytest.Subtests) -> None:
    zoe = await harness.visitor(await harness.channel())
    for method, path, body, field, sentence in WRONG_FIELDS:
        with subtests.test(f"{method} {path}", body=ascii(body)[:40]):
            response = await zoe.do(method, path, body)
            [error] = response.json()["errors"]
            assert (response.status_code, error["field"], error["sentence"]) == (422, field, sentence)


async def test_a_message_keeps_the_blanks_around_its_words(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)
    done(await zoe.put(f"{path}/messages/m1", {"text": " Hello\n"}))
    assert done(await zoe.get(path))["messages"][0]["text"]["text"] == " Hello\n"


async def test_blanks_are_no_reply(harness: Harness) -> None:
    channel = await harness.channel()
    ann = harness.operator("ann", channel)
    path = await harness.dialog(await harness.visitor(channel), taken_by=ann)
    assert (await ann.put(f"{path}/messages/m1", {"text": " "})).status_code == 422
    assert done(await ann.get(path))["messages"] == []


async def test_a_dialog_that_is_open_in_another_way_says_what_differs(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel(), locale="de")
    path = await harness.dialog(zoe)
    response = await zoe.put(path, {"locale": "fr"})
    assert (response.status_code, response.json()["detail"]) == (
        409,
        "This dialog is open already, with another locale.",
    )
    done(await zoe.put(path, {"locale": "de"}))


async def test_a_waiting_dialog_is_taken_first(harness: Harness) -> None:
    channel = await harness.channel()
    ann = harness.operator("ann", channel)
    path = await harness.dialog(await harness.visitor(channel))
    for response in (await ann.get(path), await ann.put(f"{path}/messages/m1", {"text": "Hello"})):
        assert (response.status_code, response.json()["detail"]) == (403, "Take this dialog first.")
    done(await ann.put(f"{path}/operator"))
    done(await ann.get(path))
    assert (await harness.operator("bo", channel).get(path)).status_code == 404


async def test_an_empty_cursor_is_the_first_page(harness: Harness) -> None:
    channel = await harness.channel()
    ann = harness.operator("ann", channel)
    path = await harness.dialog(await harness.visitor(channel), taken_by=ann)
    assert done(await ann.get(f"{path}?cursor=")) == done(await ann.get(path))
    assert (await ann.get("/v1/dialogs?cursor=")).status_code == 200


async def test_a_token_that_has_expired_says_so(harness: Harness) -> None:
    tokens = VisitorTokens.of(harness.settings)
    token, _ = tokens.issue("c1", await harness.channel(), datetime.now(UTC) - timedelta(days=31))
    response = await Person(harness.http, "c1", token).get("/v1/dialogs/d1")
    assert (response.status_code, response.json()["detail"]) == (
        401,
        "This token has expired: get a new one.",
    )


async def test_channels_have_the_shape_that_others_rely_on(harness: Harness) -> None:
    for wrong in (
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": "posix/Europe/Berlin"},
        {"time_zone": "posixrules"},
        {"locales": ["french!"]},
        {"allowed_origins": ["https://school.example/path"]},
        {"name": ""},
    ):
        assert (await harness.admin.put("/v1/channels/c1", {"name": "C", **wrong})).status_code == 422, wrong
    channel = await harness.channel(time_zone="Asia/Kathmandu", allowed_origins=["https://school.example"])
    sue = harness.staff(Role.SUPERVISOR, "sue", channel)
    listed = await until(lambda: sue.get("/v1/channels"), lambda response: response.json()["channels"])
    assert [(each["channel"], each["time_zone"]) for each in listed.json()["channels"]] == [
        (channel, "Asia/Kathmandu")
    ]


async def test_nobody_overwrites_a_channel_that_they_have_not_read(harness: Harness) -> None:
    channel = await harness.channel()
    path, body = f"/v1/channels/{channel}", {"name": "Shop, autumn"}
    who = bearer(harness.admin.token or "")

    async def put(body: object, **based_on: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in based_on.items()}
        return await harness.http.put(path, json=body, headers={**who, **named})

    saved = await put(body, If_Match='W/"1"')
    assert (saved.json()["version"], saved.headers["ETag"]) == (2, '"2"')
    assert (await put(body, If_Match='"1"')).json()["version"] == 2
    for based_on in ({"If_Match": '"1"'}, {"If_Match": '"3"'}, {"If_Match": "2"}, {"If_None_Match": "*"}):
        refused = await put({"name": "Shop, winter"}, **based_on)
        assert (refused.status_code, refused.json()["type"]) == (412, "/problems/changed-meanwhile")
    assert (await put({"name": "Shop, winter"}, If_None_Match='"2"')).status_code == 422
    assert (await put({"name": "Shop, winter"}, If_Match='"2"')).json()["version"] == 3


BLANKS = (" ", "\u3164", "\u2800", "\ufe00", "\U000e0100", "\u200b\u00ad")


async def test_names_and_messages_hold_something_that_can_be_seen(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    channel = await harness.channel()
    path, ann = (
        await harness.dialog(await harness.visitor(channel)),
        harness.staff(Role.OPERATOR, "ann", channel),
    )
    done(await ann.put(f"{path}/operator"))
    for number, blank in enumerate(BLANKS):
        for who, method, where, body in (
            (harness.anybody, "POST", f"/v1/channels/{channel}/visitors", {"name": blank}),
            (harness.admin, "PUT", f"/v1/channels/{channel}", {"name": blank}),
            (harness.admin, "PUT", f"{path}/operator", {"operator": "ann", "name": blank}),
            (harness.admin, "PUT", f"{path}/operator", {"operator": "ann", "name": "Ann", "team": blank}),
            (ann, "PUT", f"{path}/messages/m{number}", {"text": blank}),
        ):
            with subtests.test(f"{method} {where}", body=ascii(body)):
                response = await who.do(method, where, body)
                assert response.status_code == 422, response.text


async def test_names_are_cleaned_of_what_nobody_sees(harness: Harness) -> None:
    channel = await harness.channel(name="Course\nA\u202e")
    path = await harness.dialog(await harness.visitor(channel))
    given = {"operator": "auth0|5f7c", "name": "\u200eAnn\0", "team": "t\u0000x"}
    assigned = done(await harness.admin.put(f"{path}/operator", given))
    assert (assigned["operator"], assigned["name"], assigned["team"]) == ("auth0|5f7c", "Ann", "tx")


@pytest.mark.parametrize("name", ["  ", "\u3164"])
async def test_a_name_in_a_token_that_nobody_can_see_is_none(harness: Harness, name: str) -> None:
    channel = await harness.channel()
    path = await harness.dialog(await harness.visitor(channel))
    ann = harness.staff(Role.OPERATOR, "ann", channel, name=name, team=name)
    assigned = done(await ann.put(f"{path}/operator"))
    assert (assigned["name"], assigned["team"]) == ("ann", None)


SAID_OF_THEMSELF: tuple[tuple[dict[str, object], int], ...] = (
    ({"email": "a\ud800@b.example"}, 422),
    ({"email": "x" * 300}, 422),
    ({"email": "a@b.example\u200b"}, 422),
    ({"locale": "x" * 43}, 201),
    ({"locale": 7}, 422),
    ({"email": "a@b.example ", "locale": "en-US@posix", "name": "\u200eAnn"}, 201),
    ({"locale": "C"}, 201),
    ({"locale": ""}, 201),
)
"""Bodies of visitors, and what status they get."""


async def test_what_a_visitor_says_of_themself_is_cleaned_or_refused(
    harness: Harness, subtests: pytest.Subtests
) -> None:
    path = f"/v1/channels/{await harness.channel()}/visitors"
    for body, status in SAID_OF_THEMSELF:
        with subtests.test(body=ascii(body)[:60]):
            content, headers = json.dumps(body), {"content-type": "application/json"}
            response = await harness.http.post(path, content=content, headers=headers)
            assert response.status_code == status, response.text
            assert "items" not in response.text


async def test_a_language_is_the_same_however_it_is_written(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    for locale in ("fr-CA", "fr-ca", "fr_CA"):
        assert done(await zoe.put("/v1/dialogs/d-13", {"locale": locale}))["locale"] == "fr-CA"


async def test_names_of_every_script_are_names(harness: Harness) -> None:
    channel = await harness.channel(name="Überblick «Ω» 👩🏽‍🏫")
    for name in ("Zoë O’Neil-Nuñez", "نیکی می‌خواهم", "李 小龍", "S. Müller, Ph.D."):
        done(await harness.anybody.post(f"/v1/channels/{channel}/visitors", {"name": name}))


async def test_ids_that_people_choose_are_to_be_hard_to_guess(harness: Harness) -> None:
    document = done(await harness.http.get("/openapi.json"))
    parameters = document["paths"]["/v1/dialogs/{dialog}/messages/{message}"]["put"]["parameters"]
    described = {each["name"]: each["description"] for each in parameters if each["in"] == "path"}
    assert set(described) == {"dialog", "message"}
    assert all("at least 64 random bits" in text for text in described.values())


async def test_unknown_channels_admit_nobody(harness: Harness) -> None:
    assert (await harness.anybody.post("/v1/channels/nowhere/visitors")).status_code == 404


async def test_ten_thousand_characters_of_any_script_are_one_message(harness: Harness) -> None:
    zoe = await harness.visitor(await harness.channel())
    path = await harness.dialog(zoe)
    text = "👩🏽‍🏫ж" * 2_000
    done(await zoe.put(f"{path}/messages/m1", {"text": text}))
    assert done(await zoe.get(path))["messages"][0]["text"]["text"] == text


async def test_every_route_is_documented_with_examples_and_problems(harness: Harness) -> None:
    document = done(await harness.http.get("/openapi.json"))
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route["description"] or path.startswith("/health"), f"{method} {path}"
            if path.startswith("/v1/"):
                assert {"422", "500", "503"} <= set(route["responses"]), f"{method} {path}"
            if "security" in route:
                assert {"401", "403"} <= set(route["responses"]), f"{method} {path}"
    shapes = document["components"]["schemas"]
    for name in ("ChannelBody", "VisitorBody", "OpeningBody", "MessageBody", "OperatorBody", "CloseBody"):
        assert shapes[name]["examples"], name
    for name, shape in shapes.items():
        for field, about in shape.get("properties", {}).items():
            assert about.get("description"), f"{name}.{field}"
    assert "Unicode code points" in shapes["MessageBody"]["properties"]["text"]["description"]


def sources() -> list[tuple[str, str]]:
    return [(str(path), path.read_text()) for path in Path(chat.__path__[0]).rglob("*.py")]


async def test_chat_knows_nothing_of_what_clients_think_of_it(harness: Harness) -> None:
    document = json.dumps(done(await harness.http.get("/openapi.json"))).lower()
    assert "rating" not in document
    forbidden = re.compile(r"contracts\.ratings|RATINGS|RATING_KEYS|RATING_EVENTS")
    assert not [path for path, source in sources() if forbidden.search(source)]


async def test_it_is_ready_and_says_so(harness: Harness) -> None:
    response = await until(lambda: harness.http.get("/health/ready"), lambda response: response.is_success)
    assert set(response.json()["parts"]) >= {"database", "broker", "clock", "keys", "relay"}
