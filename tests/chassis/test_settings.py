"""A service that is told something wrong says so, in one sentence for each variable, and doesn't start."""

import base64
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from chassis.settings import Key32, ServiceSettings, key_bytes
from tests.oidc.keys import SigningKey

SECRET = "kanarienvogel"
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


class Hours(BaseModel):
    """When a shelf of the shop is open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opens: Annotated[timedelta, AfterValidator(lambda time: time)] | None = Field(
        default=None, ge=timedelta(seconds=1), le=timedelta(days=2)
    )
    closes: timedelta | None = None


class ShopSettings(ServiceSettings):
    """What a shop is told."""

    service: ClassVar[str] = "shop"
    offset: ClassVar[int] = 1

    master_key: Key32 = Field(description="wraps the shop's keys, base64url of 32 bytes")
    hours: dict[str, Hours] = Field(default_factory=dict, description="other hours, as JSON")


GOOD = {
    "CANDOR_KAFKA": "kafka-1:9092,kafka-2:9092,[::1]:9092",
    "CANDOR_MONGO": f"mongodb://shop:{SECRET}@db/?replicaSet=rs0",
    "CANDOR_STAFF_ISSUER": "https://staff.test",
    "CANDOR_STAFF_JWKS": "https://staff.test/keys",
    "CANDOR_CHAT_URL": "https://candor.test",
    "CANDOR_MASTER_KEY": KEY,
}
DEVELOPMENT = {"CANDOR_ENV": "development"}
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CANDOR_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> "SettingsLoader":
    return SettingsLoader(monkeypatch)


class SettingsLoader:
    """Loads the settings from an environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, **environment: str) -> ShopSettings:
        for name, value in (GOOD | environment).items():
            self._monkeypatch.setenv(name, value)
        return ShopSettings.load()


def sentences(capsys: pytest.CaptureFixture[str]) -> list[str]:
    heading, *found = capsys.readouterr().err.splitlines()
    assert heading == "shop cannot start:"
    return [sentence.strip() for sentence in found]


def test_a_service_knows_its_ports_and_its_database(load: SettingsLoader) -> None:
    settings = load()
    assert (settings.port, settings.metrics_port) == (8002, 8102)
    assert settings.database == "candor_shop"
    assert key_bytes(settings.master_key) == bytes(range(32))
    moved = load(CANDOR_PORT_BASE="9001", CANDOR_DATABASE="other")
    assert (moved.port, moved.metrics_port, moved.database) == (9002, 9102, "other")


def test_nothing_said_means_production_and_every_address(load: SettingsLoader) -> None:
    settings = load()
    assert (settings.env, settings.host) == ("production", "0.0.0.0")


def test_development_is_for_this_machine_only(load: SettingsLoader) -> None:
    assert load(**DEVELOPMENT).host == "127.0.0.1"
    assert load(**DEVELOPMENT, CANDOR_HOST="::1").host == "::1"


def test_pages_are_at_the_ports_in_development_and_behind_one_origin_else(load: SettingsLoader) -> None:
    here = load(
        **DEVELOPMENT,
        CANDOR_PORT_BASE="9001",
        CANDOR_CHAT_URL="",
        CANDOR_RATING_URL="https://Forms.test:443/",
    )
    assert here.public_urls == {
        "chat": "http://127.0.0.1:9001", "rating": "https://forms.test", "analytics": "http://127.0.0.1:9003",
    }  # fmt: skip
    there = load(CANDOR_ENV="production", CANDOR_RATING_URL="")
    assert set(there.public_urls.values()) == {"https://candor.test"}


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        ("CANDOR_CHAT_URL", ""),
        ("CANDOR_CHAT_URL", "http://candor.test"),
        ("CANDOR_CHAT_URL", "https://candor.test/chat"),
        ("CANDOR_ANALYTICS_URL", "candor.test"),
        ("CANDOR_STAFF_SIGN_IN_ORIGINS", "https://*.test"),
        ("CANDOR_STAFF_SIGN_IN_ORIGINS", "https://a.test; script-src *"),
    ],
)
def test_an_address_of_pages_is_an_origin(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str], variable: str, wrong: str
) -> None:
    with pytest.raises(SystemExit):
        load(**{variable: wrong})
    assert sentences(capsys)[0].startswith(variable)


