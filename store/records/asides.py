"""What others wrote: offered to a thread's owner, or quoted in a form."""

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
    """A message that another member wrote in an owner's thread, offered to the owner to pass on to the agent."""

    id: str
    thread_id: ThreadId
    author: UserId
    text: str
    """Sealed at rest, erased when ignored."""
    source: MessageRef
    state: AsideState
    files: tuple[Attachment, ...] = ()
    """The message's files, as Slack describes them; sealed and erased as the text is."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A message that a form was opened on; a form's own metadata has no room for it."""

    text: str
    author: UserId | None
    files: tuple[Attachment, ...] = ()
