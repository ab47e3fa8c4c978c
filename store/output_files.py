"""The files that agents made, and whether each was posted to its thread: once, also after a crash."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, func, insert, select, update

from store.database import Tx
from store.records import Output, OutputState, Turn, TurnId
from store.schema import metadata, states_check

outputs = Table(
    "outputs",
    metadata,
    # The API lists all of a session's files each time: a file that has a row is an earlier turn's, or known already.
    Column("file_id", String, primary_key=True),
    Column("turn_id", String, ForeignKey("turns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String, nullable=False),
    # Uploading and sharing are two calls: after a crash between them the file is shared, not uploaded again.
    Column("slack_id", String),
    states_check(OutputState),
    Index("ix_outputs_turn", "turn_id"),
)


async def note(tx: Tx, turn: Turn, file_ids: tuple[str, ...], *, most: int) -> bool:
    """Record the files that no turn has yet as this turn's; say whether it has any.

    The first `most` of a turn are to be posted, the others are only counted.
    """
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
    """Record that the file was uploaded, with its id at Slack."""
    await tx.connection.execute(update(outputs).where(outputs.c.file_id == file_id).values(slack_id=slack_id))


async def shared(tx: Tx, file_id: str) -> None:
    """Record that the file was posted to the thread."""
    done = update(outputs).where(outputs.c.file_id == file_id)
    await tx.connection.execute(done.values(state=OutputState.SHARED))


async def list_for(tx: Tx, turn_id: TurnId) -> tuple[Output, ...]:
    """Return the turn's files in the order in which they were found."""
    rows = await tx.connection.execute(select(outputs).where(outputs.c.turn_id == turn_id).order_by(outputs.c.number))
    return tuple(Output(row.file_id, TurnId(row.turn_id), OutputState(row.state), row.slack_id) for row in rows)
