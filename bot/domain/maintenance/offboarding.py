"""Off-boards a member who left: stops their turns, voids their links and deletes their vault."""

from __future__ import annotations

import structlog

from bot.domain.connections.vaults import MemberVaults
from bot.domain.context import DomainContext
from bot.domain.turns.stop import TurnStopper
from bot.model.commands import DeactivateMember
from oauth.connect.connections import Connections
from store import audit, form_messages, members, retries
from store.records import AuditEntry, Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)


class Offboarding:
    """Off-boards members; doing it twice is harmless."""

    def __init__(
        self, context: DomainContext, *, stopping: TurnStopper, connections: Connections, vaults: MemberVaults
    ) -> None:
        self._database, self._clock = context.database, context.clock
        self._stopping = stopping
        self._connections = connections
        self._vaults = vaults

    async def deactivate(self, command: DeactivateMember) -> None:
        """Take away everything that acts as this person, then mark them as gone; after a crash it is done again."""
        workspace_id, user_id = WorkspaceId(command.workspace_id), UserId(command.user_id)
        async with self._database.transaction() as tx:
            member = await members.find(tx, workspace_id, user_id)
        if member is None:
            return
        await self._take_away(member)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await members.deactivate(tx, workspace_id, user_id, now)
            entry = AuditEntry(now, workspace_id, "deputy", "member.deactivated", user_id, {})
            await audit.record(tx, entry)
        # Once more: a turn that was starting may have created a vault before the member was marked as gone.
        await self._take_away(member)
        log.info("member_deactivated", member=user_id)

    async def _take_away(self, member: Member) -> None:
        # Turns first: what runs acts with the vault that is deleted last.
        await self._stopping.stop_all(member)
        await self._connections.void(member)
        async with self._database.transaction() as tx:
            await retries.void_for(tx, member)
            await form_messages.void_for(tx, member)
        await self._vaults.delete(member)
