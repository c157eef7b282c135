"""The matrix of operator-blindness names every route there is, and none that is gone."""

from tests.blindness.matrix import CHAT, OPEN, routes


def test_no_route_is_missing() -> None:
    missing = [str(route) for route in routes() if route.told is None]
    assert not missing, (
        f"The matrix of operator-blindness doesn't say what an operator is told by {'; '.join(missing)}. "
        "Say so in tests/blindness/matrix.py: in CHAT, or in OPEN with the reason."
    )


def test_no_route_is_named_that_is_gone() -> None:
    named = {*OPEN, *(f"chat: {what}" for what in CHAT)}
    gone = named - {str(route) for route in routes()}
    assert not gone, f"The matrix of operator-blindness names what no service has: {'; '.join(sorted(gone))}."
