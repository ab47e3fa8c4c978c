"""The services that admins add, configure and remove. A change takes effect at once.

Each change records the admin; the caller checks that they are one. `oauth/catalog/probe.py` finds what the admin is
shown before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from oauth.catalog.catalog import Catalog
from oauth.catalog.probe import Probe, Prober
from oauth.catalog.service import Service
from oauth.catalog.service_draft import ServiceDraft, build_saved, require_draft
from oauth.catalog.titles import find_title_problem
from oauth.errors import DraftInvalid, ProbeChanged, ServerTaken, ServiceChanged, UnknownService
from oauth.ports import Clock
from oauth.protocol.discovery import Pins
from oauth.protocol.registration import PreRegistered
from oauth.protocol.url_policy import get_origin, get_place
from store import audit, connections, service_tools, services, tickets, tool_pins
from store.database import Database, Tx
from store.records import AuditEntry, Connection, Member, RegistrationKind, SavedService, ServiceName, WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceCatalog:
    """What belongs to one workspace's services: where they are stored, and where they are offered."""

    workspace_id: WorkspaceId
    database: Database
    catalog: Catalog
    clock: Clock


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A stored change: the service as it is now, and the connections that it ended."""

    saved: SavedService
    dropped: tuple[Connection, ...] = ()


class SavedServices:
    """The workspace's services over the shipped ones; one per process and workspace.

    `on_dropped` is called with each connection that a change has ended, after the change is stored, to
    delete its credential.
    """

    def __init__(
        self, workspace: WorkspaceCatalog, *, prober: Prober, on_dropped: Callable[[Connection], Awaitable[None]]
    ) -> None:
        self._database = workspace.database
        self._catalog = workspace.catalog
        self._workspace_id = workspace.workspace_id
        self._clock = workspace.clock
        self._prober = prober
        self._on_dropped = on_dropped

    async def reload(self) -> None:
        """Offer what is stored now. Called at the start, after every save, and for what other processes saved."""
        async with self._database.transaction() as tx:
            saved = await services.list_for(tx, self._workspace_id)
        self._catalog.offer(merge(self._catalog.shipped.values(), saved))

    async def list_saved(self) -> tuple[SavedService, ...]:
        """Return what admins saved, sorted by name."""
        async with self._database.transaction() as tx:
            return await services.list_for(tx, self._workspace_id)

    async def find_saved(self, name: ServiceName) -> SavedService | None:
        """Return what an admin saved of a service; None for a shipped one that nobody changed."""
        async with self._database.transaction() as tx:
            return await services.find(tx, self._workspace_id, name)

    async def probe(self, mcp_url: str) -> Probe:
        """Return what is behind a URL, to be shown before it can be saved.

        Raises `ServerTaken`, and what `Prober.probe` raises.
        """
        self._require_free(mcp_url, None)
        return await self._prober.probe(mcp_url)

    async def save(self, by: Member, draft: ServiceDraft, shown: str) -> ServiceChange:
        """Save an added service as the admin was shown it; `shown` is the fingerprint of that probe.

        Where server, issuer, resource or kind of access changed, open links are void and connections end
        (docs/decisions/0020). Raises `DraftInvalid`, `ServerTaken`, `ProbeChanged`, `ServiceChanged`, and
        what `Prober.probe` raises.
        """
        require_draft(draft, self._prober.policy)
        name = ServiceName(draft.name)
        if name in self._catalog.shipped:
            raise DraftInvalid({"name": f"there is a service called {name} already"})
        self._require_free(draft.mcp_url, name)
        others = {str(one.name): one.title for one in self._catalog.services if one.name != name}
        if problem := find_title_problem(draft.title, others):
            raise DraftInvalid({"title": problem})
        # Again, and outside the transaction: minutes lie between form and button, and a server may have changed.
        probe = await self._prober.probe(draft.mcp_url)
        if probe.fingerprint != shown:
            raise ProbeChanged(draft.name, probe)
        async with self._database.transaction() as tx:
            before = await services.find(tx, self._workspace_id, name)
            after = build_saved(draft, probe, before, by, self._clock.now())
            change = await self.put_in(tx, before, after)
        return await self.settle(change)

    async def configure(
        self, by: Member, name: ServiceName, *, client: PreRegistered | None, scopes: tuple[str, ...], version: int
    ) -> ServiceChange:
        """Give a shipped service a client or other scopes; without a client the saved one stays.

        Raises `UnknownService`, `ServiceChanged`, `DraftInvalid`.
        """
        shipped = self._shipped(name)
        draft = ServiceDraft(
            name, shipped.title, shipped.mcp_url, shipped.registration, scopes, client, version=version
        )
        require_draft(draft, self._prober.policy)
        async with self._database.transaction() as tx:
            before = await services.find(tx, self._workspace_id, name)
            after = self._over_shipped(shipped, before, by)
            kept = PreRegistered(after.client_id, after.client_secret) if after.client_id else None
            chosen = client or kept
            after = replace(
                after,
                scopes=scopes,
                client_id=chosen.client_id if chosen else None,
                client_secret=chosen.client_secret if chosen else None,
                secret_variable=None if client else after.secret_variable,
                version=version,  # what the admin saw: `put_in` refuses it where another one is stored
            )
            change = await self.put_in(tx, before, after)
        return await self.settle(change)

    async def remove(self, by: Member, name: ServiceName, version: int) -> tuple[Connection, ...]:
        """Remove an added service, or an admin's changes to a shipped one; return the connections that ended.

        Raises `ServiceChanged`.
        """
        async with self._database.transaction() as tx:
            before = await services.find(tx, self._workspace_id, name)
            if before is None or before.version != version:
                raise ServiceChanged(name, before.version if before else 0)
            change = await self.remove_in(tx, before, by.user_id)
        return (await self.settle(change)).dropped

    async def list_in(self, tx: Tx) -> tuple[SavedService, ...]:
        """Return what admins saved, read in the caller's transaction."""
        return await services.list_for(tx, self._workspace_id)

    async def put_in(self, tx: Tx, before: SavedService | None, after: SavedService) -> ServiceChange:
        """Store and audit a service in place of the one before it; `settle` the change after the transaction.

        Raises `ServiceChanged`.
        """
        saved = await services.save(tx, after)
        if saved is None:  # the store compares versions: of two admins at once one is told
            raise ServiceChanged(after.name, before.version if before else 0)
        is_another = before is not None and not is_same_service(before, after)
        dropped = await self._drop(tx, after.name) if is_another else ()
        details = {f"before.{key}": value for key, value in (_describe(before) if before else {}).items()}
        details |= _describe(saved)
        action = "service.configured" if after.is_shipped else "service.saved"
        await audit.record(
            tx, AuditEntry(after.approved_at, self._workspace_id, after.approved_by, action, after.name, details)
        )
        return ServiceChange(saved, dropped)

    async def remove_in(self, tx: Tx, before: SavedService, actor: str) -> ServiceChange:
        """Remove a service if it is still as in `before`, audited; `settle` the change after the transaction.

        Raises `ServiceChanged`.
        """
        name = before.name
        if not await services.remove(tx, self._workspace_id, name, before.version):
            raise ServiceChanged(name, before.version)
        # A shipped service stays on offer as it came: the same server, so its connections go on.
        dropped = () if before.is_shipped else await self._drop(tx, name)
        now = self._clock.now()
        await audit.record(tx, AuditEntry(now, self._workspace_id, actor, "service.removed", name, _describe(before)))
        return ServiceChange(before, dropped)

    async def settle(self, change: ServiceChange) -> ServiceChange:
        """Do what follows a stored change: offer what is stored now, delete the credentials of what it ended."""
        # Offered first: a new link leads to the new server even while old credentials are still being deleted.
        await self.reload()
        for connection in change.dropped:
            await self._on_dropped(connection)
        return change

    def _shipped(self, name: ServiceName) -> Service:
        shipped = self._catalog.shipped.get(name)
        if shipped is None:
            raise UnknownService(name)
        return shipped

    def _over_shipped(self, shipped: Service, before: SavedService | None, by: Member) -> SavedService:
        fresh = SavedService(
            workspace_id=self._workspace_id,
            name=shipped.name,
            title=shipped.title,
            mcp_url=shipped.mcp_url,
            is_shipped=True,
            registration=shipped.registration,
            approved_by=by.user_id,
            approved_at=self._clock.now(),
            issuer=shipped.pins.trusted_issuer,
        )
        if before is None:
            return fresh
        fits = is_client_fitting(before, fresh)
        return replace(
            fresh,
            scopes=before.scopes,
            client_id=before.client_id if fits else None,
            client_secret=before.client_secret if fits else None,
            secret_variable=before.secret_variable if fits else None,
            version=before.version,
        )

    def _require_free(self, mcp_url: str, name: ServiceName | None) -> None:
        for service in self._catalog.services:
            if service.name != name and get_place(service.mcp_url) == get_place(mcp_url):
                raise ServerTaken(service.name)

    async def _drop(self, tx: Tx, name: ServiceName) -> tuple[Connection, ...]:
        # In the transaction of the change: a link that is still open would connect the old server to the new name,
        # and tools that are remembered or pinned are the old server's.
        await tickets.void_service(tx, self._workspace_id, name)
        await service_tools.forget(tx, self._workspace_id, name)
        await tool_pins.forget(tx, self._workspace_id, name)
        return await connections.break_service(tx, self._workspace_id, name)


