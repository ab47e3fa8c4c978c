"""The states of a session one by one: a stop works in each, and what sub-agents hold is asked about like the rest."""

from __future__ import annotations

import pytest

from bot.model import action_ids
from tests.world import ALICE, World

STOPPED = "Okay, I stopped."


def in_stream(world: World, kind: str):
    """Return a condition: some session has said an event of this kind."""
    return lambda _: any(
        event["type"] == kind for session in world.agents.sessions.values() for event in session.events
    )


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("think for 300 seconds", "agent.thinking"),
        ("write a long text of 3000 words", "session.status_running"),
        ("write a file called a.csv", "agent.tool_use"),
        ("run `ls`", "session.status_idle"),
        ("call 2 tools at once", "user.tool_confirmation"),
        ("reschedule", "session.status_rescheduled"),
        ("please fail", "session.error"),
    ],
    ids=["thinking", "writing", "calling", "held", "partly decided", "rescheduled", "retrying"],
)
async def test_a_stop_works_in_every_state(running_world: World, task: str, kind: str):
    running_world.agents.pace, running_world.agents.tool_delay = 0.3, 30
    root = await running_world.ask(ALICE, task)
    if kind == "user.tool_confirmation":
        card = await running_world.button(ALICE, root, action_ids.APPROVE)
        await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.agents.until(in_stream(running_world, kind))

    await running_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
    await running_world.answer_in(root, STOPPED)
    await running_world.settled()
    running_world.agents.pace = 0
    await running_world.slack.post_message(ALICE, root.channel, "say exactly: and on", thread_ts=root.ts)
    await running_world.agents.until(lambda _: len(running_world.sent()) > 1)
    await running_world.settled()

    assert "and on" in running_world.slack.text_of(running_world.answers(root)[-1])
    said = [running_world.slack.text_of(message) for message in running_world.slack.thread(root.channel, root.ts)]
    assert sum(STOPPED in words for words in said) == 1
    assert running_world.requests() == [task, "say exactly: and on"]
    assert len(running_world.agents.sessions) == 1


async def test_what_a_sub_agent_holds_is_decided_like_what_the_agent_holds_itself(running_world: World):
    root = await running_world.ask(ALICE, "let a helper run `ls` while you run `date`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    shown = running_world.slack.text_of(card)
    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    first = running_world.slack.buttons_of(card, ALICE)[action_ids.DENY]
    await running_world.slack.until(lambda _: running_world.slack.buttons_of(card, ALICE).get(action_ids.DENY) != first)
    await running_world.slack.click(ALICE, card, action_ids.DENY)

    (answer,) = await running_world.answered(root)

    assert shown.count("Run a command") >= 2
    assert "1 of 2 calls were made." in running_world.slack.text_of(answer)
    verdicts = running_world.sent("user.tool_confirmation")
    assert [event["result"] for event in verdicts] == ["allow", "deny"]
    assert not any("session_thread_id" in event for event in verdicts), "the API finds the thread by the call"


async def test_a_session_that_is_deleted_in_the_middle_of_a_turn_is_said_and_the_thread_goes_on(running_world: World):
    running_world.agents.pace = 0.05
    root = await running_world.ask(ALICE, "write a long text of 2000 words")
    await running_world.agents.until(in_stream(running_world, "session.status_running"))
    ((session_id, session),) = running_world.agents.sessions.items()
    await running_world.agents.machine.stop(session)
    running_world.agents.inject(session_id, {"type": "session.deleted"})
    del running_world.agents.sessions[session_id]

    await running_world.answer_in(root, "session has ended")
    await running_world.settled()
    running_world.agents.pace = 0
    await running_world.slack.post_message(ALICE, root.channel, "say exactly: and on", thread_ts=root.ts)
    await running_world.answered(root)

    assert running_world.requests() == ["say exactly: and on"]
