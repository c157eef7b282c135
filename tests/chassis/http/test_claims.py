"""A provider's names for roles and channels become ours; what its directory says besides means nothing."""

from typing import Any

import pytest

from chassis.http.claims import ClaimNames, claims_of
from contracts.access import Claims, Role

STAFF = frozenset(Role) - {Role.VISITOR}
SUPERVISOR, OPERATOR = frozenset({Role.SUPERVISOR}), frozenset({Role.OPERATOR})


def claims(payload: dict[str, Any], **names: Any) -> Claims:
    return claims_of({"sub": "anna", **payload}, ClaimNames(**names), STAFF)


PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "a list": ({"roles": ["supervisor"]}, "roles"),
    "one text": ({"role": "supervisor"}, "role"),
    "a text with blanks": ({"scp": "openid supervisor profile"}, "scp"),
    "inside of another claim": ({"realm_access": {"roles": ["supervisor"]}}, "realm_access.roles"),
    "deeper": ({"a": {"b": {"c": "supervisor"}}}, "a.b.c"),
    "a name with dots": ({"https://candor.example/roles": ["supervisor"]}, "https://candor.example/roles"),
    "a path with a name with dots": (
        {"resource_access": {"shop.example": {"roles": ["supervisor"]}, "shop": {"roles": ["admin"]}}},
        "resource_access.shop.example.roles",
    ),
    "a name with dots before a path": ({"a.b": ["supervisor"], "a": {"b": ["admin"]}}, "a.b"),
}


@pytest.mark.parametrize(("payload", "place"), PLACES.values(), ids=PLACES.keys())
def test_roles_and_channels_stand_where_the_settings_say(payload: dict[str, Any], place: str) -> None:
    assert claims(payload, roles_at=place).roles == SUPERVISOR
    assert "supervisor" in claims(payload, channels_at=place).channels


@pytest.mark.parametrize(
    "payload", [{}, {"a": None}, {"a": []}, {"a": "b"}, {"a": {"b": None}}, {"a": {"c": 1}}]
)
def test_what_is_not_there_grants_nothing(payload: dict[str, Any]) -> None:
    found = claims(payload, roles_at="a.b", channels_at="a.b")
    assert (found.roles, found.channels) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    "value", [7, True, {"supervisor": 1}, ["supervisor", 7], [["supervisor"]], ["\ud800"]]
)
@pytest.mark.parametrize("place", ["roles_at", "channels_at"])
def test_what_is_no_text_is_refused(value: object, place: str) -> None:
    with pytest.raises(ValueError, match=r"text|surrogates"):
        claims({"x": value}, **{place: "x"})


def test_the_providers_names_mean_ours_and_no_others_do() -> None:
    roles = {"Candor Lead": Role.SUPERVISOR}
    assert claims({"roles": ["Candor Lead", "admin", "Everyone"]}, roles=roles).roles == SUPERVISOR
    assert claims({"roles": "Candor Lead"}, roles=roles).roles == SUPERVISOR
    found = claims({"channels": ["/support/shop", "course", "*"]}, channels={"/support/shop": "shop"})
    assert found.channels == {"shop"}


def test_a_channel_of_the_provider_can_mean_all() -> None:
    assert claims({"channels": "shop.example"}, channels={"shop.example": "*"}).covers("course")


@pytest.mark.parametrize(
    ("payload", "teams"),
    [
        ({}, None),
        ({"teams": None}, set()),
        ({"teams": []}, set()),
        ({"teams": " "}, set()),
        ({"teams": "first line"}, {"first line"}),
        ({"teams": ["first line", "b\n"]}, {"first line", "b"}),
        ({"groups": ["first line"]}, None),
    ],
)
def test_teams_limit_only_whom_they_are_named_to(payload: dict[str, Any], teams: set[str] | None) -> None:
    found = claims(payload)
    assert found.teams == teams
    assert found.covers_team("first line") == (teams is None or "first line" in teams)
    assert found.covers_team(None) == (teams is None)


def test_teams_stand_where_the_settings_say() -> None:
    assert claims({"a": {"b": ["x"]}, "teams": ["y"]}, teams_at="a.b").teams == frozenset({"x"})
    assert claims({"email": "x"}, teams_at="email").teams == frozenset()
    assert claims({"a": {"c": 1}}, teams_at="a.b").teams is None
    for nothing in ({"b": None}, ["x"], None):
        assert claims({"a": nothing}, teams_at="a.b").teams == frozenset()
    with pytest.raises(ValueError, match="text"):
        claims({"teams": {"x": 1}})


