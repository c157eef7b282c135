"""Who holds a form's token, and how everybody else is refused."""

import base64
import hmac

import pytest

from chassis.errors import CommandRejected
from rating.api.tokens import FormKey, FormTokens

TOKENS = FormTokens(b"s" * 32)
GOOD = TOKENS.issue(FormKey("d1", 1))


def test_a_token_leads_to_its_form() -> None:
    assert TOKENS.read(GOOD) == FormKey("d1", 1)


def test_a_token_proves_itself_with_all_256_bits_and_stays_good_over_releases() -> None:
    signature = GOOD.removeprefix("d1.1.")
    assert base64.urlsafe_b64decode(f"{signature}=") == hmac.digest(b"s" * 32, b"d1.1", "sha256")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "d1.1",
        "d1.1.",
        GOOD[:-1],
        GOOD + "=",
        GOOD + " ",
        GOOD.replace("d1.1", "d1.2"),
        GOOD.replace("d1.1", "d2.1"),
        GOOD.replace("d1.1", "d1.01"),
        FormTokens(b"t" * 32).issue(FormKey("d1", 1)),
        "d1.1.ä",
        "\ud800.1.x",
        "d1.1.\ud800",
        "d1.x." + GOOD.rpartition(".")[2],
    ],
)
def test_any_other_letters_lead_nowhere(token: str) -> None:
    with pytest.raises(CommandRejected, match="no-such-form"):
        TOKENS.read(token)


@pytest.mark.parametrize("purpose", ["form-test:course-a.1.en", "webhook:crm:1", "form-webhook:course-a:1"])
def test_what_else_is_signed_with_the_secret_is_no_token(purpose: str) -> None:
    """Staff hold tests' tokens, other systems the secrets of their webhooks."""
    signature = base64.urlsafe_b64encode(hmac.digest(b"s" * 32, purpose.encode(), "sha256")).decode()
    with pytest.raises(CommandRejected, match="no-such-form"):
        TOKENS.read(f"{purpose}.{signature.rstrip('=')}")


def test_tokens_of_a_secret_before_are_good_until_it_is_taken_away() -> None:
    new, old = b"n" * 32, b"s" * 32
    for secret, before in ((old, [new]), (new, [old])):
        tokens = FormTokens(secret, before)
        for issued in (FormTokens(old), FormTokens(new)):
            assert tokens.read(issued.issue(FormKey("d1", 1))) == FormKey("d1", 1)
    assert FormTokens(new, [old]).issue(FormKey("d1", 1)) == FormTokens(new).issue(FormKey("d1", 1)) != GOOD
    with pytest.raises(CommandRejected):
        FormTokens(new).read(GOOD)


@pytest.mark.parametrize("token", [GOOD, "d1.1.x", "d1.1.ä"])
def test_how_long_it_takes_shows_nothing(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are compared in constant time; a clock would show it too rarely to be a test."""
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def constant_time(ours: bytes, theirs: bytes) -> bool:
        compared.append((ours, theirs))
        return compare(ours, theirs)

    monkeypatch.setattr(hmac, "compare_digest", constant_time)
    if token == GOOD:
        assert TOKENS.read(token) == FormKey("d1", 1)
    else:
        with pytest.raises(CommandRejected):
            TOKENS.read(token)
    assert len(compared) == 1