def is_same_service(before: SavedService, after: SavedService) -> bool:
    """Say whether connections stay valid: server, issuer, resource and kind of access are the same."""
    return _identity(before) == _identity(after)


def _identity(saved: SavedService) -> tuple[object, ...]:
    is_token = saved.registration is RegistrationKind.TOKEN
    return get_place(saved.mcp_url), saved.issuer, saved.resource, is_token


def is_client_fitting(before: SavedService, after: SavedService) -> bool:
    """Say whether the client may be kept: origin and issuer are the same (docs/reference/oauth.md#client-binding)."""
    return before.issuer == after.issuer and get_origin(before.mcp_url) == get_origin(after.mcp_url)


def merge(shipped: Iterable[Service], saved: tuple[SavedService, ...]) -> tuple[Service, ...]:
    """Return what is on offer: the shipped services as admins changed them, and the added ones."""
    # An added service replaces a shipped one with its server or name: a later version of Deputy may ship what an
    # admin has added, and what people connected must go on.
    rows = {row.name: row for row in saved}
    added = [build_service(row) for row in saved if not row.is_shipped]
    taken = {get_place(service.mcp_url) for service in added} | {service.name for service in added}
    kept = [
        apply_saved(service, rows.get(service.name))
        for service in shipped
        if service.name not in taken and get_place(service.mcp_url) not in taken
    ]
    return (*kept, *added)


