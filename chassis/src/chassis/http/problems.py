"""Problem details (RFC 9457): every problem that a response can be has a code, a status and a sentence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple, TypeVar

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from chassis.validation.messages import FIELD_SENTENCES, FieldError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2
PREFIX = "/problems/"
CODES = "x-problems"
"""Where a route's declaration keeps its codes until the OpenAPI document is made, which has all there."""
FIELD_CODES = "x-field-problems"
"""Where an OpenAPI document has the sentences of its field errors, by their codes."""

Facts = Mapping[str, str | int]
F = TypeVar("F", bound=Callable[..., Any])

_TITLES = {
    401: "Not signed in", 403: "Not allowed", 404: "Not found", 405: "Method not allowed", 408: "Too slow",
    409: "Refused", 413: "Too large", 414: "Too long", 415: "Unknown kind of body", 422: "Wrong shape",
    431: "Token too large", 500: "Something broke", 503: "Not available now",
}  # fmt: skip


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457). `type` is the code of the problem; each route says which it can have."""

    type: str = Field(
        description="The code of the problem, a relative URI.", examples=["/problems/not-found"]
    )
    title: str = Field(description="The kind of problem in a few words, the same for its status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, in a sentence of the default language.")
    instance: str = Field(description="The request's id, as in `X-Request-ID`.")
    facts: dict[str, str | int] | None = Field(
        default=None, description="What the sentence is filled with, by the names in its template."
    )
    errors: list[FieldError] | None = Field(default=None, description="Of 422: the fields that are wrong.")


class Problem(Exception):
    """A response other than success. A subclass has a code, a status and a sentence's template."""

    code: ClassVar[str]
    status: ClassVar[int]
    sentence: ClassVar[str]

    def __init__(self, headers: Mapping[str, str] | None = None, **facts: str | int) -> None:
        super().__init__(self.code)
        self.headers = dict(headers or {})
        self.facts = facts


class Unauthenticated(Problem):
    """401: the token can't be trusted; the sentence doesn't help a forger."""

    code, status, sentence = "token-invalid", 401, "A valid token is needed."
    challenge: ClassVar[str] = "Bearer"

    def __init__(self) -> None:
        super().__init__({"WWW-Authenticate": self.challenge})


class TokenMissing(Unauthenticated):
    """401: there is no token."""

    code, sentence = "token-missing", "A token is needed."


class TokenExpired(Unauthenticated):
    """401: nothing was wrong with the token but that its time is over, so its owner may know it."""

    code, sentence = "token-expired", "This token has expired: get a new one."
    challenge = 'Bearer error="invalid_token", error_description="The token has expired"'


class TokenTooLarge(Problem):
    """431: the token is longer than any that is read, so nobody looked whether it is good."""

    code, status = "token-too-large", 431
    sentence = "This token is too large: it may have {most} characters at most."


class Forbidden(Problem):
    """403: the caller is known, and may not."""

    code, status, sentence = "role-not-allowed", 403, "Your role doesn't allow this."


class NotOneVisitor(Forbidden):
    """403: the token is no visitor's, or not for one channel."""

    code, sentence = "not-one-visitor", "This needs a visitor's token for one channel."


class ChannelNotCovered(Forbidden):
    """403: the token is not good for the channel that was asked for."""

    code, sentence = "not-your-channel", "Your token is not good for this channel."


class NoChannelCovered(Forbidden):
    """403: the token is good for no channel."""

    code, sentence = "no-channel", "Your token is good for no channel."


class TeamNotCovered(Forbidden):
    """403: the token is limited to other teams than the one that was asked for."""

    code, sentence = "not-your-team", "Your token is not good for this team."


class NoTeamCovered(Forbidden):
    """403: the token is limited to no team at all."""

    code, sentence = "no-team", "Your token is good for no team."


class OriginNotAllowed(Forbidden):
    """403: the page that sent the request is not one of those that may."""

    code, sentence = "origin-not-allowed", "Pages of this site may not do that."


class NotFound(Problem):
    """404: there is nothing at this address."""

    code, status, sentence = "not-found", 404, "There is nothing at this address."


class MethodNotAllowed(Problem):
    """405: something is at this address, but not with this method."""

    code, status, sentence = "method-not-allowed", 405, "This address doesn't know that method."


class BodyTooSlow(Problem):
    """408: the rest of the body is not waited for."""

    code, status, sentence = "body-too-slow", 408, "The body took too long."


