"""Removes secrets from the process's environment: `os.environ` and `/proc/PID/environ`.

Unsetting a variable leaves its value in the block that the kernel shows as `/proc/PID/environ` (proc(5)), to anyone
who may read this process's files: another process of the same user, a crash reporter, a debugger.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, MutableMapping
from pathlib import Path

_STAT = Path("/proc/self/stat")
_ENV_START, _ENV_END = 49, 50
"""Places of `env_start` and `env_end` among the fields of proc_pid_stat(5), counted from 0."""


def take_out(environ: MutableMapping[str, str], is_ours: Callable[[str], bool]) -> dict[str, str]:
    """Return a copy of the environment, and remove what is ours from the original and from the process's block."""
    copy = dict(environ)
    for name in copy:
        if is_ours(name):
            del environ[name]
    _blank(is_ours)
    return copy


def _blank(is_ours: Callable[[str], bool]) -> None:
    """Overwrite our values in the block. Only Linux has it there; elsewhere there is nothing to do."""
    try:
        start, end = _find_block()
    except (OSError, ValueError, IndexError):
        return  # no /proc, or one that does not tell
    if not 0 < start < end:
        return
    place = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        name, sign, value = entry.partition(b"=")
        if sign and is_ours(name.decode("utf-8", "replace")):
            ctypes.memset(place + len(name) + 1, ord("*"), len(value))
        place += len(entry) + 1


def _find_block() -> tuple[int, int]:
    # The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
    fields = ["", "", *_STAT.read_text("ascii", "replace").rpartition(")")[2].split()]
    return int(fields[_ENV_START]), int(fields[_ENV_END])
