"""Whose App Home shows something that is different now: any noun says so, `home` publishes it again."""

from __future__ import annotations

import asyncio

from store.records import UserId, WorkspaceId


class HomeChanges:
    """What was said and not yet taken up; a crash loses nothing, for a home is read from the store when it is shown."""

    def __init__(self) -> None:
        self._whose: set[tuple[WorkspaceId, UserId]] = set()
        self._has_more = asyncio.Event()

    def add(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        """Have the member's App Home published in a moment."""
        self._whose.add((workspace_id, user_id))
        self._has_more.set()

    async def take(self) -> frozenset[tuple[WorkspaceId, UserId]]:
        """Return whose it was since the last time, once it is anybody's."""
        await self._has_more.wait()
        self._has_more.clear()
        taken, self._whose = frozenset(self._whose), set()
        return taken
