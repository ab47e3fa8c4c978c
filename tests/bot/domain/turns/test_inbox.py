import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.clock import WallClock
from bot.domain.turns.inbox import Inbox
from bot.model import events as e
from bot.model.errors import AgentsUnavailable

ONE, TWO = e.Thinking("sevt_1"), e.Thinking("sevt_2")


async def source(*items: object) -> AsyncIterator:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


async def test_events_are_taken_in_order_and_all_at_once():
    inbox = Inbox(asyncio.Event(), WallClock())
    await inbox.feed(source(ONE, TWO))

    assert await inbox.take(None) == [ONE, TWO]


async def test_a_source_that_fails_is_heard_of_after_what_came_before():
    inbox = Inbox(asyncio.Event(), WallClock())
    await inbox.feed(source(ONE, AgentsUnavailable()))

    assert await inbox.take(None) == [ONE]
    with pytest.raises(AgentsUnavailable):
        await inbox.take(None)


async def test_a_wake_up_without_events_is_an_empty_look():
    signal = asyncio.Event()
    inbox = Inbox(signal, WallClock())
    signal.set()

    assert await inbox.take(None) == []
    assert not signal.is_set()


async def test_waiting_ends_when_the_time_is_over():
    clock = WallClock()

    assert await Inbox(asyncio.Event(), clock).take(clock.steady()) == []
