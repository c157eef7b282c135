"""Why chat refuses a command; the sentences stand in `chat.api.problems`."""

from enum import StrEnum


class Rejection(StrEnum):
    """The code of a refusal, as clients see it. Codes are never renamed."""

    CHANNEL_CLOSED = "channel-closed"
    NO_SUCH_CHANNEL = "no-such-channel"
    CHANGED_MEANWHILE = "changed-meanwhile"
    CLIENT_ERASED = "client-erased"
    VISITOR_EXPIRED = "visitor-expired"
    TOO_MANY_OPEN_DIALOGS = "too-many-open-dialogs"
    NO_SUCH_DIALOG = "no-such-dialog"
    OPENED_OTHERWISE = "opened-otherwise"
    DIALOG_CLOSED = "dialog-closed"
    DIALOG_FULL = "dialog-full"
    DIALOG_TOO_LARGE = "dialog-too-large"
    MESSAGE_ID_TAKEN = "message-id-taken"
    TAKE_IT_FIRST = "take-it-first"
    TAKEN_BY_ANOTHER = "taken-by-another"
    NOT_YOUR_DIALOG = "not-your-dialog"
    ONLY_FOR_YOURSELF = "only-for-yourself"
    OPERATOR_MISSING = "operator-missing"
    NOT_THE_NEXT_CLOSE = "not-the-next-close"
    NOTHING_NEW = "nothing-new"
    NO_SUCH_CLOSE = "no-such-close"
    CLOSED_TOO_OFTEN = "closed-too-often"
    NOT_YOUR_KIND = "not-your-kind"
    NOT_YOUR_CLIENT = "not-your-client"
