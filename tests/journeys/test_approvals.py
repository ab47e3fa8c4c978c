import hashlib
import json

import pytest

from bot.model import action_ids
from simulator.slack import people
from tests.world import ALICE, BOB, CAROL, GENERAL, World

EXPIRY = 15 * 60


async def held(world: World, task: str = "run `ls`", user: str = ALICE):
    """Let a member's turn come to a held call; return the thread's root and the card."""
    root = await world.ask(user, task)
    return root, await world.button(user, root, action_ids.APPROVE)


def value_of(world: World, card, action: str = action_ids.APPROVE) -> str:
    return world.slack.buttons_of(card)[action]["value"]


def decisions(world: World) -> list[str]:
    return [event["result"] for event in world.sent("user.tool_confirmation")]


async def test_a_trap_treating_requires_action_as_done(running_world: World):
    root, _ = await held(running_world)

    thread = running_world.slack.thread(root.channel, root.ts)
    assert running_world.answers(root) == []
    assert not any("✓" in running_world.slack.text_of(message) for message in thread)
    await running_world.slack.type_command(ALICE, GENERAL, "/agent status")
    await running_world.whispered(ALICE, "Waiting for you")


async def test_a_trap_streams_left_open_past_five_minutes(running_world: World):
    """While a person is waited for nothing may stream: Slack breaks what streams for five minutes."""
    root, card = await held(running_world)
    await running_world.slack.until(lambda ws: not ws.open_streams())

    running_world.turn(6 * 60)
    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answered(root)

    assert running_world.slack.broken_streams == []


async def test_a_denial_with_a_reason_reaches_the_agent_in_the_owners_words(running_world: World):
    root, card = await held(running_world)
    await running_world.slack.click(ALICE, card, action_ids.DENY_WITH_REASON)
    form = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))
    reason = "not on a Friday, <@everyone>"
    await running_world.slack.submit_view(ALICE, form, {action_ids.DENY_FIELD_BLOCK: {action_ids.DENY_FIELD: reason}})
    await running_world.answered(root)

    (decision,) = running_world.sent("user.tool_confirmation")
    assert (decision["result"], decision["deny_message"]) == ("deny", reason)
    assert running_world.slack.modal_of(ALICE) is None
    assert f"Denied by <@{ALICE}> with a reason" in running_world.slack.text_of(card)
    assert "Friday" not in running_world.slack.text_of(card)


async def test_a_double_click_decides_once_and_says_so(running_world: World):
    root, card = await held(running_world)
    value = value_of(running_world, card)

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE, value=value)
    await running_world.slack.forge_click(ALICE, card, action_ids.DENY, value=value)
    await running_world.answered(root)
    await running_world.slack.until(lambda _: running_world.whispers(ALICE).count("already handled") == 2)

    assert decisions(running_world) == ["allow"]
    assert len(await running_world.audited("approval.allowed")) == 1


async def test_a_click_after_fifteen_minutes_decides_nothing(running_world: World):
    root, card = await held(running_world)
    value = value_of(running_world, card)

    running_world.turn(EXPIRY + 1)
    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE, value=value)
    await running_world.whispered(ALICE, "has expired")
    await running_world.answered(root)

    (decision,) = running_world.sent("user.tool_confirmation")
    assert decision["result"] == "deny"
    assert "nobody decided in time" in running_world.slack.text_of(card)
    assert action_ids.APPROVE not in running_world.slack.buttons_of(card)


async def test_an_approval_nobody_decides_expires_to_a_no_and_the_turn_goes_on(running_world: World):
    root, card = await held(running_world)

    running_world.turn(EXPIRY - 30)
    assert decisions(running_world) == []
    running_world.turn(31)
    await running_world.answered(root)

    assert decisions(running_world) == ["deny"]
    assert "nobody decided in time" in running_world.slack.text_of(card)


async def test_a_trap_a_stale_button_approving_a_newer_call(running_world: World):
    """A card's button carries which call it showed; it is worth nothing for another."""
    first_root, first = await held(running_world)
    _, second = await held(running_world, "run `rm -rf /`")
    first_id, _, first_hash = value_of(running_world, first).partition(":")
    second_id, _, second_hash = value_of(running_world, second).partition(":")

    await running_world.slack.forge_click(ALICE, second, action_ids.APPROVE, value=f"{second_id}:{first_hash}")
    await running_world.whispered(ALICE, "has changed since you saw it")
    await running_world.slack.forge_click(ALICE, second, action_ids.APPROVE, value=f"{second_id}:")
    await running_world.slack.forge_click(ALICE, second, action_ids.APPROVE, value=value_of(running_world, first))
    await running_world.answered(first_root)

    assert first_hash != second_hash and first_id != second_id
    (decision,) = running_world.sent("user.tool_confirmation")
    used = [event for event in running_world.sent("agent.tool_use") if event["id"] == decision["tool_use_id"]]
    assert used[0]["input"] == {"command": "ls"}


