"""A message that a form was opened about is its opener's, and forgotten once it is asked or too old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import form_messages
from store.records import Attachment, Quote
from tests.builders import NOON, a_member, store_member

pytestmark = pytest.mark.fault("F15")
QUOTE = Quote("their words " * 1_000, "U0BOB", (Attachment("F1", "a.csv"),))


async def test_a_message_is_kept_whole_for_its_opener_only(database):
    async with database.transaction() as tx:
        owner = await store_member(tx)
        await form_messages.keep(tx, "qte_1", owner, QUOTE, NOON)
        await form_messages.keep(tx, "qte_1", owner, Quote("other", None), NOON)

        assert await form_messages.find(tx, owner, "qte_1") == QUOTE
        assert await form_messages.find(tx, a_member("U0BOB"), "qte_1") is None
        await form_messages.drop(tx, a_member("U0BOB"), "qte_1")
        assert await form_messages.find(tx, owner, "qte_1") == QUOTE
        await form_messages.drop(tx, owner, "qte_1")
        assert await form_messages.find(tx, owner, "qte_1") is None


async def test_what_nobody_asks_about_is_forgotten_in_time_and_with_its_owner(database):
    async with database.transaction() as tx:
        owner, later = await store_member(tx), NOON + timedelta(hours=1)
        await form_messages.keep(tx, "qte_1", owner, QUOTE, NOON)
        await form_messages.keep(tx, "qte_2", owner, QUOTE, later)

        assert await form_messages.purge(tx, later) == 1
        assert await form_messages.find(tx, owner, "qte_2") == QUOTE
        assert await form_messages.void_for(tx, owner) == 1
