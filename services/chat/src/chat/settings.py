"""What chat reads from its environment: beyond every service's settings, how visitors' tokens are signed."""

from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from chassis.crypto_shredding.settings import SealingSettings
from chassis.http.tokens import signing_key
from chassis.jwks import is_address, keys_here
from chassis.settings import Duration, Origins, VisitorSettings


def _is_signing_key(pem: SecretStr) -> SecretStr:
    signing_key(pem.get_secret_value())
    return pem


def _none_too(value: Any) -> Any:
    return 0 if isinstance(value, str) and value.strip().lower() == "none" else value


class ChatSettings(VisitorSettings, SealingSettings):
    """Settings of the chat service."""

    service: ClassVar[str] = "chat"
    offset: ClassVar[int] = 0

    visitor_jwks: str = Field(
        default="", description="public keys that signed visitors' tokens before: a file, or the JSON itself"
    )
    visitor_signing_key: Annotated[SecretStr, AfterValidator(_is_signing_key)] = Field(
        description="signs visitors' tokens: an Ed25519 key as PEM, or the file that holds it"
    )
    visitor_token_days: int = Field(
        default=30, ge=1, le=400, description="how long a visitor's token is good"
    )
    chat_silent_reopening: Annotated[Duration, BeforeValidator(_none_too)] = Field(
        default=timedelta(minutes=10),
        ge=timedelta(0),
        le=timedelta(days=3650),
        description="how long nobody writes in a reopened dialog until it closes again; 0 or none: never",
    )
    page_origins: Origins = Field(
        default=(), description="the origins of other pages that may call chat, with commas"
    )

    @field_validator("visitor_jwks")
    @classmethod
    def _safe_visitor_keys(cls, source: str, info: ValidationInfo) -> str:  # noqa: ARG003 - as elsewhere
        if is_address(source):
            raise ValueError("must be a file, or JSON: chat itself is the address of these keys")
        if source:
            keys_here(source, {"EdDSA"})
        return source

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins of pages that may call chat without being asked: its own, and those it is told.

        In development its own has two names.
        """
        local = self.chat_url.replace("//127.0.0.1:", "//localhost:")
        names = {self.chat_url, local} if self.env == "development" else {self.chat_url}
        return frozenset(names | set(self.page_origins))

    @property
    def silent_for(self) -> timedelta | None:
        """How long nobody writes in a reopened dialog until it closes again; None: never."""
        return self.chat_silent_reopening or None

    @property
    def visitor_token_lifetime(self) -> timedelta:
        """How long a visitor's token is good."""
        return timedelta(days=self.visitor_token_days)
