"""What rating reads from its environment."""

import base64
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.kafka.connection import KafkaConnection
from rating.adapters.mail import SmtpServer
from rating.domain.rating.ways import DeliveryWay, Way
from rating.settings import RatingSettings

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
SETTINGS: dict[str, Any] = {
    "env": "development",
    "kafka": KafkaConnection(servers="127.0.0.1:9092"),
    "mongo": "mongodb://127.0.0.1:27017",
    "chat_url": "https://chat.test",
    "staff_issuer": "https://staff.test",
    "staff_jwks": "https://staff.test/keys",
    "visitor_issuer": "https://chat.test",
    "visitor_jwks": "https://chat.test/keys",
    "master_key": KEY,
    "readers_key": KEY,
    "form_secret": KEY,
}


def test_asks_at_once_and_waits_a_week_unless_set_otherwise() -> None:
    rules = RatingSettings(**SETTINGS).quality_control
    assert rules.delay == timedelta(0)
    assert rules.expiry == timedelta(days=7)
    assert rules.edit_window == timedelta(minutes=15)
    assert rules.offer_window == timedelta(hours=24)
    assert rules.cool_down == timedelta(0)


def test_asks_in_the_widget_alone_and_reminds_nobody_until_quality_control_says_otherwise() -> None:
    settings = RatingSettings(**SETTINGS)
    assert settings.quality_control.ways == (DeliveryWay(way=Way.WIDGET),)
    assert settings.quality_control.reminder is None


def test_opens_keys_of_the_readers_key_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_READERS_KEYS_BEFORE", f"{KEY}, {KEY}")
    assert len(RatingSettings(**SETTINGS).readers_keys_before) == 2


@pytest.mark.parametrize(
    ("text", "expiry"),
    [("1", 1), ("1.5", 1.5), ("900", 900), ("PT15M", 900), ("P1D", 86400), ("PT1S", 1)],
)
def test_reads_seconds_and_iso_8601(text: str, expiry: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_RATING_EXPIRY", text)
    monkeypatch.setenv("CANDOR_RATING_DELAY", text)
    rules = RatingSettings(**SETTINGS).quality_control
    assert rules.expiry == rules.delay == timedelta(seconds=expiry)


@pytest.mark.parametrize(
    "text", ["0", "0.9", "-5", "soon", "nan", "inf", "1e400", "P4000D", "PT0S", "10.0005", "PT1.0005S"]
)
def test_refuses_what_is_no_time_to_wait(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_RATING_EXPIRY", text)
    with pytest.raises(ValidationError, match="rating_expiry"):
        RatingSettings(**SETTINGS)


def environment() -> dict[str, str]:
    kafka: KafkaConnection = SETTINGS["kafka"]
    others = {name: str(value) for name, value in SETTINGS.items() if name != "kafka"}
    return {f"CANDOR_{name.upper()}": value for name, value in others.items()} | dict(kafka.environment())


def test_says_which_variable_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CANDOR_RATING_DELAY", "soon")
    with pytest.raises(SystemExit):
        RatingSettings.load()
    assert "CANDOR_RATING_DELAY" in capsys.readouterr().err


DAMAGED = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "kanarienvogel"}]})


@pytest.mark.parametrize(
    ("variable", "wrong", "sentence"),
    [
        ("CANDOR_VISITOR_JWKS", DAMAGED, "that signs and has an id (kid)."),
        ("CANDOR_VISITOR_JWKS", "http://kanarienvogel.test/keys", "and in development)."),
        ("CANDOR_VISITOR_JWKS", "", "a https:// URL, or the JSON itself)."),
        ("CANDOR_VISITOR_ISSUER", "", "is missing (who issues visitors' tokens (their `iss`))."),
        ("CANDOR_VISITOR_ISSUER", SETTINGS["staff_issuer"], "nobody could tell staff from visitors."),
    ],
)
def test_wrong_keys_are_a_sentence_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    wrong: str,
    sentence: str,
) -> None:
    for name, value in {**environment(), variable: wrong}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="2"):
        RatingSettings.load()
    heading, printed = capsys.readouterr().err.splitlines()
    assert heading == "rating cannot start:"
    assert printed.strip().startswith(variable)
    assert printed.endswith(sentence)
    assert "kanarienvogel" not in printed


