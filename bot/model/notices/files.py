"""Notices about files that do not come along, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WhyLeftOut(StrEnum):
    """Why a file does not come along."""

    NOT_A_FILE = "not_a_file"
    TOO_LARGE = "too_large"
    OVER_LIMIT = "over_limit"
    """Larger than Slack or Claude takes, who do not say how much that is."""
    TOO_WIDE = "too_wide"
    TOO_MANY = "too_many"
    EMPTY = "empty"
    REFUSED = "refused"
    """Slack or Claude does not take it, and would not the next time."""
    WITHHELD = "withheld"
    """Slack or Claude does not let us have it or put it there, and would not the next time."""
    NO_ROOM = "no_room"
    """Claude keeps no more files of this organisation."""
    UNREADABLE = "unreadable"
    """An outage that outlived the tries: the only one that is worth another try as it is."""
    HIDDEN = "hidden"
    """Slack does not show it any more on the workspace's plan."""
    GONE = "gone"
    """It was there when it was attached, and is not any more."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file by name, empty where it is not known which, and why it is left out."""

    name: str
    why: WhyLeftOut


@dataclass(frozen=True, slots=True)
class FilesLeftOut:
    """Files that did not come along: to the agent, or (`is_output`) from it to the thread."""

    files: tuple[LeftOut, ...]
    is_output: bool = False
