"""Random rules, agents and clicks: what a service is really asked to do is what rules and the owner allow."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bot.model import action_ids
from tests.world import ALICE, BOB, CAROL, GENERAL, World

TASKS = {
    "list_notes": "list my notes",
    "read_note": "read the note Offsite plan",
    "search_notes": "search my notes for cake",
    "write_note": "write a note Lunch: soup at noon",
    "delete_note": "delete the note Offsite plan",
}
STRICTNESS = ["allowed", "user_approved", "denied"]
LISTS = {f"{rule}_tools": rule for rule in STRICTNESS}
READING = {"list_notes", "read_note", "search_notes"}
ROUNDS = 6


def a_rule_book(rng: random.Random, defaults: list[str]) -> dict:
    """Return rules as an admin writes them: some tools are listed, the rest has a default."""
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    for tool in TASKS:
        if rng.random() < 0.7:
            lists[rng.choice(list(LISTS))].append(tool)
    return {**{name: tools for name, tools in lists.items() if tools}, "default": rng.choice(defaults)}


def rule_of(book: dict | None, tool: str) -> str:
    """Return what a rule book says; said again here, in the words of docs/admin.md, so that it checks the bot's own."""
    if book is None:
        return "allowed"
    listed = [rule for name, rule in LISTS.items() if tool in book.get(name, ())]
    return listed[0] if listed else book["default"]


def expected(document: dict, tool: str) -> str:
    """Return the stricter of the service's rule and the agent's, and never a write for an agent that only reads."""
    profile = document["profiles"]["default"]
    service = document["services"]["notes"]["tools"]
    rules = [rule_of(service, tool), rule_of(profile.get("service_tools", {}).get("notes"), tool)]
    if profile["preset"] == "read_only" and (tool not in READING or rule_of(service, tool) != "allowed"):
        return "denied"
    return max(rules, key=STRICTNESS.index)


def a_document(rng: random.Random) -> dict:
    profile = {"preset": rng.choice(["careful", "careful", "trusted", "read_only"])}
    if rng.random() < 0.5:
        profile["service_tools"] = {"notes": a_rule_book(rng, STRICTNESS)}
    tools = a_rule_book(rng, ["user_approved", "denied"])
    return {"services": {"notes": {"tools": tools}}, "profiles": {"default": profile}}


async def decided_at_random(world: World, root, rng: random.Random) -> Counter[str]:
    """Let anybody click anything until the answer is there; return how often the owner said what."""
    said: Counter[str] = Counter()

    def next_thing(_):
        if world.answers(root):
            return "over"
        thread = reversed(world.slack.thread(root.channel, root.ts))
        return next((m for m in thread if action_ids.APPROVE in world.slack.buttons_of(m, ALICE)), None)

    while (card := await world.slack.until(next_thing)) != "over":
        seen = world.slack.buttons_of(card, ALICE)
        user, action = rng.choice([ALICE, BOB, CAROL]), rng.choice([action_ids.APPROVE, action_ids.DENY])
        if user == ALICE:
            said[action] += 1
            await world.slack.click(user, card, action)
            await world.slack.until(lambda _, card=card: action_ids.APPROVE not in world.slack.buttons_of(card, ALICE))
        else:
            await world.slack.forge_click(user, card, action, value=seen[action]["value"])
    return said


@pytest.mark.parametrize("seed", range(4))
async def test_no_service_does_what_rules_deny_or_what_its_owner_did_not_approve(running_world: World, seed: int):
    rng = random.Random(seed)  # chance, not a secret
    await running_world.connect_notes(ALICE)
    ran: Counter[str] = Counter()
    for _ in range(ROUNDS):
        document = a_document(rng)
        await running_world.configure(document)
        tool = rng.choice(list(TASKS))
        rule, before = expected(document, tool), len(running_world.notes.calls)
        running_world.notes.accounts["alice@example.com"]["Offsite plan"] = "On Friday."

        root = await running_world.ask(ALICE, TASKS[tool], GENERAL)
        said = await decided_at_random(running_world, root, rng)
        await running_world.settled()

        done = [call.tool for call in running_world.notes.calls[before:]]
        told = f"{tool} is {rule} in {document}, the owner said {said}: {done}"
        if rule == "allowed":
            assert (done, said) == ([tool], Counter()), told
        elif rule == "denied":
            assert (done, said) == ([], Counter()), told
        else:
            assert done == [tool] * said[action_ids.APPROVE], told
            assert said.total() == 1, told
        ran[rule] += 1
    assert len(ran) > 1