def test_it_does_not_start_with_them(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "rating"],
        env={"PATH": os.environ["PATH"], **environment(), "CANDOR_VISITOR_JWKS": DAMAGED},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 2)
    assert "kanarienvogel" not in ended.stderr


@pytest.mark.parametrize(
    ("environment", "code", "sentence"),
    [
        ({"CANDOR_KAFKA": "127.0.0.1:1"}, 1, "Kafka at 127.0.0.1:1 did not do it"),
        ({}, 2, "CANDOR_KAFKA"),
    ],
)
def test_looking_after_dead_letters_needs_kafka_and_no_secret(
    tmp_path: Path, environment: dict[str, str], code: int, sentence: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "rating", "dead-letters", "list"],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (code, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(sentence)


def with_delivery(monkeypatch: pytest.MonkeyPatch, **variables: str) -> RatingSettings:
    for name, value in {**environment(), **variables}.items():
        monkeypatch.setenv(name, value)
    return RatingSettings.load()


def test_there_are_no_mails_and_no_private_webhooks_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = with_delivery(monkeypatch)
    assert (settings.smtp, settings.mail_from, settings.smtp_ca_file) == (None, None, None)
    assert settings.webhook_private == ()


def test_reads_how_mails_and_webhooks_go(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = with_delivery(
        monkeypatch,
        CANDOR_SMTP="smtps://candor:kanarienvogel@mail.test",
        CANDOR_MAIL_FROM="No-Reply@Candor.test",
        CANDOR_WEBHOOK_PRIVATE="10.1.0.0/16, fd00::/8,192.168.7.1",
    )
    assert settings.smtp == SmtpServer.parse("smtps://candor:kanarienvogel@mail.test")
    assert settings.mail_from == "No-Reply@candor.test"
    assert [str(each) for each in settings.webhook_private] == ["10.1.0.0/16", "fd00::/8", "192.168.7.1/32"]
    assert "kanarienvogel" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "variable", "sentence"),
    [
        ({"CANDOR_SMTP": "kanarienvogel:587"}, "CANDOR_SMTP", "or smtps://user:password@host:465."),
        ({"CANDOR_SMTP": "smtp://kanarienvogel@mail.test", "CANDOR_MAIL_FROM": "a@b.test"}, "CANDOR_SMTP",
         "must have both a user and a password, or neither."),
        ({"CANDOR_SMTP": "smtp://mail.test"}, "CANDOR_MAIL_FROM", "must be set where CANDOR_SMTP is."),
        ({"CANDOR_MAIL_FROM": "kanarienvogel"}, "CANDOR_MAIL_FROM", "such as zoe@school.example."),
        ({"CANDOR_MAIL_FROM": "зоя@school.test"}, "CANDOR_MAIL_FROM", "as not all servers take others."),
        ({"CANDOR_SMTP_CA_FILE": "/kanarienvogel"}, "CANDOR_SMTP_CA_FILE", "with certificates in PEM."),
        ({"CANDOR_WEBHOOK_PRIVATE": "10.1.0.0/16,kanarienvogel"}, "CANDOR_WEBHOOK_PRIVATE", "or fd00::/8."),
        ({"CANDOR_WEBHOOK_PRIVATE": "10.1.2.3/16"}, "CANDOR_WEBHOOK_PRIVATE", "or fd00::/8."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_delivery_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    variable: str,
    sentence: str,
) -> None:
    with pytest.raises(SystemExit, match="2"):
        with_delivery(monkeypatch, **variables)
    _, *printed = capsys.readouterr().err.splitlines()
    (line,) = [each for each in printed if each.strip().startswith(f"{variable} ")]
    assert line.endswith(sentence)
    assert "kanarienvogel" not in "".join(printed)


def test_a_file_without_certificates_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SystemExit, match="2"):
        with_delivery(monkeypatch, CANDOR_SMTP_CA_FILE=str(tmp_path / "ca.pem"))
