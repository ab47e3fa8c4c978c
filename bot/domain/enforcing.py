"""Carries kill switches out on what already runs, also when another process or the command line threw them."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.domain.configuration import Configuration
from bot.domain.ports import Clock
from bot.domain.turns import Turns
from bot.errors import SettingsInvalid
from store.errors import StoreUnavailable
from store.records import WorkspaceId

log = structlog.get_logger(__name__)

INTERVAL = timedelta(seconds=6)
"""How long what runs may go on after somebody else has thrown a switch; one thrown in Slack works at once."""


class Enforcing:
    """Looks at the settings again and again, and acts when they have changed."""

    def __init__(self, *, configuration: Configuration, turns: Turns, clock: Clock, workspace_id: WorkspaceId) -> None:
        self._configuration = configuration
        self._turns = turns
        self._clock = clock
        self._workspace_id = workspace_id

    async def run(self) -> None:
        """Look until the end of the process."""
        seen = None
        while True:
            try:
                config = await self._configuration.read(self._workspace_id)
                if config is not seen:
                    await self._turns.stop_paused()
                    seen = config
            except StoreUnavailable as error:
                log.warning("settings_not_read", error=type(error).__name__)
            except SettingsInvalid as error:
                log.exception("settings_not_readable", problems=[str(problem) for problem in error.problems])
            await self._clock.sleep_until(self._clock.now() + INTERVAL)
