"""Starts what runs without a request: recovery after a restart, and the periodic tasks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot.composition.nouns import Nouns
from bot.config.model import DEFAULT_PROFILE
from bot.domain.context import DomainContext
from bot.domain.dispatcher import Dispatcher
from bot.domain.maintenance.sweep import start_sweeping
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.model.errors import AgentsRejected, ConfigurationError, SettingsInvalid
from store import key_check
from store.database import Database
from store.errors import StoreTaken

log = structlog.get_logger(__name__)

HOLD_EVERY = timedelta(seconds=1)
"""How long it may go unseen that this process does not hold the database any more."""


class DatabaseHold:
    """Looks after this process's being the only one on the database; `lost` is set once another one is."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._supervisor = context.database, context.supervisor
        self.lost = asyncio.Event()

    def start(self) -> None:
        """Look every second, where the database is one whose hold can drop."""
        if self._database.may_lose_hold:
            self._supervisor.keep("hold", self.look, HOLD_EVERY)

    async def look(self) -> None:
        """Take the database again where its hold dropped. Raises `StoreUnavailable` where that cannot be told."""
        try:
            if await self._database.keep_hold():
                log.warning("database_held_again", variable="DATABASE_URL")
        except StoreTaken:
            log.warning("database_taken_over", variable="DATABASE_URL")
            self.lost.set()


async def take_up(context: DomainContext, nouns: Nouns, dispatcher: Dispatcher, *, is_key_lost: bool) -> None:
    """Go on where an earlier process stopped."""
    await _tell_unreadable(context.database, is_key_lost=is_key_lost)
    await nouns.connections.services.reload()
    await _ensure_profile(context, nouns.sessions.profiles)
    await nouns.connections.browser.recover()
    await dispatcher.recover()
    await nouns.turns.driver.resume()


async def _tell_unreadable(database: Database, *, is_key_lost: bool) -> None:
    """Tell whoever runs Deputy of each row that does not open; each is skipped by itself, and the rest goes on.

    Where nothing opens at all the key is another one. Mistyped, it would end what waits for good: that somebody has to
    say. Raises `ConfigurationError`.
    """
    async with database.transaction() as tx:
        found = await key_check.look(tx)
    if found.broken and not found.opened and not is_key_lost:
        problem = f"DEPUTY_SECRET_KEYS: nothing that is sealed ({len(found.broken)}) opens with the keys given"
        fix = "add the key it was sealed with, last; if that is lost for good, set DEPUTY_KEY_LOST=1"
        raise ConfigurationError((f"{problem}; {fix}",))
    for place in found.broken:
        log.error("not_readable", place=place, variable="DEPUTY_SECRET_KEYS", fix="add the old key again, last")


async def _ensure_profile(context: DomainContext, profiles: AgentProfiles) -> None:
    try:
        await profiles.ensure(await context.config.read(context.workspace.id), DEFAULT_PROFILE)
    except SettingsInvalid as error:
        problems = tuple(f"a stored setting cannot be read: {problem}" for problem in error.problems)
        raise ConfigurationError(problems) from error
    except AgentsRejected as error:
        if error.code.startswith("http_"):
            problem = f"ANTHROPIC_BASE_URL: this address does not answer like the Managed Agents API ({error.code})"
            raise ConfigurationError((problem,)) from error
        problem = f"ANTHROPIC_API_KEY: the API refuses it or the profile ({error.code}); run the doctor"
        raise ConfigurationError((problem,)) from error


def start_upkeep(context: DomainContext, nouns: Nouns, dispatcher: Dispatcher) -> None:
    """Start what looks after things at its own pace, until the supervisor is closed."""
    nouns.home.refresh.start()
    nouns.maintenance.hourly.start()
    nouns.maintenance.watcher.start()
    start_sweeping(context, dispatcher, nouns.turns.driver, nouns.connections.browser)
