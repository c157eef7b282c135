"""The claims of a verified token, by an issuer's own names: its bearer, their roles, channels and teams."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from chassis.validation.text import clean_name
from contracts.access import Claims, Role

ABSENT: Final = object()
NAMES = ("name", "preferred_username", "email")


@dataclass(frozen=True)
class ClaimNames:
    """Where roles, channels and teams stand in an issuer's tokens, and which of its names mean which of ours.

    Each is at a claim's name, or else at a path of names joined by dots; names may have dots in them. Without
    `channels` names are ours.
    """

    roles_at: str = "roles"
    channels_at: str = "channels"
    roles: Mapping[str, Role] = field(default_factory=lambda: {str(role): role for role in Role})
    channels: Mapping[str, str] | None = None
    teams_at: str = "teams"

    @cached_property
    def folded(self) -> Mapping[str, frozenset[Role]]:
        """Which roles a name may have meant, by what is left of it without its spelling."""
        alike = {_folded(name) for name in self.roles}
        return {
            one: frozenset(role for name, role in self.roles.items() if _folded(name) == one) for one in alike
        }


def claims_of(payload: Mapping[str, Any], names: ClaimNames, allowed: frozenset[Role]) -> Claims:
    """The claims of a verified payload. ValueError for what is no text, or a role that isn't `allowed`.

    Roles that mean nothing here are passed over: a directory has many. A role of ours that this issuer
    can't grant is a forgery.
    """
    found = _texts(payload, names.roles_at)
    roles = frozenset(names.roles[name] for name in found if name in names.roles)
    if not roles <= allowed:
        raise ValueError("a role that this issuer can't grant")
    meant = (names.folded.get(_folded(name), frozenset()) for name in found if name not in names.roles)
    channels = _texts(payload, names.channels_at)
    if names.channels is not None:
        channels = frozenset(names.channels[name] for name in channels if name in names.channels)
    return Claims(
        sub=payload["sub"],
        roles=roles,
        misspelt=frozenset().union(*meant),
        channels=channels,
        scope=" ".join(sorted(_texts(payload, "scope"))),
        name=next(filter(None, (_shown(payload.get(claim)) for claim in NAMES)), None),
        team=_shown(payload.get("team")),
        teams=_teams(payload, names.teams_at),
    )


def _at(claims: Any, path: str, absent: object = None) -> Any:
    """What is at a path of names, of which the longest that is there comes first; `absent` if nothing is."""
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        return claims[path]
    names = path.split(".")
    for count in range(len(names) - 1, 0, -1):
        if (name := ".".join(names[:count])) in claims:
            return _at(claims[name], ".".join(names[count:]), absent)
    return absent


def _teams(payload: Mapping[str, Any], path: str) -> frozenset[str] | None:
    """The teams at a path, written as an operator's own is; None without that claim.

    One that says nothing is no team: nobody is without limits because a provider had nothing to write.
    """
    if _at(payload, path, ABSENT) is ABSENT:
        return None
    # A team's name may have blanks, so one text is one team.
    return frozenset(filter(None, map(clean_name, _texts(payload, path, divided=False))))


def _texts(payload: Mapping[str, Any], path: str, *, divided: bool = True) -> frozenset[str]:
    """The names at a claim or a path of claims, in a list or, if `divided`, in a text with blanks."""
    value = _at(payload, path)
    if value is None or (path == "email" and payload.get("email_verified") is not True):
        return frozenset()
    texts = [value, *(value.split() if divided else ())] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{path} is neither a text nor a list of texts")
    for text in texts:
        text.encode()  # half a surrogate is no text
    return frozenset(texts)


def _shown(value: Any) -> str | None:
    return clean_name(value) if isinstance(value, str) else None


def _folded(name: str) -> str:
    """Letters and digits alone, in one case and one form: "Operator " is "operator"."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))
