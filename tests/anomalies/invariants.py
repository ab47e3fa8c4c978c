"""What must hold once all is quiet, whatever went wrong: one answer, all of it, nobody else's, nothing left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator

from sqlalchemy import text

from bot.model import action_ids
from simulator.slack.messages import Message
from store import turns
from store.database import Database
from tests.anomalies.journeys import Expected
from tests.anomalies.stage import Stage
from tests.world import ALICE, BOB

WORKING = "Working on it"
ENDS = ("AI-generated", "Okay, I stopped")
"""The footer of an answer with words, the outcome of one without."""
LEFT_OVER = {
    "deliveries": "state = 'received'",
    "approvals": "state = 'pending' OR NOT (is_delivered OR state = 'withdrawn')",
    "outputs": "state = 'intended'",
    "segments": "is_open",
}


async def broken(stage: Stage, expected: Expected) -> list[str]:
    """Return what does not hold, in words."""
    checks = (_answers, _requests, _files, _slack)
    found = [line for check in checks for line in check(stage, expected)] + list(_authority(stage))
    app = stage.world.app
    assert app
    return [*found, *[line async for line in _store(app.database)]]


def _answers(stage: Stage, expected: Expected) -> Iterator[str]:
    said = "\n".join(stage.said(root) for root in expected.roots)
    for words in expected.once:
        if (count := said.count(words)) != 1:
            yield f"{words!r} is said {count} times: {said!r}"
    ends = sum(any(end in stage.slack.text_of(m) for end in ENDS) for m in _replies(stage, expected))
    if ends != (wanted := len(expected.requests) if expected.ends is None else expected.ends):
        yield f"{ends} finished answers instead of {wanted}: {said!r}"
    if expected.text is not None:
        answer = " ".join(_prose(m) for m in _replies(stage, expected) if WORKING not in stage.slack.text_of(m))
        if " ".join(answer.split()) != expected.text:
            yield f"the text is not what was written: {_difference(answer.split(), expected.text.split())}"


def _replies(stage: Stage, expected: Expected) -> list[Message]:
    return [
        message
        for root in expected.roots
        for message in stage.slack.thread(root.channel, root.ts)
        if message is not root and message.user == stage.slack.bot_user_id
    ]


def _prose(message: Message) -> str:
    """Return only what the agent wrote: streamed text and markdown blocks."""
    return " ".join([message.markdown, *(block["text"] for block in message.blocks if block["type"] == "markdown")])


def _difference(found: list[str], wanted: list[str]) -> str:
    at = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), min(len(found), len(wanted)))
    return f"{len(found)} words of {len(wanted)}, from word {at}: {found[at : at + 6]} for {wanted[at : at + 6]}"


def _requests(stage: Stage, expected: Expected) -> Iterator[str]:
    sent = stage.sent("user.message")
    words = [event["content"][-1]["text"] for event in sent]
    if sorted(words) != sorted(expected.requests):
        yield f"sessions were asked {words}"
    verdicts = sorted(event["result"] for event in stage.sent("user.tool_confirmation"))
    if verdicts != sorted(expected.verdicts):
        yield f"sessions were told {verdicts}"
    if (made := len(stage.agents.sessions) + len(stage.gone)) != expected.sessions:
        yield f"{made} sessions instead of {expected.sessions}"
    if stage.agents.troubles:
        yield f"the simulator broke: {stage.agents.troubles[0]}"


def _files(stage: Stage, expected: Expected) -> Iterator[str]:
    sessions = [*stage.gone, *stage.agents.sessions.values()]
    mounted = [resource["mount_path"].rpartition("/")[2] for session in sessions for resource in session.resources]
    if sorted(mounted) != sorted(expected.mounted):
        yield f"sessions were given {mounted}"
    uploaded = [file["filename"] for file in stage.agents.files.values() if file["scope"] is None]
    if len(uploaded) != len(expected.mounted):
        yield f"{uploaded} were uploaded for {expected.mounted}"
    brought = [file["name"] for message in _replies(stage, expected) for file in message.files]
    if sorted(brought) != sorted(expected.brought):
        yield f"the threads were brought {brought}"


def _slack(stage: Stage, expected: Expected) -> Iterator[str]:
    if open_streams := stage.slack.workspace.open_streams():
        yield f"{len(open_streams)} open streams"
    if stage.slack.broken_streams:
        yield f"{len(stage.slack.broken_streams)} broken streams"
    roots = [m for m in stage.slack.messages(expected.roots[0].channel) if "asked" in stage.slack.text_of(m)]
    if len({m.ts for m in roots if m.ts == (m.thread_ts or m.ts)} - {root.ts for root in expected.roots}) > 0:
        yield "a root message too many"
    left = {action_ids.STOP, action_ids.APPROVE, action_ids.DENY}
    for message in _replies(stage, expected):
        for user in (ALICE, BOB):
            if found := left & set(stage.slack.buttons_of(message, user)):
                yield f"buttons that decide nothing any more: {found} on {stage.slack.text_of(message)!r}"


def _authority(stage: Stage) -> Iterator[str]:
    for acted in stage.agents.authority_log:
        owner = acted.session_metadata.get("slack_user")
        vaults = {(whose or "").rpartition("/")[2] for whose in (acted.owner, *acted.owners) if whose}
        if vaults - {owner} or len(acted.vault_ids) > 1:
            yield f"{acted.kind} in a session of {owner} with the vaults of {vaults}"
    live = Counter(vault.metadata.get("external_user_id") for vault in stage.agents.vaults.values())
    if doubled := [whose for whose, count in live.items() if count > 1]:
        yield f"more than one vault of {doubled}"


async def _store(database: Database) -> AsyncIterator[str]:
    async with database.transaction() as tx:
        stuck = await turns.list_open(tx)
        if stuck:
            yield f"turns that are stuck: {[(turn.task, turn.state) for turn in stuck]}"
        for table, where in LEFT_OVER.items():
            count = (await tx.connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}"))).scalar_one()
            if count:
                yield f"{count} {table} left over"
        asked = (
            await tx.connection.execute(text("SELECT subject FROM audit_entries WHERE action = 'turn.asked'"))
        ).all()
        made = (await tx.connection.execute(text("SELECT count(*) FROM turns"))).scalar_one()
        if len(asked) != made or len(set(asked)) != made:
            yield f"{made} turns, but {len(asked)} records of who asked"
        for check in ("integrity_check", "foreign_key_check"):
            rows = (await tx.connection.exec_driver_sql(f"PRAGMA {check}")).all()
            if rows and rows != [("ok",)]:
                yield f"{check}: {rows}"
