"""The steps of the README's “Install in Slack”, followed to the letter where there is Python, make and no more."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from store.records import Secret
from store.sealing import parse_keys

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "bash", "env", "make", "awk", "touch", "mkdir", "rm", "cat", "ls", "dirname", "uname")


def steps() -> list[str]:
    """Return the commands of the section, in their order."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## Install in Slack")[2].partition("\n## ")[0]
    return re.findall(r"^ {7}(\S.*)$", section, re.MULTILINE)


def test_nothing_is_used_before_the_step_that_installs_it():
    commands = steps()

    assert commands[0] == "make install"
    assert [command.split()[-1] for command in commands] == ["install", "new-key", "doctor", "run"]


@pytest.mark.fault("D8")
@pytest.mark.slow(minutes=1)
@pytest.mark.timeout(900)
def test_the_steps_work_in_their_order_on_a_machine_with_nothing_installed(tmp_path):
    source, path = tmp_path / "deputy", tmp_path / "bin"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(source)], check=True)
    path.mkdir()
    for tool in TOOLS:
        (path / tool).symlink_to(found) if (found := shutil.which(tool)) else None
    (path / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HOME", "XDG_"))}
    said = {}
    for command in steps():
        shell, environ = ["bash", "-c", command], kept | {"PATH": str(path)}
        done = subprocess.run(shell, cwd=source, env=environ, capture_output=True, text=True, check=False)
        if command == "make install" and "No matching distribution" in done.stderr:
            pytest.skip("the package registry cannot be reached")
        said[command.split()[-1]] = done

    assert said["install"].returncode == 0, said["install"].stderr
    assert parse_keys(said["new-key"].stdout.strip()) == (Secret(said["new-key"].stdout.strip()),)
    for command in ("doctor", "run"):  # nothing is set yet: each variable is named, and nothing breaks
        assert "- SLACK_BOT_TOKEN is missing:" in said[command].stderr
        assert "Traceback" not in said[command].stderr
