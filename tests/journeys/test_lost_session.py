from tests.world import ALICE, World


async def test_a_turn_whose_session_ended_while_deputy_was_away_says_so_instead_of_waiting(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 3000 words")
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of("chat.appendStream"))
    (session_id,) = deputy_world.agents.sessions

    await deputy_world.agents.terminate(session_id)
    async with deputy_world.deputy():
        thread = await deputy_world.answer_in(root, "session")

    assert not any(message.is_open_stream for message in thread)
