"""Numbers as JSON Schema has them: 5.0 is a whole number, "5" and true are none."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


WHOLE = BeforeValidator(_whole)
"""Stands last in an `Annotated` strict int."""

WholeNumber = Annotated[int, Strict(), WHOLE]
