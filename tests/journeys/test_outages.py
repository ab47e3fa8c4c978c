"""The peers fail at chosen calls: nothing is lost, nothing is done twice, and people are told in words of ours."""

from collections import defaultdict
from contextlib import suppress
from datetime import timedelta

import pytest

from bot.model import action_ids
from store import spending, threads
from tests.world import ALICE, BOB, GENERAL, World

TASK = "say exactly: done and dusted"
EVENTS = "/v1/sessions/*/events"


async def answers_once(world: World, root, words: str = "done and dusted", asked: int = 1) -> None:
    """See that the thread shows the words once, and that so many requests were sent, each once."""
    await world.answered(root, asked)
    await world.settled()
    shown = "\n".join(world.slack.text_of(m) for m in world.slack.thread(root.channel, root.ts) if m is not root)
    assert shown.count(words) == 1
    assert len(world.requests()) == asked
    assert world.slack.workspace.open_streams() == []


async def given_up(world: World, root) -> None:
    """Let time pass until the thread says that the API cannot be reached."""

    def told(_):
        thread = world.slack.thread(root.channel, root.ts)
        return any("can't reach Claude" in world.slack.text_of(message) for message in thread)

    for _ in range(50):
        world.turn(30)
        with suppress(TimeoutError):
            await world.slack.until(told, 0.1)
            break
    await world.answer_in(root, "can't reach Claude")


@pytest.mark.parametrize("kind", ["connection_error_after", "status_500", "status_429"])
@pytest.mark.parametrize("path", ["/v1/vaults", "/v1/sessions", EVENTS], ids=["vault", "create", "send"])
async def test_a_failed_call_of_the_agents_api_is_neither_lost_nor_doubled(running_world: World, path: str, kind: str):
    running_world.agents.faults.add(path, "POST", kind=kind)
    root = await running_world.ask(ALICE, TASK)

    await answers_once(running_world, root)
    assert len(running_world.agents.sessions) == 1
    assert len(running_world.agents.vaults) == 1


@pytest.mark.parametrize("kind", ["connection_error_before", "connection_error_after", "status_500", "status_429"])
async def test_a_decision_that_fails_on_its_way_is_delivered_once(running_world: World, kind: str):
    root = await running_world.ask(ALICE, "run `ls`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    running_world.agents.faults.add(EVENTS, "POST", kind=kind)

    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answered(root)

    assert [event["result"] for event in running_world.sent("user.tool_confirmation")] == ["allow"]


@pytest.mark.parametrize("kind", ["drop", "eof", "error", "duplicate"])
async def test_a_trap_one_network_flap_resending_the_prompt(running_world: World, kind: str):
    """The stream breaks in the middle of an answer: it is opened again, the gap is read, nothing is sent."""
    running_world.agents.pace = 0.01
    running_world.agents.faults.stream(kind, at="agent.message")
    root = await running_world.ask(ALICE, TASK)

    await answers_once(running_world, root)


async def test_an_api_that_stays_away_ends_the_turn_in_words_and_the_next_request_works(running_world: World):
    fault = running_world.agents.faults.add("/v1/sessions", "POST", kind="status_500", times=1000)
    root = await running_world.ask(ALICE, TASK)
    await running_world.agents.until(lambda _: fault.done)

    await given_up(running_world, root)
    running_world.agents.faults.clear()

    await running_world.slack.post_message(ALICE, root.channel, "say exactly: back again", thread_ts=root.ts)
    await running_world.answered(root)

    assert running_world.requests() == ["say exactly: back again"]


@pytest.mark.fault("S18")
async def test_a_request_that_the_api_never_took_costs_nothing(running_world: World):
    """It was on its way when the API failed; it is not in the session, so the budget is not charged for it."""
    fault = running_world.agents.faults.add(EVENTS, "POST", kind="status_500", times=1000)
    root = await running_world.ask(ALICE, TASK)
    await running_world.agents.until(lambda _: fault.done)
    await given_up(running_world, root)
    running_world.agents.faults.clear()
    running_world.turn(60)
    await running_world.settled()

    async with running_world.app.database.transaction() as tx:
        thread = await threads.find_by_root(tx, running_world.app.install.workspace_id, root.channel, root.ts)
        counted = await spending.spent(tx, thread, running_world.clock.now() - timedelta(days=1))
    assert (running_world.requests(), counted.member) == ([], 0.0)


async def test_a_trap_raw_upstream_errors_shown_to_users(running_world: World):
    running_world.agents.faults.add("/v1/sessions", "POST", kind="status_500", times=2)
    root = await running_world.ask(ALICE, "please fail")
    await running_world.answer_in(root, "Claude is overloaded")

    everything = repr([(call.args, call.method) for call in running_world.slack.calls]) + "".join(running_world.pages)
    for prose in (
        "The model did not answer",
        "A fault that a test ordered",
        "model_overloaded_error",
        "Traceback",
        "api_error",
    ):
        assert prose not in everything


@pytest.mark.fault("D14")
async def test_why_a_request_was_refused_is_logged_by_code_and_in_no_words(running_world: World, logged):
    running_world.agents.faults.add("/v1/sessions", "POST", kind="status_400", code="environment_archived")
    root = await running_world.ask(ALICE, TASK)
    await running_world.answer_in(root, "Something broke")
    await running_world.settled()

    (line,) = [line for line in logged.lines if "turn_rejected" in line]
    assert "'code': 'environment_archived', 'status': 400" in line
    assert "status_code=400" in line
    assert "A fault that a test ordered" not in line


async def test_a_trap_ending_at_any_session_error(running_world: World):
    root = await running_world.ask(ALICE, "unknown error")

    await answers_once(running_world, root, "There was a new kind of error, and I went on")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("unknown event", "I had a new kind of event"),
        ("unknown stop reason", "stopped for a reason I don't know yet"),
        ("reschedule", "I am back and went on"),
    ],
)
async def test_what_tomorrows_api_says_is_carried(running_world: World, task: str, words: str):
    root = await running_world.ask(ALICE, task)
    await running_world.answer_in(root, words)

    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.answer_in(root, "done and dusted")
    assert len(running_world.agents.sessions) == 1


