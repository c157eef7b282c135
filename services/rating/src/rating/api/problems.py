"""What rating refuses, in the default language; other languages translate the codes."""

from collections.abc import Mapping
from typing import Final

from chassis.http.problems import ProblemCatalogue
from rating.domain.rejections import Rejection

SENTENCES: Final[Mapping[str, str]] = {
    # The same for a token that is wrong and for a form that isn't there.
    Rejection.NO_SUCH_FORM: "There is no such form.",
    Rejection.CLIENT_ERASED: "This dialog can't be rated any more: its client was erased.",
    Rejection.FORM_WITHDRAWN: "This dialog can't be rated: the question was withdrawn.",
    Rejection.RATING_WINDOW_OVER: "The time to rate this dialog is over.",
    Rejection.CHANGE_WINDOW_OVER: "This dialog is already rated, and the time to change the rating is over.",
    Rejection.CHANGED_TOO_OFTEN: "This rating was changed {most} times, and can't be changed any more.",
    Rejection.ALREADY_RATED: "This dialog is already rated.",
    Rejection.SCORE_NOT_ON_SCALE: "Please choose a score from {lowest} to {highest}.",
    Rejection.COMMENT_TOO_LONG: "A comment can have at most {most} characters.",
    Rejection.COMMENT_NOT_ASKED: "This form takes no comment.",
    Rejection.COMMENT_REQUIRED: "Please say why: a score of {at_or_below} or less needs a comment.",
    Rejection.TAG_NOT_OFFERED: "This form offers no such reason with this score.",
    Rejection.FOLLOW_UP_NOT_ASKED: "This form asks no such follow-up question, or gives other options.",
    Rejection.FOLLOW_UP_TOO_LONG: "An answer can have at most {most} characters.",
    Rejection.VERSION_MISSING: "Say which version you have changed: send its ETag as If-Match.",
    Rejection.SAVED_MEANWHILE: "{who} saved version {version} meanwhile, at {when}.",
    Rejection.NO_SUCH_VERSION: "There is no such version of these settings.",
    Rejection.NO_SUCH_WEBHOOK: "There is no such webhook.",
    Rejection.WEBHOOK_CHANGED: "Somebody changed this webhook since it was read.",
    Rejection.ROTATION_UNDER_WAY: "The secret was changed less than a day ago; the one before is still used.",
    Rejection.NO_SUCH_DELIVERY: "There is no such delivery.",
    Rejection.THRESHOLD_NOT_ON_SCALE: "This scale has scores from {lowest} to {highest}.",
    Rejection.MAIL_NOT_SET_UP: "E-mail is not set up here.",
    Rejection.WAY_TOO_LATE: "The form expires before it is sent.",
    Rejection.REMINDER_OUT_OF_TIME: "A reminder comes after the first e-mail, and before the form expires.",
    Rejection.NO_SUCH_LINK: "There is no such link.",
    Rejection.ALERT_ON_SATISFIED: "Nobody is told of scores that count as satisfied.",
    Rejection.NOT_IN_DEFAULT: "Each channel says itself who is told of low scores, and where its forms go.",
    Rejection.WEBHOOK_URL_MISSING: "Say where forms go: the webhook has no address.",
    Rejection.WEBHOOK_FOR_ADMINS: "Only admins of the channel say where its forms go.",
    Rejection.TOO_MANY_TESTS: "At most {most} tests an hour are sent from a channel.",
    Rejection.TEST_NOT_REACHED: "The mail server could not be reached, or did not answer in time.",
    Rejection.TEST_DEFERRED: "The mail server takes it later only ({status}); a test is not sent again.",
    Rejection.TEST_RECIPIENT_REFUSED: "The mail server does not take mails to this address.",
    Rejection.TEST_REFUSED: "The mail server refused it ({status}).",
}

STATUSES: Final[Mapping[str, int]] = {
    Rejection.NO_SUCH_FORM: 404,
    Rejection.NO_SUCH_VERSION: 404,
    Rejection.NO_SUCH_WEBHOOK: 404,
    Rejection.NO_SUCH_DELIVERY: 404,
    Rejection.WEBHOOK_CHANGED: 412,
    Rejection.NO_SUCH_LINK: 404,
    Rejection.SAVED_MEANWHILE: 412,
    Rejection.TOO_MANY_TESTS: 429,
    Rejection.WEBHOOK_FOR_ADMINS: 403,
    Rejection.VERSION_MISSING: 428,
}
CATALOGUE: Final = ProblemCatalogue(SENTENCES, STATUSES)
problems = CATALOGUE.responses
