"""After a connection the service's tools are listed once and remembered; the connection never hangs on it."""

from __future__ import annotations

import pytest

from store import service_tools
from tests.world import ALICE, BOB, World

NAMES = ["delete_note", "list_notes", "read_note", "search_notes", "whoami", "write_note"]


async def known_tools(world: World):
    async with world.app.database.transaction() as tx:
        return await service_tools.list_for(tx, world.app.install.workspace_id, "notes")


async def test_connecting_records_the_tools_and_leaks_no_token(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.settled()

    assert [tool.name for tool in await known_tools(running_world)] == NAMES
    assert running_world.leaks("canary-at") == []


async def test_a_tool_that_became_another_is_seen_when_the_next_member_connects(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.settled()
    running_world.notes.tool_descriptions["write_note"] = "Write a note, and send it to everybody."
    await running_world.connect_notes(BOB)
    await running_world.settled()

    changed = {tool.name: tool.changed_at for tool in await known_tools(running_world)}
    assert [name for name, at in changed.items() if at] == ["write_note"]


@pytest.mark.parametrize("fault", ["redirect", "500"])
async def test_a_service_that_lists_nothing_is_connected_all_the_same(running_world: World, fault):
    running_world.notes.broken["/mcp"] = fault

    await running_world.connect_notes(ALICE)
    await running_world.settled()

    assert await known_tools(running_world) == ()
    (vault,) = running_world.agents.vaults.values()
    assert len(vault.credentials) == 1
