"""Sends a turn's request to its session exactly once.

The intent is stored before the send. If its outcome is unknown, the session's events are searched for the turn's
marker before anything is sent again (docs/reference/managed-agents.md#sending-once).
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.domain.context import DomainContext
from bot.domain.ports import WAITING
from bot.domain.turns.attachments import with_files
from bot.domain.turns.file_transfer import FileTransfer
from bot.model.errors import AgentsRejected, AgentsUnavailable
from bot.model.events import UsageReported
from bot.model.progress import Usage
from bot.model.retry_policy import SENDING
from store import turn_sending
from store.records import EventId, SendState, SessionId, Thread, Turn

log = structlog.get_logger(__name__)

NAME_LIMIT = 80
NOT_IN_A_NAME = frozenset('<>"“”')
AFRESH = " The earlier session of this thread is gone: what was said in it is not known here."


class RequestSender:
    """Sends requests to sessions."""

    def __init__(self, context: DomainContext, files: FileTransfer) -> None:
        self._database, self._clock, self._agents = context.database, context.clock, context.agents
        self._files = files

    async def ensure_sent(self, session_id: SessionId, thread: Thread, turn: Turn, *, is_afresh: bool) -> Usage:
        """Make sure that the session has the turn's request; return the session's usage before it.

        The session's stream must be open already, or the first events would be missed. `is_afresh`: the thread's
        earlier session is gone, which the agent is told.
        """
        if turn.send_state is SendState.SENT:
            return _kept(turn)
        is_doubtful = turn.send_state is SendState.SENDING
        # The session's totals run on, so the turn's own cost is what comes on top of this.
        base = _kept(turn) if is_doubtful else await self._base(session_id, turn)
        event_id = await self._agents.find_request(session_id, turn) if is_doubtful else None
        note = _note(thread, turn) + AFRESH * is_afresh
        if event_id is None:
            paths = await self._files.mount(session_id, thread, turn, is_doubtful=is_doubtful)
            event_id = await self._send(session_id, replace(turn, task=with_files(turn, paths)), note)
        async with self._database.transaction() as tx:
            await turn_sending.set_sent(tx, turn.id, event_id)
        return base

    async def _base(self, session_id: SessionId, turn: Turn) -> Usage:
        usage = _usage(await self._agents.usage_so_far(session_id))
        async with self._database.transaction() as tx:
            await turn_sending.set_usage_base(tx, turn.id, usage.cost_cents, usage.input_tokens, usage.output_tokens)
            # The intent, before the send: from here on a restart looks for the request before it sends again.
            await turn_sending.set_sending(tx, turn.id, session_id)
        return usage

    async def _send(self, session_id: SessionId, turn: Turn, note: str) -> EventId:
        for attempt in SENDING.attempts():
            try:
                return await self._agents.send_request(session_id, turn, note, turn.task)
            except AgentsRejected as error:
                if error.code != WAITING or SENDING.is_over(attempt):
                    raise
                # The session still waits for decisions about a turn that was stopped; an interrupt cancels them.
                await self._agents.interrupt(session_id)
            except AgentsUnavailable as error:
                log.warning("send_in_doubt", turn=turn.id, attempt=attempt)
                # The answer was lost, not the request.
                if event_id := await self._agents.find_request(session_id, turn):
                    return event_id
                if SENDING.is_over(attempt):
                    raise
                await self._clock.sleep(SENDING.pause_after(attempt, error.retry_after))
        raise AgentsUnavailable


def _note(thread: Thread, turn: Turn) -> str:
    """Return who asks and where, in Deputy's own words; the member's words are in another block.

    Members choose their names, so a name is quoted and cannot contain quotation marks.
    """
    place = "in a private thread" if thread.is_private else "in a channel; others there can read the answer"
    name = "".join(char for char in turn.owner.name if char not in NOT_IN_A_NAME)[:NAME_LIMIT]
    return f"from “{name}”, {place}."


def _kept(turn: Turn) -> Usage:
    base = turn.usage_base
    return Usage(base.cost_cents, base.input_tokens, base.output_tokens) if base else Usage(0.0)


def _usage(reported: UsageReported | None) -> Usage:
    if reported is None:
        return Usage(0.0)
    return Usage(reported.cost_cents, reported.input_tokens, reported.output_tokens)
