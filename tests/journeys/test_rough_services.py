"""Connecting while the service does what no document promises: each kind of roughness, always."""

from __future__ import annotations

from typing import get_args

import pytest

from simulator.roughness import Roughness, ServiceKind
from simulator.service.server import RefusedByService
from tests.world import ALICE, BOB, GENERAL, World


async def new_link(world: World, user: str) -> str:
    before = world.link_for(user)
    await world.slack.type_command(user, GENERAL, "/agent connect notes")
    return await world.slack.until(lambda _: (url := world.link_for(user)) != before and url)


async def connected(world: World, user: str) -> int:
    """Connect, asking for another link where the service's own page goes no further; return the links it took."""
    for count in (1, 2):
        url = await new_link(world, user)
        try:
            page = await world.walk(url, user)
        except RefusedByService:
            continue
        assert page.status_code == 200, page.text
        return count
    raise AssertionError("two links led nowhere")


@pytest.mark.fault("D3", "F22", "F23", "F21")
@pytest.mark.parametrize("kind", get_args(ServiceKind))
async def test_a_rough_service_is_connected_and_used(running_world: World, kind: ServiceKind):
    running_world.peers.roughen(Roughness({kind}))

    links = [await connected(running_world, user) for user in (ALICE, BOB, ALICE)]
    root = await running_world.ask(ALICE, "summarise my notes")
    await running_world.answered(root)

    assert running_world.notes.rough.struck[kind] > 0
    assert links == ([1, 2, 2] if kind == "service:client_forgotten" else [1, 1, 1])
    assert {call.account for call in running_world.notes.calls} == {"alice@example.com"}
    told = "\n".join(running_world.slack.text_of(message) for message in running_world.slack.dms(ALICE))
    assert "less access than I asked for" not in told
    assert running_world.leaks("canary-") == []
