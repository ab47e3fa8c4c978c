"""Takes up what another process or the command line has changed: services, kill switches, budgets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.domain.configuration import Configuration
from bot.domain.ports import Clock
from bot.domain.shortages import Shortages
from bot.domain.stopping import Stopping
from bot.errors import SettingsInvalid
from store.errors import SealBroken, StoreUnavailable
from store.records import WorkspaceId

log = structlog.get_logger(__name__)

INTERVAL = timedelta(seconds=6)
"""How long what runs may go on after somebody else has thrown a switch; one thrown in Slack works at once."""


class Enforcing:
    """Looks at the settings again and again, and acts when they have changed."""

    def __init__(
        self,
        *,
        configuration: Configuration,
        stopping: Stopping,
        shortages: Shortages,
        reload: Callable[[], Awaitable[None]],
        clock: Clock,
        workspace_id: WorkspaceId,
    ) -> None:
        """`reload` offers the services that are stored now."""
        self._configuration = configuration
        self._stopping = stopping
        self._shortages = shortages
        self._reload = reload
        self._clock = clock
        self._workspace_id = workspace_id

    async def run(self) -> None:
        """Look until the end of the process."""
        seen = None
        while True:
            try:
                await self._reload()
                config = await self._configuration.read(self._workspace_id)
                if config is not seen:
                    await self._stopping.stop_paused()
                    await self._shortages.look(self._workspace_id)
                    seen = config
            except StoreUnavailable as error:
                log.warning("settings_not_read", error=type(error).__name__)
            except SealBroken as error:
                log.exception("service_not_readable", place=error.place)
            except SettingsInvalid as error:
                log.exception("settings_not_readable", problems=[str(problem) for problem in error.problems])
            await self._clock.sleep_until(self._clock.now() + INTERVAL)
