"""The route that gives closes as a file: a row for every one that was asked for, rated or not."""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query
from fastapi.responses import StreamingResponse

from analytics.api.answer_schemas import FollowUps, follow_ups
from analytics.api.client_texts import ReviewText, sealed_answers, sealed_texts
from analytics.api.dependencies import Audit, Clock, Reviewed, Serving, Texts
from analytics.api.parameters import ExportParameters
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import NOT_PERMITTED
from analytics.api.review_schemas import review_fields
from analytics.domain.close import Close
from analytics.read_models.decryption import DecryptedText, SealedText
from analytics.read_models.documents import close_id
from analytics.read_models.reviewed import UNREVIEWED, Standing
from analytics.read_models.reviews import ClosePage, ReviewPosition
from analytics.read_models.search import list_page
from chassis.http.routes import Router
from contracts.dialogs import ParticipantKind
from contracts.envelope import rfc3339

router = Router(prefix="/v1/live-chat", tags=["live chat"])

AT_ONCE: Final = 200
"""Rows that are read, noted in the audit and sent at once."""

FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet may take for the beginning of a formula
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

WITHIN: Final = re.compile(r"""(?<=[;\t\r\n])(?=[ "]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")
"""Where one may begin inside of a text: where the list separator is a semicolon, spreadsheets split there and
at tabs, and they know quotes at a cell's beginning alone, so that a line's end is one for them too.
"""

Fields = Mapping[str, Any]


class CsvStream(StreamingResponse):
    """A file of comma-separated values (RFC 4180) in UTF-8."""

    media_type = "text/csv; charset=utf-8"


@router.get(
    "/export.csv",
    response_class=CsvStream,
    response_model=None,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "A row per close."},
        **NOT_PERMITTED,
    },
)
async def export_closes(
    asked: Annotated[ExportParameters, Query()],
    claims: SupervisorClaims,
    serving: Serving,
    texts: Texts,
    reviewed: Reviewed,
    audit: Audit,
    clock: Clock,
) -> CsvStream:
    """Every close that was asked for, the newest first, as comma-separated values: what the summary counts.

    Excluded ones are there too, with the reason. What is closed or rated after the start is left out. Rows
    are noted in the audit before they are sent, and tell the state that a close has then. What a spreadsheet
    would take for a formula has an apostrophe before it, at a text's beginning and after a line's end, a tab
    or a semicolon inside of it.
    """
    closes = asked.close_filter(claims)
    closes = replace(closes, until=min(closes.until or clock.now(), clock.now()))

    async def read(after: ReviewPosition | None) -> ClosePage:
        # A rebuild may take over meanwhile: positions hold in whichever generation serves.
        page = await list_page(serving.now, texts, closes, asked.text, after, AT_ONCE, asked.statuses)
        await audit.note("export.read", claims, clock.now(), asked=asked.for_audit(), closes=names(page))
        return page

    async def lines(page: ClosePage) -> AsyncIterator[str]:
        yield ("\ufeff" if asked.bom else "") + written([COLUMNS])
        while True:
            opened, standings = (
                await texts.open(sealed_of(page.closes)),
                await reviewed.standings(names(page)),
            )
            yield written(
                row(close, fields_of(close, opened, standings.get(name, UNREVIEWED)))
                for close, name in zip(page.closes, names(page), strict=True)
            )
            if page.after is None:
                return
            page = await read(page.after)

    # What can't be read at all is a problem, not a file without rows.
    first = await read(None)
    name = "-".join(["live-chat", *(bound[:10] for bound in (asked.from_, asked.to) if bound)])
    return CsvStream(lines(first), headers={"Content-Disposition": f'attachment; filename="{name}.csv"'})


def sealed_of(closes: Sequence[Close]) -> set[SealedText]:
    """Every sealed text of the rows: of answers, those of the one that counts."""
    answers = [sealed_answers(close, [close.answer]) for close in closes if close.answer]
    return sealed_texts(closes).union(*answers)


def fields_of(close: Close, opened: Mapping[SealedText, DecryptedText], standing: Standing) -> Fields:
    """What cells are made of, beside the close itself."""
    given = follow_ups(close, close.answer, opened)
    return {**review_fields(close, opened), "follow_ups": given, "standing": standing}


def names(page: ClosePage) -> list[str]:
    """The ids of the closes."""
    return [close_id(close.dialog, close.close_seq) for close in page.closes]


def written(rows: Iterable[Iterable[Any]]) -> str:
    """The rows as text."""
    lines = io.StringIO()
    csv.writer(lines).writerows([cell(value) for value in row] for row in rows)
    return lines.getvalue()


def cell(value: Any) -> str:
    """A value as it stands in its cell: nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return rfc3339(value)
        case int():
            return str(value)
    text = WITHIN.sub("'", str(value))
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def row(close: Close, fields: Fields) -> list[Any]:
    """The cells of a close that counts."""
    return [value(close, fields) for value in CELLS.values()]


def field(name: str) -> Callable[[Close, Fields], Any]:
    """A field of the review."""
    return lambda _, fields: fields[name]


def of_closed(name: str) -> Callable[[Close, Fields], Any]:
    """A field of the closing."""
    return lambda close, _: getattr(close.closed, name)


def of_scale(name: str) -> Callable[[Close, Fields], Any]:
    """A field of the scale; nothing without an answer."""
    return lambda _, fields: fields["scale"] and getattr(fields["scale"], name)


def participants(close: Close, _: Fields) -> str:
    """Who took part, each with their messages and share; of what is no person, what it is."""
    took_part = close.closed.participants if close.closed else ()
    all_messages = sum(each.messages for each in took_part)
    return "; ".join(
        f"{each.name}{'' if each.kind is ParticipantKind.PERSON else f' [{each.kind}]'}: {each.messages}"
        + (f" ({100 * each.messages / all_messages:.0f} %)" if all_messages else "")
        for each in took_part
    )


def text_of(name: str) -> Callable[[Close, Fields], str | None]:
    """What a client wrote, if it can be read."""

    def text(_: Close, fields: Fields) -> str | None:
        shown: ReviewText | None = fields[name]
        return None if shown is None else shown.text

    return text


def follow_ups_chosen(_: Close, fields: Fields) -> str:
    """Each follow-up that was answered, by its id: the options' ids, or the state of what was written."""
    given: FollowUps = fields["follow_ups"]
    return "; ".join(
        f"{question}: {f'[{each.text.state}]' if each.text else ', '.join(each.options)}"
        for question, each in given.items()
    )


def follow_ups_written(_: Close, fields: Fields) -> str:
    """What the client wrote to follow-ups, by their ids, as far as it can be read."""
    given: FollowUps = fields["follow_ups"]
    return "; ".join(
        f"{question}: {each.text.text}" for question, each in given.items() if each.text and each.text.text
    )


CELLS: Final[Mapping[str, Callable[[Close, Fields], Any]]] = {
    **{name: field(name) for name in ("dialog", "close_seq", "channel", "operator", "operator_name", "team")},
    "locale": field("locale"),
    "client": field("client"),
    "client_name": text_of("client_name"),
    **{name: of_closed(name) for name in ("opened_at", "first_reply_at", "closed_at")},
    **{name: field(name) for name in ("closed_by", "reopened_at", "state", "reason", "state_since")},
    "offered_at": lambda close, _: close.offered and close.offered.offered_at,
    "expires_at": field("expires_at"),
    "rated_at": field("given_at"),
    "scale": of_scale("name"),
    **{name: of_scale(name) for name in ("lowest", "highest", "satisfied_from")},
    **{name: field(name) for name in ("score", "satisfied", "first_score", "changes")},
    "comment": text_of("comment"),
    "comment_state": lambda _, fields: fields["comment"] and fields["comment"].state,
    "tags": lambda _, fields: "; ".join(fields["tags"]),
    **{name: of_closed(name) for name in ("client_messages", "operator_messages")},
    "participants": participants,
    "status": lambda _, fields: fields["standing"].status,
    "own_score": lambda _, fields: fields["standing"].own_score and fields["standing"].own_score.score,
    "excluded": lambda _, fields: fields["standing"].excluded,
    "follow_ups": follow_ups_chosen,
    "follow_up_words": follow_ups_written,
}
"""The columns; only add, at the end: programs may read them by their place."""

COLUMNS: Final = tuple(CELLS)
