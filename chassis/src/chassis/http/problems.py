"""The problems that a caller can be told of (RFC 9457), each with a status and a sentence for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from chassis.validation.messages import FieldError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2

_TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Refused",
    413: "Too large",
    415: "Unknown kind of body",
    422: "Wrong shape",
    431: "Token too large",
    500: "Something broke",
    503: "Not available now",
}


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457). `instance` is the request's id, `errors` names wrong fields."""

    type: str = Field(description="The kind of problem, a relative URI.", examples=["/problems/refused"])
    title: str = Field(description="The kind of problem in a few words, the same for its status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, in a sentence for people.")
    instance: str = Field(description="The request's id, as in `X-Request-ID`.")
    errors: list[FieldError] | None = Field(default=None, description="Of 422: the fields that are wrong.")


class Problem(Exception):
    """An answer other than success: a status and a sentence for people."""

    status = 500

    def __init__(self, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.headers = dict(headers or {})


class Unauthenticated(Problem):
    """401: there is no token, or it can't be trusted; the sentence doesn't help a forger."""

    status = 401

    def __init__(self, sentence: str = "A valid token is needed.", challenge: str = "Bearer") -> None:
        super().__init__(sentence, {"WWW-Authenticate": challenge})


class TokenExpired(Unauthenticated):
    """401: nothing was wrong with the token but that its time is over, so its owner may know it."""

    def __init__(self) -> None:
        challenge = 'Bearer error="invalid_token", error_description="The token has expired"'
        super().__init__("This token has expired: get a new one.", challenge)


class TokenTooLarge(Problem):
    """431: the token is longer than any that is read, so nobody looked whether it is good."""

    code = "token-too-large"
    status = 431

    def __init__(self, most: int) -> None:
        super().__init__(f"This token is too large: it may have {most} characters at most.")


class Forbidden(Problem):
    """403: the caller is known, and may not."""

    status = 403

    def __init__(self, sentence: str = "You may not do this.") -> None:
        super().__init__(sentence)


class NotFound(Problem):
    """404: there is no such thing, or the caller may not know of it."""

    status = 404


class Unavailable(Problem):
    """503: not now, but soon; the caller is told to try again."""

    status = 503

    def __init__(self, sentence: str = "This doesn't work right now. Try again in a moment.") -> None:
        super().__init__(sentence, {"Retry-After": str(RETRY_AFTER)})


def title(status: int) -> str:
    """The problem's name, the same for every problem of this status."""
    return _TITLES.get(status) or HTTPStatus(status).phrase


def problem_type(status: int) -> str:
    """The problem's type, a relative URI such as ``/problems/not-found``."""
    return "/problems/" + title(status).lower().replace(" ", "-")


def problem_response(
    status: int,
    sentence: str,
    instance: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldError] | None = None,
) -> Response:
    """A problem as an HTTP response."""
    details = ProblemDetails(
        type=problem_type(status),
        title=title(status),
        status=status,
        detail=sentence,
        instance=instance,
        errors=None if errors is None else list(errors),
    )
    content = details.model_dump(exclude_none=True)
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)
