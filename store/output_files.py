"""Which of a session's files were posted to its thread, so that each is posted once, also after a crash."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, func, insert, select, update

from store.database import Tx
from store.records import Output, OutputState, Turn, TurnId
from store.schema import metadata, states_check

outputs = Table(
    "outputs",
    metadata,
    Column("file_id", String, primary_key=True),
    Column("turn_id", String, ForeignKey("turns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("slack_id", String),
    states_check(OutputState),
    Index("ix_outputs_turn", "turn_id"),
)


async def note(tx: Tx, turn: Turn, file_ids: tuple[str, ...], *, most: int) -> bool:
    """Write down the files that no turn has, for this one; only `most` of a turn are to be sent. Tell if it has any."""
    known = select(outputs.c.file_id).where(outputs.c.file_id.in_(file_ids))
    taken = set((await tx.connection.execute(known)).scalars())
    counted = select(func.count()).select_from(outputs).where(outputs.c.turn_id == turn.id)
    number = int((await tx.connection.execute(counted)).scalar_one())
    for file_id in file_ids:
        if file_id in taken:
            continue
        number += 1
        state = OutputState.INTENDED if number <= most else OutputState.LEFT
        values = {"file_id": file_id, "turn_id": turn.id, "number": number, "state": state}
        await tx.connection.execute(insert(outputs).values(**values))
    return number > 0


async def uploaded(tx: Tx, file_id: str, slack_id: str) -> None:
    """Remember the file's id at Slack."""
    await tx.connection.execute(update(outputs).where(outputs.c.file_id == file_id).values(slack_id=slack_id))


async def shared(tx: Tx, file_id: str) -> None:
    """Remember that the file is in the thread."""
    done = update(outputs).where(outputs.c.file_id == file_id)
    await tx.connection.execute(done.values(state=OutputState.SHARED))


async def list_for(tx: Tx, turn_id: TurnId) -> tuple[Output, ...]:
    """Return the turn's files in their order."""
    rows = await tx.connection.execute(select(outputs).where(outputs.c.turn_id == turn_id).order_by(outputs.c.number))
    return tuple(Output(row.file_id, TurnId(row.turn_id), OutputState(row.state), row.slack_id) for row in rows)
