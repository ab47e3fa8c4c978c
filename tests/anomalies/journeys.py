"""What people do, from the first word to the last, and what there must be of it afterwards.

A person repeats what Slack tells them has failed, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx2

from bot.model import action_ids
from simulator.agents.model import LOREM
from simulator.service.server import RefusedByService
from simulator.slack.messages import Message
from tests.anomalies.stage import PATIENCE, Stage
from tests.world import ALICE, BOB, CAROL, GENERAL

LONG = 2600
"""Words of an answer that takes several messages."""
STOPPED = "Okay, I stopped."
OVERLOADED = "Claude is overloaded and could not finish."
PAUSED = "An admin has paused me for everybody."
HELP = "what can you do"


@dataclass(frozen=True)
class Expected:
    """What must be there once all is quiet, besides what must always hold."""

    roots: tuple[Message, ...]
    requests: tuple[str, ...]
    """What sessions were asked, in order; each once."""
    once: tuple[str, ...] = ()
    """What the threads say, each once."""
    ends: int | None = None
    """How many finished answers there are; as many as requests where not told."""
    verdicts: tuple[str, ...] = ()
    """Decisions that sessions got, in any order."""
    sessions: int = 1
    text: str | None = None
    """The whole text of the only answer."""
    mounted: tuple[str, ...] = ()
    """Names of files that sessions have been given, each once."""
    brought: tuple[str, ...] = ()
    """Names of files that Deputy has shared in the threads, each once."""


Journey = Callable[[Stage], Awaitable[Expected]]
SAY = "say exactly: "


async def ask(stage: Stage) -> Expected:
    """A question and its answer."""
    root = await stage.ask(ALICE, f"{SAY}alpha bravo")
    await stage.shown(root, "AI-generated")
    return Expected((root,), (f"{SAY}alpha bravo",), ("alpha bravo",))


async def ask_in_private(stage: Stage) -> Expected:
    """A question whose thread is in the direct messages."""
    direct = stage.slack.workspace.dm_of(ALICE).id
    await stage.slack.post_message(ALICE, direct, f"{SAY}alpha bravo")

    def own(_: object) -> Message | None:
        return next((m for m in stage.slack.messages(direct) if m.user == ALICE), None)

    root = await stage.slack.until(own)
    await stage.shown(root, "AI-generated")
    return Expected((root,), (f"{SAY}alpha bravo",), ("alpha bravo",))


async def follow_up(stage: Stage) -> Expected:
    """A second question in the same thread and session."""
    root = await stage.ask(ALICE, f"{SAY}alpha bravo")
    await stage.shown(root, "AI-generated")
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "AI-generated", 2)
    return Expected((root,), (f"{SAY}alpha bravo", f"{SAY}charlie delta"), ("alpha bravo", "charlie delta"))


async def approve(stage: Stage) -> Expected:
    """A held call that its owner allows."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.decide(ALICE, root, action_ids.APPROVE)
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("run `ls`",), ("The command printed",), verdicts=("allow",))


async def deny(stage: Stage) -> Expected:
    """A held call that its owner denies."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.decide(ALICE, root, action_ids.DENY)
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("run `ls`",), ("the call was not approved",), verdicts=("deny",))


async def expire(stage: Stage) -> Expected:
    """A held call that nobody decides."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.slack.until(lambda _: stage.card(ALICE, root, action_ids.APPROVE)(), PATIENCE)
    for _ in range(3):  # the reminder comes at half-time, what was put off for an outage a little later
        stage.turn(500)
        await asyncio.sleep(0.1)
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("run `ls`",), ("the call was not approved",), verdicts=("deny",))


async def two_held_calls(stage: Stage) -> Expected:
    """Two calls held at once: one allowed, one denied."""
    root = await stage.ask(ALICE, "call 2 tools at once")
    await stage.decide(ALICE, root, action_ids.APPROVE)
    await stage.decide(ALICE, root, action_ids.DENY)
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("call 2 tools at once",), ("1 of 2 calls were made.",), verdicts=("allow", "deny"))


