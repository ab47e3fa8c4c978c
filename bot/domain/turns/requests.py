"""What each request of people passes through: who may ask, what filters say, who wrote what, the thread's line."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.access.admission import Admission
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.ports import ThreadHistory
from bot.domain.turns.turn_queue import TurnQueue


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Shared by the commands of members: asking, asides, edits."""

    domain: DomainContext
    admission: Admission
    filtering: FilterService
    history: ThreadHistory
    queue: TurnQueue
