"""How every Kafka client connects: the servers, TLS and the login.

A wrong combination of settings is a sentence that names the variables.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from chassis.validation.addresses import is_loopback

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]

_SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:,\[\]]+):(\d{1,5})")
_LAST_PORT = 65_535
_CONNECT_MS = 5_000
_LOGIN = ("sasl_mechanism", "username", "password", "token_file")
_TLS = ("ca_file", "certificate_file", "key_file")


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """The token of OAUTHBEARER: what a file holds at the moment at which a connection is made.

    Whoever issues tokens renews the file, as Kubernetes does with a projected service account token; aiokafka
    asks again at each connection. Raises OSError if the file can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """The token, without the spaces around it."""
        return (await asyncio.to_thread(self._path.read_text)).strip()


class KafkaConnection(BaseModel):
    """Servers, TLS and login. Raises ValidationError if they don't fit together; `read` says it in sentences.

    Files are in PEM. Without `ca_file` the system's authorities are trusted, with it only those in it; the
    server's name is always checked. TLS files are read once: renewed ones need a new connection object.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    VARIABLES: ClassVar[Mapping[str, str]] = {
        "servers": "CANDOR_KAFKA",
        "env": "CANDOR_ENV",
        "security_protocol": "CANDOR_KAFKA_SECURITY_PROTOCOL",
        "sasl_mechanism": "CANDOR_KAFKA_SASL_MECHANISM",
        "username": "CANDOR_KAFKA_USERNAME",
        "password": "CANDOR_KAFKA_PASSWORD",
        "token_file": "CANDOR_KAFKA_TOKEN_FILE",
        "ca_file": "CANDOR_KAFKA_CA_FILE",
        "certificate_file": "CANDOR_KAFKA_CERTIFICATE_FILE",
        "key_file": "CANDOR_KAFKA_KEY_FILE",
    }

    servers: str
    env: Literal["development", "production"] = "production"
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism | None = None
    username: str | None = None
    password: SecretStr | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The connection that `environment` describes; an empty variable is an unset one.

        Raises ValueError with a sentence for each thing that is wrong, one a line.
        """
        try:
            return cls.model_validate(cls.fields_in(environment))
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
            raise ValueError(
                "\n".join(each for one in wrong for each in sentences(one, one["loc"]))
            ) from None

    @classmethod
    def fields_in(cls, environment: Mapping[str, str]) -> dict[str, str]:
        """The connection's fields that `environment` sets, by name; an empty variable is an unset one."""
        return {
            name: value for name, variable in cls.VARIABLES.items() if (value := environment.get(variable))
        }

    def environment(self) -> dict[str, str]:
        """The variables that say the same, the password in clear; what is unset is empty."""
        known = {**dict(self), "password": self.password and self.password.get_secret_value()}
        return {self.VARIABLES[name]: str(value or "") for name, value in known.items()}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wrong = [*self._wrong_login(), *self._wrong_files()]
        found = [_SERVER.fullmatch(server) for server in self.addresses]
        if not all(server and int(server[2]) <= _LAST_PORT for server in found):
            wrong.insert(0, "CANDOR_KAFKA must name servers as host:port,host:port.")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def addresses(self) -> list[str]:
        """The servers, one by one. FastStream would take all in one text for a single host."""
        return [server.strip() for server in self.servers.split(",")]

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        """Whether the client says who it is by SASL."""
        return self.security_protocol.startswith("SASL_")

    def options(self) -> dict[str, Any]:
        """What aiokafka's clients take: producer, consumer, admin client and AIOKafkaClient alike."""
        return {"bootstrap_servers": self.addresses, **self._login()}

    def broker_options(self) -> dict[str, Any]:
        """What FastStream's KafkaBroker takes, for the same connection."""
        from faststream import security  # noqa: PLC0415 - a second, which commands without it need not wait

        options: dict[str, Any] = {"bootstrap_servers": self.addresses}
        context, use_ssl = self._ssl_context, self.uses_tls
        match self.sasl_mechanism:
            case None:
                options["security"] = security.BaseSecurity(context, use_ssl)
            case "OAUTHBEARER":
                options["security"] = security.SASLOAuthBearer(context, use_ssl)
            case "PLAIN":
                options["security"] = security.SASLPlaintext(*self._user(), context, use_ssl)
            case "SCRAM-SHA-256":
                options["security"] = security.SASLScram256(*self._user(), context, use_ssl)
            case "SCRAM-SHA-512":
                options["security"] = security.SASLScram512(*self._user(), context, use_ssl)
        if self.token_file is not None:
            # FastStream's object for OAUTHBEARER has no place for it, but its broker hands it on.
            options["sasl_oauth_token_provider"] = TokenFile(self.token_file)
        return options

    async def refusal(self) -> str | None:
        """Why none of the servers lets this client in, in a sentence; None if one does.

        aiokafka's clients only log it; for a wrong password and a lost network they raise the same.
        """
        reasons = []
        for server in self.addresses:
            host, _, port = server.rpartition(":")
            try:
                made = await create_conn(
                    host.strip("[]"), int(port), request_timeout_ms=_CONNECT_MS, **self._login()
                )
                try:
                    # Somebody who doesn't log in is only thrown out when asking for something.
                    await made.send(MetadataRequest([]))
                finally:
                    made.close()
            except (KafkaError, OSError, TimeoutError) as error:
                reasons.append(f"{server}: {str(error) or type(error).__name__}")
            else:
                return None
        return f"No Kafka server can be used: {'; '.join(reasons)}."

    def _login(self) -> dict[str, Any]:
        login: dict[str, Any] = {
            "security_protocol": self.security_protocol,
            "ssl_context": self._ssl_context,
        }
        if self.uses_sasl:
            login["sasl_mechanism"] = self.sasl_mechanism
        if self.token_file is not None:
            login["sasl_oauth_token_provider"] = TokenFile(self.token_file)
        elif self.uses_sasl:
            login["sasl_plain_username"], login["sasl_plain_password"] = self._user()
        return login

    def _user(self) -> tuple[str, str]:
        return self.username or "", self.password.get_secret_value() if self.password else ""

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext | None:
        if not self.uses_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            # A key that needs a password would make OpenSSL ask at the terminal.
            context.load_cert_chain(self.certificate_file, self.key_file, password="")
        return context

    # What is wrong, in sentences

    def _wrong_login(self) -> Iterator[str]:
        if not self.uses_sasl:
            yield from self._useless(_LOGIN, "SASL_SSL or SASL_PLAINTEXT")
            return
        if self.sasl_mechanism is None:
            known = ", ".join(get_args(SaslMechanism))
            yield f"CANDOR_KAFKA_SASL_MECHANISM is missing: {self.security_protocol} needs one of {known}."
        elif self.sasl_mechanism == "OAUTHBEARER":
            yield from self._proof(needed=("token_file",), unused=("username", "password"))
        else:
            yield from self._proof(needed=("username", "password"), unused=("token_file",))
        local = all(is_loopback(server.rpartition(":")[0]) for server in self.addresses)
        if self.security_protocol == "SASL_PLAINTEXT" and self.env == "production" and not local:
            # PLAIN and OAUTHBEARER show the secret to whoever is on the way. SCRAM doesn't, but it can be
            # guessed at from what is seen, and the connection be taken over once it is made.
            yield (
                "CANDOR_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT, which is for loopback addresses and "
                "CANDOR_ENV=development: others on the network could read along. Use SASL_SSL."
            )

    def _proof(self, *, needed: Iterable[str], unused: Iterable[str]) -> Iterator[str]:
        for name in needed:
            if getattr(self, name) is None:
                yield f"{self.VARIABLES[name]} is missing: {self.sasl_mechanism} needs it."
        for name in unused:
            if getattr(self, name) is not None:
                yield f"{self.VARIABLES[name]} is of no use to {self.sasl_mechanism}: leave it out."

    def _useless(self, names: Iterable[str], protocols: str) -> Iterator[str]:
        for name in names:
            if getattr(self, name) is not None:
                yield (
                    f"{self.VARIABLES[name]} needs CANDOR_KAFKA_SECURITY_PROTOCOL to be {protocols}, "
                    f"not {self.security_protocol}."
                )

    def _wrong_files(self) -> Iterator[str]:
        files = [(name, getattr(self, name)) for name in (*_TLS, "token_file")]
        wrong = [
            f"{self.VARIABLES[name]} names {path}, which {problem}."
            for name, path in files
            if path is not None and (problem := _unreadable(path))
        ]
        yield from wrong
        if not self.uses_tls:
            yield from self._useless(_TLS, "SSL or SASL_SSL")
        elif (self.certificate_file is None) != (self.key_file is None):
            missing = "certificate_file" if self.certificate_file is None else "key_file"
            yield f"{self.VARIABLES[missing]} is missing: a certificate and its key are told together."
        elif not wrong:
            yield from self._wrong_tls()

    def _wrong_tls(self) -> Iterator[str]:
        try:
            if self.ca_file is not None:
                ssl.create_default_context(cafile=self.ca_file)
        except OSError:
            yield f"CANDOR_KAFKA_CA_FILE names {self.ca_file}, which holds no certificate in PEM."
            return
        try:
            _ = self._ssl_context
        except ssl.SSLError as error:
            names = f"{self.VARIABLES['certificate_file']} and {self.VARIABLES['key_file']}"
            if error.reason == "KEY_VALUES_MISMATCH":
                yield f"{names} don't belong together: it is the key of another certificate."
            else:
                yield f"{names} must hold a certificate and its key in PEM, the key without a password."


def sentences(error: ErrorDetails, path: Sequence[int | str]) -> list[str]:
    """One of the errors of a connection's validation, in sentences that name its variables.

    `path` leads from the connection to the field; it is empty for an error of the whole.
    """
    if not path:
        return error["msg"].removeprefix("Value error, ").splitlines()
    variable = KafkaConnection.VARIABLES[str(path[0])]
    if error["type"] == "missing":
        return [f"{variable} is missing (the Kafka servers, as host:port,host:port)."]
    return [f"{variable} must be {error['ctx']['expected']}."]


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return "isn't there"
    except (OSError, ValueError):
        return "can't be read"
    return None
