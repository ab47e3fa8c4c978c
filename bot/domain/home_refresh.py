"""Publishes an App Home again after something in it changed: once for many changes in a short time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.domain.ports import Clock
from bot.domain.supervisor import Supervisor
from bot.model.commands import (
    Command,
    ShowHome,
)
from bot.model.errors import SlackRejected, SlackUnavailable
from bot.model.retry_policy import HOME
from store.records import Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

Changed = Callable[[WorkspaceId, UserId], None]
"""Tells that something a member's App Home shows has changed."""
MOMENT = timedelta(seconds=2)
"""Changes within it are published together."""


class HomeRefresh:
    """One errand for each member whose App Home is out of date; never two publish at once."""

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        clock: Clock,
        refresh: Callable[[WorkspaceId, UserId], Awaitable[None]],
        is_doubtful: Callable[[WorkspaceId, UserId], bool] = lambda *_: False,
    ) -> None:
        """`is_doubtful`: an older publication may still come in, after which it is published once more."""
        self._supervisor = supervisor
        self._clock = clock
        self._refresh = refresh
        self._is_doubtful = is_doubtful
        self._stale: dict[tuple[WorkspaceId, UserId], bool] = {}
        """Who has an errand running; True: something changed since it last looked."""

    def changed(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        """Publish the member's App Home in a moment."""
        key = (workspace_id, user_id)
        is_running = key in self._stale
        self._stale[key] = True
        if not is_running:
            self._supervisor.start(lambda: self._run(key))

    def after(self, command: Command) -> None:
        """A command was carried out: what its member's home shows may be different now."""
        member: Member | None = getattr(command, "member", None)
        if member is None:
            return
        is_changed = not command.only_looks
        if is_changed or (isinstance(command, ShowHome) and self._is_doubtful(member.workspace_id, member.user_id)):
            self.changed(member.workspace_id, member.user_id)

    async def _run(self, key: tuple[WorkspaceId, UserId]) -> None:
        pause, failed = MOMENT, 0
        try:
            while self._stale[key]:
                await self._clock.sleep_until(self._clock.steady() + pause)
                self._stale[key] = False
                is_out = not await self._publish(*key)
                failed = failed + 1 if is_out else 0
                is_owed = not HOME.is_over(failed) if is_out else self._is_doubtful(*key)
                pause = timedelta(seconds=HOME.pause_after(max(failed, 1))) if is_owed else MOMENT
                self._stale[key] = self._stale[key] or is_owed
        finally:
            del self._stale[key]

    async def _publish(self, workspace_id: WorkspaceId, user_id: UserId) -> bool:
        """Publish it as it is now; False where Slack was out."""
        try:
            await self._refresh(workspace_id, user_id)
        except SlackUnavailable:
            log.warning("home_not_published", user=user_id)
            return False
        except SlackRejected as error:
            # It is published again with the next change, and when they open it.
            log.warning("home_refused", user=user_id, code=error.code)
        return True
