"""The settings of a service, read from its environment; one sentence for every variable that is wrong."""

import base64
import binascii
import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from chassis.jwks import ALGORITHMS, Algorithm, is_address, keys_here
from chassis.kafka.connection import KafkaConnection, sentences
from chassis.validation.addresses import is_loopback, network_of, origin_of
from chassis.validation.messages import Shaped, sentence_of
from contracts.access import AUDIENCE_STAFF, Role
from contracts.topics import SERVICES

KEY_BYTES = 32
PREFIX = "CANDOR_"

_BASE64URL = re.compile(r"([A-Za-z0-9_-]+)={0,2}")


def key_bytes(key: SecretStr) -> bytes:
    """The 32 bytes of a key that settings hold as base64url; ValueError if it is anything else."""
    letters = _BASE64URL.fullmatch(key.get_secret_value())
    if letters is None:
        raise ValueError("must be base64url")
    exactly = f"must be base64url of exactly {KEY_BYTES} bytes"
    try:
        found = base64.urlsafe_b64decode(letters[1] + "=" * (-len(letters[1]) % 4))
    except binascii.Error:
        # Only one letter too many is left to be wrong: that is no whole number of bytes.
        raise ValueError(f"{exactly}, which is 43 letters, not {len(letters[1])}") from None
    if len(found) != KEY_BYTES:
        raise ValueError(f"{exactly}, not {len(found)}")
    return found


def _is_key(key: SecretStr) -> SecretStr:
    key_bytes(key)
    return key


def _listed(names: object) -> object:
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


Key32 = Annotated[SecretStr, AfterValidator(_is_key)]
"""A secret of 32 bytes, base64url; `key_bytes` opens it."""

Keys32 = Annotated[tuple[Key32, ...], NoDecode, BeforeValidator(_listed)]
"""Such secrets, with commas between them."""


def _checked_issuer(issuer: str, info: ValidationInfo) -> str:
    """An issuer as it is; ValueError if it is one of development's, whose keys lie around, in production."""
    host = (urlsplit(issuer).hostname or issuer).lower().rstrip(".")
    if info.data.get("env") != "development" and f".{host}".endswith(".localhost"):
        raise ValueError("is at a .localhost address, which is for development only")
    return issuer


def check_address(address: str, *, development: bool) -> None:
    """ValueError unless keys may be asked for there: over https, or from this machine in development."""
    url = urlsplit(address)
    here = development and url.scheme == "http" and is_loopback(url.hostname or "")
    if not here and (url.scheme != "https" or not url.hostname):
        raise ValueError("must be https:// (http:// only for this machine, and in development)")


def _checked_address(address: str, info: ValidationInfo) -> str:
    check_address(address, development=info.data.get("env") == "development")
    return address


def _checked_source(source: str, info: ValidationInfo) -> str:
    """The source of public keys, as it is; ValueError unless it can be one, and what is here can be read."""
    staff = info.field_name == "staff_jwks"
    if is_address(source):
        return _checked_address(source, info)
    if source or not staff:
        keys_here(source, info.data.get("staff_algorithms", ALGORITHMS) if staff else ("EdDSA",))
    return source


Issuer = Annotated[str, Field(min_length=1), AfterValidator(_checked_issuer)]
"""Who issues tokens: in production none of development's, whose keys lie around."""

JwksSource = Annotated[str, AfterValidator(_checked_source)]
"""Where public keys come from: what is here can be read, what is elsewhere is asked over https."""

DISCOVERY_PATH = "/.well-known/openid-configuration"
"""Where an issuer's discovery document is, after the issuer (OpenID Connect Discovery, 4)."""


def _granted(role: Role) -> Role:
    if role is Role.VISITOR:
        raise ValueError("must be a role of staff")
    return role


StaffRole = Annotated[Role, AfterValidator(_granted)]
"""The roles that staff's provider can grant."""


Origins = Annotated[tuple[Annotated[str, AfterValidator(origin_of)], ...], NoDecode, BeforeValidator(_listed)]
"""Origins of pages, with commas between them."""

Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(network_of)], ...],
    NoDecode,
    BeforeValidator(_listed),
]
"""Networks in CIDR notation, with commas between them."""


class _NotJson(str):
    """What should have been JSON; kept, so that it is reported with everything else that is wrong."""

    __slots__ = ()


