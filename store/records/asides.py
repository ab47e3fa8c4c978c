"""Words of others: offered to an owner, or quoted in a form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from store.records.ids import ThreadId, UserId
from store.records.messages import Attachment, MessageRef


class AsideState(StrEnum):
    """One way: `offered → passed | ignored`."""

    OFFERED = "offered"
    PASSED = "passed"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Aside:
    """Words another member wrote in an owner's thread, offered to the owner to pass on."""

    id: str
    thread_id: ThreadId
    author: UserId
    text: str
    """Sealed at rest, erased when ignored."""
    source: MessageRef
    state: AsideState
    files: tuple[Attachment, ...] = ()
    """What came with them, as Slack describes it; sealed and erased as they are."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A message that a form was opened about: a form itself has no room for it."""

    text: str
    author: UserId | None
    files: tuple[Attachment, ...] = ()
