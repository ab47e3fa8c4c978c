"""What we send to the Managed Agents API is what the installed SDK's types allow: nothing more, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bot.model import action_ids
from bot.model.errors import AgentsUnavailable
from simulator.agents.state import Call
from simulator.slack import people
from tests.independent.api_requests import BETA, ENDPOINTS, find_endpoint, find_problems, judge_body
from tests.journeys.test_connect import dm
from tests.journeys.test_offboarding import gone
from tests.journeys.test_personal_tokens import TOKEN_ONLY, give
from tests.world import ALICE, BOB, GENERAL, World

MENTION = f"<@{people.BOT}>"
MAPS = ("metadata",)
"""Where the API lets us say what we like, as long as it is text."""


async def connect_and_reconnect(world: World) -> None:
    await world.connect_notes(ALICE)
    await world.connect_notes(ALICE)
    root = await world.ask(ALICE, "write a note called Shopping: bread and butter")
    await world.slack.click(ALICE, await world.button(ALICE, root, action_ids.APPROVE), action_ids.APPROVE)
    await world.answered(root)


async def decide(world: World) -> None:
    root = await world.ask(ALICE, "run `ls`")
    await world.slack.click(ALICE, await world.button(ALICE, root, action_ids.APPROVE), action_ids.APPROVE)
    await world.answered(root)
    await world.slack.post_message(ALICE, GENERAL, "run `date`", thread_ts=root.ts)
    card = await world.button(ALICE, root, action_ids.DENY_WITH_REASON)
    await world.slack.click(ALICE, card, action_ids.DENY_WITH_REASON)
    form = await world.slack.until(lambda _: world.slack.modal_of(ALICE))
    await world.slack.submit_view(
        ALICE, form, {action_ids.DENY_FIELD_BLOCK: {action_ids.DENY_FIELD: "not on a Friday"}}
    )
    await world.answered(root, 2)


async def stop(world: World) -> None:
    world.agents.pace = 0.02
    root = await world.ask(ALICE, "write a long text of 3000 words")
    await world.answer_in(root, "lorem")
    await world.slack.post_message(ALICE, GENERAL, "stop", thread_ts=root.ts)
    await world.answer_in(root, "I stopped")
    world.agents.pace = 0.0


async def exchange_files(world: World) -> None:
    # The answer to the upload is lost: the file is looked for.
    world.agents.faults.add("/v1/files", "POST", kind="connection_error_after")
    files = [{"name": "report.csv", "content": b"alpha,3\n", "mimetype": "text/csv"}]
    root = await world.slack.post_message(ALICE, GENERAL, f"{MENTION} read the attached files", files=files)
    await world.answered(root)
    await world.answered(await world.ask(ALICE, "write files called report.csv and notes.txt"))
    await world.settled()


async def lose_answers(world: World) -> None:
    for path in ("/v1/vaults", "/v1/sessions", "/v1/sessions/*/events"):
        world.agents.faults.add(path, "POST", kind="connection_error_after")
    await world.answered(await world.ask(BOB, "say exactly: alpha"))


async def change_what_admins_set(world: World) -> None:
    root = await world.ask(ALICE, "say exactly: alpha")
    await world.answered(root)
    profile = {
        "system_prompt": "Be brief.",
        "built_in_tools": {"read": "allowed", "bash": "auto", "write": "denied"},
        "skills": [{"type": "anthropic", "skill_id": "xlsx"}],
        "environment": {
            "allowed_hosts": ["pypi.org"],
            "allow_package_managers": True,
            "packages": {"pip": ["numpy"]},
        },
    }
    # The change is refused as if somebody had made another version: the agent is read and changed again.
    world.agents.faults.add("/v1/agents/*", "POST", kind="status_400")
    rules = {"denied_tools": ["list_notes"], "auto_tools": ["write_note"]}
    await world.configure({"profiles": {"default": profile}, "services": {"notes": {"tools": rules}}})
    await world.slack.post_message(ALICE, GENERAL, "say exactly: bravo", thread_ts=root.ts)
    await world.answered(root, 2)
    await world.answered(await world.ask(ALICE, "say exactly: charlie"))


async def leave(world: World) -> None:
    await world.slack.type_command(ALICE, GENERAL, "/agent disconnect notes")
    await world.whispered(ALICE, "Notes is disconnected")
    await gone(world)


async def give_a_token(world: World) -> None:
    await give(world, world.notes.personal_token(), BOB)
    await dm(world, BOB, "Connected to Notes")


@pytest.fixture
async def calls(deputy_world: World) -> list[Call]:
    """Everything that was sent while people did what there is to do."""
    for path in ("/v1/agents", "/v1/environments"):
        deputy_world.agents.faults.add(path, "POST", kind="connection_error_after")
    with pytest.raises(AgentsUnavailable):  # the first start; the second one finds what it made
        async with deputy_world.deputy():
            raise AssertionError
    async with deputy_world.deputy():
        for act in (connect_and_reconnect, decide, stop, exchange_files, lose_answers, change_what_admins_set, leave):
            await act(deputy_world)
    deputy_world.peers.catalog.write_text(TOKEN_ONLY.format(url=deputy_world.notes.mcp_url), "utf-8")
    async with deputy_world.deputy():
        await give_a_token(deputy_world)
    return deputy_world.agents.calls


def extended(value: Any) -> Iterator[Any]:
    """Return the body once for each object in it, with a key that the API does not know."""
    if isinstance(value, dict):
        yield value | {"of_tomorrow": True}
        for key, inner in value.items():
            if key not in MAPS:
                yield from ({**value, key: changed} for changed in extended(inner))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from ([*value[:number], changed, *value[number + 1 :]] for changed in extended(inner))


def mistyped(value: Any) -> Iterator[Any]:
    """Return the body once for each value in it, of another type there."""
    yield "7" if isinstance(value, bool | int) else 7
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: changed} for changed in mistyped(inner))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from ([*value[:number], changed, *value[number + 1 :]] for changed in mistyped(inner))


@pytest.mark.slow
async def test_each_request_is_what_the_sdk_allows_and_each_endpoint_was_used(calls):
    used = {find_endpoint(call): call for call in calls}

    assert find_problems(calls) == []
    assert [endpoint for endpoint in ENDPOINTS if endpoint not in used] == []
    bodies = [(endpoint, call.body) for call in calls if (endpoint := find_endpoint(call)) and endpoint.body]
    assert {event["type"] for _, body in bodies for event in body.get("events", ())} == {
        "user.message", "user.tool_confirmation", "user.interrupt",
    }  # fmt: skip
    assert {"static_bearer", "mcp_oauth"} == {body["auth"]["type"] for _, body in bodies if "auth" in body}
    assert any("refresh" in body.get("auth", ()) for _, body in bodies)
    # The judge is no rubber stamp, whatever the place in whatever body.
    for endpoint, body in bodies:
        assert [changed for changed in extended(body) if judge_body(endpoint, changed) is None] == []
        assert [changed for changed in mistyped(body) if judge_body(endpoint, changed) is None] == []


def call(endpoint_path: str, **fields: Any) -> Call:
    headers = {"Anthropic-Beta": f"another,{BETA}"}
    asked = {"method": "POST", "path": endpoint_path, "query": {}, "headers": headers, "body": None}
    return Call(**(asked | fields))


VAULT = {"display_name": "Deputy", "metadata": {"deputy_vault": "1"}}


def test_a_request_as_it_should_be_has_no_problem():
    assert find_problems([call("/v1/vaults", body=VAULT), call("/v1/vaults/vlt_1", method="DELETE")]) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (call("/v1/vaults", body=VAULT | {"owner": "alice"}), "owner: Extra inputs"),
        (call("/v1/vaults", body=VAULT | {"metadata": {"deputy_vault": 1}}), "metadata.deputy_vault: Input should be"),
        (call("/v1/vaults", body={}), "display_name: Field required"),
        (call("/v1/vaults", body=None), "should be an object"),
        (call("/v1/vaults", body=b"{"), "Invalid JSON"),
        (call("/v1/vaults", body=VAULT, headers={}), "anthropic-beta"),
        (call("/v1/vaults", body=VAULT, headers={"anthropic-beta": f"{BETA}x"}), "anthropic-beta"),
        (call("/v1/files", method="GET", headers={}), "anthropic-beta"),
        (call("/v1/vaults", method="GET", query={"owner": "alice"}), r"query: \['owner'\]"),
        (call("/v1/vaults/vlt_1", method="DELETE", body={}), "body: not expected"),
        (call("/v1/files", headers={"content-type": "application/json"}), "content-type"),
        (call("/v1/vaults/vlt_1", method="PUT", body=VAULT), "no endpoint"),
        (call("/v1/vaults/vlt_1/secrets", body=VAULT), "no endpoint"),
    ],
)
def test_a_request_that_the_sdk_knows_nothing_of_is_named(wrong, problem):
    [found] = find_problems([wrong])

    assert re.search(problem, found)


@pytest.mark.parametrize("expiry", ["tomorrow", "2026-11-28T12:00:00", 1790000000])
def test_a_time_that_is_none_is_named(expiry):
    auth = {"type": "mcp_oauth", "mcp_server_url": "https://notes.example", "access_token": "t", "expires_at": expiry}

    assert find_problems([call("/v1/vaults/vlt_1/credentials", body={"auth": auth})])
    assert not find_problems(
        [call("/v1/vaults/vlt_1/credentials", body={"auth": auth | {"expires_at": "2026-11-28T12:00:00+00:00"}})]
    )
