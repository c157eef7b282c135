"""Four dialogs that are alike but for what became of their forms: rated, declined, expired, never offered.

All were written in, closed, reopened and closed again by the same people of the support floor, in the same
words: their operator must see no difference between them.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import jwt

from chassis.http.tokens import ALGORITHM, signing_key, thumbprint
from contracts.access import AUDIENCE_STAFF, Role, Scope
from contracts.envelope import rfc3339
from deploy.demo.people import Caller, NotYet, Operator, Visitor, until
from deploy.demo.support_floor import SupportFloor
from deploy.local.secrets import STAFF_ISSUER, Secrets
from deploy.local.stack import Stack

ENDINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "rated": {"expiry": 600},
    "declined": {"expiry": 600},
    "expired": {"expiry": 1},
    "unasked": {"enabled": False},
}
"""What becomes of the forms, and how the channel asks for that; each has a channel of its own."""

REPLY: Final = "It is under Profile"
NOBODY: Final = "nobody"
"""A client whom nobody knows: an operator who is an admin too could erase one of the story."""

COMMENT: Final = "a canary among words"
AT_ONCE: Final[Mapping[str, Any]] = {"delay": 0, "cool_down": 0}
CLAIMS: Final[Mapping[str, Any]] = {
    "iss": STAFF_ISSUER,
    "aud": AUDIENCE_STAFF,
    "exp": 4_000_000_000,
    "scope": " ".join(Scope),
}
"""Of every operator's token: it is good for long, and has all scopes that a service may have."""

SPELLINGS: Final = ("Operator", "OPERATOR", "operator ", "oper-ator", "ｏｐｅｒａｔｏｒ")  # noqa: RUF001 - no Latin letters
OTHERS: Final = tuple(role for role in Role if role not in {Role.OPERATOR, Role.VISITOR})
"""All other roles of staff."""

LEAST, MOST, COLLEAGUE = "operator", "operator with all other roles", "operator who has other dialogs"
ROLES: Final[Mapping[str, Sequence[str]]] = {
    LEAST: [Role.OPERATOR],
    **{f"operator and {role}": [Role.OPERATOR, role] for role in OTHERS},
    MOST: [Role.OPERATOR, *OTHERS],
    **{f"{spelling!a} with all other roles": [spelling, *OTHERS] for spelling in SPELLINGS},
}
"""The roles of the tokens of the one who has the dialogs, by what each is called."""


@dataclass(frozen=True)
class Conversation:
    """A closed dialog, its client, and how its form ends."""

    ending: str
    channel: str
    visitor: Visitor
    dialog: str

    @property
    def names(self) -> Mapping[str, str]:
        """What the names in paths are here."""
        return {
            "channel": self.channel,
            "dialog": self.dialog,
            "client": NOBODY,
            "message": "m2",
            "reply": REPLY,
            "close_seq": "2",
            "close": f"{self.dialog}.2",
        }


