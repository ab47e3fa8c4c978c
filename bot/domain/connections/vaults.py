"""A member's vault and its credentials: created once, found again after a call whose outcome is unknown.

The only place that gets from a verified member to a vault (docs/security.md#who-acts). Implements
`oauth.ports.CredentialStore`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bot.domain.keyed_locks import KeyedLocks
from bot.domain.ports import Agents, Clock
from bot.model.errors import AgentsRejected, DeputyError, NotPermitted, Refusal, Refused
from bot.model.visible_text import is_one_line
from oauth.ports import Credential, Failure, Validity, VaultForbidden, VaultFull, VaultRefused
from store import connections, members, vaults
from store.database import Database, Tx
from store.ids import new_id
from store.records import (
    Connection,
    ConnectionId,
    ConnectionState,
    CredentialId,
    Member,
    ServiceName,
    Vault,
    VaultState,
)

log = structlog.get_logger(__name__)

FULL = "vault_full"
"""The code of a refusal because the vault is full (docs/reference/managed-agents.md#vaults)."""


# Refusal → what the member is told; any other refusal is `NOT_SERVED`
_FORBIDDEN = {
    Refusal.ALL_PAUSED: Failure.ALL_PAUSED,
    Refusal.MEMBER_PAUSED: Failure.MEMBER_PAUSED,
    Refusal.SERVICE_PAUSED: Failure.SERVICE_PAUSED,
    Refusal.MAY_NOT_CONNECT: Failure.MAY_NOT_CONNECT,
    Refusal.UNVERIFIABLE: Failure.UNVERIFIABLE,
}

Require = Callable[[Member, ServiceName], Awaitable[None]]
"""Raises `NotPermitted` if a member may not connect a service, by what Slack and the settings say now."""


async def forbid(_owner: Member, _service: ServiceName) -> None:
    """Refuse everybody; for processes that only remove credentials."""
    raise NotPermitted(Refused(Refusal.UNVERIFIABLE))


class MemberVaults:
    """The vaults of members. Methods take a `Member` or a row of theirs, never a vault id."""

    def __init__(self, *, database: Database, agents: Agents, clock: Clock, require: Require) -> None:
        """`require` is called before each credential is stored."""
        self._require = require
        self._database = database
        self._agents = agents
        self._clock = clock
        self._making = KeyedLocks()
        self._filling = KeyedLocks()

    async def ensure(self, owner: Member) -> Vault:
        """Return the owner's active vault; create it if there is none.

        The intent is stored first. After a lost answer the vault is found by its marker instead of being created
        again, since names at the API are not unique (docs/reference/managed-agents.md#vaults). Raises `NotPermitted`
        for somebody who was deactivated: they may leave while a turn of theirs is starting.
        """
        async with self._making.of(_key(owner)):
            return await self._ensure(owner)

    async def _ensure(self, owner: Member) -> Vault:
        async with self._database.transaction() as tx:
            if await members.find(tx, owner.workspace_id, owner.user_id) is None:
                raise NotPermitted(Refused(Refusal.DEACTIVATED))
            # Stored before the API is called: after a crash or a lost answer the vault is found by this marker
            # (docs/decisions/0005-write-first-then-speak.md).
            vault = await vaults.intend(tx, owner, new_id("vlm"), self._clock.now())
        if vault.state is VaultState.ACTIVE:
            return vault
        vault_id = await self._agents.find_vault(owner, vault.marker)
        if vault_id is None:
            made = await self._agents.create_vault(owner, vault.marker)
            # Two processes may have created one at the same moment; both must end up with the same.
            vault_id = await self._agents.settle_vault(owner, vault.marker) or made
        async with self._database.transaction() as tx:
            return await vaults.activate(tx, vault.marker, vault_id)

    async def find(self, owner: Member) -> Vault | None:
        """Return the owner's active vault, None if they never needed one."""
        async with self._database.transaction() as tx:
            vault = await vaults.find(tx, owner)
        return vault if vault and vault.state is VaultState.ACTIVE else None

    async def require_permitted(self, owner: Member, service: ServiceName) -> None:
        """Raise `VaultForbidden` if the owner may not connect the service now, `VaultRefused` if that is unknown."""
        try:
            await self._require(owner, service)
        except DeputyError as error:
            raise _refused(error) from error

    async def put(self, owner: Member, service: ServiceName, credential: Credential) -> Connection:
        """Store a credential in place of an older one for the same server, and record the connection.

        It is checked here whether the owner may, whatever way the credential came: the browser may have been at the
        service for minutes (docs/decisions/0043-to-connect-is-judged-when-it-is-stored.md). If storing fails halfway,
        the older credential may be gone; then its connection is marked as broken. Raises `VaultRefused`.
        """
        async with self._filling.of(_key(owner)):
            await self.require_permitted(owner, service)
            try:
                vault, credential_id = await self._stored(owner, service, credential)
            except DeputyError as error:
                await self._repair(owner, service)
                raise _refused(error) from error
            return await self._record(owner, service, credential, vault, credential_id)

    async def _record(
        self, owner: Member, service: ServiceName, credential: Credential, vault: Vault, credential_id: CredentialId
    ) -> Connection:
        connection = Connection(
            id=ConnectionId(new_id("con")),
            owner=owner,
            service=service,
            vault_id=vault.vault_id,  # type: ignore[arg-type]  # an active vault has an id: a constraint of its table
            credential_id=credential_id,
            mcp_server_url=credential.mcp_server_url,
            account=_read_account(credential),
            scope=credential.scope,
            state=ConnectionState.CONNECTED,
            expires_at=credential.ends_at,
            connected_at=self._clock.now(),
            asked_scope=credential.asked_scope,
        )
        async with self._database.transaction() as tx:
            await connections.put(tx, connection)
        return connection

    async def _stored(self, owner: Member, service: str, credential: Credential) -> tuple[Vault, CredentialId]:
        vault = await self.ensure(owner)
        try:
            return vault, await self._agents.add_credential(vault, credential, service)
        except AgentsRejected:
            # The API does not say why it refuses. If somebody archived the vault in the Console, a new one helps.
            fresh = await self.replaced(vault)
            if fresh is None:
                raise
        return fresh, await self._agents.add_credential(fresh, credential, service)

    async def replaced(self, vault: Vault) -> Vault | None:
        """Return a new vault if somebody archived or deleted this one at the API; None if it is still there.

        Its connections are gone with it, and marked so.
        """
        if await self._agents.find_vault(vault.owner, vault.marker):
            return None
        log.warning("vault_gone", owner=vault.owner.user_id)
        async with self._database.transaction() as tx:
            await self._forget(tx, vault)
        return await self.ensure(vault.owner)

    async def is_dead(self, connection: Connection) -> bool:
        """Tell whether the API says that a connection no longer works; False if it does not know."""
        # Waits for a credential that is being stored or removed right now: then this connection is not the current one.
        async with self._filling.of(_key(connection.owner)):
            async with self._database.transaction() as tx:
                present = await connections.find(tx, connection.owner, connection.service)
            if present is None or present.id != connection.id or present.state is not ConnectionState.CONNECTED:
                return False
            return await self.validate(connection) is Validity.INVALID

    async def repair(self, owner: Member, service: ServiceName) -> None:
        """Make the connections table and the owner's vault agree again, after a call with an unknown outcome."""
        async with self._filling.of(_key(owner)):
            await self._repair(owner, service)

    async def _repair(self, owner: Member, service: ServiceName) -> None:
        """Mark a connection without a credential as broken, and remove credentials that no connection has.

        If the API is out, nothing changes.
        """
        async with self._database.transaction() as tx:
            connection = await connections.find(tx, owner, service)
        vault = await self.find(owner)
        if vault is None:
            return
        try:
            kept = await self._agents.list_credentials(vault)
            async with self._database.transaction() as tx:
                known = {each.credential_id for each in await connections.list_for(tx, owner)}
                if connection and connection.credential_id not in kept:
                    await connections.mark(tx, connection.id, ConnectionState.BROKEN)
            for stray in kept:
                # A credential without a connection would still be used by sessions, and nobody could disconnect it.
                if stray not in known:
                    await self._agents.remove_credential(vault, stray)
        except DeputyError as error:
            log.warning("vault_not_repaired", owner=owner.user_id, error=type(error).__name__)

    async def validate(self, connection: Connection) -> Validity:
        """Ask the API whether a connection works; during an outage it is `UNKNOWN`, which is not a no."""
        vault = await self.find(connection.owner)
        if vault is None:
            return Validity.INVALID
        try:
            return await self._agents.validate_credential(vault, connection.credential_id)
        except DeputyError:
            return Validity.UNKNOWN

    async def remove(self, connection: Connection) -> None:
        """Delete a connection's credential, then record that; after a crash in between, calling it again repairs it."""
        async with self._filling.of(_key(connection.owner)):
            vault = await self.find(connection.owner)
            # With another vault the credential went when the old one was deleted.
            if vault and vault.vault_id == connection.vault_id:
                await self._agents.remove_credential(vault, connection.credential_id)
            async with self._database.transaction() as tx:
                await connections.set_credential_gone(tx, connection.id)

    async def let_go(self, connection: Connection) -> None:
        """Remove a connection that an admin's change has ended; during an outage it is left to `let_go_again`."""
        try:
            await self.remove(connection)
        except DeputyError as error:
            log.warning("credential_not_removed", service=connection.service, error=type(error).__name__)

    async def let_go_again(self) -> None:
        """Remove connections that could not be removed before, because of a crash or an outage; at start and hourly."""
        async with self._database.transaction() as tx:
            due = await connections.list_credentials_due(tx)
        for connection in due:
            await self.let_go(connection)

    async def delete(self, owner: Member) -> None:
        """Delete the owner's vault with everything in it (off-boarding). Idempotent."""
        async with self._making.of(_key(owner)):
            await self._delete(owner)

    async def _delete(self, owner: Member) -> None:
        async with self._database.transaction() as tx:
            vault = await vaults.find(tx, owner)
        if vault is None:
            return
        if vault.state is VaultState.CREATING:
            # The API may have created it although we never got the answer.
            vault_id = await self._agents.find_vault(owner, vault.marker)
            vault = None if vault_id is None else await self._activated(vault, vault_id)
        if vault is None:
            return
        await self._agents.delete_vault(vault)
        async with self._database.transaction() as tx:
            await self._forget(tx, vault)

    @staticmethod
    async def _forget(tx: Tx, vault: Vault) -> None:
        for connection in await connections.list_for(tx, vault.owner):
            if connection.vault_id == vault.vault_id:
                await connections.mark(tx, connection.id, ConnectionState.DISCONNECTED)
        await vaults.archive(tx, vault)

    async def _activated(self, vault: Vault, vault_id: str) -> Vault:
        async with self._database.transaction() as tx:
            return await vaults.activate(tx, vault.marker, vault_id)  # type: ignore[arg-type]  # see find_vault


def _key(owner: Member) -> str:
    return f"{owner.workspace_id}/{owner.user_id}"


def _refused(error: DeputyError) -> VaultRefused:
    if isinstance(error, NotPermitted):
        refusal = error.refused.refusal
        return VaultForbidden(refusal, failure=_FORBIDDEN.get(refusal, Failure.NOT_SERVED))
    if not isinstance(error, AgentsRejected):
        return VaultRefused(type(error).__name__)
    return VaultFull(FULL) if error.code == FULL else VaultRefused(error.code, error.status)


def _read_account(credential: Credential) -> str | None:
    # Not repaired: two names that differ in what nobody sees would look like one account.
    return credential.account if credential.account and is_one_line(credential.account) else None
