"""Messages that a form was opened on, until the form is sent or too old. Only the member who opened it reads one.

A form's own metadata has room for 3,000 characters, a message may have many more.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ColumnElement, ForeignKeyConstraint, String, Table, Text, and_, delete, select

from store.attachments import open_files, seal_files
from store.database import Tx
from store.errors import SealBroken
from store.records import Member, Quote
from store.schema import UtcTime, metadata

quotes = Table(
    "quotes",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("author", String),
    Column("text", Text, nullable=False),
    Column("files", Text),
    Column("created_at", UtcTime, nullable=False, index=True),
    ForeignKeyConstraint(["workspace_id", "owner_id"], ["members.workspace_id", "members.user_id"]),
)


async def keep(tx: Tx, quote_id: str, owner: Member, quote: Quote, now: datetime) -> None:
    """Store a message for the member who opened the form. Idempotent."""
    added = tx.insert(quotes).values(
        id=quote_id,
        workspace_id=owner.workspace_id,
        owner_id=owner.user_id,
        author=quote.author,
        text=tx.sealer.seal(quote.text, place=f"quotes.text:{quote_id}"),
        files=seal_files(tx, quote.files, place=f"quotes.files:{quote_id}"),
        created_at=now,
    )
    await tx.connection.execute(added.on_conflict_do_nothing(index_elements=["id"]))


async def find(tx: Tx, owner: Member, quote_id: str) -> Quote | None:
    """Return the message; None if it is gone, somebody else's, or does not open."""
    row = (await tx.connection.execute(select(quotes).where(quotes.c.id == quote_id, _own(owner)))).one_or_none()
    if row is None:
        return None
    try:
        text = tx.sealer.open_sealed(row.text, place=f"quotes.text:{quote_id}")
        return Quote(text, row.author, open_files(tx, row.files, place=f"quotes.files:{quote_id}"))
    except SealBroken:
        return None


async def drop(tx: Tx, owner: Member, quote_id: str) -> None:
    """Delete a message whose form was sent. Idempotent."""
    await tx.connection.execute(delete(quotes).where(quotes.c.id == quote_id, _own(owner)))


async def purge(tx: Tx, before: datetime) -> int:
    """Delete what was stored before a time; return how many."""
    return await tx.changed(delete(quotes).where(quotes.c.created_at < before))


async def void_for(tx: Tx, owner: Member) -> int:
    """Delete all of the owner's; return how many."""
    return await tx.changed(delete(quotes).where(_own(owner)))


def _own(owner: Member) -> ColumnElement[bool]:
    return and_(quotes.c.workspace_id == owner.workspace_id, quotes.c.owner_id == owner.user_id)