async def test_a_call_that_changed_at_the_session_after_it_was_shown_is_denied(running_world: World):
    root, card = await held(running_world)
    (session,) = running_world.agents.sessions.values()
    next(event for event in session.events if event["type"] == "agent.tool_use")["input"] = {"command": "rm -rf /"}

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answered(root)

    assert decisions(running_world) == ["deny"]


async def test_a_trap_approval_previews_shown_to_the_whole_channel(running_world: World):
    root, card = await held(running_world, "run `cat salaries.csv`")

    public = [
        running_world.slack.text_of(m) for m in running_world.slack.thread(root.channel, root.ts) if m is not root
    ]
    assert not any("salaries" in text and "Approval" in text for text in public)
    assert "salaries" not in running_world.slack.text_of(card)
    assert not set(running_world.slack.buttons_of(card, BOB))


@pytest.mark.fault("S23", "C11")
async def test_what_a_public_card_carries_does_not_let_arguments_be_guessed(running_world: World):
    """Who reads the card tries the few commands that it may be: without the key no guess can be confirmed."""
    _, card = await held(running_world, "run `cat salaries.csv`")
    _, again = await held(running_world, "run `cat salaries.csv`")

    values = [running_world.slack.buttons_of(one, ALICE)[action_ids.APPROVE]["value"] for one in (card, again)]
    assert len({value.partition(":")[2] for value in values}) == 2
    (call, _) = running_world.sent_calls()
    whole = {"service": None, "tool": call["name"], "arguments": call["input"]}
    guesses = [whole, call["input"], call["input"]["command"]]
    texts = [one if isinstance(one, str) else json.dumps(one, sort_keys=True, separators=(",", ":")) for one in guesses]
    public = repr([one.args for one in running_world.slack.calls])
    assert not any(hashlib.sha256(text.encode()).hexdigest()[:8] in public for text in texts)
    # The key is made of them, so Slack may never be told one.
    assert not any(session_id in public for session_id in running_world.agents.sessions)


async def test_details_are_private_and_literal(running_world: World):
    _, card = await held(running_world, "run `echo <!channel> *x* \u202etxt`")

    await running_world.slack.click(ALICE, card, action_ids.SHOW_DETAILS)
    modal = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))

    shown = str(modal.payload["blocks"])
    assert "echo <!channel> *x*" in shown
    assert "\u202e" not in shown and "202e" in shown
    assert running_world.slack.modal_of(BOB) is None
    assert [
        ping for ping in running_world.slack.workspace.pings if ping.target == "channel" and ping.by == people.BOT
    ] == []


@pytest.mark.parametrize("who", [BOB, CAROL], ids=["another", "admin"])
@pytest.mark.parametrize(
    "action", [action_ids.APPROVE, action_ids.DENY, action_ids.DENY_WITH_REASON, action_ids.SHOW_DETAILS]
)
async def test_nobody_but_the_owner_decides_or_looks(running_world: World, who: str, action: str):
    _, card = await held(running_world)
    value = value_of(running_world, card)

    await running_world.slack.forge_click(who, card, action, value=value)

    await running_world.whispered(who, "Only the person who asked")
    assert running_world.slack.modal_of(who) is None
    assert decisions(running_world) == []
    assert action_ids.APPROVE in running_world.slack.buttons_of(card, ALICE)


@pytest.mark.parametrize("callback", [action_ids.DENY_FORM, action_ids.DETAILS_VIEW])
async def test_a_form_about_a_call_sent_by_another_decides_nothing(running_world: World, callback: str):
    _, card = await held(running_world)
    view = {
        "type": "modal",
        "id": "V1",
        "hash": "1",
        "callback_id": callback,
        "private_metadata": value_of(running_world, card),
    }
    running_world.slack.deliver(
        "interactive",
        {"type": "view_submission", "user": {"id": BOB}, "team": {"id": people.TEAM}, "view": view},
    )
    await running_world.slack.until(
        lambda _: any("Only the person" in running_world.slack.text_of(m) for m in running_world.slack.dms(BOB))
    )

    assert decisions(running_world) == []


