"""Deputy is ended at a chosen point of a turn and started again: each request is carried out exactly once.

Ending cancels every task where it stands; a peer that holds its answer back decides where that is.
"""

import pytest

from bot.model import action_ids
from tests.world import ALICE, GENERAL, World

HELD = 60.0
TASK = "say exactly: done and dusted"


def once(world: World, root, task: str = TASK) -> None:
    """See that one prompt was sent, one answer is there, and nothing is left open."""
    assert world.requests() == [task]
    assert len(world.agents.sessions) == 1
    assert len(world.answers(root)) == 1
    assert world.slack.workspace.open_streams() == []
    assert world.slack.broken_streams == []
    thread = world.slack.thread(root.channel, root.ts)
    assert not any(action_ids.STOP in world.slack.buttons_of(message) for message in thread)


def roots(world: World) -> list:
    return [
        m for m in world.slack.messages(GENERAL) if "asked" in world.slack.text_of(m) and m.thread_ts in (None, m.ts)
    ]


async def the_only_root(world: World):
    """Return the one root message of the channel once there is one."""
    await world.slack.until(lambda _: roots(world))
    (root,) = roots(world)
    return root


async def test_a_trap_dedupe_that_marks_a_delivery_done_before_it_is(deputy_world: World):
    """Ended after the request was stored and answered, before anything came of it."""
    deputy_world.slack.latency["chat.postMessage"] = HELD
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, f"/agent ask {TASK}")
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of("chat.postMessage"))
    assert roots(deputy_world) == []
    deputy_world.slack.latency.clear()

    async with deputy_world.deputy():
        root = await the_only_root(deputy_world)
        await deputy_world.answered(root)
        await deputy_world.settled()

        once(deputy_world, await the_only_root(deputy_world))


async def test_ended_after_the_root_was_posted_it_is_not_posted_again(deputy_world: World):
    deputy_world.slack.latency_after["chat.postMessage"] = HELD
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, f"/agent ask {TASK}")
        await the_only_root(deputy_world)
    deputy_world.slack.latency_after.clear()

    async with deputy_world.deputy():
        root = await the_only_root(deputy_world)
        await deputy_world.answered(root)
        await deputy_world.settled()

        once(deputy_world, await the_only_root(deputy_world))


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/v1/vaults", "timeout_after"),
        ("POST", "/v1/sessions", "timeout"),
        ("POST", "/v1/sessions", "timeout_after"),
        ("GET", "/v1/sessions/*/events/stream", "timeout"),
        ("POST", "/v1/sessions/*/events", "timeout"),
        ("POST", "/v1/sessions/*/events", "timeout_after"),
    ],
    ids=["vault_made", "before_create", "session_made", "session_stored", "before_send", "sent"],
)
async def test_ended_on_the_way_to_the_session_nothing_is_made_or_sent_twice(
    deputy_world: World, method: str, path: str, kind: str
):
    fault = deputy_world.agents.faults.add(path, method, kind=kind)
    async with deputy_world.deputy():
        await deputy_world.slack.type_command(ALICE, GENERAL, f"/agent ask {TASK}")
        await deputy_world.agents.until(lambda _: fault.done)
    deputy_world.agents.faults.clear()

    async with deputy_world.deputy():
        root = await the_only_root(deputy_world)
        await deputy_world.answered(root)
        await deputy_world.settled()

        once(deputy_world, await the_only_root(deputy_world))
        assert len(deputy_world.agents.vaults) == 1


async def test_a_trap_no_stream_reopened_after_a_restart(deputy_world: World):
    """The turn went on at the API while Deputy was away: it is taken up and shown to its end."""
    deputy_world.agents.pace = 0.02
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 120 words")
        await deputy_world.slack.until(lambda ws: ws.open_streams())
    deputy_world.agents.pace = 0.0
    await deputy_world.agents.until(lambda world: all(s.task is None for s in world.sessions.values()))

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()

        once(deputy_world, root, "write a long text of 120 words")
        shown = " ".join(deputy_world.slack.text_of(m) for m in deputy_world.slack.thread(root.channel, root.ts))
        assert shown.count("lorem") == 4  # every 35th of 120 words: all of them, none twice


