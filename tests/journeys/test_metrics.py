"""What operators watch says how turns ended, and names nobody."""

import httpx2

from tests.world import ALICE, World


async def metrics(world: World) -> str:
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{world.settings.public_url}/metrics")
    assert answer.status_code == 200
    return answer.text


async def test_turns_are_counted_by_how_they_ended_and_nobody_is_named(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: hello")
    await running_world.answered(root)
    await running_world.settled()

    told = await metrics(running_world)

    assert 'deputy_turns_ended_total{outcome="answered"} 1.0' in told
    assert "deputy_threads_driven 0.0" in told
    assert ALICE not in told
    assert "hello" not in told
    assert root.channel not in told