@pytest.mark.parametrize(("task", "words"), [("terminate", "session has ended"), ("refuse this", "declined to go on")])
async def test_an_ended_or_refused_turn_is_worded_and_the_thread_goes_on(running_world: World, task: str, words: str):
    root = await running_world.ask(ALICE, task)
    await running_world.answer_in(root, words)

    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.answer_in(root, "done and dusted")


async def test_try_again_asks_again_what_failed_last_with_its_files(running_world: World):
    files = [{"name": "a.csv", "content": b"alpha,3\n", "mimetype": "text/csv"}]
    root = await running_world.slack.post_message(ALICE, ALICE, "fail", files=files)
    await running_world.answer_in(root, "could not finish")
    await running_world.settled()
    await running_world.slack.post_message(ALICE, root.channel, "Try again.", thread_ts=root.ts)
    await running_world.agents.until(lambda _: len(running_world.sent()) > 1)
    await running_world.settled()

    first, second = running_world.requests()
    assert (first.splitlines()[0], second.splitlines()[0]) == ("fail", "fail")
    assert "1-a.csv" in second


async def test_what_failed_is_asked_again_by_its_button_once_and_by_its_owner_only(running_world: World):
    root = await running_world.ask(ALICE, "please fail")
    await running_world.answer_in(root, "could not finish")
    await running_world.settled()
    failed = await running_world.button(ALICE, root, action_ids.ASK_AGAIN)
    value = running_world.slack.buttons_of(failed, ALICE)[action_ids.ASK_AGAIN]["value"]
    assert action_ids.ASK_AGAIN not in running_world.slack.buttons_of(failed, BOB)

    await running_world.slack.forge_click(BOB, failed, action_ids.ASK_AGAIN, value=value)
    await running_world.settled()
    assert running_world.requests() == ["please fail"]
    for _ in range(2):
        await running_world.slack.click(ALICE, failed, action_ids.ASK_AGAIN)
        await running_world.settled()

    assert running_world.requests() == ["please fail"] * 2


async def test_try_again_after_an_answer_is_a_request_like_any_other(running_world: World):
    root = await running_world.ask(ALICE, "please fail")
    await running_world.answer_in(root, "could not finish")
    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.answered(root)
    await running_world.settled()
    await running_world.slack.post_message(ALICE, root.channel, "try again", thread_ts=root.ts)
    await running_world.answered(root, 2)

    assert running_world.requests() == ["please fail", TASK, "try again"]


async def test_a_trap_isinstance_on_sdk_events(running_world: World):
    """Events of shapes the SDK has no class for come through as what they are."""
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a long text of 40 words")
    await running_world.agents.until(lambda _: running_world.sent())
    (session_id,) = running_world.agents.sessions
    for odd in (
        {"type": "agent.message", "content": None},
        {"type": "agent.tool_use"},
        {"type": "session.error"},
        {"type": 7},
    ):
        running_world.agents.inject(session_id, odd)

    await answers_once(running_world, root, "lorem ipsum dolor", 1)


ODD = {"number": b"9" * 5000, "bytes": b'"\xff\xfe"', "nesting": b"[" * 3000 + b"]" * 3000, "no JSON": b"tru"}


