"""Builds what admins use: settings in Slack, and the services they add."""

from __future__ import annotations

from bot.composition.connections import ConnectionParts
from bot.composition.context import Context
from bot.composition.turns import TurnParts
from bot.domain.admin.add_service import AddService
from bot.domain.admin.commands import AdminCommands
from bot.domain.admin.first_admin import FirstAdmin
from bot.domain.admin.oauth_client import OAuthClientForms
from bot.domain.admin.queries import AdminQueries
from bot.model import action_ids


def build_administering(parts: Context, room: ConnectionParts, asking: TurnParts) -> AdminCommands:
    """Build the settings' panels, with the way to add a service by its address among them."""
    screen, supervisor = parts.domain.screen, parts.domain.supervisor
    shelves = AdminQueries(
        database=parts.domain.database,
        catalog=parts.catalog,
        configuration=parts.configuration,
        connections=room.connections,
        services=room.services,
    )
    administering = AdminCommands(
        configuration=parts.configuration,
        profiles=asking.profiles,
        stopping=asking.stopping,
        shelves=shelves,
        claiming=FirstAdmin(configuration=parts.configuration, people=parts.people, screen=parts.domain.screen),
        screen=screen,
        supervisor=supervisor,
    )
    adding = AddService(
        services=room.services,
        administering=administering,
        screen=screen,
        supervisor=supervisor,
        clock=parts.domain.clock,
    )
    clients = OAuthClientForms(
        catalog=parts.catalog,
        services=room.services,
        administering=administering,
        supervisor=supervisor,
        base_url=parts.settings.public_url,
    )
    administering.add(action_ids.SETTINGS_CLIENT, clients.submit, "client", clients.panel)
    administering.add(action_ids.SETTINGS_URL, adding.look)
    administering.add(action_ids.SETTINGS_PROBED, adding.save)
    administering.add(action_ids.RAISE_FORM, asking.raising.submit)
    return administering
