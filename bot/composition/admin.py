"""What admins do: the settings, and the services they add."""

from __future__ import annotations

from bot.composition.connections import Room
from bot.composition.context import Parts
from bot.composition.turns import Asking
from bot.domain.admin.add_service import Adding
from bot.domain.admin.commands import Administering
from bot.domain.admin.first_admin import Claiming
from bot.domain.admin.oauth_client import Clients
from bot.domain.admin.queries import Shelves
from bot.model import action_ids


def build_administering(parts: Parts, room: Room, asking: Asking) -> Administering:
    """Build the settings' panels, with the way to add a service by its address among them."""
    screen, supervisor = parts.outside.screen, parts.supervisor
    shelves = Shelves(
        database=parts.database,
        catalog=parts.catalog,
        configuration=parts.configuration,
        connections=room.connections,
        services=room.services,
    )
    administering = Administering(
        configuration=parts.configuration,
        profiles=asking.profiles,
        stopping=asking.stopping,
        shelves=shelves,
        claiming=Claiming(configuration=parts.configuration, people=parts.people, screen=parts.outside.screen),
        screen=screen,
        supervisor=supervisor,
    )
    adding = Adding(
        services=room.services,
        administering=administering,
        screen=screen,
        supervisor=supervisor,
        clock=parts.outside.clock,
    )
    clients = Clients(
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