class BodyTooLarge(Problem):
    """413: the rest of the body is not read."""

    code, status, sentence = "body-too-large", 413, "The body may be {kib} KiB at most."


class QueryTooLong(Problem):
    """414: the query was not read."""

    code, status, sentence = "query-too-long", 414, "The query may have {most} characters at most."


class UnsupportedMediaType(Problem):
    """415: the body's media type isn't JSON's."""

    code, status = "unsupported-media-type", 415
    sentence = "Send the body as JSON, with Content-Type: application/json."


class WrongShape(Problem):
    """422: the request can't be understood; `errors` says why, field by field."""

    code, status = "wrong-shape", 422
    sentence = "The request doesn't have the shape that is expected."

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__()
        self.errors = list(errors)


class InternalError(Problem):
    """500: a bug; its sentence tells nothing about it."""

    code, status = "internal-error", 500
    sentence = "Something went wrong on our side; the request's id helps us to find out what."


class Unavailable(Problem):
    """503: not now, but soon; `Retry-After` says in how many seconds."""

    code, status = "unavailable", 503
    sentence = "This doesn't work right now. Try again in a moment."

    def __init__(self) -> None:
        super().__init__({"Retry-After": str(RETRY_AFTER)})


class ServiceStarting(Unavailable):
    """503: the service has not reached its database yet."""

    code, sentence = "service-starting", "The service is starting. Try again in a moment."


class ProblemKind(NamedTuple):
    """What belongs to a code."""

    status: int
    sentence: str


def kinds_of(kind: type[Problem]) -> Iterator[type[Problem]]:
    """All kinds of a problem."""
    for each in kind.__subclasses__():
        yield each
        yield from kinds_of(each)


class ProblemCatalogue:
    """Every code that a service can answer with: those of all services, and its own rejections.

    `sentences` are templates by code, as in ``"it holds {most} messages"``; a code that `statuses` doesn't
    name is a 409. `field_sentences` are what the service's own validators say, beside the chassis'.
    """

    def __init__(
        self,
        sentences: Mapping[str, str] | None = None,
        statuses: Mapping[str, int] | None = None,
        field_sentences: Mapping[str, str] | None = None,
    ) -> None:
        own, statuses = dict(sentences or {}), dict(statuses or {})
        common = {kind.code: ProblemKind(kind.status, kind.sentence) for kind in kinds_of(Problem)}
        self.kinds = common | {str(code): ProblemKind(statuses.get(code, 409), own[code]) for code in own}
        self.field_sentences = {**FIELD_SENTENCES, **(field_sentences or {})}

    def responses(self, *codes: str) -> dict[int | str, dict[str, Any]]:
        """What a route gives to ``responses=``: the codes of its own, which OpenAPI will show by status.

        Codes that follow from its parts (its body, its dependencies) are added without being named.
        """
        declared: dict[int | str, dict[str, Any]] = {}
        for code in map(str, codes):
            status = self.kinds[code].status
            declared.setdefault(status, {"description": title(status), CODES: []})[CODES].append(code)
        return declared


COMMON = ProblemCatalogue()
"""The problems of a service that has none of its own."""


def raises(*kinds: type[Problem] | str) -> Callable[[F], F]:
    """Marks a dependency with the problems, or codes, that it raises, for OpenAPI wherever it is used."""

    def mark(dependency: F) -> F:
        dependency.problems = tuple(kind if isinstance(kind, str) else kind.code for kind in kinds)  # type: ignore[attr-defined]
        return dependency

    return mark


def title(status: int) -> str:
    """The problem's name, the same for every problem of this status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_response(problem: Problem, instance: str) -> Response:
    """A problem as an HTTP response."""
    kind = ProblemKind(problem.status, problem.sentence)
    errors = problem.errors if isinstance(problem, WrongShape) else None
    return coded_response(problem.code, kind, problem.facts, instance, problem.headers, errors)


def coded_response(
    code: str,
    kind: ProblemKind,
    facts: Facts,
    instance: str,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldError] | None = None,
) -> Response:
    """A code as an HTTP response."""
    details = ProblemDetails(
        type=PREFIX + code,
        title=title(kind.status),
        status=kind.status,
        detail=kind.sentence.format_map(facts),
        instance=instance,
        facts=dict(facts) or None,
        errors=errors,
    )
    content = details.model_dump(exclude_none=True)
    return JSONResponse(content, kind.status, headers, media_type=MEDIA_TYPE)
