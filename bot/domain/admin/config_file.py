"""Plans and applies the settings' file, all of it or nothing, after probing the services that are new in it.

`bot.domain.config.service` stores settings and `oauth.catalog.saved_services` stores services; both happen in one
transaction here. A secret comes from the environment of whoever applies the file, and is sealed like a typed one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.config.file_services import Document, Offer, joined, offer_changes, offers_of
from bot.config.items import ItemChange, diff
from bot.config.model import Config
from bot.config.validation_messages import describe_unusable_service
from bot.domain.admin import services_from_file
from bot.domain.admin.services_from_file import Rows, SecretOf, ServiceOrigin
from bot.domain.config.service import ConfigService
from bot.domain.ports import Clock
from bot.model.errors import NotPermitted, Problem, Refusal, Refused, SettingsInvalid
from oauth.catalog.catalog import Catalog
from oauth.catalog.probe import Prober
from oauth.catalog.saved_services import SavedServices, is_same_service
from oauth.errors import ConnectError, ServiceChanged
from store.database import Database, Tx
from store.errors import InvariantBroken
from store.records import SavedService, ServiceName, UserId, WorkspaceId

ACTOR = UserId("config file")
"""Who the audit trail says has changed the settings: whoever may run the command on this machine."""


@dataclass(frozen=True, slots=True)
class FileServiceState:
    """Everything that admins set, as it is now."""

    config: Config
    rows: tuple[SavedService, ...]

    @property
    def document(self) -> Document:
        """Return it as the file says it."""
        return joined(self.config, offers_of(self.rows))


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What a file would change."""

    before: FileServiceState
    settings: tuple[ItemChange, ...]
    offers: tuple[ItemChange, ...]
    rows: tuple[SavedService, ...]
    """Services to store."""
    gone: tuple[SavedService, ...]
    """Services to take away, with everybody's connections to those that were added."""

    @property
    def changes(self) -> tuple[ItemChange, ...]:
        """Return everything that changes, services first."""
        return (*self.offers, *self.settings)

    @property
    def unseen(self) -> tuple[SavedService, ...]:
        """Return the added services that are new or elsewhere than before: they are to be looked at."""
        known = {row.name: row for row in self.before.rows}
        return tuple(row for row in self.rows if not row.is_shipped and not _is_seen(known.get(row.name), row))


@dataclass(frozen=True, slots=True)
class OpenedWorkspace:
    """Whose settings are read and written, and where."""

    id: WorkspaceId
    database: Database
    clock: Clock


class ConfigFile:
    """The settings of one workspace as a file."""

    def __init__(
        self,
        workspace: OpenedWorkspace,
        *,
        configuration: ConfigService,
        catalog: Catalog,
        services: SavedServices,
        probing: Prober,
    ) -> None:
        self._database, self._clock = workspace.database, workspace.clock
        self.workspace_id = workspace.id
        self._configuration = configuration
        self._catalog = catalog
        self._services = services
        self._probing = probing

    async def read(self) -> FileServiceState:
        """Return everything as it is now. Raises `SettingsInvalid` if this version cannot read it."""
        async with self._database.transaction() as tx:
            return await self._standing_in(tx)

    async def plan(self, after: Document, secret_of: SecretOf) -> FilePlan:
        """Return what has to change. Raises `SettingsInvalid` with everything that cannot be so."""
        before = await self.read()
        rows: Rows = {row.name: row for row in before.rows}
        problems = [*services_from_file.list_misplaced(after, self._catalog.shipped, rows, self._probing.policy)]
        if problems:
            raise SettingsInvalid(tuple(dict.fromkeys(problems)))
        wanted = self._rows(after, rows, secret_of)
        renewed = {str(row.name) for row in wanted if services_from_file.is_renewed(row, rows.get(row.name))}
        offers = offer_changes(before.document.offers, after.offers, renewed)
        changed = {change.key.name for change in offers}
        return FilePlan(
            before=before,
            settings=diff(before.document.config, after.config),
            offers=offers,
            rows=tuple(row for row in wanted if row.name in changed),
            gone=tuple(row for row in before.rows if row.name in changed - after.offers.keys()),
        )

    async def look(self, plan: FilePlan) -> None:
        """Look at what is new. Raises `SettingsInvalid` where a server is not what the file says of it."""
        found = await asyncio.gather(*(self._looked(row) for row in plan.unseen))
        if problems := [problem for each in found for problem in each]:
            raise SettingsInvalid(tuple(problems))

    async def apply(self, plan: FilePlan) -> None:
        """Bring a plan in, all or nothing.

        Raises:
            NotPermitted: what is there is not what was compared any more.
            SettingsInvalid: nobody would be left to administer, or two services have one server.
        """
        known = {row.name: row for row in plan.before.rows}
        try:
            async with self._database.transaction() as tx:
                if await self._standing_in(tx) != plan.before:
                    raise NotPermitted(Refused(Refusal.SETTING_CHANGED))
                await self._configuration.put_in(tx, self.workspace_id, ACTOR, plan.settings)
                # What goes, goes first: another one may have its server then.
                done = [await self._services.remove_in(tx, row, ACTOR) for row in plan.gone]
                done += [await self._services.put_in(tx, known.get(row.name), row) for row in plan.rows]
        except ServiceChanged as error:
            raise NotPermitted(Refused(Refusal.SETTING_CHANGED)) from error
        except InvariantBroken as error:
            problem = Problem("services", "two services would have one server for a moment; apply it in two steps")
            raise SettingsInvalid((problem,)) from error
        for change in done:
            await self._services.settle(change)

    async def _standing_in(self, tx: Tx) -> FileServiceState:
        config = await self._configuration.read_in(tx, self.workspace_id)
        return FileServiceState(config, await self._services.list_in(tx))

    def _rows(self, after: Document, rows: Rows, secret_of: SecretOf) -> list[SavedService]:
        by, found, problems = ServiceOrigin(self.workspace_id, ACTOR, self._clock.now()), [], list[Problem]()
        for name, offer in sorted(after.offers.items()):
            try:
                found.append(self._row(name, offer, rows.get(name), by, secret_of))
            except SettingsInvalid as error:
                problems += error.problems
        if problems:
            raise SettingsInvalid(tuple(problems))
        return found

    def _row(
        self, name: str, offer: Offer, before: SavedService | None, by: ServiceOrigin, secret_of: SecretOf
    ) -> SavedService:
        row = services_from_file.build_row(name, offer, self._catalog.shipped.get(ServiceName(name)), before, by)
        return services_from_file.with_client(row, offer, before, secret_of)

    async def _looked(self, row: SavedService) -> list[Problem]:
        try:
            probe = await self._probing.probe(row.mcp_url)
        except ConnectError as error:
            return [Problem(f"services.{row.name}.added.mcp_url", describe_unusable_service(error))]
        return [*services_from_file.list_differences(row, probe)]


def _is_seen(before: SavedService | None, row: SavedService) -> bool:
    if before is None or before.is_shipped or not is_same_service(before, row):
        return False
    return (before.endpoint_hosts, before.pkce_unadvertised_ok) == (row.endpoint_hosts, row.pkce_unadvertised_ok)
