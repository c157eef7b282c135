"""What analytics' own validators say of parameters, beside those of every service."""

from typing import Final

from analytics.domain.periods import SENTENCES
from chassis.http.problems import (
    ChannelNotCovered,
    NoChannelCovered,
    NoTeamCovered,
    ProblemCatalogue,
    TeamNotCovered,
)

SCALE_SENTENCE: Final = "must be a scale's name, lowest and highest score, such as stars:1:5"
CATALOGUE: Final = ProblemCatalogue(field_sentences={**SENTENCES, "not-a-scale": SCALE_SENTENCE})
problems = CATALOGUE.responses
NOT_PERMITTED: Final = problems(
    ChannelNotCovered.code, NoChannelCovered.code, TeamNotCovered.code, NoTeamCovered.code
)
"""What a route may respond to a filter that leaves the caller's channels or teams."""
