"""Why analytics refuses what a supervisor writes; the sentences stand in `analytics.api.problems`."""

from enum import StrEnum


class Rejection(StrEnum):
    """The code of a refusal, as clients see it. Codes are never renamed."""

    VERSION_MISSING = "version-missing"
    CHANGED_MEANWHILE = "changed-meanwhile"
    CLIENT_ERASED = "client-erased"
    SCORE_NOT_ON_SCALE = "score-not-on-scale"
    CHANGED_TOO_OFTEN = "changed-too-often"
    MARK_OF_OTHER_CHANNELS = "mark-of-other-channels"