def test_what_is_wrong_in_a_list_is_counted_as_people_do(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        load(CANDOR_STAFF_SIGN_IN_ORIGINS="https://a.test,*")
    assert "): number 2 must be https://" in sentences(capsys)[0]


def test_metrics_are_for_this_machine_unless_somebody_says_otherwise(load: SettingsLoader) -> None:
    assert load(CANDOR_HOST="0.0.0.0").metrics_host == "127.0.0.1"
    assert load(CANDOR_METRICS_HOST="0.0.0.0").metrics_host == "0.0.0.0"


@pytest.mark.parametrize("issuer", ["https://staff.candor.localhost", "https://staff.test", "staff"])
def test_development_may_have_issuers_of_its_own(load: SettingsLoader, issuer: str) -> None:
    assert load(**DEVELOPMENT, CANDOR_STAFF_ISSUER=issuer).staff_issuer == issuer


def test_variables_of_others_are_nobodys_business(load: SettingsLoader) -> None:
    assert load(CANDOR_FORM_SECRET="x", CANDOR_WHATEVER="y").service == "shop"


def test_a_variable_that_is_empty_is_a_variable_that_is_missing(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(CANDOR_KAFKA="")
    assert stopped.value.code == 2
    assert sentences(capsys) == ["CANDOR_KAFKA is missing (the Kafka servers, as host:port,host:port)."]


def test_everything_that_is_missing_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        ShopSettings.load()
    assert stopped.value.code == 2
    named = [sentence.split()[0] for sentence in sentences(capsys)]
    assert sorted(named) == sorted(name for name in GOOD if name != "CANDOR_STAFF_JWKS")


def test_a_login_to_kafka_that_does_not_fit_together_is_said_with_everything_else(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    login = {"CANDOR_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "CANDOR_KAFKA_PASSWORD": SECRET}
    with pytest.raises(SystemExit) as stopped:
        load(**login, CANDOR_KAFKA_CA_FILE="/nowhere/ca.pem", CANDOR_PORT_BASE="0")
    assert stopped.value.code == 2
    mechanism, file, port = sentences(capsys)
    assert mechanism.startswith("CANDOR_KAFKA_SASL_MECHANISM is missing: SASL_SSL needs one of PLAIN, SCRAM-")
    assert file == "CANDOR_KAFKA_CA_FILE names /nowhere/ca.pem, which isn't there."
    assert port.startswith("CANDOR_PORT_BASE")


def test_a_service_logs_in_to_kafka_as_it_is_told(load: SettingsLoader) -> None:
    login = {
        "CANDOR_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "CANDOR_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "CANDOR_KAFKA_USERNAME": "shop",
        "CANDOR_KAFKA_PASSWORD": SECRET,
    }
    settings = load(**login)
    options = settings.kafka.options()
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("shop", SECRET)
    assert options["bootstrap_servers"] == ["kafka-1:9092", "kafka-2:9092", "[::1]:9092"]
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(("env", "fits"), [("development", True), ("production", False)])
def test_a_login_in_plain_text_is_for_development(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str], env: str, *, fits: bool
) -> None:
    login = {
        "CANDOR_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "CANDOR_KAFKA_SASL_MECHANISM": "PLAIN",
        "CANDOR_KAFKA_USERNAME": "shop",
        "CANDOR_KAFKA_PASSWORD": SECRET,
    }
    if fits:
        assert load(**login, CANDOR_ENV=env).kafka.uses_sasl
        return
    with pytest.raises(SystemExit):
        load(**login, CANDOR_ENV=env)
    (said,) = sentences(capsys)
    assert said.startswith("CANDOR_KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT, which is for loopback")


def key_set(**more: object) -> str:
    return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", **more}]})


RSA = json.dumps({"keys": [{**SigningKey.make("RS256").private_jwk(), "d": None}]})
LOCAL_HTTP = "http://127.0.0.1:9000/keys"


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"CANDOR_ENV": "staging"}, "must be one of development, production"),
        ({"CANDOR_KAFKA": SECRET}, "must name servers"),
        ({"CANDOR_KAFKA": f"a:1,{SECRET}"}, "must name servers"),
        ({"CANDOR_KAFKA": f"kafka://{SECRET}:1"}, "must name servers"),
        ({"CANDOR_MONGO": f"{SECRET}:27017"}, "must start with mongodb://"),
        ({"CANDOR_DATABASE": f"{SECRET}/x"}, "must hold only letters, digits, _ and -, at most 63."),
        ({"CANDOR_PORT_BASE": SECRET}, "must be a whole number."),
        ({"CANDOR_PORT_BASE": "0"}, "must be at least 1."),
        ({"CANDOR_PORT_BASE": "70000"}, "must be at most 65000."),
        ({"CANDOR_STAFF_JWKS": f"/nowhere/{SECRET}.json"}, "file that isn't there"),
        ({"CANDOR_STAFF_JWKS": SECRET * 100}, "file that isn't there"),
        ({"CANDOR_STAFF_JWKS": f"ftp://{SECRET}/keys"}, "must be https://"),
        ({"CANDOR_STAFF_JWKS": f"https:///{SECRET}"}, "must be https://"),
        ({"CANDOR_STAFF_JWKS": f"http://{SECRET}/keys"}, "must be https://"),
        ({"CANDOR_STAFF_JWKS": LOCAL_HTTP}, "must be https://"),
        ({"CANDOR_STAFF_JWKS": f"http://{SECRET}/keys", **DEVELOPMENT}, "must be https://"),
        ({"CANDOR_STAFF_JWKS": f'{{"keys": [{SECRET}'}, "must be JSON"),
        ({"CANDOR_STAFF_JWKS": f'{{"key": "{SECRET}"}}'}, "must be a JWK set"),
        ({"CANDOR_STAFF_JWKS": __file__}, "file that holds no JSON"),
        ({"CANDOR_STAFF_JWKS": key_set(x=SECRET)}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": key_set(x=5)}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": "/etc/passwd"}, "file that holds no JSON"),
        ({"CANDOR_STAFF_JWKS": '{"keys": []}'}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": '{"keys": []}', **DEVELOPMENT}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": key_set(x=PUBLIC, alg=SECRET)}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": key_set(x=PUBLIC, kid=None)}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": key_set(x=PUBLIC, kty="RSA", n=SECRET)}, "holds no key for"),
        ({"CANDOR_STAFF_JWKS": RSA, "CANDOR_STAFF_ALGORITHMS": "ES256, EdDSA"}, "no key for ES256 or EdDSA"),
        ({"CANDOR_STAFF_ALGORITHMS": "HS256"}, "must be"),
        ({"CANDOR_STAFF_ALGORITHMS": "RS256,none"}, "must be"),
        ({"CANDOR_STAFF_DISCOVERY": "https://staff.test/x"}, "set together with CANDOR_STAFF_JWKS"),
        ({"CANDOR_STAFF_DISCOVERY": f"http://{SECRET}/x", "CANDOR_STAFF_JWKS": ""}, "must be https://"),
        ({"CANDOR_STAFF_ROLES": '{"lead": "visitor"}'}, "lead must be a role of staff"),
        ({"CANDOR_STAFF_ROLES": '{"lead": "Supervisor"}'}, "lead must be one of"),
        ({"CANDOR_STAFF_ROLES": SECRET}, "must be JSON"),
        ({"CANDOR_STAFF_ROLES": "[]"}, "must be an object"),
        ({"CANDOR_STAFF_CHANNELS": '{"/shop": 5}'}, "/shop must be text"),
        ({"CANDOR_STAFF_ISSUER": f"https://{SECRET}.localhost"}, "development only"),
        ({"CANDOR_STAFF_ISSUER": f"https://{SECRET}.LOCALHOST.:8443/realms/staff"}, "development only"),
        ({"CANDOR_STAFF_ISSUER": "http://localhost:8080"}, "development only"),
        ({"CANDOR_STAFF_ISSUER": f"{SECRET}.localhost"}, "development only"),
        ({"CANDOR_HOST": "0.0.0.0", **DEVELOPMENT}, "must be a loopback address"),
        ({"CANDOR_METRICS_HOST": "0.0.0.0", **DEVELOPMENT}, "must be a loopback address"),
        ({"CANDOR_MASTER_KEY": SECRET}, "exactly 32 bytes, which is 43 letters, not 13."),
        ({"CANDOR_MASTER_KEY": "short"}, "exactly 32 bytes, which is 43 letters, not 5."),
        ({"CANDOR_MASTER_KEY": f"{SECRET}!"}, "must be base64url"),
        ({"CANDOR_MASTER_KEY": KEY[:-5]}, "exactly 32 bytes"),
        ({"CANDOR_MASTER_KEY": KEY[:-1] + "AAAA"}, "exactly 32 bytes"),
        ({"CANDOR_MASTER_KEY": KEY.replace("A", "+")}, "must be base64url"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str], environment: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(**environment)
    assert stopped.value.code == 2
    (sentence,) = sentences(capsys)
    assert sentence.startswith(next(iter(environment)))
    assert complaint in sentence
    assert SECRET not in sentence
    assert KEY[:12] not in sentence