@pytest.mark.fault("S20")
@pytest.mark.parametrize("name", ODD)
async def test_one_broken_event_costs_the_turn_nothing(running_world: World, logged, name: str):
    running_world.agents.pace = 0.02
    running_world.agents.raw["@odd"] = ODD[name]
    root = await running_world.ask(ALICE, "write a long text of 40 words")
    await running_world.agents.until(lambda _: running_world.sent())
    (session_id,) = running_world.agents.sessions
    for kind in ("agent.thinking", "agent.mcp_tool_result", "session.status_running", "agent.dreamt"):
        running_world.agents.inject(session_id, {"type": kind, "content": "@odd", "tool_use_id": "@odd"})

    await answers_once(running_world, root, "lorem ipsum dolor", 1)
    assert "broke" not in running_world.whispers(ALICE)
    assert any("event_not_readable" in line for line in logged.lines)
    # The next turn lists what was before.
    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.answer_in(root, "done and dusted")


@pytest.mark.fault("S20")
@pytest.mark.parametrize("name", ["nesting", "no JSON"])
async def test_a_held_call_that_nobody_can_read_is_denied_and_the_turn_goes_on(running_world: World, name: str):
    running_world.agents.raw["@odd"] = ODD[name]
    root = await running_world.ask(ALICE, "run `@odd`")
    await running_world.answered(root)
    await running_world.settled()

    (decision,) = running_world.sent("user.tool_confirmation")
    assert decision["result"] == "deny"
    assert "could not be read" in decision["deny_message"]


@pytest.mark.fault("S20")
async def test_a_number_without_end_in_a_held_call_is_asked_about_and_allowed(running_world: World):
    running_world.agents.raw["@odd"] = ODD["number"]
    root = await running_world.ask(ALICE, "run `@odd`")
    card = await running_world.button(ALICE, root, action_ids.APPROVE)
    await running_world.slack.click(ALICE, card, action_ids.APPROVE)
    await running_world.answered(root)

    assert [event["result"] for event in running_world.sent("user.tool_confirmation")] == ["allow"]


@pytest.mark.parametrize("how", ["deleted", "archived", "terminated"])
async def test_a_session_that_is_gone_between_turns_is_replaced(running_world: World, how: str):
    root = await running_world.ask(ALICE, "say exactly: one")
    await running_world.answered(root)
    await running_world.settled()
    (session_id,) = running_world.agents.sessions
    if how == "deleted":
        del running_world.agents.sessions[session_id]
    elif how == "archived":
        running_world.agents.sessions[session_id].archived_at = running_world.agents.now()
    else:
        await running_world.agents.terminate(session_id)

    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.answered(root, 2)

    fresh = [s for s in running_world.agents.sessions if s != session_id]
    assert len(fresh) == 1
    await running_world.settled()
    await running_world.slack.post_message(ALICE, root.channel, "say exactly: three", thread_ts=root.ts)
    await running_world.answered(root, 3)
    thread = running_world.slack.thread(root.channel, root.ts)
    assert ["earlier session is gone" in running_world.slack.text_of(m) for m in thread].count(True) == 1
    notes = [event["content"][0]["text"] for event in running_world.sent()]
    assert ["earlier session" in note for note in notes].count(True) == 1
    assert running_world.agents.sessions[fresh[0]].vault_ids == list(running_world.agents.vaults)


async def test_a_session_that_ends_in_the_middle_of_a_turn_is_not_asked_again(running_world: World):
    running_world.agents.pace = 0.05
    root = await running_world.ask(ALICE, "write a long text of 2000 words")
    await running_world.agents.until(lambda _: running_world.sent())
    (session_id,) = running_world.agents.sessions
    await running_world.agents.terminate(session_id)

    await running_world.answer_in(root, "session has ended")
    await running_world.settled()
    assert len(running_world.requests()) == 1


@pytest.mark.parametrize("variant", ["continue", "exhausted"])
async def test_a_service_that_refuses_the_credential_brings_a_reconnect_button(running_world: World, variant: str):
    await running_world.connect_notes(ALICE)
    running_world.agents.mcp_auth_failure = variant
    (vault,) = running_world.agents.vaults.values()
    for credential in vault.credentials.values():
        credential.auth["access_token"] = "canary-revoked"
    root = await running_world.ask(ALICE, "summarise my notes")

    told = await running_world.whispered(ALICE, "no longer accepts your connection")

    assert action_ids.CONNECT in running_world.slack.buttons_of(told, ALICE)
    assert told.thread_ts == root.ts
    await running_world.settled()
    await running_world.slack.type_command(ALICE, GENERAL, "/agent status")
    await running_world.whispered(ALICE, "Needs a reconnect")


