"""The record of who did what."""

from __future__ import annotations

from store import audit
from store.records import AuditEntry
from tests.builders import NOON
from tests.stored import list_audit


def an_entry(action: str, workspace_id: str = "T0ACME") -> AuditEntry:
    return AuditEntry(
        at=NOON, workspace_id=workspace_id, actor="U0ANN", action=action, subject="con_1", details={"service": "notes"}
    )


async def test_the_newest_entries_of_one_workspace_come_first(database):
    async with database.transaction() as tx:
        for entry in (an_entry("connected"), an_entry("foreign", "T0OTHER"), an_entry("disconnected")):
            await audit.record(tx, entry)

    async with database.transaction() as tx:
        listed = await list_audit(tx, "T0ACME")

    assert listed == [an_entry("disconnected"), an_entry("connected")]
