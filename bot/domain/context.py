"""What nearly every part of the domain needs: the store, the clock, the two peers and the supervisor of tasks."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.ports import Agents, Clock, Screen
from bot.domain.supervisor import Supervisor
from store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainContext:
    """Collaborators shared by all nouns (docs/decisions/0049-a-context-and-five-parameters.md).

    It is passed whole; each constructor takes out what it uses in its first lines. It holds no service of a noun.
    """

    database: Database
    clock: Clock
    agents: Agents
    screen: Screen
    supervisor: Supervisor
