"""Applies settings that another process or the command line changed: services, kill switches, budgets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta

from bot.config.model import Config
from bot.domain.budgets.increase_requests import BudgetIncreaseRequests
from bot.domain.config.service import ConfigService
from bot.domain.supervisor import Supervisor
from bot.domain.turns.stop import TurnStopper
from store.records import WorkspaceId

INTERVAL = timedelta(seconds=6)
"""How long what runs may go on after somebody else has thrown a switch; one thrown in Slack works at once."""
TELL_EVERY = timedelta(minutes=10)
"""How long those who asked for a budget wait for an answer that Slack would not take."""


class ConfigWatcher:
    """Looks at the settings again and again, and acts when they have changed."""

    def __init__(
        self,
        *,
        configuration: ConfigService,
        stopping: TurnStopper,
        shortages: BudgetIncreaseRequests,
        reload: Callable[[], Coroutine[None, None, None]],
        workspace_id: WorkspaceId,
    ) -> None:
        """`reload` offers the services that are stored now."""
        self._configuration = configuration
        self._stopping = stopping
        self._shortages = shortages
        self._reload = reload
        self._workspace_id = workspace_id
        self._seen: Config | None = None
        """The settings that were acted on."""

    def start(self, supervisor: Supervisor) -> None:
        """Look every few seconds until the end of the process; each look whatever the other one meets."""
        supervisor.keep("services", self._reload, INTERVAL)
        supervisor.keep("settings", self.look, INTERVAL)
        supervisor.keep("budgets", lambda: self._shortages.look(self._workspace_id), TELL_EVERY)

    async def look(self) -> None:
        """Act on the settings if they have changed since they were acted on."""
        config = await self._configuration.read(self._workspace_id)
        if config is not self._seen:
            await self._stopping.stop_paused()
            await self._shortages.look(self._workspace_id)
            self._seen = config
