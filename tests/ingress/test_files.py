"""The ingress' files are whole, and nginx itself finds nothing wrong with them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.ports import HERE, free_base
from tests.ingress.running import FILES, PLACEHOLDER, command, defaults, make_certificate, render


def test_the_template_asks_for_what_the_environment_file_sets_and_for_nothing_else() -> None:
    asked = set(PLACEHOLDER.findall((FILES / "nginx.conf.template").read_text()))
    assert asked == set(defaults())


def test_the_readme_explains_every_setting() -> None:
    readme = (FILES / "README.md").read_text()
    assert [name for name in defaults() if f"`{name}`" not in readme] == []


def check(folder: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    # Names of services are looked up when the files are read, and ports are tried: not all can be had here.
    places = ("CHAT", "RATING", "ANALYTICS", "HTTP", "HTTPS")
    base = free_base(range(len(places)))
    here = {f"CANDOR_INGRESS_{name}": f"{HERE}:{base + offset}" for offset, name in enumerate(places)}
    folders = {f"CANDOR_INGRESS_{name}": str(folder) for name in ("LOGS", "BODIES")}
    settings = defaults() | make_certificate(folder) | here | folders | changed
    return subprocess.run(
        command(folder, render(folder, settings), "-t"),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_nginx_finds_nothing_wrong_and_warns_of_nothing(tmp_path: Path) -> None:
    said = check(tmp_path)
    assert said.returncode == 0, said.stderr
    assert [line for line in said.stderr.splitlines() if "[warn]" in line or "[emerg]" in line] == []


def test_a_wrong_setting_is_found_before_anything_is_served(tmp_path: Path) -> None:
    said = check(tmp_path, CANDOR_INGRESS_FORMS_RATE="often")
    assert said.returncode != 0
    assert 'invalid rate "rate=often"' in said.stderr


@pytest.mark.skipif(shutil.which("envsubst") is None, reason="there is no envsubst to fill the template in")
def test_the_command_of_the_readme_fills_in_the_same_file(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (FILES / "README.md").read_text(), re.DOTALL)
    filling_in = next(line for block in blocks for line in block.splitlines() if "envsubst" in line)
    for name in ("ingress.env", "nginx.conf.template"):
        shutil.copy(FILES / name, tmp_path)
    there = filling_in.replace("/etc/nginx/nginx.conf", "filled-in.conf")
    subprocess.run(["sh", "-c", there], cwd=tmp_path, check=True, timeout=30)
    assert (tmp_path / "filled-in.conf").read_text() == render(tmp_path, defaults()).read_text()