ISO = "must be a number of seconds, or ISO 8601 such as PT15M"


@pytest.mark.parametrize(
    ("hours", "complaint"),
    [
        ("{kanarienvogel", "must be JSON"),
        ("kanarienvogel", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ("[1]", "must be an object"),
        ('"kanarienvogel"', "must be an object"),
        ('{"toys-*": 5}', "toys-* must be an object"),
        ('{"toys-*": {"openz": 10}}', "toys-*.openz is not known"),
        ('{"toys-*": {"opens": "kanarienvogel"}}', f"toys-*.opens {ISO}"),
        ('{"toys-*": {"opens": [1]}}', f"toys-*.opens {ISO}"),
        ('{"toys-*": {"opens": 0}}', "toys-*.opens must be at least 1 second"),
        ('{"toys-*": {"opens": "P3D"}}', "toys-*.opens must be at most 2 days"),
    ],
)
def test_what_is_wrong_inside_of_a_variable_is_told_with_its_place(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str], hours: str, complaint: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(CANDOR_HOURS=hours)
    assert stopped.value.code == 2
    assert sentences(capsys) == [f"CANDOR_HOURS (other hours, as JSON): {complaint}."]


def test_hours_that_are_right_are_taken(load: SettingsLoader) -> None:
    assert load(CANDOR_HOURS='{"toys": {"opens": 8}}').hours == {"toys": Hours(opens=timedelta(seconds=8))}


def test_several_mistakes_are_said_together(load: SettingsLoader, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load(CANDOR_PORT_BASE="x", CANDOR_MASTER_KEY="x", CANDOR_STAFF_JWKS="http://x", CANDOR_HOURS="{x")
    named = {sentence.split()[0] for sentence in sentences(capsys)}
    assert named == {"CANDOR_PORT_BASE", "CANDOR_MASTER_KEY", "CANDOR_STAFF_JWKS", "CANDOR_HOURS"}


def test_public_keys_may_be_in_a_file(load: SettingsLoader, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(key_set(x=PUBLIC))
    assert load(CANDOR_STAFF_JWKS=str(tmp_path / "keys.json")).staff_jwks == str(tmp_path / "keys.json")


@pytest.mark.parametrize("source", [LOCAL_HTTP, "https://staff.test/keys", key_set(x=PUBLIC)])
def test_public_keys_may_be_in_these_places(load: SettingsLoader, source: str) -> None:
    assert load(**DEVELOPMENT, CANDOR_STAFF_JWKS=source).staff_jwks == source


@pytest.mark.parametrize(
    "issuer", ["https://staff.test", "https://staff.test/", "https://staff.test/realms/a"]
)
def test_keys_are_discovered_beside_the_issuer_unless_said(load: SettingsLoader, issuer: str) -> None:
    settings = load(CANDOR_STAFF_ISSUER=issuer, CANDOR_STAFF_JWKS="")
    assert settings.staff_discovery == f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    elsewhere = "https://login.test/tenant/.well-known/openid-configuration"
    settings = load(CANDOR_STAFF_ISSUER=issuer, CANDOR_STAFF_JWKS="", CANDOR_STAFF_DISCOVERY=elsewhere)
    assert settings.staff_discovery == elsewhere


def test_an_issuer_that_is_no_address_needs_an_address_for_its_keys(
    load: SettingsLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        load(CANDOR_STAFF_ISSUER=SECRET, CANDOR_STAFF_JWKS="")
    (sentence,) = sentences(capsys)
    assert sentence.startswith("CANDOR_STAFF_DISCOVERY")


def test_a_providers_names_are_told_as_json(load: SettingsLoader) -> None:
    settings = load(
        CANDOR_STAFF_ALGORITHMS="RS256, PS256", CANDOR_STAFF_JWKS=RSA,
        CANDOR_STAFF_ROLES='{"Candor Lead": "supervisor"}', CANDOR_STAFF_CHANNELS='{"/support": "shop"}',
    )  # fmt: skip
    assert settings.staff_algorithms == ("RS256", "PS256")
    assert settings.staff_roles == {"Candor Lead": "supervisor"}
    assert settings.staff_channels == {"/support": "shop"}


def test_a_key_may_come_with_or_without_its_padding(load: SettingsLoader) -> None:
    assert KEY.endswith("=")
    assert key_bytes(load(CANDOR_MASTER_KEY=KEY.rstrip("=")).master_key) == bytes(range(32))


def test_secrets_are_in_no_representation(load: SettingsLoader) -> None:
    settings = load()
    for text in (repr(settings), str(settings), repr(settings.master_key)):
        assert SECRET not in text
        assert KEY not in text
    assert KEY not in str(settings.model_dump())


def test_settings_stay_as_they_are(load: SettingsLoader) -> None:
    with pytest.raises(ValidationError):
        load().port_base = 1  # type: ignore[misc]


def test_a_process_that_is_told_nonsense_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    program = (
        "from typing import ClassVar\n"
        "from chassis.settings import Key32, ServiceSettings\n"
        "class Shop(ServiceSettings):\n"
        "    service: ClassVar[str] = 'shop'\n"
        "    offset: ClassVar[int] = 1\n"
        "    master_key: Key32\n"
        "Shop.load()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "CANDOR_MASTER_KEY": SECRET, "CANDOR_KAFKA": "a:1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert [line.split()[0].rstrip(":") for line in ended.stderr.splitlines()] == [
        "shop", "CANDOR_MONGO", "CANDOR_STAFF_ISSUER", "CANDOR_CHAT_URL", "CANDOR_MASTER_KEY",
    ]  # fmt: skip
    assert SECRET not in ended.stderr
    assert "Traceback" not in ended.stderr