@dataclass(frozen=True)
class Story:
    """Everybody in it; `tokens` are operators', by what they are called, `form` is the first form's token."""

    floor: SupportFloor
    operator: str
    closed: Mapping[str, Conversation]
    opened: Conversation
    tokens: Mapping[str, str]
    form: str
    mark: str
    webhook: str

    @property
    def ids(self) -> Collection[str]:
        """What everything and everybody in it is called."""
        conversations = [*self.closed.values(), self.opened]
        found = {self.operator, self.form, self.mark, self.webhook}
        return found.union(*({each.dialog, each.channel, each.visitor.client} for each in conversations))

    @classmethod
    async def begin(cls, floor: SupportFloor, stack: Stack) -> Self:
        """Plays until all dialogs are closed and the forms of those that will be answered are offered."""
        suffix = secrets.token_hex(4)
        operator, mark = f"ann-{suffix}", f"mark-{suffix}"
        channels = [f"{ending[:2]}-{suffix}" for ending in ENDINGS]
        ann = Operator(Caller(floor.http, token(stack, [Role.OPERATOR], operator, channels)), floor.urls)
        closed = {}
        for channel, (ending, settings) in zip(channels, ENDINGS.items(), strict=True):
            await floor.set_up(channel, **AT_ONCE, **settings)
            await floor.channel(channel, locales=["en"])
            closed[ending] = await _closed(floor, ann, channel, ending)
        opened = await _opened(floor, ann, channels[0], "open")
        tokens = {name: token(stack, roles, operator, channels) for name, roles in ROLES.items()}
        tokens[COLLEAGUE] = token(stack, [Role.OPERATOR], f"bob-{suffix}", channels)
        rated = closed["rated"]
        form = await rated.visitor.form(rated.dialog, 2)
        await closed["declined"].visitor.form(closed["declined"].dialog, 2)
        body = {"at": rfc3339(datetime.now(UTC)), "text": "New bot", "channels": channels}
        url = f"{floor.urls.analytics}/v1/live-chat/marks/{mark}"
        await floor.supervisor().caller.do("PUT", url, json=body)
        webhook = f"hook-{suffix}"
        await _hooked(floor, webhook, channels)
        return cls(floor, operator, closed, opened, tokens, form["token"], mark, webhook)

    async def rate(self) -> None:
        """The client of the first dialog rates, and the supervisors see it."""
        rated = self.closed["rated"]
        (await rated.visitor.answer(self.form, 1, COMMENT)).raise_for_status()
        await self._until_seen(rated, "given", score=1, comment={"state": "open", "text": COMMENT})

    async def settle(self) -> None:
        """The rating is changed and written about, a form declined; the others have ended by themselves."""
        rated, declined = self.closed["rated"], self.closed["declined"]
        form = await declined.visitor.form(declined.dialog, 2)
        (await declined.visitor.decline(form["token"])).raise_for_status()
        (await rated.visitor.answer(self.form, 5, "")).raise_for_status()
        await self._until_seen(rated, "given", score=5, comment=None)
        await self._until_seen(declined, "declined")
        await self._until_seen(self.closed["expired"], "expired")
        await self._until_seen(self.closed["unasked"], "not_offered")
        supervisor = self.floor.supervisor()
        version = (await supervisor.read(f"closes/{rated.dialog}/2/review"))["version"]
        await supervisor.write(rated.dialog, 2, "note", "a word about it", version)

    async def _until_seen(self, conversation: Conversation, state: str, **more: Any) -> None:
        wanted = {"state": state, **more}

        async def look() -> None:
            for review in await self.floor.supervisor().every_review(channel=conversation.channel):
                if review["close_seq"] == 2 and wanted.items() <= review.items():
                    return
            raise NotYet(f"the second close of {conversation.dialog} is not {wanted}")

        await until(look)


def token(stack: Stack, roles: Sequence[str], sub: str, channels: Sequence[str]) -> str:
    """A token of staff's provider with `roles` as they are spelt."""
    key = signing_key(str(Secrets(stack.folder).staff_key))
    claims = {**CLAIMS, "sub": sub, "name": sub, "roles": list(roles), "channels": list(channels)}
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": thumbprint(key.public_key())})


async def _hooked(floor: SupportFloor, webhook: str, channels: Sequence[str]) -> None:
    """A webhook that would be told of everything; nobody listens there."""
    every = ["not_offered", "offered", "given", "changed", "expired"]
    told = {"url": "https://127.0.0.1:1/", "events": every, "channels": list(channels)}
    url = f"{floor.urls.rating}/v1/webhooks/{webhook}"
    settings = {**told, "score_at_or_below": None, "enabled": True}
    await floor.caller(Role.ADMIN).do("PUT", url, json=settings)


async def _opened(floor: SupportFloor, ann: Operator, channel: str, ending: str) -> Conversation:
    visitor = await floor.visitor(channel, locale="en", name="Zoe Brown", email="zoe@school.example")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Where is my certificate?")
    await ann.take(dialog)
    await ann.post_message(dialog, "m2", REPLY)
    return Conversation(ending, channel, visitor, dialog)


async def _closed(floor: SupportFloor, ann: Operator, channel: str, ending: str) -> Conversation:
    conversation = await _opened(floor, ann, channel, ending)
    visitor, dialog = conversation.visitor, conversation.dialog
    await ann.close(dialog, 1)
    await visitor.reopen(dialog, 1)
    await visitor.post_message(dialog, "m3", "It is not there")
    await ann.post_message(dialog, "m4", "Now it is")
    await ann.close(dialog, 2)
    return conversation
