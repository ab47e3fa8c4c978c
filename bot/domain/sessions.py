"""Which Managed Agents session a thread has: opened with the owner's vault only, replaced when lost.

It proves the session's authority each time a thread is taken up; what is sent into it is `running`'s.
"""

from __future__ import annotations

import structlog

from bot.domain.ports import Agents, Clock, ServiceTools
from bot.domain.profiles import Profiles
from bot.domain.vaults import Vaults
from bot.errors import AgentsRejected, SessionLost
from store import audit, connections, threads
from store.database import Database
from store.records import AuditEntry, SessionId, SessionState, Thread, Vault

log = structlog.get_logger(__name__)


class Sessions:
    """Sessions of threads."""

    def __init__(self, *, database: Database, agents: Agents, vaults: Vaults, profiles: Profiles, clock: Clock) -> None:
        self._database = database
        self._agents = agents
        self._vaults = vaults
        self._profiles = profiles
        self._clock = clock

    async def open_for(self, thread: Thread) -> SessionId:
        """Return a session that acts as the thread's owner, with the services they have connected now."""
        vault = await self._vaults.ensure(thread.owner)
        services = await self._services(thread)
        if thread.session_state is SessionState.OPEN:
            try:
                return await self._taken_up(thread, vault, services)
            except SessionLost:
                await self.lose(thread)
        elif thread.session_state is SessionState.CREATING and (found := await self._found(thread, vault, services)):
            return found
        return await self._created(thread, vault, services)

    async def services_of(self, thread: Thread) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the services this thread's owner has connected, and of those they have not."""
        async with self._database.transaction() as tx:
            known = await connections.list_for(tx, thread.owner)
        return tuple(s.name for s in self._profiles.services_for(known)), self._profiles.missing_for(known)

    async def lose(self, thread: Thread) -> None:
        """Forget a session that is gone; the next `open_for` makes another."""
        async with self._database.transaction() as tx:
            await threads.lose_session(tx, thread.id)

    async def is_owners(self, thread: Thread, session_id: SessionId) -> bool:
        """Tell whether the session has its owner's vault and no other, as the API knows it."""
        vault = await self._vaults.find(thread.owner)
        return vault is not None and await self._agents.session_vaults(session_id) == (vault.vault_id,)

    async def _taken_up(self, thread: Thread, vault: Vault, services: tuple[ServiceTools, ...]) -> SessionId:
        session_id = thread.session_id
        if session_id is None or not await self._has_only(session_id, vault, thread):
            raise SessionLost
        names = tuple(service.name for service in services)
        if names != thread.session_services:
            await self._agents.update_services(session_id, services, self._profiles.spec)
            async with self._database.transaction() as tx:
                await threads.set_services(tx, thread.id, names)
        return session_id

    async def _found(self, thread: Thread, vault: Vault, services: tuple[ServiceTools, ...]) -> SessionId | None:
        """Return the session that an earlier, unanswered create made after all."""
        session_id = await self._agents.find_session(thread, thread.created_at)
        if session_id is None or not await self._has_only(session_id, vault, thread):
            return None
        await self._remember(thread, session_id, services)
        return session_id

    async def _created(self, thread: Thread, vault: Vault, services: tuple[ServiceTools, ...]) -> SessionId:
        try:
            return await self._create(thread, vault, services)
        except AgentsRejected:
            # The API does not say which of what we named it refuses; a vault may be archived in its console.
            fresh = await self._vaults.replaced(vault)
            if fresh is None:
                raise
        return await self._create(thread, fresh, await self._services(thread))

    async def _create(self, thread: Thread, vault: Vault, services: tuple[ServiceTools, ...]) -> SessionId:
        profile = await self._profiles.ensure()
        async with self._database.transaction() as tx:
            await threads.intend_session(tx, thread.id, vault.vault_id)
        session_id = await self._agents.create_session(thread, vault, profile, services, self._profiles.spec)
        await self._remember(thread, session_id, services)
        return session_id

    async def _remember(self, thread: Thread, session_id: SessionId, services: tuple[ServiceTools, ...]) -> None:
        async with self._database.transaction() as tx:
            await threads.set_session(tx, thread.id, session_id, tuple(service.name for service in services))

    async def _has_only(self, session_id: SessionId, vault: Vault, thread: Thread) -> bool:
        """Fail closed: a session with another vault, or several, is never used, and it is recorded."""
        actual = await self._agents.session_vaults(session_id)
        if actual == (vault.vault_id,):
            return True
        log.error("session_has_other_vault", thread=thread.id)
        async with self._database.transaction() as tx:
            await audit.record(
                tx,
                AuditEntry(
                    at=self._clock.now(),
                    workspace_id=thread.owner.workspace_id,
                    actor="deputy",
                    action="session.refused",
                    subject=thread.id,
                    details={"why": "its vaults are not the owner's"},
                ),
            )
        return False

    async def _services(self, thread: Thread) -> tuple[ServiceTools, ...]:
        async with self._database.transaction() as tx:
            return self._profiles.services_for(await connections.list_for(tx, thread.owner))
