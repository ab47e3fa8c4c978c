"""How a turn's request was sent: to which session, as which event, and what that session had used before."""

from __future__ import annotations

from sqlalchemy import select

from store.database import Tx
from store.records import EventId, SendState, SessionId, Turn, TurnId
from store.turns import change, turns

SESSION_GONE = "session_gone"
"""The outcome of a turn whose owner was told that their session is gone."""


async def set_sending(tx: Tx, turn_id: TurnId, session_id: SessionId) -> None:
    """Record that the request is about to be sent to this session."""
    # Stored before it is sent: after a crash nobody knows whether it arrived, so the session is read before it is
    # sent again (docs/decisions/0005).
    await change(tx, turn_id, send_state=SendState.SENDING, session_id=session_id)


async def is_afresh(tx: Tx, turn: Turn, session_id: SessionId) -> bool:
    """Say whether the session is a new one that knows nothing of the thread's earlier turns, and nobody was told so."""
    # The turn before was in another session. If it ended because that was gone, its owner was told then.
    number = select(turns.c.number).where(turns.c.id == turn.id).scalar_subquery()
    before = (
        select(turns.c.session_id, turns.c.outcome)
        .where(turns.c.thread_id == turn.thread_id, turns.c.number < number, turns.c.session_id.is_not(None))
        .order_by(turns.c.number.desc())
        .limit(1)
    )
    row = (await tx.connection.execute(before)).one_or_none()
    return row is not None and row.session_id != session_id and row.outcome != SESSION_GONE


async def set_sent(tx: Tx, turn_id: TurnId, event_id: EventId) -> None:
    """Record that the session has the request."""
    await change(tx, turn_id, send_state=SendState.SENT, event_id=event_id)


async def set_usage_base(
    tx: Tx, turn_id: TurnId, cost_cents: float | None, input_tokens: int, output_tokens: int
) -> None:
    """Record what the session had used before this turn; `cost_cents` None: the API did not tell."""
    await change(
        tx,
        turn_id,
        usage_base_cost_cents=cost_cents,
        usage_base_input_tokens=input_tokens,
        usage_base_output_tokens=output_tokens,
    )