async def test_a_trap_approval_only_for_tools_annotated_destructive(running_world: World):
    """What is not listed as allowed is held, whatever a service says of it."""
    running_world.notes.extra_tools["peek_everything"] = "Reads nothing. readOnlyHint: true"
    await running_world.connect_notes(ALICE)

    _, card = await held(running_world, "call the tool peek_everything with {}")

    assert [call.tool for call in running_world.notes.calls] == []
    assert action_ids.APPROVE in running_world.slack.buttons_of(card, ALICE)


async def test_a_tool_that_was_never_allowed_is_not_even_asked_about(running_world: World):
    root = await running_world.ask(ALICE, "call the tool no_such_tool with {}")
    await running_world.answered(root)

    thread = running_world.slack.thread(root.channel, root.ts)
    assert not any(action_ids.APPROVE in running_world.slack.buttons_of(message) for message in thread)


async def held_together(world: World, count: int, task: str = ""):
    """Let a turn come to several held calls; return its root and the card, once it shows all of them."""
    root = await world.ask(ALICE, task or f"call {count} tools at once")
    last = action_ids.APPROVE if count == 1 else f"{action_ids.APPROVE}/{count}"
    return root, await world.button(ALICE, root, last)


async def test_several_held_calls_are_one_card_and_each_is_decided_by_itself(running_world: World):
    root, card = await held_together(running_world, 3)
    approve = running_world.slack.buttons_of(card, ALICE)
    second = approve[f"{action_ids.APPROVE}/2"]["value"]

    await running_world.slack.click(ALICE, card, f"{action_ids.DENY}/2")
    for mark in ("", "/3"):
        value = approve[f"{action_ids.APPROVE}{mark}"]["value"]
        await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE, value=value)
    (answer,) = await running_world.answered(root)

    assert "2 of 3 calls were made" in running_world.slack.text_of(answer)
    assert sorted(decisions(running_world)) == ["allow", "allow", "deny"]
    assert (await running_world.audited("approval.denied"))[0].subject == second.partition(":")[0]
    cards = [
        m for m in running_world.slack.thread(root.channel, root.ts) if "Approved by" in running_world.slack.text_of(m)
    ]
    assert cards == [card]


async def test_all_that_is_shown_is_allowed_by_one_click_after_a_question(running_world: World):
    root, card = await held_together(running_world, 3)
    button = running_world.slack.buttons_of(card, ALICE)[action_ids.APPROVE_ALL]

    await running_world.slack.click(ALICE, card, action_ids.APPROVE_ALL)
    await running_world.answered(root)

    assert "confirm" in button
    assert decisions(running_world) == ["allow"] * 3
    assert len(await running_world.audited("approval.allowed")) == 3


async def test_one_click_for_all_by_another_or_with_wrong_hashes_decides_nothing(running_world: World):
    _, card = await held_together(running_world, 3)
    value = running_world.slack.buttons_of(card, ALICE)[action_ids.APPROVE_ALL]["value"]

    await running_world.slack.forge_click(BOB, card, action_ids.APPROVE_ALL, value=value)
    await running_world.whispered(BOB, "Only the person who asked")
    wrong = ",".join(f"{one.partition(':')[0]}:{'0' * 64}" for one in value.split(","))
    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE_ALL, value=wrong)
    await running_world.whispered(ALICE, "has changed since you saw it")
    await running_world.slack.forge_click(ALICE, card, action_ids.APPROVE_ALL, value=",,:")
    await running_world.whispered(ALICE, "no longer there")

    assert decisions(running_world) == []


async def test_more_calls_than_a_card_holds_are_on_several(running_world: World):
    root = await running_world.ask(ALICE, "call 10 tools at once")

    def waiting(_):
        thread = running_world.slack.thread(root.channel, root.ts)
        shown = [running_world.slack.buttons_of(message, ALICE) for message in thread]
        found = [sum(one.split("/")[0] == action_ids.APPROVE for one in buttons) for buttons in shown]
        return [count for count in found if count] if sum(found) == 10 else None

    assert await running_world.slack.until(waiting) == [8, 2]


