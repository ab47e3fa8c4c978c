"""Gathers what the settings' lists and forms show: services, agents, channels, members.

It also applies what a change means beyond the settings: pausing a service voids its open links, and a member's
connections can be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.config.fields import MOST, Form, Kind
from bot.config.forms import FORMS
from bot.config.items import MANY, Key
from bot.config.model import DEFAULT_PROFILE, Config
from bot.config.tool_rules import KnownTool, Preset, suggest
from bot.domain.admin import config_rows
from bot.domain.config.service import SeenConfig
from bot.domain.context import DomainContext
from bot.domain.sessions.agent_profiles import rules_of
from bot.model.commands import SubmitSettings
from bot.model.config_views import (
    AddingUrl,
    ConfigList,
    ConfigOutcome,
    EditItem,
    FixedAdmins,
    KnownTools,
    Overview,
    Panel,
    Row,
)
from bot.model.errors import DeputyError, NotPermitted, Refusal, Refused
from oauth.catalog.saved_services import SavedServices
from oauth.catalog.service import Service
from oauth.connect.connections import Connections
from oauth.errors import NotConnected, ServiceChanged, UnknownService
from store import connections, members, service_tools, tickets
from store.records import Member, ServiceName, UserId

log = structlog.get_logger(__name__)


class AdminQueries:
    """Reads what is shown and shows it again; changes only what the settings themselves do not hold."""

    def __init__(self, context: DomainContext, *, connections: Connections, services: SavedServices) -> None:
        self._database, self._catalog = context.database, context.catalog
        self._configuration, self._screen = context.config, context.screen
        self._connections = connections
        self._services = services

    async def overview(self, member: Member, config: Config) -> Overview:
        """Return the way in."""
        async with self._database.transaction() as tx:
            known = await members.list_active(tx)
        counts = {
            "services": len(self._catalog.services),
            "profiles": len(config.profile_names),
            "channels": len(config.channels),
            "members": len({*config.members, *(one.user_id for one in known if _is_near(one, member))}),
            "filters": len(config.every_filter),
            "admins": len(self._configuration.admins(config)),
        }
        return Overview(config.is_paused, counts)

    async def listing(
        self, member: Member, section: str, page: int, outcome: ConfigOutcome | None = None
    ) -> ConfigList:
        """Return one page of a section. Raises `NotPermitted` for one that there is not."""
        config = await self._configuration.read(member.workspace_id)
        return config_rows.page_of(section, await self._rows(member, config, section), page, outcome)

    async def refresh(self, command: SubmitSettings, section: str, outcome: ConfigOutcome) -> None:
        """Show the list under a form as it is now. One that was closed meanwhile stays closed."""
        try:
            listing = await self.listing(command.member, section, 0, outcome)
            await self._screen.update_panel(command.previous_view_id, listing)
        except DeputyError as error:
            log.info("list_not_refreshed", error=type(error).__name__)

    async def _rows(self, member: Member, config: Config, section: str) -> Sequence[Row]:
        if section == "services":
            added = {str(one.name) for one in await self._services.list_saved() if not one.is_shipped}
            return config_rows.service_rows(config, self._catalog.services, added)
        if section == "members":
            async with self._database.transaction() as tx:
                known = [one for one in await members.list_active(tx) if _is_near(one, member)]
            return config_rows.member_rows(config, known)
        if section == "profiles":
            return config_rows.profile_rows(config)
        if section == "channels":
            return config_rows.channel_rows(config)
        if section == "filters":
            return config_rows.filter_rows(config)
        raise NotPermitted(Refused(Refusal.GONE))

    async def new(self, section: str, config: Config) -> Panel:
        """Return the form for something new."""
        if section == "services":
            return AddingUrl()
        form = FORMS.get(MANY.get(section, ""))
        if form is None:
            raise NotPermitted(Refused(Refusal.GONE))
        return EditItem(form, "", "", {}, 0, self._choices(form, config, {}))

    async def editing(self, member: Member, config: Config, form: Form, seen: SeenConfig) -> EditItem:
        """Return the form for an item as it is. Raises `NotPermitted` for a service that is not there any more."""
        body, title = dict(seen.body or {}), seen.key.name
        note: KnownTools | FixedAdmins | None = None
        if form.kind == "service":
            service = self._service(seen.key.name)
            title = service.title
            if form.name == "service_tools":
                body.setdefault("tools", _rules_body(config, service))
                note = await self._known_tools(member, service)
        elif form.only == "admins":
            title, note = "", self._fixed_admins()
        elif form.only:
            title = ""
        return EditItem(form, seen.key.name, title, body, seen.version, self._choices(form, config, body), note)

    async def disconnect(self, admin: Member, user_id: str) -> int:
        """Delete every connection of a member of the admin's own workspace; return how many there were."""
        async with self._database.transaction() as tx:
            member = await members.find(tx, admin.workspace_id, UserId(user_id))
            known = await connections.list_for(tx, member) if member else ()
        for connection in known:
            try:
                await self._connections.disconnect(connection.owner, connection.service)
            except NotConnected:
                continue  # the member was faster
        return len(known)

    async def drop(self, admin: Member, name: str) -> None:
        """Take an added service away, with everybody's connections to it."""
        saved = await self._services.find_saved(ServiceName(name))
        if saved is None:
            raise NotPermitted(Refused(Refusal.GONE))
        await self._services.remove(admin, saved.name, saved.version)

    async def forget_client(self, admin: Member, name: str) -> None:
        """Let the next attempt register with a service afresh. Raises `NotPermitted` for one that is not there."""
        await self._connections.forget_client(admin, self._service(name).name)

    async def forget(self, admin: Member, name: str) -> None:
        """Take back what an admin changed of a shipped service: its client and scopes."""
        saved = await self._services.find_saved(ServiceName(name))
        if saved is not None and saved.is_shipped:
            try:
                await self._services.remove(admin, saved.name, saved.version)
            except ServiceChanged as error:
                raise NotPermitted(Refused(Refusal.SETTING_CHANGED)) from error

    async def settle(self, admin: Member, key: Key) -> None:
        """See that nobody goes on to connect a service that is paused now."""
        config = await self._configuration.read(admin.workspace_id)
        if key.kind == "service" and config.service(key.name).is_paused:
            async with self._database.transaction() as tx:
                await tickets.void_service(tx, admin.workspace_id, ServiceName(key.name))

    @staticmethod
    def section_of(kind: str) -> str | None:
        """Return the list that items of a kind are in; None for those that are in none."""
        return config_rows.SECTION_OF.get(kind)

    def _service(self, name: str) -> Service:
        try:
            return self._catalog.get(ServiceName(name))
        except UnknownService as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error

    def _choices(self, form: Form, config: Config, body: dict[str, object]) -> dict[str, tuple[tuple[str, str], ...]]:
        found = {}
        for field in form.fields:
            if field.kind is Kind.SERVICES:
                found[field.path] = self._service_choices(body)
            elif field.path == "profile":
                chosen = str(body.get("profile") or DEFAULT_PROFILE)
                names = [chosen, *(name for name in config.profile_names if name != chosen)]
                found[field.path] = tuple((name, name) for name in names[:MOST])
        return found

    def _service_choices(self, body: dict[str, object]) -> tuple[tuple[str, str], ...]:
        """Return the services to choose from, those that are chosen first: a menu has room for a hundred."""
        listed = body.get("services")
        chosen = [str(name) for name in listed] if isinstance(listed, list | tuple) else []
        titles = {str(service.name): service.title for service in self._catalog.services}
        names = [*chosen, *(name for name in titles if name not in chosen)]
        return tuple((name, titles.get(name, name)) for name in names[:MOST])

    async def _known_tools(self, member: Member, service: Service) -> KnownTools:
        async with self._database.transaction() as tx:
            known = await service_tools.list_for(tx, member.workspace_id, service.name)
        tools = [KnownTool(tool.name, tool.annotations.get("readOnlyHint") is True) for tool in known]
        return KnownTools(tuple(tool.name for tool in tools), tuple(suggest(Preset.READ_ONLY, tools).allowed_tools))

    def _fixed_admins(self) -> FixedAdmins:
        return FixedAdmins(tuple(sorted(self._configuration.admins(Config()))))


def _rules_body(config: Config, service: Service) -> dict[str, object]:
    """Return the rules that hold as the form's fields have them."""
    rules = rules_of(config, service)
    lists_of: dict[str, list[str]] = {}
    for tool, rule in rules.listed.items():
        lists_of.setdefault(f"{rule}_tools", []).append(tool)
    return {**lists_of, "default": str(rules.default)}


def _is_near(one: Member, other: Member) -> bool:
    return one.workspace_id == other.workspace_id
