"""Publishes an App Home again after something in it has changed: once for many changes in a short time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.domain.context import DomainContext
from bot.model.commands import Command, ShowHome
from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.retry_policy import HOME
from store.records import Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

MOMENT = timedelta(seconds=2)
"""Changes within this time are published together."""


class HomeRefresh:
    """Runs one task for each member whose App Home is out of date, so that no two publish the same one at once."""

    def __init__(
        self,
        context: DomainContext,
        refresh: Callable[[WorkspaceId, UserId], Awaitable[None]],
        is_doubtful: Callable[[WorkspaceId, UserId], bool] = lambda *_: False,
    ) -> None:
        """`is_doubtful` tells whether an older publication may still arrive; then it is published once more."""
        self._supervisor, self._clock, self._changes = context.supervisor, context.clock, context.home_changes
        self._refresh = refresh
        self._is_doubtful = is_doubtful
        self._stale: dict[tuple[WorkspaceId, UserId], bool] = {}
        """Members with a running task; True if something has changed since it last published."""

    def start(self) -> None:
        """Publish what changes, for the life of the process."""
        self._supervisor.keep("homes", self.follow, timedelta())

    async def follow(self) -> None:
        """Start a task for each member whose App Home has changed; ends only when it is cancelled."""
        while True:
            for key in await self._changes.take():
                self._begin(key)

    def _begin(self, key: tuple[WorkspaceId, UserId]) -> None:
        is_running = key in self._stale
        self._stale[key] = True
        if not is_running:
            self._supervisor.start(lambda: self._run(key))

    def after(self, command: Command) -> None:
        """Publish a member's App Home soon if the command that was carried out may have changed it."""
        member: Member | None = getattr(command, "member", None)
        if member is None:
            return
        is_changed = not command.only_looks
        if is_changed or (isinstance(command, ShowHome) and self._is_doubtful(member.workspace_id, member.user_id)):
            self._changes.add(member.workspace_id, member.user_id)

    async def _run(self, key: tuple[WorkspaceId, UserId]) -> None:
        pause, failed = MOMENT, 0
        try:
            while self._stale[key]:
                await self._clock.sleep_until(self._clock.steady() + pause)
                # Before publishing: a change that comes while it is published sets it again.
                self._stale[key] = False
                is_out = not await self._publish(*key)
                failed = failed + 1 if is_out else 0
                is_owed = not HOME.is_over(failed) if is_out else self._is_doubtful(*key)
                pause = timedelta(seconds=HOME.pause_after(max(failed, 1))) if is_owed else MOMENT
                self._stale[key] = self._stale[key] or is_owed
        finally:
            del self._stale[key]

    async def _publish(self, workspace_id: WorkspaceId, user_id: UserId) -> bool:
        """Publish the App Home as it is now; return False if Slack was out."""
        try:
            await self._refresh(workspace_id, user_id)
        except SlackUnavailable:
            log.warning("home_not_published", user=user_id)
            return False
        except SlackRejected as error:
            # Trying again would not help; it is published with the next change, and when the member opens it.
            log.warning("home_refused", user=user_id, code=error.code)
        return True
