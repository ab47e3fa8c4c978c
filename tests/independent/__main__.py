"""`make independent`: what we speak with, held against servers and types that nobody of us wrote.

The servers, FastMCP and the MCP SDK, come from PyPI by two locks into an environment each.
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
GENERATIONS = ("current", "earlier")
"""Each has its `.lock` here."""
REQUIRED = "DEPUTY_INDEPENDENT_REQUIRED"
"""Set where it is an error that the servers are missing."""
INSTALL_ONLY = "--install"
"""Only see that the servers are there."""
PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--retries", "1"]


class ServersMissing(Exception):  # reads as the sentence it prints
    """The servers cannot be installed here; the words say why."""


def install() -> dict[str, Path]:
    """Make the environments unless they are there; return the Python of each. Raises `ServersMissing`."""
    with _alone():
        return {generation: _install(generation) for generation in GENERATIONS}


def _install(generation: str) -> Path:
    lock = HERE / f"{generation}.lock"
    environment = BUILD / generation
    # A copy of the lock that the environment was made by, written last.
    done = environment / "installed.lock"
    python = environment / "bin" / "python"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        _run([sys.executable, "-m", "venv", "--clear", str(environment)])
        _run([str(python), *PIP, "--requirement", str(lock)])
        shutil.copy(lock, done)
    return python


def is_required() -> bool:
    """Tell whether what cannot be installed is an error."""
    return bool(os.environ.get(REQUIRED))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if line.startswith("ERROR")), lines[-1])
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