async def stop_while_writing(stage: Stage) -> Expected:
    """A running turn is stopped from its thread."""
    stage.agents.pace = 0.02
    task = "write a long text of 3000 words"
    root = await stage.ask(ALICE, task)
    await stage.agents.until(lambda _: stage.world.sent(), PATIENCE)
    # Where the stream broke, what is being written is not seen before its end: one stops what one does not see.
    with suppress(TimeoutError):
        await stage.shown(root, "lorem", patience=5)
    await stage.reply(ALICE, root, "stop")
    await stage.shown(root, STOPPED)
    return Expected((root,), (task,), (STOPPED,))


async def stop_while_held(stage: Stage) -> Expected:
    """A turn that waits for a decision is stopped instead; the next request goes on in the same session."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.slack.until(lambda _: stage.card(ALICE, root, action_ids.APPROVE)(), PATIENCE)
    await stage.reply(ALICE, root, "stop")
    await stage.shown(root, STOPPED)
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "charlie delta")
    return Expected((root,), ("run `ls`", f"{SAY}charlie delta"), (STOPPED, "charlie delta"))


async def queue(stage: Stage) -> Expected:
    """A request while another runs: it waits for its turn."""
    root = await stage.ask(ALICE, "think for 0.3 seconds")
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "charlie delta")
    asked = ("think for 0.3 seconds", f"{SAY}charlie delta")
    return Expected((root,), asked, ("I thought about it", "charlie delta"))


async def withdraw(stage: Stage) -> Expected:
    """A queued request is taken back by deleting its message."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.slack.until(lambda _: stage.card(ALICE, root, action_ids.APPROVE)(), PATIENCE)
    message = await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "Queued")
    await stage.slack.delete_message(ALICE, message)
    await stage.slack.until(lambda _: "Queued" not in stage.said(root), PATIENCE)
    await stage.decide(ALICE, root, action_ids.APPROVE)
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("run `ls`",), ("The command printed",), verdicts=("allow",))


async def long_text(stage: Stage) -> Expected:
    """An answer of several messages: every word, in order."""
    task = f"write a long text of {LONG} words"
    root = await stage.ask(ALICE, task)
    await stage.shown(root, "AI-generated")
    words = [LOREM[number % len(LOREM)] + ("." if number % 12 == 11 else "") for number in range(LONG)]
    return Expected((root,), (task,), text=" ".join(words))


async def connect_and_ask(stage: Stage) -> Expected:
    """A service is connected, asked for notes, and written to with consent."""
    for _ in range(4):
        with suppress(AssertionError, TimeoutError, RefusedByService, httpx2.TransportError):
            await stage.connect(ALICE)
            break
    root = await stage.ask(ALICE, "write a note called Shopping: bread and butter")
    await stage.decide(ALICE, root, action_ids.APPROVE)
    await stage.shown(root, "AI-generated")
    asked = ("write a note called Shopping: bread and butter",)
    return Expected((root,), asked, ("is written.",), verdicts=("allow",))


async def missing_connection(stage: Stage) -> Expected:
    """What needs a service that is not connected is said and done without."""
    root = await stage.ask(ALICE, "summarise my notes")
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("summarise my notes",), ("I have no tool",))


async def session_gone(stage: Stage) -> Expected:
    """The thread's session is deleted between two requests: a new one is made, and said once."""
    root = await stage.ask(ALICE, f"{SAY}alpha bravo")
    await stage.shown(root, "AI-generated")
    await stage.settle()
    (session_id,) = stage.agents.sessions
    await stage.agents.machine.stop(stage.agents.sessions[session_id])
    stage.gone.append(stage.agents.sessions.pop(session_id))
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "AI-generated", 2)
    once = ("alpha bravo", "charlie delta", "earlier session is gone")
    return Expected((root,), (f"{SAY}alpha bravo", f"{SAY}charlie delta"), once, sessions=2)


