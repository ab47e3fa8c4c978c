"""What a member is told of a link."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.connections.commands import ConnectionOutcomes
from bot.model.commands import TellAttempt
from oauth.catalog.catalog import Catalog
from oauth.ports import Failure
from store.records import Member, ServiceName, TicketId
from tests.builders import a_context

ALICE = Member("T1", "UALICE", "T1", "Alice")


class Shown:
    """A screen that keeps what it is given."""

    def __init__(self) -> None:
        self.notices = []

    async def message_once(self, _owner, notice, _marker, _since, _card):
        self.notices.append(notice)


@pytest.mark.fault("S23")
async def test_what_became_of_a_link_is_told_also_when_its_service_was_taken_away(database):
    screen = Shown()
    tellings = ConnectionOutcomes(a_context(database=database, screen=screen, catalog=Catalog({})), expiry=None)
    now = datetime.now(UTC).isoformat()
    words = TellAttempt(ALICE, TicketId("tkt_1"), ServiceName("notes"), now, failure=Failure.NOT_OFFERED)

    await tellings.tell(words)

    [notice] = screen.notices
    assert (notice.service.title, notice.failure) == ("notes", Failure.NOT_OFFERED)
