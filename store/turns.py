"""Turns: each thread's queue, and the states of a turn.

`store/turn_sending.py` has how a request is sent, `store/spending.py` what turns cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    exists,
    false,
    func,
    insert,
    select,
    text,
    update,
)

from store.attachments import open_files, seal_files
from store.database import Tx
from store.errors import NotFound, SealBroken
from store.members import owned, owner_of
from store.messages import message_of, message_values
from store.records import (
    ACTIVE_TURN_STATES,
    OPEN_TURN_STATES,
    Attachment,
    DeliveryId,
    Member,
    MessageRef,
    SendState,
    Thread,
    ThreadId,
    Turn,
    TurnId,
    TurnState,
    UsageBase,
    UserId,
    WorkspaceId,
)
from store.schema import UtcTime, message_columns, metadata, states_check, states_sql, within
from store.threads import thread_of, threads

turns = Table(
    "turns",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("number", Integer, nullable=False),
    # Unique: a request that is carried out again, after a crash, finds the turn that it made. Empty for a turn without
    # a request of its own, and once the request is purged.
    Column("delivery_id", String, ForeignKey("deliveries.id", ondelete="SET NULL"), unique=True),
    Column("state", String, nullable=False),
    Column("send_state", String, nullable=False),
    Column("session_id", String),
    Column("event_id", String),
    # Sealed; empty once the turn is over, since the conversation is the session's to keep.
    Column("task", Text),
    *message_columns("source"),
    *message_columns("notice"),
    Column("stop_requested_by", String),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("outcome", String),
    Column("cost_cents", Float),
    # The API tells what a session has used in all: what it had used before this turn is subtracted.
    Column("usage_base_cost_cents", Float),
    Column("usage_base_input_tokens", Integer),
    Column("usage_base_output_tokens", Integer),
    # Empty until the turn is admitted to its budgets.
    Column("allowance_cents", Float),
    Column("files", Text),
    Column("is_edit_told", Boolean, nullable=False, server_default=false()),
    # A turn's owner is its thread's owner, never somebody else who wrote there.
    ForeignKeyConstraint(
        ["thread_id", "workspace_id", "owner_id"], ["threads.id", "threads.workspace_id", "threads.owner_id"]
    ),
    states_check(TurnState),
    states_check(SendState, "send_state"),
    CheckConstraint(f"({states_sql('state', OPEN_TURN_STATES)}) = (task IS NOT NULL)", name="task_erased"),
    CheckConstraint(f"({states_sql('state', OPEN_TURN_STATES)}) = (ended_at IS NULL)", name="ended"),
    UniqueConstraint("thread_id", "number"),
    # For foreign keys that take the owner along: what belongs to a turn belongs to the turn's owner.
    UniqueConstraint("id", "workspace_id", "owner_id"),
    Index("ix_turns_source", "workspace_id", "source_channel", "source_ts"),
    # A session does one thing at a time; whatever the code does, a second turn cannot begin beside the first.
    Index(
        "uq_turns_one_active",
        "thread_id",
        unique=True,
        sqlite_where=text(states_sql("state", ACTIVE_TURN_STATES)),
        postgresql_where=text(states_sql("state", ACTIVE_TURN_STATES)),
    ),
    Index(
        "ix_turns_open",
        "workspace_id",
        "owner_id",
        sqlite_where=text(states_sql("state", OPEN_TURN_STATES)),
        postgresql_where=text(states_sql("state", OPEN_TURN_STATES)),
    ),
)


_active = turns.alias("active")
NOT_BEGUN = "not_begun"
"""The outcome of a turn whose request failed before the turn was begun."""


async def queue(tx: Tx, turn: Turn, delivery_id: DeliveryId | None) -> Turn:
    """Store a turn at the end of its thread's queue, and return it; the same delivery again returns the first one.

    The turn's owner must be the thread's, else `InvariantBroken`.
    """
    await _lock(tx, turn.thread_id)
    if delivery_id is not None:
        earlier = await _find(tx, turns.c.delivery_id == delivery_id)
        if earlier is not None:
            return earlier
    last = select(func.coalesce(func.max(turns.c.number), 0) + 1).where(turns.c.thread_id == turn.thread_id)
    await tx.connection.execute(
        insert(turns).values(
            id=turn.id,
            thread_id=turn.thread_id,
            workspace_id=turn.owner.workspace_id,
            owner_id=turn.owner.user_id,
            number=last.scalar_subquery(),
            delivery_id=delivery_id,
            state=turn.state,
            send_state=turn.send_state,
            event_id=turn.event_id,
            task=tx.sealer.seal(turn.task, place=_place(turn.id)),
            files=seal_files(tx, turn.files, place=_files_place(turn.id)),
            **message_values("source", turn.source),
            **message_values("notice", turn.notice),
            stop_requested_by=turn.stop_requested_by,
            created_at=turn.created_at,
            started_at=turn.started_at,
        )
    )
    return await get(tx, turn.id)


async def get(tx: Tx, turn_id: TurnId) -> Turn:
    """Return the turn. Raises `NotFound`."""
    turn = await find(tx, turn_id)
    if turn is None:
        raise NotFound("turn", turn_id)
    return turn


async def find(tx: Tx, turn_id: TurnId) -> Turn | None:
    """Return the turn, None if there is no such turn."""
    return await _find(tx, turns.c.id == turn_id)


async def claim_next(tx: Tx, thread_id: ThreadId, now: datetime) -> Turn | None:
    """Begin and return the thread's oldest queued turn; None if one is active or none is queued."""
    await _lock(tx, thread_id)
    oldest = (
        select(turns.c.id)
        .where(turns.c.thread_id == thread_id, turns.c.state == TurnState.QUEUED)
        .where(~exists().where(_active.c.thread_id == thread_id, within(_active.c.state, ACTIVE_TURN_STATES)))
        .order_by(turns.c.number)
        .limit(1)
    )
    turn_id = (await tx.connection.execute(oldest)).scalar_one_or_none()
    if turn_id is None:
        return None
    await change(tx, turn_id, state=TurnState.RUNNING, started_at=now)
    return await get(tx, turn_id)


