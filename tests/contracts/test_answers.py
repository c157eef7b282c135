"""An answer that can't be true is not an event: sums and averages rest on it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.ratings import RatingGiven

SAMPLE = Path(__file__).parent / "samples" / "candor.rating.given.v1.required.json"


def given(**changed: Any) -> RatingGiven:
    body = json.loads(SAMPLE.read_text())["body"]
    scale = {**body["scale"], **changed.pop("scale", {})}
    return RatingGiven.model_validate_json(json.dumps({**body, "scale": scale, **changed}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": 0, "satisfied": False},
        {"score": 6},
        {"score": 10**30},
        {"score": 3},
        {"score": 5, "satisfied": False},
        {"scale": {"lowest": 5}},
        {"scale": {"lowest": 6}},
        {"scale": {"highest": 10**18}},
        {"scale": {"name": "x" * 65}},
    ],
)
def test_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        given(**wrong)


def test_takes_the_ends_of_the_scale() -> None:
    assert given(score=1, satisfied=False).score == 1
    assert given(score=5, satisfied=True).score == 5
