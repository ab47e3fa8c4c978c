"""Compares a service's tools with the definitions that admins trust.

A new or changed tool asks every time, whatever its rule, until an admin accepts it from the alert that shows the
difference (docs/decisions/0023-tools-are-pinned.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.context import DomainContext
from bot.domain.ports import ServiceTools
from bot.model.commands import AcceptTools
from bot.model.errors import NotPermitted, Refusal, Refused, SlackRejected, SlackUnavailable
from bot.model.events import ToolCall
from bot.model.notices import ToolChange, ToolsChanged
from oauth.mcp.tool_definitions import NEVER_LISTED, ToolDifference
from store import audit, service_tools, tool_pins
from store.database import Tx
from store.records import AuditEntry, Connection, ServiceName, ServiceTool, Thread, UserId, WorkspaceId
from store.tool_pins import Alert, Pin

log = structlog.get_logger(__name__)

PAGE = 4
"""Changed tools in one alert; more are shown once these are accepted."""
NAMES = 40
"""Names in one alert about tools that were not listed for long."""
# Deputy keeps no token to list again with; only somebody who connects brings one. Without this limit a service could
# decide by itself how long its tools are trusted.
LISTED_WITHIN = timedelta(days=7)
"""How long a listing is trusted (docs/decisions/0044-trust-in-tools-expires.md)."""
ALERTED_MAX = 10
"""Admins who get an alert."""
LOOSE = ("allowed", "auto")
ASK = "user_approved"


def is_trusted(pin: Pin | None, tool: ServiceTool | None, now: datetime) -> bool:
    """Tell whether a tool is certainly still as it was trusted."""
    if tool is None or not is_same(pin, tool):
        return False
    # An admin who accepted it has looked at it then, while the first listing of a service is trusted unseen.
    seen_at = max(tool.seen_at, pin.accepted_at) if pin and pin.accepted_by else tool.seen_at
    return now - seen_at <= LISTED_WITHIN


def is_same(pin: Pin | None, tool: ServiceTool) -> bool:
    """Tell whether a tool's last listing, however old, is what was trusted."""
    return pin is not None and pin.definition_hash == tool.definition_hash


def untrusted(pins: Mapping[str, Pin], tools: Iterable[ServiceTool], now: datetime) -> tuple[ServiceTool, ...]:
    """Return the tools that are new, changed, or were not listed for long, sorted by name."""
    by_name = sorted(tools, key=lambda one: one.name)
    return tuple(tool for tool in by_name if not is_trusted(pins.get(tool.name), tool, now))


def page_of(pins: Mapping[str, Pin], doubted: Iterable[ServiceTool]) -> tuple[ServiceTool, ...]:
    """Return the tools of one alert: changed ones, or if there are none, those that were not listed for long."""
    doubted = tuple(doubted)
    differing = tuple(tool for tool in doubted if not is_same(pins.get(tool.name), tool))
    return differing[:PAGE] or doubted[:NAMES]


def cautious(
    service: ServiceTools, known: Collection[ServiceTool], pins: Mapping[str, Pin], now: datetime
) -> ServiceTools:
    """Return a service's rules in which every tool asks first that is not exactly as it was trusted.

    So do tools that were never listed: a default that lets tools run without asking is written out as a rule for each
    trusted tool, and the default becomes “ask”.
    """
    doubted = {tool.name for tool in untrusted(pins, known, now)}
    trusted = {tool.name for tool in known} - doubted
    rules = {tool: ASK if rule in LOOSE and tool not in trusted else rule for tool, rule in service.rules.items()}
    if service.default_rule not in LOOSE:
        return replace(service, rules=rules)
    return replace(service, rules=dict.fromkeys(sorted(trusted), service.default_rule) | rules, default_rule=ASK)


async def cautious_in(tx: Tx, thread: Thread, service: ServiceTools, now: datetime) -> ServiceTools:
    """Return `cautious` for a service, by what the store knows of its tools now."""
    workspace_id, name = thread.owner.workspace_id, ServiceName(service.name)
    known = await service_tools.list_for(tx, workspace_id, name)
    return cautious(service, known, await tool_pins.list_for(tx, workspace_id, name), now)


