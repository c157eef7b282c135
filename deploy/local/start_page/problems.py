"""What the start page refuses, as the services do: a code, a status, a sentence."""

from enum import StrEnum

from chassis.http.problems import ProblemCatalogue


class Refusal(StrEnum):
    """The code of a refusal."""

    HOST_NOT_LOCAL = "host-not-local"
    NOT_THE_START_PAGE = "not-the-start-page"
    SERVICES_AWAY = "services-away"


PROBLEMS = ProblemCatalogue(
    {
        Refusal.HOST_NOT_LOCAL: "The start page answers to 127.0.0.1 and localhost only.",
        Refusal.NOT_THE_START_PAGE: "Only the start page itself may ask this.",
        Refusal.SERVICES_AWAY: "The services don't answer: demo traffic needs all of them.",
    },
    {Refusal.HOST_NOT_LOCAL: 421, Refusal.NOT_THE_START_PAGE: 403, Refusal.SERVICES_AWAY: 503},
)
