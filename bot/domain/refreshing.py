"""When an App Home is published again: a moment after something in it changed, once for many changes.

What is in it, and for whom it is published at all, is `homes`'.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.commands import (
    Command,
    ExplainDenial,
    HearMention,
    OpenAskForm,
    RateAnswer,
    ShowApproval,
    ShowHelp,
    ShowHome,
    ShowStatus,
)
from bot.domain.ports import Clock
from bot.domain.supervisor import Supervisor
from bot.errors import SlackRejected, SlackUnavailable
from store.records import Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

Changed = Callable[[WorkspaceId, UserId], None]
"""Tells that something a member's App Home shows has changed."""
MOMENT = timedelta(seconds=2)
"""Changes within it are published together (slack-platform.md §8.5)."""
LOOKING = (
    ShowHome,
    ShowStatus,
    ShowHelp,
    ShowApproval,
    ExplainDenial,
    OpenAskForm,
    RateAnswer,
    HearMention,
)
"""Commands that change nothing that a home shows."""


class Refreshing:
    """One errand for each member whose App Home is out of date; never two publish at once."""

    def __init__(
        self, *, supervisor: Supervisor, clock: Clock, refresh: Callable[[WorkspaceId, UserId], Awaitable[None]]
    ) -> None:
        self._supervisor = supervisor
        self._clock = clock
        self._refresh = refresh
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
        if member is not None and not isinstance(command, LOOKING):
            self.changed(member.workspace_id, member.user_id)

    async def _run(self, key: tuple[WorkspaceId, UserId]) -> None:
        try:
            while self._stale[key]:
                await self._clock.sleep_until(self._clock.now() + MOMENT)
                self._stale[key] = False
                await self._publish(*key)
        finally:
            del self._stale[key]

    async def _publish(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        try:
            await self._refresh(workspace_id, user_id)
        except (SlackUnavailable, SlackRejected) as error:
            # It is published again with the next change, and when they open it.
            log.warning("home_not_published", error=type(error).__name__)