async def list_open(tx: Tx) -> tuple[Turn, ...]:
    """Return every open turn, the oldest first."""
    return await _list(tx, within(turns.c.state, OPEN_TURN_STATES))


async def list_sealed(tx: Tx) -> list[tuple[str, str]]:
    """Return the sealed values of open turns, each with its place."""
    query = select(turns.c.id, turns.c.task, turns.c.files).where(within(turns.c.state, OPEN_TURN_STATES))
    rows = (await tx.connection.execute(query)).all()
    tasks = [(row.task, _place(row.id)) for row in rows]
    return tasks + [(row.files, _files_place(row.id)) for row in rows if row.files is not None]


async def list_threads_open(tx: Tx) -> tuple[ThreadId, ...]:
    """Return the threads with open turns, the one that has waited longest first."""
    # Ids only: it is asked every few seconds, and opening all that is sealed would cost more than the question.
    rows = await tx.connection.execute(
        select(turns.c.thread_id)
        .where(within(turns.c.state, OPEN_TURN_STATES))
        .group_by(turns.c.thread_id)
        .order_by(func.min(turns.c.created_at), turns.c.thread_id)
    )
    return tuple(ThreadId(thread_id) for thread_id in rows.scalars())


async def list_open_for(tx: Tx, owner: Member) -> tuple[Turn, ...]:
    """Return the owner's open turns, the oldest first."""
    return await _list(
        tx,
        turns.c.workspace_id == owner.workspace_id,
        turns.c.owner_id == owner.user_id,
        within(turns.c.state, OPEN_TURN_STATES),
    )


async def list_open_in(tx: Tx, thread_id: ThreadId) -> tuple[Turn, ...]:
    """Return the thread's open turns in the order of its queue."""
    return await _list(tx, turns.c.thread_id == thread_id, within(turns.c.state, OPEN_TURN_STATES))


async def reword(tx: Tx, turn_id: TurnId, task: str) -> None:
    """Replace the words of a turn that is still queued; without effect once it has begun."""
    sealed = tx.sealer.seal(task, place=_place(turn_id))
    await tx.connection.execute(
        update(turns).where(turns.c.id == turn_id, turns.c.state == TurnState.QUEUED).values(task=sealed)
    )


async def claim_edit_notice(tx: Tx, turn_id: TurnId) -> bool:
    """Claim telling an active turn's owner that the agent does not see their edit; True for the first edit only."""
    told = update(turns).where(
        turns.c.id == turn_id, turns.c.is_edit_told.is_(False), within(turns.c.state, ACTIVE_TURN_STATES)
    )
    return await tx.changed(told.values(is_edit_told=True)) == 1


async def find_by_source(tx: Tx, workspace_id: WorkspaceId, source: MessageRef) -> Turn | None:
    """Return the newest turn that a message began, None if it began none."""
    made = await _list(
        tx,
        turns.c.workspace_id == workspace_id,
        turns.c.source_channel == source.channel,
        turns.c.source_ts == source.ts,
    )
    return made[-1] if made else None


async def set_notice(tx: Tx, turn_id: TurnId, ref: MessageRef | None) -> None:
    """Store which message has the Stop button; None once it is gone."""
    await change(tx, turn_id, **message_values("notice", ref))


async def change_state(tx: Tx, turn_id: TurnId, *, from_: TurnState, to: TurnState) -> bool:
    """Move a turn between open states; False if it was not in `from_`. Raises `ValueError` for an end."""
    if to not in OPEN_TURN_STATES:
        raise ValueError(f"{to} is an end")  # `end` erases what was asked; a state alone would not
    moved = update(turns).where(turns.c.id == turn_id, turns.c.state == from_).values(state=to)
    return await tx.changed(moved) == 1


