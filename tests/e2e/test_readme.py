"""What the README does by hand works, word for word but for the ports and the folder, and works again."""

import os
import re
import subprocess
import sys

import pytest

from deploy.local.stack import PORT_BASE, ROOT, Stack, port_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def by_hand(stack: Stack) -> str:
    """The README's commands, for this stack."""
    block = re.search(r"## By hand\n\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    python = (
        f"CANDOR_ENV=development '{sys.executable}' -m deploy.local token --data '{stack.folder}' --role "
    )
    commands = block[1].replace("make -s token ROLE=", python)
    for service in ("chat", "rating", "analytics"):
        commands = commands.replace(f":{port_of(service, PORT_BASE)}", f":{port_of(service, stack.base)}")
    return commands


def test_by_hand_leads_to_a_rating_each_time(stack: Stack) -> None:
    for _ in range(2):
        told = {"PATH": os.environ["PATH"]}
        shell = ["/bin/sh", "-euc", by_hand(stack)]
        ran = subprocess.run(shell, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert '"comment":{"state":"open","text":"Quick"}' in ran.stdout, ran.stdout
        assert '"closed":' in ran.stdout
        assert "/problems/" not in ran.stdout, ran.stdout
