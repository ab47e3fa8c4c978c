"""What each request of a member passes through: admission, filters, the messages of its thread and its queue."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.access.admission import Admission
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.turns.thread_messages import ThreadMessages
from bot.domain.turns.turn_queue import TurnQueue


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Collaborators shared by the commands about asking, asides and edits."""

    domain: DomainContext
    admission: Admission
    filtering: FilterService
    messages: ThreadMessages
    queue: TurnQueue
