"""The codes that analytics' own validators give to parameters, beside those of every service."""

from typing import Final

from chassis.http.problems import ProblemCatalogue

FIELD_CODES: Final = frozenset(
    {
        "not-a-date-or-instant",
        "not-a-quarter-hour",
        "period-reversed",
        "period-required",
        "period-skipped",
        "period-too-long",
        "timezone-uneven",
        "year-out-of-range",
    }
)

CATALOGUE: Final = ProblemCatalogue(field_codes=FIELD_CODES)
problems = CATALOGUE.responses
