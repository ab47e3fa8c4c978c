"""What nearly every part of the domain needs: the store, the time, the two peers, and who runs tasks."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.ports import Agents, Clock, Screen
from bot.domain.supervisor import Supervisor
from store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainContext:
    """Passed whole; each constructor takes out what it uses, in its first lines. It holds no service of a noun."""

    database: Database
    clock: Clock
    agents: Agents
    screen: Screen
    supervisor: Supervisor
