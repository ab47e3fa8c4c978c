"""Notices about files that were left out, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WhyLeftOut(StrEnum):
    """Why a file was left out."""

    NOT_A_FILE = "not_a_file"
    TOO_LARGE = "too_large"
    OVER_LIMIT = "over_limit"
    """Larger than Slack or Claude accepts; neither says how much that is."""
    TOO_WIDE = "too_wide"
    TOO_MANY = "too_many"
    EMPTY = "empty"
    REFUSED = "refused"
    """Slack or Claude does not accept it; trying again would change nothing."""
    WITHHELD = "withheld"
    """Slack or Claude does not let us read or upload it; trying again would change nothing."""
    NO_ROOM = "no_room"
    """The organisation's storage at Anthropic is full."""
    UNREADABLE = "unreadable"
    """An outage outlasted our retries: the only reason after which trying again may help."""
    HIDDEN = "hidden"
    """Slack no longer shows it on the workspace's plan."""
    GONE = "gone"
    """It was deleted after it was attached."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was left out; `name` is empty if it is not known which one."""

    name: str
    why: WhyLeftOut


@dataclass(frozen=True, slots=True)
class FilesLeftOut:
    """Files that did not reach the agent or, with `is_output`, did not get from the agent to the thread."""

    files: tuple[LeftOut, ...]
    is_output: bool = False
