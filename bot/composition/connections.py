"""Builds connecting: the `oauth` package, the members' vaults, and what ends connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.composition.context import Context
from bot.domain.connections.commands import ConnectionOutcomes
from bot.domain.connections.expiry import ConnectionExpiry
from bot.domain.connections.vaults import MemberVaults
from bot.domain.ports import Clock
from bot.domain.supervisor import Supervisor
from bot.env import Settings
from oauth.catalog.probe import Prober
from oauth.catalog.saved_services import SavedServices, WorkspaceCatalog
from oauth.catalog.service import Service
from oauth.connect.browser import SlackIdentity
from oauth.connect.callback import OnToken
from oauth.connect.connect_context import CodeInSlack, ConnectContext, OnHold
from oauth.connect.connections import Connections
from oauth.connect.personal_tokens import PersonalTokens
from oauth.connect.tool_inventory import ToolInventory
from oauth.mcp.list_tools import ToolLister
from store.records import Connection, Secret, WorkspaceId

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionParts:
    """Connections, and what the rest of the bot needs of them."""

    connections: Connections
    vaults: MemberVaults
    services: SavedServices
    inventory: ToolInventory
    personal: PersonalTokens
    lapses: ConnectionExpiry
    outcomes: ConnectionOutcomes


def build_room(parts: Context, workspace_id: WorkspaceId) -> ConnectionParts:
    """Build it for one workspace."""
    database, catalog, clock = parts.domain.database, parts.catalog, parts.domain.clock
    require = parts.admission.require_connecting
    vaults = MemberVaults(database=database, agents=parts.domain.agents, clock=clock, require=require)
    lapses = ConnectionExpiry(parts.domain, catalog=catalog, vaults=vaults)
    listing = ToolLister(parts.sender)
    inventory = ToolInventory(database=database, listing=listing, clock=clock, on_listed=parts.pinning.listed)
    services = SavedServices(
        WorkspaceCatalog(workspace_id=workspace_id, database=database, catalog=catalog, clock=clock),
        prober=Prober(parts.sender, listing),
        on_dropped=vaults.let_go,
    )
    context = ConnectContext(
        database=database,
        catalog=catalog,
        vaults=vaults,
        sender=parts.sender,
        clock=clock,
        base_url=parts.settings.public_url.rstrip("/"),
    )
    personal = PersonalTokens(context, listing=listing, inventory=inventory)
    outcomes = ConnectionOutcomes(
        parts.domain, outbox=parts.outbox, catalog=catalog, lapses=lapses, changed=parts.refreshing.changed
    )
    connections = _build_connections(parts, context, outcomes, inventory)
    return ConnectionParts(connections, vaults, services, inventory, personal, lapses, outcomes)


def _build_connections(
    parts: Context, context: ConnectContext, outcomes: ConnectionOutcomes, inventory: ToolInventory
) -> Connections:
    return Connections(
        context,
        outcomes=outcomes,
        proof=_choose_proof(parts.settings, parts.domain.supervisor, parts.domain.clock),
        on_token=_listing_later(inventory, parts.domain.supervisor),
    )


def _choose_proof(settings: Settings, supervisor: Supervisor, clock: Clock) -> SlackIdentity | CodeInSlack:
    """Return what proves who is at the browser; that it is a code, is said at each start."""
    if settings.identity_check == "code":
        log.warning("identity_check_is_weak", by="code", better="DEPUTY_IDENTITY_CHECK=slack_oidc")
        return CodeInSlack(_ending_later(supervisor, clock))
    return SlackIdentity.at(
        settings.slack_base_url, client_id=settings.slack_client_id, client_secret=settings.slack_client_secret
    )


def _ending_later(supervisor: Supervisor, clock: Clock) -> OnHold:
    """See that what waits for a code is given up when its time is over."""

    def end_later(until: datetime, give_up: Callable[[], Awaitable[None]]) -> None:
        async def end_code() -> None:
            await clock.sleep((until - clock.now()).total_seconds())
            await give_up()

        supervisor.start(end_code)

    return end_later


def _listing_later(inventory: ToolInventory, supervisor: Supervisor) -> OnToken:
    """Let a service's tools be listed beside everything else: nobody waits for it, and nothing hangs on it."""

    def list_later(service: Service, connection: Connection, token: Secret) -> None:
        expecting = ExitStack()
        expecting.enter_context(inventory.expecting(service.name))

        async def list_tools() -> None:
            with expecting:
                await inventory.take(service, connection, token)

        supervisor.start(list_tools)

    return list_later
