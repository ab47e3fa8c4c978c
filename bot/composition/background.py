"""Starts what runs without a request: recovery after a restart, and the periodic tasks."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from bot.composition.connections import ConnectionParts
from bot.composition.context import Context
from bot.composition.turns import TurnParts
from bot.config.model import DEFAULT_PROFILE
from bot.domain.access.eligibility import CLOSED, openness_of
from bot.domain.config.service import ConfigService
from bot.domain.dispatcher import Dispatcher
from bot.domain.maintenance.config_watcher import ConfigWatcher
from bot.domain.maintenance.hourly import HourlyMaintenance
from bot.domain.maintenance.member_checks import MemberChecks
from bot.domain.maintenance.sweep import start_sweeping
from bot.domain.ports import ChannelAudience
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.model.errors import AgentsRejected, ConfigurationError, SettingsInvalid
from store import key_check
from store.database import Database
from store.errors import StoreTaken
from store.records import WorkspaceId

log = structlog.get_logger(__name__)

HOLD_EVERY = timedelta(seconds=1)
"""How long it may go unseen that this process does not hold the database any more."""


class DatabaseHold:
    """Looks after this process's being the only one on the database; `lost` is set once another one is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lost = asyncio.Event()

    async def look(self) -> None:
        """Take the database again where its hold dropped. Raises `StoreUnavailable` where that cannot be told."""
        try:
            if await self._database.keep_hold():
                log.warning("database_held_again", variable="DATABASE_URL")
        except StoreTaken:
            log.warning("database_taken_over", variable="DATABASE_URL")
            self.lost.set()


async def take_up(
    parts: Context, room: ConnectionParts, asking: TurnParts, desk: Dispatcher, workspace_id: WorkspaceId
) -> None:
    """Go on where an earlier process stopped."""
    await _tell_unreadable(parts.domain.database, is_key_lost=parts.settings.is_key_lost)
    await room.services.reload()
    await _ensure_profile(parts.configuration, asking.profiles, workspace_id)
    await room.connections.recover()
    await desk.recover()
    await asking.driver.resume()


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


async def _ensure_profile(configuration: ConfigService, profiles: AgentProfiles, workspace_id: WorkspaceId) -> None:
    try:
        await profiles.ensure(await configuration.read(workspace_id), DEFAULT_PROFILE)
    except SettingsInvalid as error:
        problems = tuple(f"a stored setting cannot be read: {problem}" for problem in error.problems)
        raise ConfigurationError(problems) from error
    except AgentsRejected as error:
        if error.code.startswith("http_"):
            problem = f"ANTHROPIC_BASE_URL: this address does not answer like the Managed Agents API ({error.code})"
            raise ConfigurationError((problem,)) from error
        problem = f"ANTHROPIC_API_KEY: the API refuses it or the profile ({error.code}); run the doctor"
        raise ConfigurationError((problem,)) from error


def start_upkeep(
    parts: Context, room: ConnectionParts, asking: TurnParts, desk: Dispatcher, workspace_id: WorkspaceId
) -> None:
    """Start what looks after things at its own pace, until the supervisor is closed."""
    checks = MemberChecks(
        parts.domain,
        people=parts.people,
        offboarding=asking.offboarding,
        configuration=parts.configuration,
        home=parts.home,
    )
    housekeeping = HourlyMaintenance(
        parts.domain.database,
        parts.domain.clock,
        {
            "members": checks.check_due_members,
            "credentials": room.vaults.let_go_again,
            "lapses": room.lapses.look_at_clock,
            "pins": parts.pinning.look_at_clock,
        },
    )
    enforcing = ConfigWatcher(
        configuration=parts.configuration,
        stopping=asking.stopping,
        shortages=asking.shortages,
        reload=room.services.reload,
        workspace_id=workspace_id,
    )
    housekeeping.start(parts.domain.supervisor)
    enforcing.start(parts.domain.supervisor)
    start_sweeping(parts.domain.supervisor, desk, asking.driver, parts.outbox, room.connections)


async def read_openness(configuration: ConfigService, workspace_id: WorkspaceId) -> ChannelAudience:
    """Return whom admins let in; where their settings cannot be read, nobody but full members."""
    try:
        return openness_of(await configuration.read(workspace_id))
    except SettingsInvalid:
        return CLOSED
