"""Adds a service by its URL: probe it, show the admin what was found, save exactly that.

A probe may take longer than the three seconds that Slack gives a form. Then the form says that Deputy is still
looking, and is updated when the probe is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.domain.admin.commands import AdminCommands
from bot.domain.ports import Clock, Screen
from bot.domain.supervisor import Supervisor
from bot.model.commands import SubmitSettings
from bot.model.config_views import AddingUrl, Done, LookingUp, Panel, ProbeResult, Wrong
from bot.model.errors import SlackRejected, SlackUnavailable
from oauth.catalog.probe import ConnectWay, Probe, Quirk
from oauth.catalog.registrable_domain import get_site, is_address
from oauth.catalog.saved_services import SavedServices
from oauth.catalog.service_draft import ServiceDraft
from oauth.errors import (
    ConnectError,
    DraftInvalid,
    NotAnMcpServer,
    ProbeChanged,
    ServerTaken,
    ServiceChanged,
    ServiceMisbehaved,
    UrlRefused,
)
from oauth.protocol.registration import PreRegistered
from store.records import RegistrationKind, Secret

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 1.5
"""Slack waits three; the way there and back takes some of it."""
LATER = timedelta(seconds=1)
"""A view is changed again only after Slack has shown the answer to the form."""
URL, NAME, TITLE = "settings.url", "settings.name", "settings.title"
SCOPES, CLIENT_ID, CLIENT_SECRET = "settings.scopes", "settings.client_id", "settings.client_secret"  # names of fields
HOW_IN = {
    ConnectWay.CLIENT_DOCUMENT: "its own client document",
    ConnectWay.DYNAMIC: "it registers itself there",
    ConnectWay.PRE_REGISTERED: "a client that you make there",
    ConnectWay.TOKEN: "a personal token of each member",
}
QUIRKS = {
    Quirk.ISSUER_DIFFERS: "Its sign-in server calls itself something else than where it is found.",
    Quirk.PKCE_UNADVERTISED: "It doesn't say that it protects sign-ins with PKCE. Save it only if its makers say so.",
    Quirk.RESOURCE_IS_WIDER: "Tokens for it are good for more than this address.",
    Quirk.OPEN_WITHOUT_TOKEN: "It answers without asking who is there.",
}
WAYS = {
    "token": RegistrationKind.TOKEN,
    "client": RegistrationKind.PRE_REGISTERED,
    "auto": RegistrationKind.AUTO,
}


class AddService:
    """The two forms of adding a service."""

    def __init__(
        self,
        *,
        services: SavedServices,
        administering: AdminCommands,
        screen: Screen,
        supervisor: Supervisor,
        clock: Clock,
    ) -> None:
        self._services = services
        self._administering = administering
        self._screen = screen
        self._supervisor = supervisor
        self._clock = clock

    async def look(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Look at an address and return what is there."""
        url = _text(command, URL)
        return await self._in_time(command, lambda: self._looked(url), f"Looking at {url[:150]} …")

    async def save(self, command: SubmitSettings) -> Panel | Wrong | None:
        """Save a service as it was shown."""
        return await self._in_time(command, lambda: self._saved(command), "Saving …")

    async def _looked(self, url: str) -> Panel:
        try:
            return describe(await self._services.probe(url))
        except ServerTaken as error:
            return AddingUrl(url, f"That is the service {error.service} already.")
        except ConnectError as error:
            return AddingUrl(url, problem_of(error))

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
        await self._administering.refresh(command, "services", f"{draft.title} is on offer.")
        return Done(f"{draft.title} is on offer. Every tool asks until you set its rules.")

    async def _shown_again(self, url: str, draft: ServiceDraft, error: ConnectError) -> Panel:
        """Return the form again as it is now, with what was typed and what is wrong."""
        again = await self._looked(url)
        if not isinstance(again, ProbeResult):
            return again
        return ProbeResult(
            url=again.url,
            fingerprint=again.fingerprint,
            facts=again.facts,
            warnings=again.warnings,
            name=draft.name,
            title=draft.title,
            scopes=" ".join(draft.scopes),
            needs_client=again.needs_client,
            only_token=again.only_token,
            problem=problem_of(error),
        )

    async def _in_time(self, command: SubmitSettings, work: Callable[[], Awaitable[Panel]], words: str) -> Panel:
        """Return what the work comes to, or a word to wait and show it when it is done."""
        done, found, is_late = asyncio.Event(), list[Panel](), list[bool]()

        async def do() -> None:
            found.append(await work())
            done.set()
            if is_late:
                await self._clock.sleep_until(self._clock.steady() + LATER)
                await self._show(command, found[0])

        async def broke(reference: str) -> None:
            found.append(Done(f"Something broke on my side. Reference {reference}.", is_well=False))
            done.set()
            if is_late:
                await self._show(command, found[0])

        self._supervisor.start(do, broke)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await done.wait()
        except TimeoutError:
            is_late.append(True)
            return LookingUp(words)
        return found[0]

    async def _show(self, command: SubmitSettings, panel: Panel) -> None:
        try:
            await self._screen.update_panel(command.view_id, panel)
        except (SlackRejected, SlackUnavailable) as error:
            log.info("panel_not_shown", error=type(error).__name__)  # it was closed meanwhile


