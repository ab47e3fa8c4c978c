"""What admins set holds for whoever asks, from the next request on; kill switches hold at once."""

from __future__ import annotations

from bot.model import action_ids
from bot.model.errors import Refusal
from bot.renderers.refusals import REFUSALS
from tests.world import ALICE, BOB, GENERAL, World

TRUSTED = {"default": {"preset": "trusted"}}


async def refused(world: World, user: str, refusal: Refusal, command: str = "/agent ask what can you do?") -> None:
    before = len(world.sent())
    await world.slack.type_command(user, GENERAL, command)
    await world.whispered(user, REFUSALS[refusal][:60])
    assert len(world.sent()) == before


async def test_a_paused_deputy_and_a_paused_member_are_told_so(running_world: World):
    await running_world.configure({"is_paused": True})
    await refused(running_world, ALICE, Refusal.ALL_PAUSED)

    await running_world.configure({"members": {ALICE: {"is_paused": True}}})
    await refused(running_world, ALICE, Refusal.MEMBER_PAUSED)

    await running_world.answer_in(await running_world.ask(BOB, "what can you do?"))


async def test_a_member_who_is_paused_in_the_middle_of_a_turn_is_stopped(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    await running_world.button(ALICE, root, action_ids.APPROVE)

    await running_world.configure({"members": {ALICE: {"is_paused": True}}})
    running_world.turn(10)

    await running_world.answer_in(root, "Okay, I stopped.")
    assert "Lunch" not in running_world.notes.accounts["alice@example.com"]
    (stopped,) = await running_world.audited("turn.stopped")
    assert stopped.actor == "kill switch"


async def test_a_paused_service_stops_what_uses_it_and_is_not_given_any_more(running_world: World):
    await running_world.connect_notes(ALICE)
    root = await running_world.ask(ALICE, "write a note Lunch: soup at noon")
    await running_world.button(ALICE, root, action_ids.APPROVE)

    await running_world.configure({"services": {"notes": {"is_paused": True}}})
    running_world.turn(10)
    await running_world.answer_in(root, "Okay, I stopped.")
    other = await running_world.ask(ALICE, "summarise my notes")
    await running_world.answer_in(other)

    newest = max(running_world.agents.sessions.values(), key=lambda session: session.serial)
    assert newest.agent["mcp_servers"] == []


async def test_a_channel_has_its_agent_and_its_askers(running_world: World):
    await running_world.configure(
        {
            "profiles": {"reader": {"preset": "read_only", "system_prompt": "You only read."}},
            "channels": {GENERAL: {"profile": "reader", "who_may_ask": [BOB]}},
        }
    )
    await refused(running_world, ALICE, Refusal.MAY_NOT_ASK_HERE)

    await running_world.answer_in(await running_world.ask(BOB, "what can you do?"))

    (session,) = running_world.agents.sessions.values()
    assert session.agent["name"] == "reader"
    assert "You only read." in session.agent["system"]


async def test_an_agent_is_chosen_by_name_and_may_be_somebodys_only(running_world: World):
    await running_world.configure({"profiles": {"reader": {"who_may_use": [BOB]}}})
    await refused(running_world, ALICE, Refusal.MAY_NOT_USE_PROFILE, "/agent ask --agent reader hello")
    await running_world.slack.type_command(ALICE, GENERAL, "/agent ask --agent raeder hello")
    await running_world.whispered(ALICE, "Did you mean reader?")

    await running_world.answer_in(await running_world.ask(BOB, "--agent reader what can you do?"))

    (session,) = running_world.agents.sessions.values()
    assert session.agent["name"] == "reader"


async def test_a_running_thread_keeps_its_version_but_not_a_rule_that_got_stricter(running_world: World):
    await running_world.connect_notes(ALICE)
    await running_world.configure({"profiles": {"default": {"system_prompt": "First."}}})
    root = await running_world.ask(ALICE, "what can you do?")
    await running_world.answer_in(root)

    await running_world.configure(
        {
            "profiles": {"default": {"system_prompt": "Second.", "preset": "trusted"}},
            "services": {"notes": {"tools": {"denied_tools": ["list_notes"], "auto_tools": ["write_note"]}}},
        }
    )
    await running_world.slack.post_message(ALICE, GENERAL, "summarise my notes", thread_ts=root.ts)
    await running_world.answered(root, 2)

    (session,) = running_world.agents.sessions.values()
    built_in, notes = session.agent["tools"]
    assert "First." in session.agent["system"]
    assert policy(built_in, "bash") == "always_ask"
    assert policy(notes, "list_notes") is None
    assert policy(notes, "write_note") == "always_ask"


def policy(toolset: dict, name: str) -> str | None:
    found = next((one for one in toolset["configs"] if one["name"] == name), toolset["default_config"])
    return found["permission_policy"]["type"] if found["enabled"] else None


async def test_a_turn_ends_at_its_budget_and_the_next_one_has_a_new_one(running_world: World):
    await running_world.configure({"budgets": {"per_turn": 0.5}, "profiles": TRUSTED})
    root = await running_world.ask(ALICE, "reach the budget")
    await running_world.answer_in(root, "used up its budget")

    await running_world.slack.post_message(ALICE, GENERAL, "what can you do?", thread_ts=root.ts)
    await running_world.answered(root, 2)

    (session,) = running_world.agents.sessions.values()
    assert session.budget_cents > 50
    assert "I went on and finished" not in str(running_world.slack.thread(root.channel, root.ts))


async def test_a_month_has_an_end_and_the_next_begins_anew(running_world: World):
    await running_world.configure({"budgets": {"per_turn": 0.5, "member_per_month": 0.4}, "profiles": TRUSTED})
    root = await running_world.ask(ALICE, "reach the budget")
    await running_world.answer_in(root, "used up its budget")

    await refused(running_world, ALICE, Refusal.MEMBER_BUDGET_USED)
    await running_world.slack.post_message(ALICE, GENERAL, "go on", thread_ts=root.ts)
    await running_world.whispered(ALICE, "Your budget for this month is used up")
    await running_world.answer_in(await running_world.ask(BOB, "what can you do?"))

    await running_world.configure({"budgets": {"workspace_per_month": 0.1}})
    await refused(running_world, BOB, Refusal.WORKSPACE_BUDGET_USED)
    await running_world.configure({"channels": {GENERAL: {"budget_per_month": 0}}})
    await refused(running_world, BOB, Refusal.CHANNEL_BUDGET_USED)


async def test_only_those_who_may_connect_a_service_get_it(running_world: World):
    await running_world.configure({"services": {"notes": {"who_may_connect": [BOB]}}})
    await running_world.slack.type_command(ALICE, GENERAL, "/agent connect notes")
    await running_world.whispered(ALICE, REFUSALS[Refusal.MAY_NOT_CONNECT])

    await running_world.connect_notes(BOB)
