"""What analytics' own validators say of parameters, beside those of every service."""

from typing import Final

from analytics.domain.periods import SENTENCES
from chassis.http.problems import ProblemCatalogue

CATALOGUE: Final = ProblemCatalogue(field_sentences=SENTENCES)
problems = CATALOGUE.responses
