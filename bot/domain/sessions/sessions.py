"""The Managed Agents session of a thread: created with the owner's vault only, replaced when it is lost.

The session's vault is checked at the API each time a thread is used; `turns.send_request` sends requests to it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import structlog

from bot.config.model import Config
from bot.domain.access.admission import Admitted
from bot.domain.connections import tool_pinning
from bot.domain.connections.vaults import MemberVaults
from bot.domain.context import DomainContext
from bot.domain.ports import SessionTools
from bot.domain.sessions.agent_profiles import AgentProfiles, held_to, withheld_from
from bot.domain.sessions.tool_snapshot import dump_tools, load_tools, with_new
from bot.model.errors import AgentsRejected, SessionLost
from bot.model.notices import Offered
from bot.model.progress import OutcomeKind
from oauth.connect.tool_inventory import ToolInventory
from store import audit, connections, spending, threads
from store.records import AuditEntry, SessionId, SessionState, Thread, Vault

log = structlog.get_logger(__name__)

NEVER_HAD_A_BUDGET = "budget_create_only"
"""The API's code for setting a budget on a session made without one (docs/reference/managed-agents.md#budgets)."""


class ThreadSessions:
    """The sessions of threads."""

    def __init__(
        self,
        context: DomainContext,
        *,
        vaults: MemberVaults,
        profiles: AgentProfiles,
        listings: ToolInventory,
    ) -> None:
        self._database, self._clock, self._agents = context.database, context.clock, context.agents
        self._vaults = vaults
        self._profiles = profiles
        self._configuration = context.config
        self._listings = listings

    async def open_for(self, thread: Thread, admitted: Admitted, *, is_new_turn: bool) -> SessionId:
        """Return a session that acts as the thread's owner, with the services that they have connected now.

        For a new turn its budget is raised by what was set aside for the turn, and no more.
        """
        vault = await self._vaults.ensure(thread.owner)
        tools = await self._tools(thread, admitted.config)
        if thread.session_state is SessionState.OPEN:
            try:
                return await self._taken_up(thread, vault, tools, admitted.cents if is_new_turn else None)
            except SessionLost:
                await self.lose(thread)
        # An earlier create got no answer; a second session would answer the same thread twice.
        elif thread.session_state is SessionState.CREATING and (found := await self._found(thread, vault, tools)):
            return found
        return await self._created(thread, vault, tools, admitted)

    async def take_up(self, thread: Thread, admitted: Admitted) -> SessionId:
        """Return the session that has the running request. Raises `SessionLost` instead of making a new one."""
        if thread.session_state is not SessionState.OPEN:
            raise SessionLost
        vault = await self._vaults.ensure(thread.owner)
        return await self._taken_up(thread, vault, await self._tools(thread, admitted.config), None)

    async def services_of(self, thread: Thread) -> Offered:
        """Return the names of the thread's services: connected, missing, and withheld because others read along."""
        async with self._database.transaction() as tx:
            known = await connections.list_for(tx, thread.owner)
            config = await self._configuration.read_in(tx, thread.owner.workspace_id)
        tools = self._profiles.tools_for(config, thread, known)
        missing, withheld = self._profiles.missing_for(config, thread, known), withheld_from(config, thread, known)
        return Offered(_names(tools), missing, withheld)

    async def lose(self, thread: Thread) -> None:
        """Forget a session that is gone; the next `open_for` creates another."""
        async with self._database.transaction() as tx:
            await threads.lose_session(tx, thread.id)

    async def is_owners(self, thread: Thread, session_id: SessionId) -> bool:
        """Tell whether the session has its owner's vault and no other, according to the API."""
        vault = await self._vaults.find(thread.owner)
        return vault is not None and await self._agents.session_vaults(session_id) == (vault.vault_id,)

    async def _taken_up(self, thread: Thread, vault: Vault, tools: SessionTools, cents: int | None) -> SessionId:
        """Check that the session is the owner's, and apply the current rules where they got stricter.

        For a new turn it may cost `cents` more. Raises `SessionLost`.
        """
        session_id = thread.session_id
        if session_id is None or not await self._has_only(session_id, vault, thread):
            raise SessionLost
        kept = load_tools(thread.session_tools)
        first, has = kept or (tools, None)
        wanted = held_to(first, tools)
        # An update needs an idle session and is a request, so only a difference is sent
        # (docs/reference/managed-agents.md#session-updates).
        if wanted != has:
            await self._agents.update_tools(session_id, wanted)
            async with self._database.transaction() as tx:
                await threads.set_tools(tx, thread.id, _names(wanted), dump_tools(with_new(first, wanted), wanted))
        if cents is not None:
            await self._allow(thread, session_id, cents)
        return session_id

    async def _allow(self, thread: Thread, session_id: SessionId, cents: int) -> None:
        """Raise the session's budget to `cents` above its cost so far; drop what it stopped at its old budget with."""
        async with self._database.transaction() as tx:
            has_run_out = await spending.last_outcome(tx, thread.id) == OutcomeKind.BUDGET_REACHED
        usage = await self._agents.usage_so_far(session_id)
        # The budget is for the whole session, in whole cents, and must exceed what was used
        # (docs/reference/managed-agents.md#budgets).
        so_far = math.ceil(usage.cost_cents or 0) if usage else 0
        try:
            await self._agents.set_budget(session_id, so_far + cents)
        except AgentsRejected as error:
            if error.code != NEVER_HAD_A_BUDGET:
                raise
            log.warning("session_without_budget", thread=thread.id)
        if has_run_out:
            # With a higher budget the session would continue the old request, which its owner believes to be over.
            await self._agents.interrupt(session_id)

    async def _found(self, thread: Thread, vault: Vault, tools: SessionTools) -> SessionId | None:
        """Return the session that an earlier create made although its answer was lost; None if there is none."""
        session_id = await self._agents.find_session(thread)
        if session_id is None or not await self._has_only(session_id, vault, thread):
            return None
        # The tools that it was created with are not known for certain, so set them again.
        await self._agents.update_tools(session_id, tools)
        await self._remember(thread, session_id, tools, None)
        return session_id

    async def _created(self, thread: Thread, vault: Vault, tools: SessionTools, admitted: Admitted) -> SessionId:
        try:
            return await self._create(thread, vault, tools, admitted)
        except AgentsRejected:
            # The API does not say what it refuses. It may be the vault, if somebody archived it in the Console.
            fresh = await self._vaults.replaced(vault)
            if fresh is None:
                raise
        return await self._create(thread, fresh, await self._tools(thread, admitted.config), admitted)

    async def _create(self, thread: Thread, vault: Vault, tools: SessionTools, admitted: Admitted) -> SessionId:
        profile = await self._profiles.ensure(admitted.config, thread.profile)
        async with self._database.transaction() as tx:
            # Before the call: a create cannot be repeated, so after a lost answer the session is searched for
            # (docs/decisions/0005-write-first-then-speak.md).
            await threads.intend_session(tx, thread.id, vault.vault_id)
        session_id = await self._agents.create_session(thread, vault, profile, tools, admitted.cents)
        await self._remember(thread, session_id, tools, profile.agent_version)
        return session_id

    async def _remember(self, thread: Thread, session_id: SessionId, tools: SessionTools, version: int | None) -> None:
        async with self._database.transaction() as tx:
            kept = dump_tools(tools, tools)
            await threads.set_session(tx, thread.id, session_id, _names(tools), tools=kept, agent_version=version)

    async def _has_only(self, session_id: SessionId, vault: Vault, thread: Thread) -> bool:
        """Tell whether a session has this vault only; one with others too is recorded and never used."""
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

    async def _tools(self, thread: Thread, config: Config) -> SessionTools:
        async with self._database.transaction() as tx:
            connected = await connections.list_for(tx, thread.owner)
        # A service that was just connected is still being listed; without its listing every tool would count as new.
        await self._listings.settled(connection.service for connection in connected)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            tools = self._profiles.tools_for(config, thread, await connections.list_for(tx, thread.owner))
            services = tuple([await tool_pinning.cautious_in(tx, thread, service, now) for service in tools.services])
        return replace(tools, services=services)


def _names(tools: SessionTools) -> tuple[str, ...]:
    return tuple(service.name for service in tools.services)
