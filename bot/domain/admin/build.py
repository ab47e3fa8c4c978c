"""Builds what admins use: settings in Slack, and the services they add."""

from __future__ import annotations

from bot.domain.admin.add_service import AddService
from bot.domain.admin.commands import AdminCommands
from bot.domain.admin.first_admin import FirstAdmin
from bot.domain.admin.oauth_client import OAuthClientForms
from bot.domain.admin.queries import AdminQueries
from bot.domain.budgets.build import BudgetIncreases
from bot.domain.connections.build import MemberConnections
from bot.domain.context import DomainContext
from bot.domain.sessions.build import Sessions
from bot.domain.turns.build import Turns
from bot.model import action_ids


def build_admin(
    context: DomainContext,
    budgets: BudgetIncreases,
    connections: MemberConnections,
    sessions: Sessions,
    turns: Turns,
) -> AdminCommands:
    """Build the settings' panels, with the way to add a service by its address among them."""
    services = connections.services
    commands = AdminCommands(
        configuration=context.config,
        profiles=sessions.profiles,
        stopping=turns.stopper,
        shelves=AdminQueries(context, connections=connections.browser, services=services),
        claiming=FirstAdmin(context),
        screen=context.screen,
        supervisor=context.supervisor,
    )
    adding = AddService(context, services=services, administering=commands)
    clients = OAuthClientForms(
        context, services=services, administering=commands, base_url=connections.browser.base_url
    )
    commands.add(action_ids.SETTINGS_CLIENT, clients.submit, "client", clients.panel)
    commands.add(action_ids.SETTINGS_URL, adding.look)
    commands.add(action_ids.SETTINGS_PROBED, adding.save)
    commands.add(action_ids.RAISE_FORM, budgets.commands.submit)
    return commands
