"""Why chat refuses a command; the sentences stand in `chat.api.problems`."""

from enum import StrEnum


class Rejection(StrEnum):
    """The code of a refusal, as clients see it. Codes are never renamed."""

    TOO_MANY_OPEN_DIALOGS = "too-many-open-dialogs"
    VISITOR_EXPIRED = "visitor-expired"