def digest_of(tools: Iterable[ServiceTool]) -> str:
    """Return the SHA-256, in hex, of these tools' definitions."""
    whole = "\n".join(f"{tool.name}\t{tool.definition_hash}" for tool in tools)
    return hashlib.sha256(whole.encode()).hexdigest()


class ToolPinning:
    """Trust in services' tools, and the alerts about tools that lost it."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._admins_of = context.config.admins_in

    async def listed(self, connection: Connection, difference: ToolDifference) -> None:
        """Handle a listing that differs from the last: trust a service's first one, else alert the admins."""
        workspace_id, service = connection.owner.workspace_id, connection.service
        async with self._database.transaction() as tx:
            tools = await service_tools.list_for(tx, workspace_id, service)
            # With nothing to compare, the first listing is what later ones are compared with.
            if difference.is_first:
                listed = [tool for tool in tools if tool.definition_hash != NEVER_LISTED]
                await tool_pins.pin(tx, workspace_id, listed, None, self._clock.now())
            pins = await tool_pins.list_for(tx, workspace_id, service)
            doubted = untrusted(pins, tools, self._clock.now())
            names = {tool.name for tool in difference.new} | {pair.after.name for pair in difference.changed}
            for tool in doubted:
                if tool.name in names:
                    await audit.record(tx, self._entry(workspace_id, "tool.changed", tool, "deputy"))
            alerts = await tool_pins.list_alerts(tx, workspace_id, service)
        if doubted:
            await self._alert(workspace_id, service)
        elif any(alert.digest != digest_of(()) for alert in alerts.values()):
            # Everything is as it was trusted again, so the alerts are outdated.
            await self._show_all(workspace_id, service, None)

    async def look_at_clock(self) -> None:
        """Alert admins about services whose tools were not listed for long."""
        async with self._database.transaction() as tx:
            known = await service_tools.list_services(tx)
            stale = [one for one in known if await self._page(tx, *one)]
        for workspace_id, service in stale:
            await self._alert(workspace_id, service)

    async def called(self, thread: Thread, call: ToolCall) -> None:
        """Alert the admins if an agent called a tool that its service has never listed."""
        if call.service is None:
            return
        workspace_id, service = thread.owner.workspace_id, ServiceName(call.service)
        async with self._database.transaction() as tx:
            tools = await service_tools.list_for(tx, workspace_id, service)
            # Only a tool that was never listed: known ones were compared with their listing.
            if any(tool.name == call.name for tool in tools):
                return
            stranger = _unseen(service, call.name, self._clock.now())
            await service_tools.put(tx, workspace_id, [stranger])
            await audit.record(tx, self._entry(workspace_id, "tool.changed", stranger, "deputy"))
        await self._alert(workspace_id, service)

    async def accept(self, command: AcceptTools) -> None:
        """Trust the tools that an alert showed, if they are still the same. Raises `NotPermitted`."""
        workspace_id, service, by = command.member.workspace_id, ServiceName(command.service), command.member.user_id
        async with self._database.transaction() as tx:
            if by not in await self._admins_of(tx, workspace_id):
                raise NotPermitted(Refused(Refusal.NOT_AN_ADMIN))
            page = await self._page(tx, workspace_id, service)
            # The button carries what the admin saw; if the service has changed again since, they have not seen it.
            is_as_shown = bool(page) and digest_of(page) == command.digest
            if is_as_shown:
                await tool_pins.pin(tx, workspace_id, page, by, self._clock.now())
                for tool in page:
                    await audit.record(tx, self._entry(workspace_id, "tool.accepted", tool, by))
        await self._show_all(workspace_id, service, by if is_as_shown else None)
        if not is_as_shown:
            raise NotPermitted(Refused(Refusal.APPROVAL_SETTLED if not page else Refusal.TOOLS_CHANGED))

    async def _page(self, tx: Tx, workspace_id: WorkspaceId, service: ServiceName) -> tuple[ServiceTool, ...]:
        pins = await tool_pins.list_for(tx, workspace_id, service)
        tools = await service_tools.list_for(tx, workspace_id, service)
        return page_of(pins, untrusted(pins, tools, self._clock.now()))

    async def _alert(self, workspace_id: WorkspaceId, service: ServiceName) -> None:
        """Alert every admin by direct message, about the same difference only once."""
        async with self._database.transaction() as tx:
            notice, digest = await self._notice(tx, workspace_id, service, None)
            alerts = await tool_pins.list_alerts(tx, workspace_id, service)
            admins = sorted(await self._admins_of(tx, workspace_id))[:ALERTED_MAX]
        for user_id in admins:
            if user_id not in alerts or alerts[user_id].digest != digest:
                await self._send(workspace_id, service, user_id, notice, digest, None)

    async def _show_all(self, workspace_id: WorkspaceId, service: ServiceName, by: UserId | None) -> None:
        """Update the alerts that admins have."""
        async with self._database.transaction() as tx:
            notice, digest = await self._notice(tx, workspace_id, service, by)
            alerts = await tool_pins.list_alerts(tx, workspace_id, service)
        for alert in alerts.values():
            await self._send(workspace_id, service, alert.user_id, notice, digest, alert)

    async def _send(  # noqa: PLR0917  # one message: for whom, about what, in place of which
        self,
        workspace_id: WorkspaceId,
        service: ServiceName,
        user_id: UserId,
        notice: ToolsChanged,
        digest: str,
        replacing: Alert | None,
    ) -> None:
        try:
            card = await self._screen.alert(user_id, notice, replacing.card if replacing else None)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("tool_alert_not_sent", service=service, error=type(error).__name__)
            return
        async with self._database.transaction() as tx:
            await tool_pins.set_alert(tx, workspace_id, service, Alert(user_id, card, digest))

    async def _notice(
        self, tx: Tx, workspace_id: WorkspaceId, service: ServiceName, by: UserId | None
    ) -> tuple[ToolsChanged, str]:
        pins = await tool_pins.list_for(tx, workspace_id, service)
        tools = await service_tools.list_for(tx, workspace_id, service)
        doubted = untrusted(pins, tools, self._clock.now())
        page = page_of(pins, doubted)
        digest = digest_of(page)
        notice = ToolsChanged(
            service=service,
            changes=tuple(
                change_of(pins.get(tool.name), tool) for tool in page if not is_same(pins.get(tool.name), tool)
            ),
            more=len(doubted) - len(page),
            digest=digest,
            accepted_by=by,
            unseen=tuple(tool.name for tool in page if is_same(pins.get(tool.name), tool)),
        )
        return notice, digest

    def _entry(self, workspace_id: WorkspaceId, action: str, tool: ServiceTool, actor: str) -> AuditEntry:
        details = {"service": tool.service, "tool": tool.name, "definition_sha256": tool.definition_hash}
        return AuditEntry(self._clock.now(), workspace_id, actor, action, f"{tool.service}/{tool.name}", details)


def change_of(pin: Pin | None, tool: ServiceTool) -> ToolChange:
    """Return everything that differs between a tool and its trusted definition, to be shown to admins."""
    hints = _hints(pin.annotations if pin else {}, tool.annotations)
    if pin is None:
        return ToolChange(tool.name, None, tool.description, hints=hints)
    title = (pin.title or "", tool.title or "")
    # Older pins have neither title nor schema, so without a schema an empty title means “unknown”.
    is_title_known = pin.schema is not None
    return ToolChange(
        name=tool.name,
        before=pin.description,
        after=tool.description,
        hints=hints,
        title=title if is_title_known and title[0] != title[1] else None,
        schema=(pin.schema, tool.schema or "") if pin.schema_hash != tool.schema_hash else None,
    )


def _hints(before: Mapping[str, bool], after: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(
        f"{name}: {before.get(name, 'not said')} → {after.get(name, 'not said')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _unseen(service: ServiceName, name: str, now: datetime) -> ServiceTool:
    """Return a record for a tool that was called although its service never listed it."""
    return ServiceTool(service, name, None, "", NEVER_LISTED, {}, NEVER_LISTED, now, None, now)
