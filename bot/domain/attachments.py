"""Which attached files an agent gets, and under which path. Pure.

Bringing them there is `bringing`'s.
"""

from __future__ import annotations

import re

from bot.notices import LeftOut, WhyLeftOut
from store.records import Attachment

MOST = 10
LARGEST = 30 * 1024 * 1024
"""Bytes: a file is held in memory on its way."""
WIDEST = 8_000
"""Pixels: a larger image ends a session for good when it is read (managed-agents-api.md §3.1)."""
HOSTED = frozenset({"hosted", "snippet", ""})
"""Slack's modes of files that have bytes: not canvases, lists, or links to other services."""
MOUNTED_AT = "/mnt/session/uploads"
_NAME_MAX = 100


def judged(files: tuple[Attachment, ...]) -> tuple[tuple[Attachment, ...], tuple[LeftOut, ...]]:
    """Return the files that come along, and those that are left out with the reason."""
    taken: list[Attachment] = []
    left: list[LeftOut] = []
    for file in files:
        why = _why_not(file) or (WhyLeftOut.TOO_MANY if len(taken) == MOST else None)
        if why is None:
            taken.append(file)
        else:
            left.append(LeftOut(file.name, why))
    return tuple(taken), tuple(left)


def path_of(turn_id: str, number: int, file: Attachment) -> str:
    """Return where a turn's file is mounted, below `MOUNTED_AT`; no two files share a path."""
    name = re.sub(r"[^\w.-]+", "_", file.name).strip("._")[-_NAME_MAX:] or "file"
    return f"/{turn_id}/{number}-{name}"


def with_files(task: str, paths: tuple[str, ...]) -> str:
    """Return what the session gets: the owner's words, and where their files are."""
    if not paths:
        return task
    listed = "\n".join(f"- {MOUNTED_AT}{path}" for path in paths)
    return f"{task}\n\nI attached these files:\n{listed}"


def _why_not(file: Attachment) -> WhyLeftOut | None:
    if file.mode not in HOSTED:
        return WhyLeftOut.NOT_A_FILE
    if file.size > LARGEST:
        return WhyLeftOut.TOO_LARGE
    if max(file.width, file.height) > WIDEST:
        return WhyLeftOut.TOO_WIDE
    return None