def test_a_role_that_the_issuer_cannot_grant_is_a_forgery() -> None:
    with pytest.raises(ValueError, match="can't grant"):
        claims({"roles": ["supervisor", "visitor"]})


@pytest.mark.parametrize(
    "spelling",
    [
        "Operator",
        " operator",
        "OPERATOR",
        "operator\n",
        "oper\u200bator",
        "\uff4f\uff50\uff45\uff52\uff41\uff54\uff4f\uff52",
        "op-erator",
    ],
)
def test_a_misspelt_role_only_denies(spelling: str) -> None:
    found = claims({"roles": ["supervisor", spelling]})
    assert found.roles == SUPERVISOR
    assert found.names_any(OPERATOR)
    assert not claims({"roles": [spelling]}).roles


def test_names_of_the_provider_are_compared_in_the_same_way() -> None:
    roles = {"candor-operator": Role.OPERATOR, "candor-lead": Role.SUPERVISOR}
    found = claims({"roles": ["Candor Operator", "candor-lead"]}, roles=roles)
    assert (found.roles, found.misspelt) == (SUPERVISOR, OPERATOR)
    assert not claims({"roles": ["candor-lead"]}, roles=roles).names_any(OPERATOR)


def test_names_that_differ_in_their_spelling_alone_mean_what_they_say() -> None:
    roles = {"lead": Role.SUPERVISOR, "Lead": Role.OPERATOR}
    assert claims({"roles": ["lead"]}, roles=roles) == Claims(sub="anna", roles=SUPERVISOR)
    assert claims({"roles": ["LEAD"]}, roles=roles).misspelt == SUPERVISOR | OPERATOR


@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_nobody_verified_grants_nothing(verified: object) -> None:
    known = {"email": "ann@shop.example", "email_verified": verified}
    names: dict[str, Any] = {
        "roles_at": "email", "roles": {"ann@shop.example": Role.OPERATOR},
        "channels_at": "email", "channels": {"ann@shop.example": "shop"},
    }  # fmt: skip
    found = claims(known, **names)
    assert (found.roles, found.channels) == (frozenset(), frozenset())
    found = claims({**known, "email_verified": True}, **names)
    assert (found.roles, found.channels) == (OPERATOR, frozenset({"shop"}))


NAMES: dict[str, tuple[dict[str, Any], str | None]] = {
    "all": ({"name": "Ann", "preferred_username": "ann", "email": "ann@shop.example"}, "Ann"),
    "no name": ({"preferred_username": "ann", "email": "ann@shop.example"}, "ann"),
    "an address alone": ({"email": "ann@shop.example"}, "ann@shop.example"),
    "none": ({}, None),
    "nothing to be seen": ({"name": " \u200b", "preferred_username": "ann"}, "ann"),
    "no text": ({"name": ["Ann"], "preferred_username": 7, "email": {}}, None),
    "a mark of writing direction": ({"name": "ann\u202eeel"}, "anneel"),
    "half a letter": ({"name": "Ann\ud800"}, "Ann"),
    "three thousand letters": ({"name": "x" * 3000}, "x" * 200),
}


@pytest.mark.parametrize(("payload", "name"), NAMES.values(), ids=NAMES.keys())
def test_somebody_is_called_by_the_first_name_that_can_be_shown(
    payload: dict[str, Any], name: str | None
) -> None:
    assert claims(payload).name == name


def test_no_name_holds_a_line_break_or_a_control_character() -> None:
    found = claims({"name": "Ann\nLee", "team": "t\u0000x"})
    assert (found.name or "").replace(" ", "") == "AnnLee"
    assert found.team == "tx"


@pytest.mark.parametrize(
    "sub",
    ["auth0|5f7c", "_AAAA-9", "ann@school.example", "f:0b5e:ann", "s" * 255, "00ujmkL", "CN=Ann Lee,O=Shop"],
)
def test_a_subject_is_whatever_the_provider_says(sub: str) -> None:
    assert claims({"sub": sub}).sub == sub


@pytest.mark.parametrize("sub", ["", "s" * 256, "ann\n", "ann\u0000", "änn", "\ud800", 7, None, ["ann"]])
def test_a_subject_that_openid_connect_does_not_allow_is_refused(sub: object) -> None:
    with pytest.raises(ValueError, match=r"sub"):
        claims({"sub": sub})
