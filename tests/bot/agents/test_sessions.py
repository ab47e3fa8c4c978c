"""Sessions: one member's vault and no other, nothing sent twice, everything found again after a doubt."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from bot.model.commands import Verdict
from bot.model.errors import AgentsRejected, AgentsUnavailable, AlreadyDecided, SessionLost
from bot.model.events import DecisionsNeeded, Permission, SessionIdle, Thinking, ToolFinished, ToolStarted
from simulator.patience import patience
from store.records import VaultState

from .conftest import NO_TOOLS, NOW, OTHER, OWNER, WITH_NOTES, Answer, a_thread, a_turn, refusal

SESSIONS = "/v1/sessions"
EVENTS = "/v1/sessions/*/events"
LOST = ["connection_error_after", "malformed"]


def calls(simulated, method, path):
    return [call for call in simulated.calls if (call.method, call.path) == (method, path)]


def sent(simulated, session_id, kind):
    events = [
        event for call in calls(simulated, "POST", f"{SESSIONS}/{session_id}/events") for event in call.body["events"]
    ]
    return [event for event in events if event["type"] == kind]


async def until(agents, session_id, *kinds, since=None):
    """Follow until one of these kinds; return all."""
    seen = []
    async with patience(), agents.follow(session_id, since) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, kinds):
                return seen
    raise AssertionError(seen)


async def held_call(agents, session_id):
    """Ask for something that needs a decision; return the call that waits."""
    await agents.send_request(session_id, a_turn(), "", "run `ls`")
    events = await until(agents, session_id, DecisionsNeeded)
    return next(event.call for event in events if isinstance(event, ToolStarted))


# --- create, find ---------------------------------------------------------------------------------------------------


async def test_a_session_gets_its_owners_vault_and_the_connected_services(simulated, agents, vault, profile) -> None:
    session_id = await agents.create_session(a_thread(), vault, profile, WITH_NOTES, 500)

    (call,) = calls(simulated, "POST", SESSIONS)
    body = call.body
    assert body.pop("vault_ids") == [vault.vault_id]
    assert body.pop("environment_id") == profile.environment_id
    assert body["agent"].pop("id") == profile.agent_id
    assert body == snapshot(
        {
            "agent": {
                "type": "agent_with_overrides",
                "version": 1,
                "tools": [
                    {
                        "type": "agent_toolset_20260401",
                        "default_config": {"enabled": False},
                        "configs": [
                            {"name": "bash", "enabled": True, "permission_policy": {"type": "always_ask"}},
                            {"name": "web_search", "enabled": True, "permission_policy": {"type": "always_allow"}},
                        ],
                    },
                    {
                        "type": "mcp_toolset",
                        "mcp_server_name": "notes",
                        "default_config": {"enabled": True, "permission_policy": {"type": "always_ask"}},
                        "configs": [
                            {"name": "list_notes", "enabled": True, "permission_policy": {"type": "always_allow"}}
                        ],
                    },
                ],
                "mcp_servers": [{"type": "url", "name": "notes", "url": "https://notes.example/mcp"}],
            },
            "budget": {"type": "limit", "max_list_cost": {"amount": "500", "currency": "USD"}},
            "metadata": {
                "deputy_thread": "thread_1",
                "slack_workspace": "T1",
                "slack_user": "U1",
                "slack_channel": "C1",
            },
            "title": "Deputy thread thread_1",
        }
    )
    assert await agents.session_vaults(session_id) == (vault.vault_id,)


async def test_a_session_without_connections_declares_no_service(simulated, agents, session_id) -> None:
    session = simulated.sessions[session_id]

    assert session.agent["mcp_servers"] == []
    assert [tool["type"] for tool in session.agent["tools"]] == ["agent_toolset_20260401"]


@pytest.mark.parametrize(
    "change",
    [
        {"owner": OTHER},
        {"owner": replace(OWNER, workspace_id="T2")},
        {"state": VaultState.CREATING},
        {"state": VaultState.ARCHIVED},
        {"vault_id": None},
    ],
    ids=["somebody else", "other workspace", "creating", "archived", "without id"],
)
async def test_no_session_is_made_with_another_vault(simulated, agents, vault, profile, change) -> None:
    with pytest.raises(ValueError, match="the vault is not"):
        await agents.create_session(a_thread(), replace(vault, **change), profile, NO_TOOLS, 500)

    assert calls(simulated, "POST", SESSIONS) == []


async def test_an_owner_who_changed_their_name_is_still_the_owner(agents, vault, profile) -> None:
    renamed = replace(vault, owner=replace(OWNER, name="Ada L."))

    assert await agents.create_session(a_thread(), renamed, profile, NO_TOOLS, 500)


@pytest.mark.parametrize("kind", LOST)
async def test_a_session_whose_answer_was_lost_is_found(simulated, agents, vault, profile, kind) -> None:
    simulated.faults.add(SESSIONS, "POST", kind=kind)

    with pytest.raises(AgentsUnavailable):
        await agents.create_session(a_thread(), vault, profile, NO_TOOLS, 500)
    found = await agents.find_session(a_thread(session_vault_id=vault.vault_id))

    assert list(simulated.sessions) == [found]
    assert len(calls(simulated, "POST", SESSIONS)) == 1


async def test_a_session_that_was_never_made_is_not_found(simulated, agents, vault, profile) -> None:
    simulated.faults.add(SESSIONS, "POST", kind="connection_error_before")

    with pytest.raises(AgentsUnavailable):
        await agents.create_session(a_thread(), vault, profile, NO_TOOLS, 500)

    assert await agents.find_session(a_thread()) is None


async def test_sessions_of_other_threads_people_and_vaults_are_not_taken(simulated, agents, session_id, vault) -> None:
    assert await agents.find_session(a_thread()) == session_id
    assert await agents.find_session(a_thread(id="thread_2")) is None
    assert await agents.find_session(a_thread(owner=OTHER)) is None
    assert await agents.find_session(a_thread(session_vault_id="vlt_other")) is None


async def test_of_two_sessions_the_newer_is_found(simulated, agents, session_id, vault, profile) -> None:
    newer = await agents.create_session(a_thread(), vault, profile, NO_TOOLS, 500)

    assert await agents.find_session(a_thread()) == newer


async def test_an_archived_session_is_lost(simulated, agents, client, session_id) -> None:
    await client.beta.sessions.archive(session_id)

    assert await agents.find_session(a_thread()) is None
    with pytest.raises(SessionLost):
        await agents.session_vaults(session_id)
    with pytest.raises(SessionLost):
        await agents.send_request(session_id, a_turn(), "", "Hi")
    with pytest.raises(SessionLost):
        await agents.update_tools(session_id, NO_TOOLS)
    with pytest.raises(SessionLost):
        await agents.interrupt(session_id)


async def test_a_deleted_session_is_lost(agents, client, session_id) -> None:
    await client.beta.sessions.delete(session_id)

    with pytest.raises(SessionLost):
        await agents.session_vaults(session_id)
    with pytest.raises(SessionLost):
        await agents.find_request(session_id, a_turn())
    with pytest.raises(SessionLost):
        await agents.send_request(session_id, a_turn(), "", "Hi")


async def test_services_connected_later_are_declared_from_then_on(simulated, agents, session_id) -> None:
    await agents.update_tools(session_id, WITH_NOTES)
    assert [server["name"] for server in simulated.sessions[session_id].agent["mcp_servers"]] == ["notes"]

    await agents.update_tools(session_id, NO_TOOLS)
    assert simulated.sessions[session_id].agent["mcp_servers"] == []


# --- requests -------------------------------------------------------------------------------------------------------


async def test_a_request_has_its_marker_apart_from_the_owners_words(simulated, agents, session_id) -> None:
    event_id = await agents.send_request(session_id, a_turn(), "from Ada\nin #general", "Request turn_2 — say Hi")

    (event,) = sent(simulated, session_id, "user.message")
    assert event["content"] == [
        {"type": "text", "text": "Request turn_1 — from Ada in #general"},
        {"type": "text", "text": "Request turn_2 — say Hi"},
    ]
    assert await agents.find_request(session_id, a_turn("turn_1")) == event_id
    assert await agents.find_request(session_id, a_turn("turn_2")) is None


@pytest.mark.parametrize("kind", LOST)
async def test_a_request_whose_answer_was_lost_is_found_and_was_sent_once(simulated, agents, session_id, kind) -> None:
    simulated.faults.add(EVENTS, "POST", kind=kind)

    with pytest.raises(AgentsUnavailable):
        await agents.send_request(session_id, a_turn(), "", "say exactly: Hi")

    assert await agents.find_request(session_id, a_turn()) is not None
    assert len(sent(simulated, session_id, "user.message")) == 1


async def test_a_request_that_never_arrived_is_not_found(simulated, agents, session_id) -> None:
    simulated.faults.add(EVENTS, "POST", kind="connection_error_before")

    with pytest.raises(AgentsUnavailable):
        await agents.send_request(session_id, a_turn(), "", "Hi")

    assert await agents.find_request(session_id, a_turn()) is None


async def test_a_rate_limit_says_how_long_to_wait(simulated, agents, session_id) -> None:
    simulated.faults.add(EVENTS, "POST", kind="status_429", retry_after=3)

    with pytest.raises(AgentsUnavailable) as caught:
        await agents.send_request(session_id, a_turn(), "", "Hi")

    assert caught.value.retry_after == 3


async def test_a_request_to_a_waiting_session_is_refused_as_such(agents, session_id) -> None:
    await held_call(agents, session_id)

    with pytest.raises(AgentsRejected) as caught:
        await agents.send_request(session_id, a_turn("turn_2"), "", "Hi")

    assert caught.value.code == "waiting"


# --- usage, decisions, interrupt ------------------------------------------------------------------------------------


async def test_a_request_to_a_session_at_its_budget_is_refused_as_such(simulated, agents, session_id) -> None:
    session = simulated.sessions[session_id]
    session.stop_reason = "budget_reached"
    stop = {"stop_reason": {"type": "budget_reached"}, "stop_details": None}
    simulated.machine.journal.emit(session, "session.status_idle", **stop)

    with pytest.raises(AgentsRejected) as refused:
        await agents.send_request(session_id, a_turn(), "from Ada", "say exactly: Hi")

    assert refused.value.code == "budget_reached"


async def test_a_call_of_a_tool_we_do_not_offer_is_answered_and_once_is_enough(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.posts.extend([Answer(200, {"data": []}), refusal(400, "invalid_request_error"), refusal(403, "no")])

    await raw_agents.refuse_call("sesn_1", "sevt_1")
    await raw_agents.refuse_call("sesn_1", "sevt_1")
    with pytest.raises(AgentsRejected):
        await raw_agents.refuse_call("sesn_1", "sevt_1")


async def test_usage_is_the_newest_report(agents, session_id) -> None:
    assert await agents.usage_so_far(session_id) is None

    for turn in ("turn_1", "turn_2"):
        await agents.send_request(session_id, a_turn(turn), "", "say exactly: Hi")
        await until(agents, session_id, SessionIdle)
    first, second = await agents.usage_so_far(session_id), await agents.usage_so_far(session_id)

    assert first == second
    assert second.output_tokens > 0


async def test_a_held_call_is_read_again_as_the_api_has_it(agents, session_id) -> None:
    call = await held_call(agents, session_id)

    assert await agents.find_call(session_id, call.id) == call
    assert (call.name, call.arguments, call.permission) == ("bash", {"command": "ls"}, Permission.ASK)
    assert await agents.find_call(session_id, "sevt_none") is None


async def test_an_allowed_call_runs(agents, session_id) -> None:
    call = await held_call(agents, session_id)

    await agents.send_decision(session_id, call.id, Verdict.ALLOW, "never sent with an allow")
    events = await until(agents, session_id, SessionIdle)

    assert [event.is_error for event in events if isinstance(event, ToolFinished)] == [False]


async def test_a_denied_call_gives_its_reason_to_the_agent(simulated, agents, session_id) -> None:
    call = await held_call(agents, session_id)

    await agents.send_decision(session_id, call.id, Verdict.DENY, "not on a Monday")
    await until(agents, session_id, SessionIdle)

    (event,) = sent(simulated, session_id, "user.tool_confirmation")
    assert event == {
        "type": "user.tool_confirmation",
        "tool_use_id": call.id,
        "result": "deny",
        "deny_message": "not on a Monday",
    }


@pytest.mark.parametrize("kind", LOST)
async def test_a_decision_whose_answer_was_lost_is_not_sent_again(simulated, agents, session_id, kind) -> None:
    call = await held_call(agents, session_id)
    simulated.faults.add(EVENTS, "POST", kind=kind)

    await agents.send_decision(session_id, call.id, Verdict.ALLOW, None)

    assert len(sent(simulated, session_id, "user.tool_confirmation")) == 1


@pytest.mark.parametrize("kind", ["connection_error_before", "status_500", "status_429"])
async def test_a_decision_that_never_arrived_is_sent_again(simulated, agents, session_id, kind) -> None:
    call = await held_call(agents, session_id)
    simulated.faults.add(EVENTS, "POST", kind=kind)

    await agents.send_decision(session_id, call.id, Verdict.ALLOW, None)
    await until(agents, session_id, SessionIdle)

    assert len(sent(simulated, session_id, "user.tool_confirmation")) == 2


async def test_a_decision_that_cannot_be_sent_twice_is_an_outage(simulated, agents, session_id) -> None:
    call = await held_call(agents, session_id)
    simulated.faults.add(EVENTS, "POST", kind="connection_error_before", times=2)

    with pytest.raises(AgentsUnavailable):
        await agents.send_decision(session_id, call.id, Verdict.ALLOW, None)


async def test_a_second_decision_finds_the_first(agents, session_id) -> None:
    call = await held_call(agents, session_id)
    await agents.send_decision(session_id, call.id, Verdict.DENY, None)

    with pytest.raises(AlreadyDecided):
        await agents.send_decision(session_id, call.id, Verdict.ALLOW, None)


async def test_a_call_that_is_not_held_cannot_be_decided(agents, session_id) -> None:
    await agents.send_request(session_id, a_turn(), "", "search the web for cats")
    events = await until(agents, session_id, SessionIdle)
    call = next(event.call for event in events if isinstance(event, ToolStarted))

    with pytest.raises(AlreadyDecided):
        await agents.send_decision(session_id, call.id, Verdict.ALLOW, None)
    with pytest.raises(AlreadyDecided):
        await agents.send_decision(session_id, "sevt_01JZZZZZZZZZZZZZZZZZZZZZ", Verdict.ALLOW, None)


def confirmation(result: str) -> Answer:
    event = {"id": "sevt_9", "type": "user.tool_confirmation", "tool_use_id": "sevt_1", "result": result}
    return Answer(200, {"data": [event], "next_page": None})


NOTHING = Answer(200, {"data": [], "next_page": None})


@pytest.mark.parametrize(("stored", "error"), [("allow", None), ("deny", AlreadyDecided)])
async def test_a_decision_that_only_came_late_is_not_mistaken_for_anothers(raw_api, raw_agents, stored, error) -> None:
    """The first copy arrives after we looked for it and before the second."""
    session = raw_api.session()
    session.posts.extend([None, refusal(400, "invalid_request_error", "this call was already answered")])
    session.lists.extend([NOTHING, confirmation(stored)])

    with pytest.raises(error) if error else contextlib.nullcontext():
        await raw_agents.send_decision("sesn_1", "sevt_1", Verdict.ALLOW, None)

    assert len(session.posts) == 0


@pytest.mark.parametrize(
    ("decisions", "permission", "error"),
    [
        (confirmation("allow"), "ask", AlreadyDecided),
        (NOTHING, "allow", AlreadyDecided),
        (NOTHING, None, AlreadyDecided),
        (NOTHING, "ask", AgentsRejected),
    ],
    ids=["decided", "not asked", "not there", "held"],
)
async def test_why_a_decision_is_refused_is_read_from_the_session(
    raw_api, raw_agents, decisions, permission, error
) -> None:
    session = raw_api.session()
    session.posts.append(refusal(400, "invalid_request_error", "words nobody knows yet"))
    call = {"id": "sevt_1", "type": "agent.tool_use", "name": "bash", "input": {}, "evaluated_permission": permission}
    session.lists.extend([decisions, Answer(200, {"data": [call] if permission else [], "next_page": None})])

    with pytest.raises(AgentsRejected) as caught:
        await raw_agents.send_decision("sesn_1", "sevt_1", Verdict.ALLOW, None)

    assert type(caught.value) is error


@pytest.mark.fault("D4")
@pytest.mark.parametrize("status", [400, 403, 409, 422])
@pytest.mark.parametrize(("permission", "error"), [("allow", AlreadyDecided), (None, AgentsRejected)])
async def test_a_refused_decision_is_looked_at_whatever_its_status_and_one_untold_of_is_not_settled(
    raw_api, raw_agents, status, permission, error
) -> None:
    session = raw_api.session()
    session.posts.append(refusal(status, "conflict_error", "words nobody knows yet"))
    call = {"id": "sevt_1", "type": "agent.tool_use", "name": "bash", "input": {}, "evaluated_permission": permission}
    session.lists.extend([NOTHING, Answer(200, {"data": [call], "next_page": None})])

    with pytest.raises(AgentsRejected) as caught:
        await raw_agents.send_decision("sesn_1", "sevt_1", Verdict.ALLOW, None)

    assert type(caught.value) is error


@pytest.mark.fault("D4")
async def test_why_a_session_takes_no_request_is_known_whatever_the_refusals_status(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.posts.append(refusal(409, "conflict_error", "words nobody knows yet"))
    idle = {"id": "sevt_1", "type": "session.status_idle", "stop_reason": {"type": "requires_action", "event_ids": []}}
    session.lists.append(Answer(200, {"data": [idle], "next_page": None}))

    with pytest.raises(AgentsRejected) as caught:
        await raw_agents.send_request("sesn_1", a_turn(), "", "Hi")

    assert caught.value.code == "waiting"


async def test_an_echo_without_an_id_leaves_it_open_whether_the_request_arrived(raw_api, raw_agents) -> None:
    raw_api.session().posts.append(Answer(200, {"data": []}))

    with pytest.raises(AgentsUnavailable):
        await raw_agents.send_request("sesn_1", a_turn(), "", "Hi")


async def test_services_do_not_change_under_a_running_turn(agents, session_id) -> None:
    await agents.send_request(session_id, a_turn(), "", "think for 60 seconds")
    await until(agents, session_id, Thinking)

    with pytest.raises(AgentsRejected):
        await agents.update_tools(session_id, WITH_NOTES)


async def test_an_interrupt_ends_the_wait(agents, session_id) -> None:
    await held_call(agents, session_id)

    await agents.interrupt(session_id)
    events = await until(agents, session_id, SessionIdle)

    assert events[-1].reason == "end_turn"


async def test_an_interrupt_may_be_repeated(agents, session_id) -> None:
    await agents.interrupt(session_id)
    await agents.interrupt(session_id)


# --- whole turns through the simulated stream -----------------------------------------------------------------------


async def whole_turn(agents, session_id, words, turn="turn_1"):
    """As the domain does it: enter, send, read to the end."""
    seen = []
    async with patience(), agents.follow(session_id, NOW) as events:
        await agents.send_request(session_id, a_turn(turn), "", words)
        async for event in events:
            seen.append(event)
            if isinstance(event, SessionIdle):
                return seen
    raise AssertionError(seen)


@pytest.mark.parametrize("kind", ["drop", "eof", "error", "duplicate"])
@pytest.mark.parametrize("after", range(6))
async def test_a_fault_in_the_stream_changes_nothing_that_persists(simulated, agents, session_id, kind, after) -> None:
    simulated.faults.stream(kind, after=after)

    events = await whole_turn(agents, session_id, "search the web for cats")

    persisted = [event["id"] for event in simulated.sessions[session_id].events]
    told = [event.id for event in events if getattr(event, "id", None)]
    assert list(dict.fromkeys(told)) == sorted(set(told), key=told.index)
    assert set(told) == set(persisted)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("unknown event", "end_turn"),
        ("unknown stop reason", "daydreaming"),
        ("unknown error", "end_turn"),
        ("refuse", "refusal"),
        ("fail", "retries_exhausted"),
        ("reschedule", "end_turn"),
    ],
)
async def test_what_the_sdk_does_not_know_does_not_end_a_turn_early(agents, session_id, words, reason) -> None:
    events = await whole_turn(agents, session_id, words)

    assert events[-1].reason == reason
