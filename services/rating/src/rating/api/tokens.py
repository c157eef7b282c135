"""Form tokens: whoever holds one may answer that form. They prove themselves before anything is looked up."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from chassis.errors import CommandRejected
from rating.domain.rejections import Rejection
from rating.read_models.form_documents import form_id


class FormKey(NamedTuple):
    """Which form: a dialog and the number of its close."""

    dialog: str
    close_seq: int


class FormTokens:
    """Makes and reads tokens: ``<dialog>.<close_seq>.<HMAC-SHA-256 of these, base64url>``.

    Tokens of the secrets `before` are good too.
    """

    def __init__(self, secret: bytes, before: Sequence[bytes] = ()) -> None:
        self._secrets = (secret, *before)

    def issue(self, form: FormKey) -> str:
        """The token of a form, always the same."""
        name = form_id(*form)
        return f"{name}.{_signature(self._secrets[0], name)}"

    def of(self, dialog: str, close_seq: int) -> str:
        """The token of the form of a close."""
        return self.issue(FormKey(dialog, close_seq))

    def read(self, token: str) -> FormKey:
        """The form that a token is for. Raises `CommandRejected` if this service didn't issue it."""
        name, _, signature = token.rpartition(".")
        # Under these secrets stand tests' tokens and webhooks' secrets too: what they sign is no form's id.
        if not _is_signed(self._secrets, name, signature) or _FORM.fullmatch(name) is None:
            raise CommandRejected(Rejection.NO_SUCH_FORM)
        dialog, _, close_seq = name.rpartition(".")
        return FormKey(dialog, int(close_seq))


_FORM: Final = re.compile(r"[A-Za-z0-9_-]+\.[0-9]+", re.ASCII)


class FormTest(NamedTuple):
    """Which form is shown as a test: that of a version of a channel's settings, in a language."""

    channel: str
    version: int
    locale: str


class FormTestTokens:
    """Makes and reads tokens: ``<channel>.<version>.<locale>.<HMAC-SHA-256 of these, base64url>``.

    What is signed begins with a purpose that no form's id has, so neither kind of token is good as the other.
    """

    def __init__(self, secret: bytes, before: Sequence[bytes] = ()) -> None:
        self._secrets = (secret, *before)

    def of(self, channel: str, version: int, locale: str) -> str:
        """The token of a test."""
        name = f"{channel}.{version}.{locale}"
        return f"{name}.{_signature(self._secrets[0], f'{_TEST}{name}')}"

    def read(self, token: str) -> FormTest | None:
        """The test that a token is for; None if it is none of a test."""
        name, _, signature = token.rpartition(".")
        if not _is_signed(self._secrets, _TEST + name, signature):
            return None
        channel, version, locale = name.split(".")
        return FormTest(channel, int(version), locale)


_TEST: Final = "form-test:"


def _is_signed(secrets: Sequence[bytes], name: str, signature: str) -> bool:
    """Whether one of the secrets makes this signature of the name; in the same time, whichever it is."""
    # A stranger's characters may be no UTF-8: they get the same refusal in the same way.
    given = signature.encode(errors="surrogatepass")
    good = [hmac.compare_digest(_signature(each, name).encode(), given) for each in secrets]
    return any(good)


def _signature(secret: bytes, name: str) -> str:
    digest = hmac.digest(secret, name.encode(errors="surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
