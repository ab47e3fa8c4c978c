"""Applies settings that another process or the command line changed: services, kill switches, budgets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta

from bot.config.model import Config
from bot.domain.budgets.increase_requests import BudgetIncreaseRequests
from bot.domain.context import DomainContext
from bot.domain.turns.stop import TurnStopper

INTERVAL = timedelta(seconds=6)
"""How long turns may run on after another process has set a kill switch; one set in Slack works at once."""
TELL_EVERY = timedelta(minutes=10)
"""Pause between attempts to tell people about a raised budget while Slack is out."""


class ConfigWatcher:
    """Reads the settings every few seconds, and acts when they have changed."""

    def __init__(
        self,
        context: DomainContext,
        *,
        stopping: TurnStopper,
        shortages: BudgetIncreaseRequests,
        reload: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        """`reload` updates the catalogue with the services that are stored now."""
        self._configuration = context.config
        self._stopping = stopping
        self._shortages = shortages
        self._reload = reload
        self._supervisor, self._workspace_id = context.supervisor, context.workspace.id
        self._seen: Config | None = None
        """The settings that were last acted on."""

    def start(self) -> None:
        """Start the periodic tasks, independent of each other, for the life of the process."""
        self._supervisor.keep("services", self._reload, INTERVAL)
        self._supervisor.keep("settings", self.look, INTERVAL)
        self._supervisor.keep("budgets", lambda: self._shortages.look(self._workspace_id), TELL_EVERY)

    async def look(self) -> None:
        """Act on the settings if they have changed since they were acted on."""
        config = await self._configuration.read(self._workspace_id)
        # By identity: the settings' cache returns the same object until something changes.
        if config is not self._seen:
            await self._stopping.stop_paused()
            await self._shortages.look(self._workspace_id)
            self._seen = config
