"""Adds a service by its URL: probe it, show the admin what was found, save exactly that.

A probe may take longer than the three seconds that Slack gives a form. Then the form says that Deputy is still
looking, and is updated when the probe is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.config.validation_messages import describe_unusable_service
from bot.domain.admin.queries import AdminQueries
from bot.domain.context import DomainContext
from bot.model.commands import SubmitSettings
from bot.model.config_views import AddingUrl, Broke, Done, LookingUp, Panel, ProbeResult, ServiceAdded, Wrong
from bot.model.errors import SlackRejected, SlackUnavailable
from oauth.catalog.probe import Probe
from oauth.catalog.probe_facts import ConnectWay
from oauth.catalog.registrable_domain import get_site, is_address
from oauth.catalog.saved_services import SavedServices
from oauth.catalog.service_draft import LONGEST_TITLE, ServiceDraft
from oauth.errors import ConnectError, DraftInvalid, ProbeChanged, ServiceChanged
from oauth.protocol.registration import PreRegistered
from store.records import RegistrationKind, Secret

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 1.5
"""Slack waits three; the way there and back takes some of it."""
LATER = timedelta(seconds=1)
"""A view is changed again only after Slack has shown the answer to the form."""
_NAME_MAX = 30
"""Characters of the name that is proposed for a service."""
URL, NAME, TITLE = "settings.url", "settings.name", "settings.title"
SCOPES, CLIENT_ID, CLIENT_SECRET = "settings.scopes", "settings.client_id", "settings.client_secret"  # names of fields
WAYS = {
    "token": RegistrationKind.TOKEN,
    "client": RegistrationKind.PRE_REGISTERED,
    "auto": RegistrationKind.AUTO,
}


class AddService:
    """The two forms of adding a service."""

    def __init__(self, context: DomainContext, *, services: SavedServices, queries: AdminQueries) -> None:
        self._clock, self._screen, self._supervisor = context.clock, context.screen, context.supervisor
        self._services = services
        self._queries = queries

    async def look(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Look at an address and return what is there."""
        url = _text(command, URL)
        return await self._in_time(command, lambda: self._looked(url), LookingUp(url))

    async def save(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Save a service as it was shown."""
        return await self._in_time(command, lambda: self._saved(command), LookingUp())

    async def _looked(self, url: str) -> Panel:
        try:
            return describe(await self._services.probe(url))
        except ConnectError as error:
            return AddingUrl(url, describe_unusable_service(error))

    async def _saved(self, command: SubmitSettings) -> Panel:
        url, shown = str(command.metadata.get("url")), str(command.metadata.get("shown"))
        way = WAYS.get(str(command.metadata.get("way")), RegistrationKind.AUTO)
        client_id, client_secret = _text(command, CLIENT_ID), _text(command, CLIENT_SECRET)
        draft = ServiceDraft(
            name=_text(command, NAME),
            title=_text(command, TITLE),
            mcp_url=url,
            registration=way,
            scopes=tuple(_text(command, SCOPES).split()),
            client=PreRegistered(client_id, Secret(client_secret) if client_secret else None) if client_id else None,
        )
        try:
            await self._services.save(command.member, draft, shown)
        except (ProbeChanged, DraftInvalid, ServiceChanged, ConnectError) as error:
            return await self._shown_again(url, draft, error)
        added = ServiceAdded(draft.title)
        await self._queries.refresh(command, "services", added)
        return Done(added)

    async def _shown_again(self, url: str, draft: ServiceDraft, error: ConnectError) -> Panel:
        """Return the form again as it is now, with what was typed and what is wrong."""
        again = await self._looked(url)
        if not isinstance(again, ProbeResult):
            return again
        return replace(
            again,
            name=draft.name,
            title=draft.title,
            scopes=" ".join(draft.scopes),
            problem=describe_unusable_service(error),
        )

    async def _in_time(self, command: SubmitSettings, work: Callable[[], Awaitable[Panel]], wait: LookingUp) -> Panel:
        """Return what the work comes to, or `wait`, and show it when it is done."""
        done, found, is_late = asyncio.Event(), list[Panel](), list[bool]()

        async def do() -> None:
            found.append(await work())
            done.set()
            if is_late:
                await self._clock.sleep_until(self._clock.steady() + LATER)
                await self._show(command, found[0])

        async def broke(reference: str) -> None:
            found.append(Broke(reference))
            done.set()
            if is_late:
                await self._show(command, found[0])

        self._supervisor.start(do, broke)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await done.wait()
        except TimeoutError:
            is_late.append(True)
            return wait
        return found[0]

    async def _show(self, command: SubmitSettings, panel: Panel) -> None:
        try:
            await self._screen.update_panel(command.view_id, panel)
        except (SlackRejected, SlackUnavailable) as error:
            log.info("panel_not_shown", error=type(error).__name__)  # it was closed meanwhile


def describe(probe: Probe) -> ProbeResult:
    """Return what was found, for an admin to judge."""
    name = _short_name(probe)
    return ProbeResult(
        url=probe.mcp_url,
        fingerprint=probe.fingerprint,
        host=probe.host,
        told_name=probe.told_name or "",
        issuer=probe.server.issuer if probe.server else "",
        endpoint_hosts=probe.endpoint_hosts,
        foreign_hosts=probe.foreign_hosts,
        told_scopes=probe.scopes,
        ways=probe.ways,
        quirks=probe.quirks,
        name=name,
        title=(probe.told_name or ("" if is_address(probe.host.strip("[]")) else name.title()) or probe.host)[
            :LONGEST_TITLE
        ],
        scopes="",
        needs_client=probe.needs_client and probe.server is not None,
        only_token=probe.ways == (ConnectWay.TOKEN,),
    )


def _short_name(probe: Probe) -> str:
    """Return a name for the service: what was registered of its host's name, `notion` of `mcp.notion.com`."""
    host = probe.host.strip("[]")
    if is_address(host):
        # An address has no name in it; IPv4's four numbers tell one from another.
        return f"server-{host.replace('.', '-')}" if ":" not in host else "server"
    label = get_site(host).partition(".")[0]
    name = "".join(char for char in label.lower() if char.isalnum() and char.isascii())
    return name[:_NAME_MAX] or "service"


def _text(command: SubmitSettings, block: str) -> str:
    value = command.values.get(block)
    return value.strip() if isinstance(value, str) else ""