def describe(probe: Probe) -> ProbeResult:
    """Return what was found, for an admin to judge."""
    server = probe.server
    facts = [
        ("Address", probe.mcp_url),
        ("Calls itself", probe.told_name or "nothing"),
        ("Sign-in server", server.issuer if server else "none: only a personal token leads in"),
        ("Hosts that browsers and codes are sent to", ", ".join(probe.endpoint_hosts) or "none"),
        ("Scopes it names", ", ".join(probe.scopes) or "none"),
        ("How Deputy gets in", ", or ".join(HOW_IN[way] for way in probe.ways)),
    ]
    strange = [f"{host} belongs to somebody else than {probe.host}." for host in probe.foreign_hosts]
    name = _short_name(probe)
    return ProbeResult(
        url=probe.mcp_url,
        fingerprint=probe.fingerprint,
        facts=tuple(facts),
        warnings=(*strange, *(QUIRKS[quirk] for quirk in probe.quirks)),
        name=name,
        title=(probe.told_name or ("" if is_address(probe.host.strip("[]")) else name.title()) or probe.host)[:60],
        scopes="",
        needs_client=probe.needs_client and probe.server is not None,
        only_token=probe.ways == (ConnectWay.TOKEN,),
    )


def problem_of(error: ConnectError) -> str:
    """Return in a sentence why an address cannot be looked at, or not be saved."""
    if isinstance(error, DraftInvalid):
        return "; ".join(f"{name}: {problem}" for name, problem in error.problems.items())
    if isinstance(error, NotAnMcpServer):
        more = f" It sends on to {error.moved_to}: try that." if error.moved_to else ""
        return f"This does not answer like an MCP server ({error.status}).{more}"
    if isinstance(error, UrlRefused):
        return f"This address can't be used: {error.rule}"
    if isinstance(error, ServiceMisbehaved):
        return f"This server breaks a rule that I can't excuse: {error.rule}"
    return _PROBLEMS.get(type(error), "Nothing answers there. Look at the address, and whether it is up.")


_PROBLEMS: dict[type[ConnectError], str] = {
    ProbeChanged: "It is not what I showed you any more. Look again before you save it.",
    ServiceChanged: "There is a service with this short name already.",
}


def _short_name(probe: Probe) -> str:
    """Return a name for the service: what was registered of its host's name, `notion` of `mcp.notion.com`."""
    host = probe.host.strip("[]")
    if is_address(host):
        # An address has no name in it; IPv4's four numbers tell one from another.
        return f"server-{host.replace('.', '-')}" if ":" not in host else "server"
    label = get_site(host).partition(".")[0]
    name = "".join(char for char in label.lower() if char.isalnum() and char.isascii())
    return name[:30] or "service"


def _text(command: SubmitSettings, block: str) -> str:
    value = command.values.get(block)
    return value.strip() if isinstance(value, str) else ""
