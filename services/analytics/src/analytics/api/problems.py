"""What analytics' own validators say of parameters, beside those of every service."""

from typing import Final

from analytics.domain.periods import SENTENCES
from chassis.http.problems import ProblemCatalogue

SCALE_SENTENCE: Final = "must be a scale's name, lowest and highest score, such as stars:1:5"
CATALOGUE: Final = ProblemCatalogue(field_sentences={**SENTENCES, "not-a-scale": SCALE_SENTENCE})
problems = CATALOGUE.responses
