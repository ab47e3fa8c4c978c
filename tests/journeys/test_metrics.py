"""What operators watch says how turns ended, and names nobody."""

from tests.world import ALICE, World


async def test_turns_are_counted_by_how_they_ended_and_nobody_is_named(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: hello")
    await running_world.answered(root)
    await running_world.settled()

    told = await running_world.metrics()

    assert 'deputy_turns_ended_total{outcome="answered"} 1.0' in told
    assert "deputy_threads_driven 0.0" in told
    assert ALICE not in told
    assert "hello" not in told
    assert root.channel not in told
