"""What chat refuses, in the default language; other languages translate the codes."""

from collections.abc import Mapping
from typing import Final

from chassis.http.problems import ProblemCatalogue
from chat.domain.rejections import Rejection

SENTENCES: Final[Mapping[str, str]] = {
    Rejection.CHANNEL_CLOSED: "This channel is closed: it takes no new visitors and dialogs.",
    Rejection.NO_SUCH_CHANNEL: "There is no such channel.",
    Rejection.CHANGED_MEANWHILE: "This channel was changed since you read it: read it anew.",
    Rejection.CLIENT_ERASED: "This client was erased: nothing can be opened or written any more.",
    Rejection.VISITOR_EXPIRED: "Your visit has expired: come in anew.",
    Rejection.TOO_MANY_OPEN_DIALOGS: "{most} dialogs of this client are open: close one first.",
    Rejection.NO_SUCH_DIALOG: "There is no such dialog.",
    Rejection.OPENED_OTHERWISE: "This dialog is open already, with another {differs}.",
    Rejection.DIALOG_CLOSED: "This dialog is closed: reopen it first.",
    Rejection.DIALOG_FULL: "This dialog is full: it holds {most} messages. Open another one.",
    Rejection.DIALOG_TOO_LARGE: (
        "This dialog is full: its messages hold {most_mib} MiB at most. Open another one."
    ),
    Rejection.MESSAGE_ID_TAKEN: "There is another message with this id.",
    Rejection.TAKE_IT_FIRST: "Take this dialog first.",
    Rejection.TAKEN_BY_ANOTHER: "Another operator has taken this dialog.",
    Rejection.NOT_YOUR_DIALOG: "Only the operator who has this dialog may do that.",
    Rejection.ONLY_FOR_YOURSELF: "An operator takes a dialog only for themself.",
    Rejection.OPERATOR_MISSING: "Name the operator who gets this dialog.",
    Rejection.NOT_THE_NEXT_CLOSE: "The next close of this dialog is number {next}.",
    Rejection.NOTHING_NEW: (
        "Nothing was written since this dialog was reopened: write first, then close it."
    ),
    Rejection.NO_SUCH_CLOSE: "This dialog has no close number {close_seq}.",
    Rejection.CLOSED_TOO_OFTEN: "This dialog was closed {most} times: open another one.",
    Rejection.NOT_YOUR_KIND: "Persons write as themselves, services for a bot or a system.",
    # The same for a client who isn't there, so that nobody learns which clients there are.
    Rejection.NOT_YOUR_CLIENT: "Your token is not good for erasing that client.",
}

STATUSES: Final[Mapping[str, int]] = {
    Rejection.NO_SUCH_CHANNEL: 404,
    Rejection.NO_SUCH_DIALOG: 404,
    Rejection.CHANGED_MEANWHILE: 412,
    Rejection.TAKE_IT_FIRST: 403,
    Rejection.NOT_YOUR_DIALOG: 403,
    Rejection.ONLY_FOR_YOURSELF: 403,
    Rejection.NOT_YOUR_KIND: 403,
    Rejection.NOT_YOUR_CLIENT: 403,
    Rejection.OPERATOR_MISSING: 422,
}
"""Every other one is a 409."""

FIELD_SENTENCES: Final = {
    "not-an-origin": "must be https:// (http:// only for this machine) with a host and perhaps a port",
}

CATALOGUE: Final = ProblemCatalogue(SENTENCES, STATUSES, FIELD_SENTENCES)
problems = CATALOGUE.responses
