"""Builds connecting: the `oauth` package, the members' vaults, and what ends connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.access.admission import Admission
from bot.domain.connections.commands import ConnectionCommands, ConnectionOutcomes
from bot.domain.connections.deferred import give_up_later, list_later
from bot.domain.connections.expiry import ConnectionExpiry
from bot.domain.connections.personal_tokens import PersonalTokenForms
from bot.domain.connections.tool_pinning import ToolPinning
from bot.domain.connections.vaults import MemberVaults
from bot.domain.context import DomainContext
from oauth.catalog.probe import Prober
from oauth.catalog.saved_services import SavedServices, WorkspaceCatalog
from oauth.connect.browser import SlackIdentity
from oauth.connect.connect_context import CodeInSlack, ConnectContext
from oauth.connect.connections import Connections
from oauth.connect.personal_tokens import PersonalTokens
from oauth.connect.tool_inventory import ToolInventory
from oauth.mcp.list_tools import ToolLister

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender


@dataclass(frozen=True, slots=True)
class ConnectWays:
    """How browsers reach Deputy and are known, and how Deputy reaches services."""

    base_url: str
    identity: SlackIdentity | None
    """None: a code that is typed into Slack proves whose browser it is."""
    sender: GuardedSender


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberConnections:
    """Connections, and what the nouns after them need of them."""

    browser: Connections
    commands: ConnectionCommands
    tokens: PersonalTokenForms
    outcomes: ConnectionOutcomes
    expiry: ConnectionExpiry
    vaults: MemberVaults
    services: SavedServices
    inventory: ToolInventory
    pinning: ToolPinning


def build_connections(context: DomainContext, access: Admission, ways: ConnectWays) -> MemberConnections:
    """Build it for the one workspace."""
    database, catalog, clock = context.database, context.catalog, context.clock
    vaults = MemberVaults(database=database, agents=context.agents, clock=clock, require=access.require_connecting)
    expiry, pinning = ConnectionExpiry(context, vaults), ToolPinning(context)
    outcomes = ConnectionOutcomes(context, expiry)
    lister = ToolLister(ways.sender)
    inventory = ToolInventory(database=database, listing=lister, clock=clock, on_listed=pinning.listed)
    oauth = ConnectContext(
        database=database, catalog=catalog, vaults=vaults, sender=ways.sender, clock=clock, base_url=ways.base_url
    )
    browser = Connections(
        oauth,
        outcomes=outcomes,
        proof=ways.identity or CodeInSlack(give_up_later(context)),
        on_token=list_later(inventory, context.supervisor),
    )
    workspace = WorkspaceCatalog(workspace_id=context.workspace.id, database=database, catalog=catalog, clock=clock)
    tokens = PersonalTokens(oauth, listing=lister, inventory=inventory)
    return MemberConnections(
        browser=browser,
        commands=ConnectionCommands(context, connections=browser, admission=access),
        tokens=PersonalTokenForms(context, personal=tokens, admission=access, expiry=expiry),
        outcomes=outcomes,
        expiry=expiry,
        vaults=vaults,
        services=SavedServices(workspace, prober=Prober(ways.sender, lister), on_dropped=vaults.let_go),
        inventory=inventory,
        pinning=pinning,
    )
