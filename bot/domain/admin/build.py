"""Builds what admins use: settings in Slack, and the services they add."""

from __future__ import annotations

from bot.domain.admin.add_service import AddService
from bot.domain.admin.commands import AdminCommands
from bot.domain.admin.config_edits import ConfigEdits
from bot.domain.admin.config_panels import ConfigPanels
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
    browser, services = connections.browser, connections.services
    queries = AdminQueries(context, connections=browser, services=services)
    adding = AddService(context, services=services, queries=queries)
    clients = OAuthClientForms(context, services=services, queries=queries, base_url=browser.base_url)
    forms = {
        action_ids.SETTINGS_CLIENT: clients.submit,
        action_ids.SETTINGS_URL: adding.look,
        action_ids.SETTINGS_PROBED: adding.save,
        action_ids.RAISE_FORM: budgets.commands.submit,
    }
    panels = ConfigPanels(context, queries=queries, others={"client": clients.panel})
    edits = ConfigEdits(context, profiles=sessions.profiles, stopper=turns.stopper, queries=queries)
    return AdminCommands(context, panels=panels, edits=edits, forms=forms)
