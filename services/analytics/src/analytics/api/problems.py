"""What analytics refuses, and what its own validators say, in the default language."""

from collections.abc import Mapping
from typing import Final

from analytics.domain.periods import SENTENCES as PERIOD_SENTENCES
from analytics.domain.rejections import Rejection
from chassis.http.problems import (
    ChannelNotCovered,
    NoChannelCovered,
    NoTeamCovered,
    ProblemCatalogue,
    TeamNotCovered,
)

SENTENCES: Final[Mapping[str, str]] = {
    Rejection.VERSION_MISSING: "Say which version you have read: send its ETag as If-Match.",
    Rejection.CHANGED_MEANWHILE: "Somebody changed this since you read it: read it anew.",
    Rejection.CLIENT_ERASED: "This client was erased: no note can be written about them any more.",
    Rejection.SCORE_NOT_ON_SCALE: "Please choose a score from {lowest} to {highest}.",
    Rejection.CHANGED_TOO_OFTEN: "This was changed {most} times, and can't be changed any more.",
    Rejection.MARK_OF_OTHER_CHANNELS: "This mark is of channels that your token is not good for.",
}
STATUSES: Final[Mapping[str, int]] = {
    Rejection.CHANGED_MEANWHILE: 412,
    Rejection.VERSION_MISSING: 428,
    Rejection.MARK_OF_OTHER_CHANNELS: 403,
}

SCALE_SENTENCE: Final = "must be a scale's name, lowest and highest score, such as stars:1:5"
CATALOGUE: Final = ProblemCatalogue(SENTENCES, STATUSES, {**PERIOD_SENTENCES, "not-a-scale": SCALE_SENTENCE})
problems = CATALOGUE.responses
NOT_PERMITTED: Final = problems(
    ChannelNotCovered.code, NoChannelCovered.code, TeamNotCovered.code, NoTeamCovered.code
)
"""What a route may respond to a filter that leaves the caller's channels or teams."""
