"""Development secrets: made once, for their owner's eyes, and each service gets its own."""

import stat
from pathlib import Path

import pytest

from chassis.http.auth import TrustedIssuer, Verifier
from chassis.http.key_sources import key_source
from contracts.access import AUDIENCE_STAFF, Claims, Role
from deploy.local import tokens
from deploy.local.__main__ import main
from deploy.local.failures import CannotStart
from deploy.local.secrets import STAFF_ISSUER, Secrets


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    folder = Secrets(tmp_path).folder

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir() if each.name != "lock"}
    assert modes == {0o600}


def test_they_are_made_once(tmp_path: Path) -> None:
    assert Secrets(tmp_path).environment("chat") == Secrets(tmp_path).environment("chat")


def test_each_service_knows_only_its_own(tmp_path: Path) -> None:
    told = {service: Secrets(tmp_path).environment(service) for service in ("chat", "rating", "analytics")}

    assert len({each["CANDOR_MASTER_KEY"] for each in told.values()}) == len(told)
    assert len({each["CANDOR_READERS_KEY"] for each in told.values()}) == 1
    assert [name for name in told if "CANDOR_VISITOR_SIGNING_KEY" in told[name]] == ["chat"]
    assert [name for name in told if "CANDOR_FORM_SECRET" in told[name]] == ["rating"]


async def test_a_development_token_is_believed_by_the_services(tmp_path: Path) -> None:
    token = tokens.token(tmp_path, Role.SUPERVISOR, channels=["a", "b"], name="Ann", teams=["b c", "d"])
    keys = key_source(Secrets(tmp_path).environment("chat")["CANDOR_STAFF_JWKS"])
    verifier = Verifier([TrustedIssuer(STAFF_ISSUER, AUDIENCE_STAFF, keys, frozenset({Role.SUPERVISOR}))])

    claims = await verifier.verify(token)

    roles, channels = frozenset({Role.SUPERVISOR}), frozenset("ab")
    assert claims.exp is not None
    teams = frozenset({"b c", "d"})
    assert claims == Claims(
        sub="supervisor-1", name="Ann", roles=roles, channels=channels, teams=teams, exp=claims.exp
    )


@pytest.mark.parametrize("env", [None, "", "production", "Development"])
def test_the_command_makes_tokens_only_where_it_is_told_of_development(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], env: str | None
) -> None:
    monkeypatch.delenv("CANDOR_ENV", raising=False)
    if env is not None:
        monkeypatch.setenv("CANDOR_ENV", env)
    monkeypatch.setattr("sys.argv", ["local", "token", "--role", "admin", "--data", str(tmp_path)])

    assert main() == 1

    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "Development tokens are for CANDOR_ENV=development only.\n")
    assert not list(tmp_path.iterdir())


def test_the_command_prints_a_token_in_development(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANDOR_ENV", "development")
    monkeypatch.setattr("sys.argv", ["local", "token", "--role", "admin", "--data", str(tmp_path)])

    assert main() == 0

    assert capsys.readouterr().out.count(".") == 2


@pytest.mark.parametrize("role", ["", "king", "visitor"])
def test_a_role_that_staff_do_not_have_is_said_with_those_that_there_are(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANDOR_ENV", "development")
    monkeypatch.setattr("sys.argv", ["local", "token", "--role", role, "--data", str(tmp_path)])

    assert main() == 1

    roles = "operator|supervisor|admin|service|platform"
    assert capsys.readouterr().err == f"Say whose: make token ROLE={roles} (not {role!r}).\n"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("--role service --scope dialogs:write,marks:write", "SCOPE is dialogs:write or marks:write"),
        ("--role supervisor --scope marks:write", "SCOPE is for ROLE=service"),
        (
            "--role supervisor --channels a/b",
            "CHANNELS is ids of channels, with commas between them (not 'a/b')",
        ),
        ("--role supervisor --channels ,", "CHANNELS is ids of channels, with commas between them (not ',')"),
    ],
)
def test_what_would_grant_nothing_is_said(
    asked: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANDOR_ENV", "development")
    monkeypatch.setattr("sys.argv", ["local", "token", "--data", str(tmp_path), *asked.split()])

    assert main() == 1

    assert capsys.readouterr().err.startswith(told)


def test_a_command_of_a_service_needs_a_system_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["local", "command", "--data", str(tmp_path), "analytics", "status"])

    assert main() == 1

    assert capsys.readouterr().err.startswith("Candor is not running: call `make run`")


def test_visitors_get_their_tokens_from_chat(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="comes from chat"):
        tokens.token(tmp_path, Role.VISITOR)
