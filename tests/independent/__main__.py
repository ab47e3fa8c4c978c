"""`make independent`: what we speak with, held against servers and types that nobody of us wrote.

The servers, FastMCP and the MCP SDK, come from PyPI by requirements.lock into an environment of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "independent"
PYTHON = BUILD / ".venv" / "bin" / "python"
LOCK = HERE / "requirements.lock"
INSTALLED = BUILD / "installed.lock"
"""A copy of the lock that the environment was made by; written last."""
REQUIRED = "DEPUTY_INDEPENDENT_REQUIRED"
"""Set where it is an error that the servers are missing."""
INSTALL_ONLY = "--install"
"""Only see that the servers are there."""
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--retries", "1"]


class ServersMissing(Exception):  # reads as the sentence it prints
    """The servers cannot be installed here; the words say why."""


def install() -> Path:
    """Make the environment unless it is there; return its Python. Raises `ServersMissing`."""
    with _alone():
        if not INSTALLED.exists() or INSTALLED.read_bytes() != LOCK.read_bytes():
            INSTALLED.unlink(missing_ok=True)
            _run([sys.executable, "-m", "venv", "--clear", str(BUILD / ".venv")])
            _run([str(PYTHON), *PIP, "--requirement", str(LOCK)])
            shutil.copy(LOCK, INSTALLED)
    return PYTHON


def is_required() -> bool:
    """Tell whether what cannot be installed is an error."""
    return bool(os.environ.get(REQUIRED))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        why = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise ServersMissing(f"the independent servers (fastmcp, mcp) cannot be installed: {why}")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let only one process install at a time: tests run in several."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Install and test; 0 if all is well."""
    try:
        install()
    except ServersMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0 if arguments == [INSTALL_ONLY] else pytest.main(["-q", str(HERE)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
