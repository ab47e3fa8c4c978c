"""Many changes are one publication; one that comes while it is made is not lost."""

from __future__ import annotations

import asyncio

import pytest

from bot.clock import WallClock
from bot.domain.home_refresh import MOMENT, HomeRefresh
from bot.domain.supervisor import Supervisor
from bot.model.commands import Place, ShowHome, StopTurn
from bot.model.errors import SlackUnavailable
from tests.builders import NOON, a_member

ANN, BEN = ("T0ACME", "U0ANN"), ("T0ACME", "U0BEN")


class StillClock:
    """Sleeps end when the test says so."""

    def __init__(self) -> None:
        self.asleep: list[asyncio.Event] = []

    def now(self):
        return NOON

    def steady(self):
        return self.now()

    async def sleep_until(self, when):
        assert when == NOON + MOMENT
        self.asleep.append(event := asyncio.Event())
        await event.wait()

    async def wake(self):
        await asyncio.sleep(0)
        for event in self.asleep:
            event.set()
        self.asleep.clear()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def supervisor():
    supervisor = Supervisor(lambda: "REF", WallClock())
    yield supervisor
    await supervisor.close()


async def test_many_changes_are_one_publication_for_each_member(supervisor):
    published, clock = [], StillClock()

    async def refresh(*key):
        published.append(key)

    refreshing = HomeRefresh(supervisor=supervisor, clock=clock, refresh=refresh)
    for _ in range(100):
        refreshing.changed(*ANN)
    refreshing.changed(*BEN)
    await clock.wake()
    await supervisor.idle()

    assert sorted(published) == [ANN, BEN]


async def test_a_change_while_it_is_published_is_published_after_it(supervisor):
    published, clock = [], StillClock()

    async def refresh(*key):
        published.append(key)
        if len(published) == 1:
            refreshing.changed(*key)

    refreshing = HomeRefresh(supervisor=supervisor, clock=clock, refresh=refresh)
    refreshing.changed(*ANN)
    await clock.wake()
    assert published == [ANN]
    await clock.wake()
    await supervisor.idle()

    assert published == [ANN, ANN]


async def test_an_outage_ends_nothing(supervisor):
    clock, tries = StillClock(), []

    async def refresh(*key):
        tries.append(key)
        raise SlackUnavailable

    refreshing = HomeRefresh(supervisor=supervisor, clock=clock, refresh=refresh)
    for _ in range(2):
        refreshing.changed(*ANN)
        await clock.wake()
        await supervisor.idle()

    assert tries == [ANN, ANN]


async def test_looking_changes_nothing(supervisor):
    clock = StillClock()
    refreshing = HomeRefresh(supervisor=supervisor, clock=clock, refresh=None)

    refreshing.after(ShowHome(a_member()))
    assert supervisor._tasks == set()
    refreshing.after(StopTurn(a_member(), Place("C0GENERAL")))
    assert len(supervisor._tasks) == 1