async def aside_passed(stage: Stage) -> Expected:
    """Another's words in the thread are offered to the owner, who passes them on."""
    root = await stage.ask(ALICE, f"{SAY}alpha bravo")
    await stage.shown(root, "AI-generated")
    await stage.reply(BOB, root, "mind the gap")

    def offer() -> Message | None:
        mine = reversed(stage.slack.ephemerals(ALICE))
        return next((m for m in mine if action_ids.PASS_ASIDE in stage.slack.buttons_of(m, ALICE)), None)

    offered = await stage.slack.until(lambda _: offer(), PATIENCE)
    for _ in range(6):
        await stage.listening()
        # Where Deputy ended before it answered the click, it may have carried it out: then the buttons are gone.
        is_open = action_ids.PASS_ASIDE in stage.slack.buttons_of(offered, ALICE)
        is_taken = not is_open or (await stage.slack.click(ALICE, offered, action_ids.PASS_ASIDE)).is_acked
        with suppress(TimeoutError):
            await stage.shown(root, "AI-generated", 2, patience=PATIENCE if is_taken else 2)
            break
    passed = next(words for words in stage.world.requests() if "mind the gap" in words)
    return Expected((root,), (f"{SAY}alpha bravo", passed), ("alpha bravo",))


async def restart(stage: Stage) -> Expected:
    """Deputy is stopped while a call is held, and started again two days later; then the owner asks again."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.slack.until(lambda _: stage.card(ALICE, root, action_ids.APPROVE)(), PATIENCE)
    await stage.stop()
    stage.turn(2 * 86_400)
    await stage.start()
    await stage.shown(root, "AI-generated")
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "charlie delta")
    asked = ("run `ls`", f"{SAY}charlie delta")
    return Expected((root,), asked, ("the call was not approved", "charlie delta"), verdicts=("deny",))


async def files_in(stage: Stage) -> Expected:
    """A request with two attached files, which the agent reads."""
    files = [{"name": f"{name}.csv", "content": f"{name},3\n".encode()} for name in ("alpha", "bravo")]
    root = await stage.mention(ALICE, "read the attached files", files=files)
    await stage.shown(root, "AI-generated")
    (session,) = stage.agents.sessions.values()
    listed = "\n".join(f"- {resource['mount_path']}" for resource in session.resources)
    asked = f"read the attached files\n\nI attached these files:\n{listed}"
    return Expected((root,), (asked,), ("The files say:",), mounted=("1-alpha.csv", "2-bravo.csv"))


async def files_out(stage: Stage) -> Expected:
    """A request whose answer is files; the next one has none of them again."""
    task = "write files called report.csv and notes.txt"
    root = await stage.ask(ALICE, task)
    await stage.shown(root, "AI-generated")
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "AI-generated", 2)
    asked, once = (task, f"{SAY}charlie delta"), ("Done: report.csv", "charlie delta")
    return Expected((root,), asked, once, brought=("report.csv", "notes.txt"))


async def edit_queued(stage: Stage) -> Expected:
    """A queued request is edited: it is asked in the new words."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.slack.until(lambda _: stage.card(ALICE, root, action_ids.APPROVE)(), PATIENCE)
    message = await stage.reply(ALICE, root, f"{SAY}charlie")
    await stage.shown(root, "Queued")
    await stage.slack.edit_message(ALICE, message, f"{SAY}delta")
    await stage.recorded("turn.reworded")
    await stage.decide(ALICE, root, action_ids.APPROVE)
    await stage.shown(root, "AI-generated", 2)
    return Expected((root,), ("run `ls`", f"{SAY}delta"), ("The command printed", "delta"), verdicts=("allow",))


async def quote_a_message(stage: Stage) -> Expected:
    """The shortcut on somebody's message: it comes along as theirs."""
    about = await stage.slack.post_message(BOB, GENERAL, "lunch at noon")
    root = await stage.ask_about(ALICE, about, HELP)
    await stage.shown(root, "AI-generated")
    return Expected((root,), (_quoting(stage, "lunch at noon"),))


async def quote_a_thread(stage: Stage) -> Expected:
    """A mention in a thread of others: what they said comes along as theirs."""
    root = await stage.slack.post_message(BOB, GENERAL, "bus or train")
    await stage.slack.post_message(CAROL, GENERAL, "the train", thread_ts=root.ts)
    await stage.mention(ALICE, HELP, thread_ts=root.ts)
    await stage.shown(root, "AI-generated")
    return Expected((root,), (_quoting(stage, "the train"),))