def build_service(saved: SavedService) -> Service:
    """Return an added service as the catalogue offers it, with the pins that were shown to the admin."""
    return Service(
        name=saved.name,
        title=saved.title,
        mcp_url=saved.mcp_url,
        manage_url=saved.manage_url,
        scopes=saved.scopes,
        pins=Pins(saved.issuer, saved.endpoint_hosts, saved.pkce_unadvertised_ok),
        resource=saved.resource,
        registration=saved.registration,
        client=_client(saved),
    )


def apply_saved(service: Service, saved: SavedService | None) -> Service:
    """Return a shipped service with the scopes and the client that an admin gave it."""
    if saved is None:
        return service
    # A later version of Deputy may ship another server or issuer: the client does not follow it there.
    fits = saved.issuer == service.pins.trusted_issuer and get_origin(saved.mcp_url) == get_origin(service.mcp_url)
    return replace(
        service,
        scopes=saved.scopes or service.scopes,
        client=(_client(saved) if fits else None) or service.client,
    )


def _client(saved: SavedService) -> PreRegistered | None:
    return PreRegistered(saved.client_id, saved.client_secret) if saved.client_id else None


def _describe(saved: SavedService) -> dict[str, str]:
    return {
        "title": saved.title,
        "mcp_url": saved.mcp_url,
        "issuer": saved.issuer or "",
        "resource": saved.resource or "",
        "hosts": " ".join(saved.endpoint_hosts),
        "scopes": " ".join(saved.scopes),
        "registration": saved.registration,
        "client_id": saved.client_id or "",
        "client_secret": saved.secret_variable or ("typed in Slack" if saved.client_secret else ""),
        "version": str(saved.version),
    }
