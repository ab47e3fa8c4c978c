"""What admins do: the settings, and the services they add."""

from __future__ import annotations

from bot import actions
from bot.domain.adding import Adding
from bot.domain.administering import Administering
from bot.domain.claiming import Claiming
from bot.domain.clients import Clients
from bot.domain.shelves import Shelves
from bot.wiring.parts import Parts
from bot.wiring.room import Room
from bot.wiring.turns import Asking


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
    administering.add(actions.SETTINGS_CLIENT, clients.submit, "client", clients.panel)
    administering.add(actions.SETTINGS_URL, adding.look)
    administering.add(actions.SETTINGS_PROBED, adding.save)
    administering.add(actions.RAISE_FORM, asking.raising.submit)
    return administering