async def test_always_allow_is_for_this_tool_in_this_thread_and_is_shown_as_such(running_world: World):
    await running_world.configure({"approvals": {"always_allow": "any"}})
    root, card = await held(running_world)
    await running_world.slack.click(ALICE, card, action_ids.ALWAYS_ALLOW)
    await running_world.answered(root)
    await running_world.slack.post_message(ALICE, GENERAL, "run `date`", thread_ts=root.ts)
    await running_world.answered(root, 2)
    other_root, _ = await held(running_world)

    assert decisions(running_world) == ["allow", "allow"]
    thread = running_world.slack.thread(root.channel, root.ts)
    assert any("approved without asking" in running_world.slack.text_of(message) for message in thread)
    given, used = await running_world.audited("allowance.given"), await running_world.audited("approval.allowed")
    assert [entry.details["tool"] for entry in given] == ["bash"]
    assert [entry.details.get("allowance") for entry in used] == [None, given[0].subject]
    assert running_world.answers(other_root) == []


@pytest.mark.fault("S11", "C4")
@pytest.mark.parametrize("tool", ["delete_everything", "deletenote", "execute_sql", "create_payment", "tidy_up"])
async def test_always_allow_is_not_offered_for_what_is_not_known_to_read_and_cannot_be_forged(
    running_world: World, tool
):
    running_world.notes.extra_tools[tool] = "Does things."
    await running_world.connect_notes(ALICE)
    _, card = await held(running_world, f"call the tool {tool} with {{}}")
    value = value_of(running_world, card)

    assert action_ids.ALWAYS_ALLOW not in running_world.slack.buttons_of(card, ALICE)
    await running_world.slack.forge_click(ALICE, card, action_ids.ALWAYS_ALLOW, value=value)
    await running_world.whispered(ALICE, "asked about each time")

    assert decisions(running_world) == []
    assert await running_world.audited("allowance.given") == []


@pytest.mark.fault("S11", "C5")
async def test_commands_are_asked_about_each_time(running_world: World):
    _, card = await held(running_world)

    assert action_ids.APPROVE in running_world.slack.buttons_of(card, ALICE)
    assert action_ids.ALWAYS_ALLOW not in running_world.slack.buttons_of(card, ALICE)


async def test_a_call_is_approved_in_its_details_with_what_they_showed(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "call 3 tools at once")
    card = await running_world.button(ALICE, root, f"{action_ids.SHOW_DETAILS}/2")
    await running_world.slack.click(ALICE, card, f"{action_ids.SHOW_DETAILS}/2")
    view = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))
    await running_world.slack.submit_view(ALICE, view)
    await running_world.slack.until(lambda _: decisions(running_world))

    assert running_world.slack.modal_of(ALICE) is None
    assert decisions(running_world) == ["allow"]
    assert "2 calls wait" in running_world.slack.text_of(card)
    assert "Note 2" in str(view.payload)


async def test_long_arguments_are_turned_page_by_page(running_world: World):
    _, card = await held(running_world, f"run `{'€' * 29_000}`")
    await running_world.slack.click(ALICE, card, action_ids.SHOW_DETAILS)
    modal = await running_world.slack.until(lambda _: running_world.slack.modal_of(ALICE))
    assert "Page 1 of" in str(modal.payload)

    await running_world.slack.click(ALICE, modal, f"{action_ids.DETAILS_PAGE}/next")
    await running_world.slack.until(lambda _: "Page 2 of" in str(running_world.slack.modal_of(ALICE).payload))


async def test_a_decision_is_not_sent_when_the_session_has_another_vault(running_world: World):
    _, card = await held(running_world)
    (session,) = running_world.agents.sessions.values()
    session.vault_ids = ["vlt_01SomebodyElse"]

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.settled()

    assert decisions(running_world) == []


async def test_the_owner_is_reminded_by_direct_message_at_half_time_and_once(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    await running_world.button(ALICE, root, action_ids.APPROVE)

    def reminders() -> list[str]:
        told = [running_world.slack.text_of(message) for message in running_world.slack.dms(ALICE)]
        return [text for text in told if "Waits for your decision" in text]

    running_world.turn(EXPIRY / 2 - 30)
    assert reminders() == []
    running_world.turn(60)
    await running_world.slack.until(lambda _: reminders())
    running_world.turn(60)
    card = await running_world.button(ALICE, root, action_ids.DENY)
    await running_world.slack.click(ALICE, card, action_ids.DENY)
    await running_world.answer_in(root)

    assert len(reminders()) == 1
    assert "*Use write_note in Notes*" in reminders()[0]
    assert "Expires" in reminders()[0]
    assert "soup" not in reminders()[0]