def _quoting(stage: Stage, words: str) -> str:
    """Return the request, if it is the one that quotes these words of others and asks for help first."""
    request = next(iter(stage.world.requests()), "")
    return request if request.startswith(f"{HELP}\n\nQuoted") and f"> | {words}" in request else words


async def always_allow(stage: Stage) -> Expected:
    """A held call is allowed for good in its thread: the next one of its kind is not asked about."""
    await stage.world.configure({"approvals": {"always_allow": "any"}})
    root = await stage.ask(ALICE, "run `ls`")
    await stage.decide(ALICE, root, action_ids.ALWAYS_ALLOW)
    await stage.shown(root, "AI-generated")
    await stage.reply(ALICE, root, "run `date`")
    await stage.shown(root, "AI-generated", 2)
    once = ("approved without asking",)
    return Expected((root,), ("run `ls`", "run `date`"), once, verdicts=("allow", "allow"))


async def kill_switch(stage: Stage) -> Expected:
    """An admin pauses everything while a call is held, and lets it go on later: then the owner asks again."""
    root = await stage.ask(ALICE, "run `ls`")
    await stage.slack.until(lambda _: stage.card(ALICE, root, action_ids.APPROVE)(), PATIENCE)
    await stage.set_paused(CAROL, "pause all")
    await stage.slack.until(lambda _: STOPPED in stage.said(root) or PAUSED in stage.said(root), PATIENCE)
    # Who was away when it was thrown finds the turn not permitted any more, and says that.
    told, ends = (STOPPED, 2) if STOPPED in stage.said(root) else (PAUSED, 1)
    await stage.set_paused(CAROL, "resume all")
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "charlie delta")
    return Expected((root,), ("run `ls`", f"{SAY}charlie delta"), (told, "charlie delta"), ends=ends)


async def errors_that_pass(stage: Stage) -> Expected:
    """The session is moved to another machine, then meets an error that it gets over."""
    root = await stage.ask(ALICE, "reschedule")
    await stage.shown(root, "AI-generated")
    await stage.reply(ALICE, root, "unknown error")
    await stage.shown(root, "AI-generated", 2)
    once = ("I am being moved", "I am back and went on.", "There was a new kind of error, and I went on.")
    return Expected((root,), ("reschedule", "unknown error"), once)


async def retries_exhausted(stage: Stage) -> Expected:
    """The session gives a request up, and once more when it is asked again; the next one goes on in it."""
    root = await stage.ask(ALICE, "fail")
    await stage.shown(root, OVERLOADED)
    await stage.settle()
    await stage.reply(ALICE, root, "try again")
    await stage.shown(root, OVERLOADED, 2)
    await stage.reply(ALICE, root, f"{SAY}charlie delta")
    await stage.shown(root, "AI-generated")
    return Expected((root,), ("fail", "fail", f"{SAY}charlie delta"), ("charlie delta",), ends=1)


async def two_people(stage: Stage) -> Expected:
    """Two members at once, each with a thread of their own."""
    mine, theirs = await asyncio.gather(stage.ask(ALICE, "run `ls`"), stage.ask(BOB, f"{SAY}echo foxtrot"))
    await stage.decide(ALICE, mine, action_ids.APPROVE)
    await asyncio.gather(stage.shown(mine, "AI-generated"), stage.shown(theirs, "AI-generated"))
    asked = ("run `ls`", f"{SAY}echo foxtrot")
    return Expected((mine, theirs), asked, ("The command printed", "echo foxtrot"), verdicts=("allow",), sessions=2)


JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (
        ask,
        ask_in_private,
        follow_up,
        approve,
        deny,
        expire,
        two_held_calls,
        stop_while_writing,
        stop_while_held,
        queue,
        withdraw,
        long_text,
        connect_and_ask,
        missing_connection,
        session_gone,
        aside_passed,
        restart,
        files_in,
        files_out,
        edit_queued,
        quote_a_message,
        quote_a_thread,
        always_allow,
        kill_switch,
        errors_that_pass,
        retries_exhausted,
        two_people,
    )
}
