"""What nearly every part of the domain needs: the store, the clock, the peers, the catalogue, the settings."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.config.service import ConfigService
from bot.domain.home_changes import HomeChanges
from bot.domain.outbox import Outbox
from bot.domain.ports import Agents, Clock, HomeWorkspace, People, Screen, SlackFiles, ThreadHistory
from bot.domain.supervisor import Supervisor
from oauth.catalog.catalog import Catalog
from store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainContext:
    """Collaborators shared by all nouns (docs/decisions/0049-a-context-and-five-parameters.md).

    It is passed whole; each constructor takes out what it uses in its first lines. Of the nouns it holds the settings
    alone, for every other noun stands after them.
    """

    workspace: HomeWorkspace
    database: Database
    clock: Clock
    catalog: Catalog
    config: ConfigService
    agents: Agents
    screen: Screen
    people: People
    files: SlackFiles
    history: ThreadHistory
    supervisor: Supervisor
    outbox: Outbox
    home_changes: HomeChanges
