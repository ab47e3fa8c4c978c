"""A service added, changed and taken away by the settings' file, while Deputy runs."""

from __future__ import annotations

import re

import pytest

from bot.config.yaml_file import read, write
from bot.config_cli import look, opened
from bot.model.errors import SettingsInvalid
from simulator.patience import patience
from simulator.service.server import ServiceSimulator
from store.records import Secret
from tests.world import ALICE, GENERAL, World


@pytest.fixture
async def papers(running_world: World):
    async with ServiceSimulator(clock=running_world.peers.clock).running() as service:
        service.no_registration = True
        yield service


def credentials(world: World, url: str) -> int:
    held = [one for vault in world.agents.vaults.values() for one in vault.credentials.values()]
    return sum(one.archived_at is None and one.auth["mcp_server_url"] == url for one in held)


async def link(world: World) -> str:
    """Return the link to connect it, once Deputy has taken the file up."""
    async with patience():
        while not (url := world.link_for(ALICE)):
            await world.slack.type_command(ALICE, GENERAL, "/agent connect service")
            await world.settled()
    return url


async def apply(world: World, text: str, secret: str = "") -> None:
    async with opened(world.settings, lambda _: Secret(secret) if secret else None) as commands:
        plan = await commands.plan(read(text))
        await commands.file.look(plan)
        await commands.file.apply(plan)
    world.turn(10)


async def test_a_service_from_the_file_is_connected_with_its_own_client_and_goes_as_it_came(running_world, papers):
    client = papers.preregister(f"{running_world.settings.public_url}/oauth/callback/service")
    looked = await look(papers.mcp_url, allow_loopback=True)
    with pytest.raises(SettingsInvalid, match="Nothing answers there"):
        await look("http://127.0.0.1:9/mcp", allow_loopback=True)
    assert "# Sign-in server: " in looked
    # The simulator's servers call themselves the same, and no two services may.
    text = (
        re.sub(r"(?m)^(\s+title:).*$", r"\1 Papers", looked)
        .replace("ID-OF-YOUR-CLIENT", client.client_id)
        .replace("  server-127-0-0-1:", "  service:")
    )

    await apply(running_world, text, client.client_secret)
    page = await running_world.walk(await link(running_world), ALICE, service=papers)

    assert page.status_code == 200
    assert credentials(running_world, papers.mcp_url) == 1
    async with opened(running_world.settings) as commands:
        exported = write(await commands.read())
    assert read(exported) == read(text)
    assert client.client_secret not in exported

    await apply(running_world, "# nothing\n")
    assert credentials(running_world, papers.mcp_url) == 0