async def request_stop(tx: Tx, turn_id: TurnId, by: UserId) -> bool:
    """Record who stops an open turn; False if somebody did before, or it is over."""
    asked = (
        update(turns)
        .where(turns.c.id == turn_id, turns.c.stop_requested_by.is_(None), within(turns.c.state, OPEN_TURN_STATES))
        .values(stop_requested_by=by)
    )
    return await tx.changed(asked) == 1


async def end(
    tx: Tx, turn_id: TurnId, state: TurnState, *, outcome: str, cost_cents: float | None, now: datetime
) -> bool:
    """End an open turn and erase what was asked; False if it had ended before. `cost_cents` None: not known."""
    if state in OPEN_TURN_STATES:
        raise ValueError(f"{state} is not an end")
    ended = (
        update(turns)
        .where(turns.c.id == turn_id, within(turns.c.state, OPEN_TURN_STATES))
        .values(state=state, outcome=outcome, cost_cents=cost_cents, ended_at=now, task=None, files=None)
    )
    return await tx.changed(ended) == 1


async def drop_queued(tx: Tx, delivery_id: DeliveryId, now: datetime) -> bool:
    """End the turn that a request queued, if it has not begun; False if it has."""
    # Its owner is told that the request failed, so the turn must not run after all (docs/decisions/0033).
    made = turns.c.delivery_id == delivery_id
    dropped = update(turns).where(made, turns.c.state == TurnState.QUEUED)
    await tx.connection.execute(
        dropped.values(state=TurnState.FAILED, outcome=NOT_BEGUN, ended_at=now, task=None, files=None)
    )
    active = select(turns.c.id).where(made, within(turns.c.state, ACTIVE_TURN_STATES))
    return (await tx.connection.execute(active)).first() is None


async def _lock(tx: Tx, thread_id: ThreadId) -> None:
    # For the next number and the only active turn, on PostgreSQL: one transaction at a time for each thread, so that
    # the second waits instead of failing at a constraint. SQLite has one writer anyway.
    await tx.connection.execute(select(threads.c.id).where(threads.c.id == thread_id).with_for_update())


async def change(tx: Tx, turn_id: TurnId, **values: object) -> None:
    """Set columns of a turn. Raises `NotFound`."""
    if await tx.changed(update(turns).where(turns.c.id == turn_id).values(**values)) != 1:
        raise NotFound("turn", turn_id)


async def _find(tx: Tx, where: ColumnElement[bool]) -> Turn | None:
    row = (await tx.connection.execute(owned(turns).where(where))).one_or_none()
    return None if row is None else _read(tx, row)


async def _list(tx: Tx, *where: ColumnElement[bool]) -> tuple[Turn, ...]:
    rows = await tx.connection.execute(
        owned(turns).where(*where).order_by(turns.c.created_at, turns.c.thread_id, turns.c.number)
    )
    return tuple(_read(tx, row) for row in rows)


async def list_threads(tx: Tx, turn_ids: Iterable[TurnId]) -> dict[TurnId, Thread]:
    """Return each of these turns' threads, by turn."""
    rows = await tx.connection.execute(
        owned(threads)
        .add_columns(turns.c.id.label("turn_id"))
        .join(turns, turns.c.thread_id == threads.c.id)
        .where(turns.c.id.in_(list(turn_ids)))
    )
    return {row.turn_id: thread_of(row) for row in rows}


def _place(turn_id: TurnId) -> str:
    return f"turns.task:{turn_id}"


def _read(tx: Tx, row: Row[Any]) -> Turn:
    try:
        task = "" if row.task is None else tx.sealer.open_sealed(row.task, place=_place(row.id))
        files = open_files(tx, row.files, place=_files_place(row.id))
    except SealBroken:
        # Without its words it can still be listed, stopped and ended: left out, it would block its thread for ever.
        return _turn(row, "", (), is_readable=False)
    return _turn(row, task, files)


def _turn(row: Row[Any], task: str, files: tuple[Attachment, ...], *, is_readable: bool = True) -> Turn:
    return Turn(
        id=row.id,
        thread_id=row.thread_id,
        owner=owner_of(row),
        state=TurnState(row.state),
        send_state=SendState(row.send_state),
        task=task,
        source=message_of(row.source_channel, row.source_ts),
        notice=message_of(row.notice_channel, row.notice_ts),
        stop_requested_by=row.stop_requested_by,
        created_at=row.created_at,
        started_at=row.started_at,
        event_id=row.event_id,
        usage_base=_read_usage_base(row),
        outcome=row.outcome,
        cost_cents=row.cost_cents,
        files=files,
        is_readable=is_readable,
    )


def _files_place(turn_id: str) -> str:
    return f"turns.files:{turn_id}"


def _read_usage_base(row: Row[Any]) -> UsageBase | None:
    if row.usage_base_input_tokens is None:
        return None
    return UsageBase(
        cost_cents=row.usage_base_cost_cents,
        input_tokens=row.usage_base_input_tokens,
        output_tokens=row.usage_base_output_tokens,
    )