async def test_ended_while_a_call_is_held_the_same_card_still_decides(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `ls`")
        card = await deputy_world.button(ALICE, root, action_ids.APPROVE)

    async with deputy_world.deputy():
        await deputy_world.slack.click(ALICE, card, action_ids.APPROVE)
        await deputy_world.answered(root)
        await deputy_world.settled()

        once(deputy_world, root, "run `ls`")
        assert f"Approved by <@{ALICE}>" in deputy_world.slack.text_of(card)
        assert len(deputy_world.sent("user.tool_confirmation")) == 1


async def test_ended_after_the_card_was_posted_there_is_one_card(deputy_world: World):
    async with deputy_world.deputy():
        deputy_world.slack.faults.add("chat.postMessage", nth=3, kind="timeout_after")  # root, control line, card
        root = await deputy_world.ask(ALICE, "run `ls`")
        await deputy_world.button(ALICE, root, action_ids.APPROVE)

    async with deputy_world.deputy():
        card = await deputy_world.button(ALICE, root, action_ids.APPROVE)
        await deputy_world.slack.click(ALICE, card, action_ids.APPROVE)
        await deputy_world.answered(root)
        await deputy_world.settled()

        thread = deputy_world.slack.thread(root.channel, root.ts)
        assert sum("Approved by" in deputy_world.slack.text_of(message) for message in thread) == 1
        assert not any(action_ids.APPROVE in deputy_world.slack.buttons_of(message) for message in thread)


@pytest.mark.parametrize("kind", ["timeout", "timeout_after"])
@pytest.mark.parametrize("action", [action_ids.APPROVE, action_ids.DENY])
async def test_ended_between_a_decision_and_its_delivery_it_is_delivered_once(
    deputy_world: World, action: str, kind: str
):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `ls`")
        card = await deputy_world.button(ALICE, root, action_ids.APPROVE)
        fault = deputy_world.agents.faults.add("/v1/sessions/*/events", "POST", kind=kind)
        await deputy_world.slack.click(ALICE, card, action)
        await deputy_world.agents.until(lambda _: fault.done)
    deputy_world.agents.faults.clear()

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()

        (decision,) = deputy_world.sent("user.tool_confirmation")
        assert decision["result"] == {action_ids.APPROVE: "allow", action_ids.DENY: "deny"}[action]
        once(deputy_world, root, "run `ls`")
        assert action_ids.APPROVE not in deputy_world.slack.buttons_of(card)


async def test_an_approval_that_expired_while_deputy_was_away_is_a_no(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "run `ls`")
        await deputy_world.button(ALICE, root, action_ids.APPROVE)
    deputy_world.turn(15 * 60 + 1)

    async with deputy_world.deputy():
        await deputy_world.answered(root)

        assert [event["result"] for event in deputy_world.sent("user.tool_confirmation")] == ["deny"]


@pytest.mark.parametrize("held", ["latency", "latency_after"])
async def test_ended_around_the_last_stop_of_the_stream_the_answer_is_there_once(deputy_world: World, held: str):
    deputy_world.agents.pace = 0.02
    getattr(deputy_world.slack, held)["chat.stopStream"] = HELD
    task = "write a long text of 60 words"
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, task)
        await deputy_world.slack.until(lambda _: deputy_world.slack.calls_of("chat.stopStream"))
    getattr(deputy_world.slack, held).clear()

    async with deputy_world.deputy():
        await deputy_world.answered(root)
        await deputy_world.settled()

        once(deputy_world, root, task)


async def test_ended_while_a_request_was_queued_both_are_answered_in_order(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "think for 1 seconds")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
        await deputy_world.slack.post_message(ALICE, root.channel, "say exactly: two", thread_ts=root.ts)
        await deputy_world.answer_in(root, "Queued")

    async with deputy_world.deputy():
        await deputy_world.answered(root, 2)
        await deputy_world.settled()

        assert deputy_world.requests() == ["think for 1 seconds", "say exactly: two"]


async def test_ended_after_stop_was_asked_for_the_turn_is_stopped_at_the_next_start(deputy_world: World):
    deputy_world.agents.pace = 0.05
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "write a long text of 2000 words")
        await deputy_world.agents.until(lambda _: deputy_world.sent())
        fault = deputy_world.agents.faults.add("/v1/sessions/*/events", "POST", kind="timeout")
        await deputy_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
        await deputy_world.agents.until(lambda _: fault.done)
    deputy_world.agents.faults.clear()

    async with deputy_world.deputy():
        await deputy_world.answer_in(root, "stopped")
        await deputy_world.settled()

        assert len(deputy_world.sent("user.interrupt")) == 1


async def test_a_request_that_is_stopped_before_it_was_sent_never_reaches_the_session(deputy_world: World):
    fault = deputy_world.agents.faults.add("/v1/sessions", "POST", kind="timeout")
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, TASK)
        await deputy_world.agents.until(lambda _: fault.done)
        await deputy_world.slack.post_message(ALICE, root.channel, "stop", thread_ts=root.ts)
        await deputy_world.whispered(ALICE, "topping")
    deputy_world.agents.faults.clear()

    async with deputy_world.deputy():
        await deputy_world.answer_in(root, "stopped")
        await deputy_world.settled()

        assert deputy_world.requests() == []
        assert deputy_world.sent("user.interrupt") == []


async def test_a_thread_goes_on_in_its_session_after_a_restart(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "say exactly: one")
        await deputy_world.answered(root)
        await deputy_world.settled()

    async with deputy_world.deputy():
        await deputy_world.slack.post_message(ALICE, root.channel, "what did I ask before?", thread_ts=root.ts)
        await deputy_world.answered(root, 2)

        assert len(deputy_world.agents.sessions) == 1


async def test_an_event_redelivered_to_the_next_process_is_done_once(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, TASK)
        await deputy_world.answered(root)
        await deputy_world.settled()
    first = next(d for d in deputy_world.slack.deliveries.log if d.kind == "slash_commands")

    async with deputy_world.deputy():
        again = deputy_world.slack.deliver("slash_commands", first.payload)
        await again.settled.wait()
        await deputy_world.settled()

        once(deputy_world, root)


async def test_what_happened_in_slack_while_deputy_was_away_is_done_when_it_is_back(deputy_world: World):
    async with deputy_world.deputy():
        root = await deputy_world.ask(ALICE, "say exactly: one")
        await deputy_world.answered(root)
        await deputy_world.settled()
    await deputy_world.slack.post_message(ALICE, root.channel, "say exactly: two", thread_ts=root.ts)

    async with deputy_world.deputy():
        await deputy_world.answered(root, 2)

        assert deputy_world.requests() == ["say exactly: one", "say exactly: two"]