class _Environment(EnvSettingsSource):
    def prepare_field_value(
        self,
        field_name: str,
        field: FieldInfo,
        value: Any,
        value_is_complex: bool,  # noqa: FBT001 - as it is called
    ) -> Any:
        if field_name == "kafka":  # which names its variables itself
            return KafkaConnection.fields_in(os.environ)
        return super().prepare_field_value(field_name, field, value, value_is_complex)

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except (ValueError, RecursionError):
            return _NotJson(value)


def _seconds_too(value: Any) -> Any:
    try:
        return timedelta(seconds=float(value)) if isinstance(value, str) else value
    except ValueError:
        return value  # not a number: pydantic reads ISO 8601, or says what is wrong
    except OverflowError:
        raise ValueError("is far too long") from None


def _whole_ms(duration: timedelta) -> timedelta:
    # Timers go by the database's times, which have no more: a form would be due before its time is over.
    if duration % timedelta(milliseconds=1):
        raise ValueError("must be whole milliseconds")
    return duration


Duration = Annotated[timedelta, BeforeValidator(_seconds_too), AfterValidator(_whole_ms)]
"""A number of seconds, or ISO 8601 such as ``PT15M``, in whole milliseconds."""


class ServiceSettings(BaseSettings):
    """What every service needs. A service adds `service`, `offset` and the fields of its own.

    `port` serves the API, `metrics_port` the metrics. Everything insecure needs ``CANDOR_ENV=development``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    service: ClassVar[str]
    offset: ClassVar[int]

    env: Literal["development", "production"] = "production"
    kafka: KafkaConnection = Field(description="the Kafka servers, and how to log in there")
    mongo: str = Field(repr=False, description="the MongoDB address, mongodb://… of a replica set")
    database: Annotated[
        str, Shaped("[A-Za-z0-9_-]{0,63}", "must hold only letters, digits, _ and -, at most 63")
    ] = Field(default="", description="the database's name")
    port_base: int = Field(default=8001, ge=1, le=65_000, description="the first of the services' ports")
    host: str = Field(default="", description="the address to listen on")
    metrics_host: str = Field(default="127.0.0.1", description="the address that metrics are served on")
    staff_issuer: Issuer = Field(description="who issues staff's tokens (their `iss`)")
    staff_algorithms: Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=ALGORITHMS, description="what staff's tokens may be signed with"
    )
    staff_jwks: JwksSource = Field(
        default="", description="staff's public keys: a file, a https:// URL, or the JSON itself"
    )
    staff_discovery: str = Field(
        default="", description="the address of the discovery document of staff's provider"
    )
    staff_audience: str = Field(
        default=AUDIENCE_STAFF, min_length=1, description="whom staff's tokens are for (their `aud`)"
    )
    staff_roles_claim: str = Field(default="roles", min_length=1, description="where staff's roles stand")
    staff_roles: Mapping[str, StaffRole] = Field(
        default_factory=dict, description="the provider's names of staff's roles, as JSON"
    )
    staff_channels_claim: str = Field(
        default="channels", min_length=1, description="where staff's channels stand"
    )
    staff_teams_claim: str = Field(
        default="teams", min_length=1, description="where the teams stand that supervisors are limited to"
    )
    staff_channels: Mapping[str, str] = Field(
        default_factory=dict, description="the provider's names of channels, as JSON"
    )

    staff_client_id: str = Field(
        default="",
        description="the pages' client id at staff's provider; needed in production",
    )
    staff_scope: str = Field(
        default="openid profile", description="what the pages ask staff's provider for; offline_access renews"
    )
    staff_sign_in_origins: Origins = Field(
        default=(), description="further origins that the pages call to sign in, beside the issuer's"
    )
    staff_sign_in_parameters: Mapping[str, str] = Field(
        default_factory=dict, description="what else the pages send to sign in, as JSON"
    )

    chat_url: str = Field(default="", description="where people reach chat, such as https://candor.example")
    rating_url: str = Field(default="", description="where people reach rating")
    analytics_url: str = Field(default="", description="where people reach analytics")

    @property
    def public_urls(self) -> Mapping[str, str]:
        """Where people reach each service, by its name: an origin, without a slash at its end."""
        return {"chat": self.chat_url, "rating": self.rating_url, "analytics": self.analytics_url}

    @property
    def port(self) -> int:
        """Where the API is served."""
        return self.port_base + self.offset

    @property
    def metrics_port(self) -> int:
        """Where Prometheus finds the metrics."""
        return self.port_base + 100 + self.offset

    @field_validator("mongo")
    @classmethod
    def _is_mongo(cls, uri: str) -> str:
        if not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must start with mongodb:// or mongodb+srv://")
        return uri

    @field_validator("staff_discovery")
    @classmethod
    def _one_way_to_keys(cls, address: str, info: ValidationInfo) -> str:
        if info.data.get("staff_jwks"):
            if address:
                raise ValueError("can't be set together with CANDOR_STAFF_JWKS")
            return ""
        if not address and {"staff_issuer", "staff_jwks"} <= set(info.data):
            address = info.data["staff_issuer"].rstrip("/") + DISCOVERY_PATH
        return _checked_address(address, info) if address else ""

    @field_validator("chat_url", "rating_url", "analytics_url")
    @classmethod
    def _where_people_are(cls, url: str, info: ValidationInfo) -> str:
        """Development's ports; in production what is told, which for chat must be, and is all others' too."""
        service = str(info.field_name).removesuffix("_url")
        if url:
            return origin_of(url.removesuffix("/"))
        if info.data.get("env") == "development":
            return f"http://127.0.0.1:{info.data.get('port_base', 0) + SERVICES.index(service)}"
        if service == "chat":
            raise ValueError("must be set: pages need it")
        return str(info.data.get("chat_url", ""))

    @field_validator("database")
    @classmethod
    def _own_database(cls, name: str) -> str:
        return name or f"candor_{cls.service}"

    @field_validator("host")
    @classmethod
    def _safe_host(cls, host: str, info: ValidationInfo) -> str:
        development = info.data.get("env") == "development"
        if development and host and not is_loopback(host):
            raise ValueError("must be a loopback address while CANDOR_ENV is development")
        return host or ("127.0.0.1" if development else "0.0.0.0")  # noqa: S104 - a container's port is its border

    @field_validator("metrics_host")
    @classmethod
    def _safe_metrics_host(cls, host: str, info: ValidationInfo) -> str:
        if info.data.get("env") == "development" and not is_loopback(host):
            raise ValueError("must be a loopback address while CANDOR_ENV is development")
        return host

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours takes its place
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no files
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not used here
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then the environment."""
        return init_settings, _Environment(settings_cls)

    @classmethod
    def load(cls) -> Self:
        """The settings from the environment; or says what is wrong with each variable and exits with 2."""
        try:
            return cls()
        except ValidationError as error:
            lines = [
                f"  {line}\n" for each in error.errors(include_url=False) for line in cls._sentences(each)
            ]
            sys.stderr.write(f"{cls.service} cannot start:\n" + "".join(lines))
            raise SystemExit(2) from None

    @classmethod
    def _sentences(cls, error: ErrorDetails) -> Iterator[str]:
        if error["loc"][:1] != ("kafka",):
            yield cls._sentence(error)
        elif error["loc"] != ("kafka", "env"):  # which is reported already
            yield from sentences(error, error["loc"][1:])

    @classmethod
    def _sentence(cls, error: ErrorDetails) -> str:
        if not error["loc"]:
            return error["msg"].removeprefix("Value error, ") + "."
        # People count what is listed with commas from one.
        name, *inside = (f"number {at + 1}" if isinstance(at, int) else at for at in error["loc"])
        about = cls.model_fields[name].description if name in cls.model_fields else None
        hint = f" ({about})" if about else ""
        if error["type"] == "missing" and not inside:
            return f"{PREFIX}{name.upper()} is missing{hint}."
        if isinstance(error["input"], _NotJson):
            problem = "must be JSON"
        else:
            problem = "is not known" if error["type"] == "extra_forbidden" else sentence_of(error)
        path = f" {'.'.join(inside)}" if inside else ""
        return f"{PREFIX}{name.upper()}{hint}:{path} {problem}."


class VisitorSettings(ServiceSettings):
    """What a service needs that visitors call, besides the rest."""

    visitor_issuer: Issuer = Field(description="who issues visitors' tokens (their `iss`)")
    visitor_jwks: JwksSource = Field(
        description="visitors' public keys: a file, a https:// URL, or the JSON itself"
    )

    @field_validator("visitor_issuer")
    @classmethod
    def _another_issuer(cls, issuer: str, info: ValidationInfo) -> str:
        if issuer == info.data.get("staff_issuer"):
            raise ValueError("must not be CANDOR_STAFF_ISSUER: nobody could tell staff from visitors")
        return issuer
