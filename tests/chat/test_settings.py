"""What chat reads from its environment: a wrong key is a sentence, never the key itself."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.http.tokens import public_jwk, signing_key
from chassis.kafka.connection import KafkaConnection
from chat.settings import ChatSettings
from tests.chat.harness import pem, settings_for
from tests.tokens import VISITOR_KEY


def variables(**changed: str) -> dict[str, str]:
    return {
        "CANDOR_ENV": "development",
        "CANDOR_KAFKA": "127.0.0.1:9092",
        "CANDOR_MONGO": "mongodb://127.0.0.1/?replicaSet=candor",
        "CANDOR_STAFF_ISSUER": "https://staff.test",
        "CANDOR_STAFF_JWKS": "https://staff.test/keys",
        "CANDOR_VISITOR_ISSUER": "https://chat.test",
        "CANDOR_VISITOR_SIGNING_KEY": pem(VISITOR_KEY).get_secret_value(),
        "CANDOR_MASTER_KEY": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE",
        "CANDOR_READERS_KEY": "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI",
        **changed,
    }


def environment(monkeypatch: pytest.MonkeyPatch, **changed: str) -> None:
    for name, value in variables(**changed).items():
        monkeypatch.setenv(name, value)


def test_it_listens_on_the_first_port(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, CANDOR_PORT_BASE="9001")
    settings = ChatSettings.load()
    assert (settings.port, settings.metrics_port, settings.database) == (9001, 9101, "candor_chat")
    assert settings.visitor_token_lifetime.days == 30


def test_its_own_pages_and_those_it_is_told_may_call(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "CANDOR_CHAT_URL": "http://127.0.0.1:9001",
        "CANDOR_PAGE_ORIGINS": "https://a.test, https://b.test",
    }
    environment(monkeypatch, **told)
    here = {"http://127.0.0.1:9001", "http://localhost:9001"}
    assert ChatSettings.load().own_origins == {*here, "https://a.test", "https://b.test"}


def test_the_signing_key_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "visitor.pem"
    path.write_text(pem(VISITOR_KEY).get_secret_value())
    environment(monkeypatch, CANDOR_VISITOR_SIGNING_KEY=str(path))
    assert (
        signing_key(ChatSettings.load().visitor_signing_key.get_secret_value()).private_bytes_raw()
        == VISITOR_KEY.private_bytes_raw()
    )


def another_kind() -> str:
    key = generate_private_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "wrong",
    ["/nowhere/at/all.pem", "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----", another_kind()],
)
def test_a_wrong_signing_key_is_a_sentence(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(monkeypatch, CANDOR_VISITOR_SIGNING_KEY=wrong)
    with pytest.raises(SystemExit, match="2"):
        ChatSettings.load()
    printed = capsys.readouterr().err
    assert "CANDOR_VISITOR_SIGNING_KEY" in printed
    assert "Ed25519" in printed
    assert wrong not in printed


def test_no_secret_is_shown() -> None:
    shown = repr(settings_for(KafkaConnection(servers="127.0.0.1:1"), "mongodb://user:word@127.0.0.1", "d"))
    assert "PRIVATE KEY" not in shown
    assert "user:word" not in shown
    assert "QUFB" not in shown


DAMAGED = json.dumps({"keys": [public_jwk(VISITOR_KEY.public_key()) | {"x": "kanarienvogel"}]})


@pytest.mark.parametrize(
    ("variable", "wrong", "sentence"),
    [
        ("CANDOR_VISITOR_JWKS", DAMAGED, "that signs and has an id (kid)."),
        ("CANDOR_VISITOR_JWKS", '{"keys": [kanarienvogel', "must be JSON if it starts with {."),
        ("CANDOR_VISITOR_JWKS", "/kanarienvogel.json", "names a file that isn't there."),
        ("CANDOR_VISITOR_JWKS", __file__, "names a file that holds no JSON."),
        (
            "CANDOR_VISITOR_JWKS",
            "https://kanarienvogel.test/keys",
            "must be a file, or JSON: chat itself is the address of these keys.",
        ),
        ("CANDOR_STAFF_JWKS", DAMAGED, "that signs and has an id (kid)."),
        ("CANDOR_VISITOR_ISSUER", "", "is missing (who issues visitors' tokens (their `iss`))."),
    ],
)
def test_wrong_keys_are_a_sentence_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    wrong: str,
    sentence: str,
) -> None:
    environment(monkeypatch, **{variable: wrong})
    with pytest.raises(SystemExit, match="2"):
        ChatSettings.load()
    heading, printed = capsys.readouterr().err.splitlines()
    assert heading == "chat cannot start:"
    assert printed.strip().startswith(variable)
    assert printed.endswith(sentence)
    assert "kanarienvogel" not in printed


def test_it_does_not_start_with_them(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "chat"],
        env={"PATH": os.environ["PATH"], **variables(CANDOR_VISITOR_JWKS=DAMAGED)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 2)
    assert "kanarienvogel" not in ended.stderr


def test_it_consumes_nothing_and_has_no_dead_letters_to_look_after(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "chat", "dead-letters", "list"],
        env={"PATH": os.environ["PATH"]}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (2, "Usage: python -m chat [keys …]\n")


@pytest.mark.parametrize(
    ("text", "silent_for"),
    [
        (None, timedelta(minutes=10)), ("90", timedelta(seconds=90)), ("PT1H", timedelta(hours=1)),
        ("0", None), ("none", None),
    ],
)  # fmt: skip
def test_a_silent_reopening_closes_itself_after_ten_minutes_unless_set_otherwise(
    monkeypatch: pytest.MonkeyPatch, text: str | None, silent_for: timedelta | None
) -> None:
    environment(monkeypatch, **({} if text is None else {"CANDOR_CHAT_SILENT_REOPENING": text}))
    assert ChatSettings().silent_for == silent_for