async def test_a_credential_goes_into_a_new_vault_when_somebody_archived_the_old_one(running_world: World):
    await running_world.connect_notes(ALICE)
    for vault in running_world.agents.vaults.values():
        vault.archived_at = running_world.agents.now()
        vault.credentials.clear()

    await running_world.connect_notes(ALICE)

    root = await running_world.ask(ALICE, "summarise my notes")
    (answer,) = await running_world.answered(root)
    assert "Offsite plan" in running_world.slack.text_of(answer)


async def test_a_vault_archived_outside_is_not_the_end_of_the_member(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: one")
    await running_world.answered(root)
    await running_world.settled()
    for vault in running_world.agents.vaults.values():
        vault.archived_at = running_world.agents.now()

    again = await running_world.ask(ALICE, TASK)
    await running_world.answered(again)

    live = [vault for vault in running_world.agents.vaults.values() if vault.archived_at is None]
    assert len(live) == 1
    newest = list(running_world.agents.sessions.values())[-1]
    assert newest.vault_ids == [live[0].id]


@pytest.mark.parametrize("kind", ["connection_error_after", "status_500"])
async def test_a_root_that_fails_to_post_is_posted_once(running_world: World, kind: str):
    running_world.slack.faults.add("chat.postMessage", kind=kind)
    root = await running_world.ask(ALICE, TASK)

    await answers_once(running_world, root)
    roots = [m for m in running_world.slack.messages(GENERAL) if "asked" in running_world.slack.text_of(m)]
    assert len(roots) == 1


@pytest.mark.parametrize("kind", ["connection_error_after", "status_500"])
@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_a_trap_text_lost_when_an_append_fails_halfway(running_world: World, method: str, kind: str):
    """Whatever call of a stream fails, and however, the answer is whole and there once."""
    running_world.agents.pace = 0.02
    running_world.slack.faults.add(method, kind=kind)
    root = await running_world.ask(ALICE, "write a long text of 300 words")
    await running_world.answered(root)
    await running_world.settled()

    thread = running_world.slack.thread(root.channel, root.ts)
    shown = " ".join(running_world.slack.text_of(message) for message in thread if message is not root)
    assert shown.count("lorem") == 9
    assert len(running_world.requests()) == 1
    assert running_world.slack.workspace.open_streams() == running_world.slack.broken_streams == []


async def test_a_trap_chat_update_on_an_open_stream(running_world: World):
    running_world.agents.pace = 0.02
    running_world.slack.faults.add("chat.appendStream", kind="status_500_after")
    root = await running_world.ask(ALICE, "write a long text of 200 words")
    await running_world.answered(root)
    await running_world.settled()

    conflicts = [call for call in running_world.slack.calls if call.error == "streaming_state_conflict"]
    assert conflicts == []


async def test_a_slack_that_limits_the_rate_still_gets_every_word(running_world: World):
    running_world.slack.faults.add("*", kind="ratelimited", nth=6, times=3)
    root = await running_world.ask(ALICE, TASK)

    await answers_once(running_world, root)


async def test_a_socket_that_breaks_loses_no_request(running_world: World):
    root = await running_world.ask(ALICE, "say exactly: one")
    await running_world.answered(root)
    running_world.slack.drop_socket()

    await running_world.slack.post_message(ALICE, root.channel, TASK, thread_ts=root.ts)
    await running_world.answered(root, 2)

    assert running_world.requests() == ["say exactly: one", TASK]


@pytest.mark.fault("D7")
async def test_a_slack_that_is_out_for_a_minute_is_not_stormed_while_events_stream(running_world: World):
    running_world.agents.pace = 0.02
    root = await running_world.ask(ALICE, "write a long text of 3000 words")
    await running_world.slack.until(lambda _: running_world.slack.calls_of("chat.appendStream"))
    begun = len(running_world.slack.calls)
    running_world.slack.faults.add("*", kind="status_503", times=10**6)

    until = running_world.clock.steady() + timedelta(seconds=60)
    while running_world.clock.steady() < until:
        await running_world.slack.open_home(ALICE)
        await running_world.slack.post_message(BOB, root.channel, "and what of this?", thread_ts=root.ts)
        await running_world.clock.sleep(2)
    out = running_world.slack.calls[begun:]
    running_world.slack.faults.clear()
    await running_world.answered(root)
    await running_world.settled()

    ats = defaultdict(list)
    for call in out:
        ats[call.method].append(call.at)
    most = {method: max(sum(at <= one < at + 1 for one in times) for at in times) for method, times in ats.items()}
    assert {method: count for method, count in most.items() if count > 4} == {}
    assert {method: len(times) for method, times in ats.items() if len(times) > 60} == {}
    assert running_world.slack.workspace.open_streams() == []
