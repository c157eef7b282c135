"""What the body of an answer becomes: of a client's form and of a test by the same rules."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from chassis.validation.text import is_blank
from contracts.keys import Purpose
from rating.api.schemas import AnswerBody
from rating.domain.rating.answers import ChosenOption, KeepComment, RemoveComment, WrittenComment
from rating.domain.rating.decider import GiveRating
from rating.domain.rating.form_version import FormVersion

Seal = Callable[[str, Purpose], Awaitable[WrittenComment]]


async def with_answer(command: GiveRating, body: AnswerBody, rules: FormVersion, seal: Seal) -> GiveRating:
    """The command with tags, options and words; these `seal` seals, or not yet."""
    choices = {question.id for question in rules.follow_ups if question.options}

    async def words(text: str, purpose: Purpose) -> RemoveComment | WrittenComment:
        return RemoveComment() if is_blank(text) else await seal(text, purpose)

    return replace(
        command,
        comment=KeepComment() if body.comment is None else await words(body.comment, Purpose.COMMENT),
        tags=None if body.tags is None else tuple(body.tags),
        follow_ups={
            name: ChosenOption(text)
            if name in choices and not is_blank(text)
            else await words(text, Purpose.ANSWER)
            for name, text in body.follow_ups.items()
        },
    )
