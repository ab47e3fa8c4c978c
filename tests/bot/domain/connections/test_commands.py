"""What a member is told of a link."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.connections.commands import ConnectionOutcomes
from oauth.catalog.catalog import Catalog
from oauth.ports import Failure
from store.records import Member, ServiceName, Ticket, TicketId, TicketState

ALICE = Member("T1", "UALICE", "T1", "Alice")


class Shown:
    """A screen that keeps what it is given."""

    def __init__(self) -> None:
        self.notices = []

    async def message(self, _owner, notice, _card=None):
        self.notices.append(notice)


@pytest.mark.fault("S23")
async def test_what_became_of_a_link_is_told_also_when_its_service_was_taken_away():
    screen = Shown()
    tellings = ConnectionOutcomes(
        database=None, screen=screen, catalog=Catalog({}), lapses=None, changed=lambda *_: None
    )
    ticket = Ticket(TicketId("tkt_1"), ALICE, ServiceName("notes"), TicketState.FAILED, datetime.now(UTC), None)

    await tellings.failed(ticket, Failure.NOT_OFFERED, "ABCD1234")

    [notice] = screen.notices
    assert (notice.service.title, notice.failure) == ("notes", Failure.NOT_OFFERED)
