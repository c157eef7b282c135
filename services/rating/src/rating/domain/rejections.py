"""Why rating refuses a command; the sentences stand in `rating.api.problems`."""

from enum import StrEnum


class Rejection(StrEnum):
    """The code of a refusal, as clients see it. Codes are never renamed."""

    NO_SUCH_FORM = "no-such-form"
    CLIENT_ERASED = "client-erased"
    FORM_WITHDRAWN = "form-withdrawn"
    RATING_WINDOW_OVER = "rating-window-over"
    CHANGE_WINDOW_OVER = "change-window-over"
    CHANGED_TOO_OFTEN = "changed-too-often"
    ALREADY_RATED = "already-rated"
    SCORE_NOT_ON_SCALE = "score-not-on-scale"
    COMMENT_TOO_LONG = "comment-too-long"
    COMMENT_NOT_ASKED = "comment-not-asked"
    COMMENT_REQUIRED = "comment-required"
    TAG_NOT_OFFERED = "tag-not-offered"
    FOLLOW_UP_NOT_ASKED = "follow-up-not-asked"
    FOLLOW_UP_TOO_LONG = "follow-up-too-long"
    VERSION_MISSING = "version-missing"
    SAVED_MEANWHILE = "saved-meanwhile"
    NO_SUCH_VERSION = "no-such-version"
    THRESHOLD_NOT_ON_SCALE = "threshold-not-on-scale"
    NO_SUCH_WEBHOOK = "no-such-webhook"
    WEBHOOK_CHANGED = "webhook-changed"
    ROTATION_UNDER_WAY = "rotation-under-way"
    NO_SUCH_DELIVERY = "no-such-delivery"
    MAIL_NOT_SET_UP = "mail-not-set-up"
    WAY_TOO_LATE = "way-too-late"
    REMINDER_OUT_OF_TIME = "reminder-out-of-time"
    NO_SUCH_LINK = "no-such-link"
