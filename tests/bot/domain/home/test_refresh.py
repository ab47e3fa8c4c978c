"""Many changes are one publication; one that comes while it is made is not lost."""

from __future__ import annotations

import asyncio

import pytest

from bot.clock import WallClock
from bot.domain.home.refresh import MOMENT, HomeRefresh
from bot.domain.supervisor import ENDLESS, Supervisor
from bot.model.commands import Place, ShowHome, StopTurn
from bot.model.errors import SlackUnavailable
from tests.builders import NOON, a_context, a_member

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
        await breathe()
        for event in self.asleep:
            event.set()
        self.asleep.clear()
        await breathe()


async def breathe():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def supervisor():
    supervisor = Supervisor(lambda: "REF", WallClock())
    yield supervisor
    await supervisor.close()


@pytest.fixture
def context(supervisor):
    return a_context(supervisor=supervisor, clock=StillClock())


def errands(supervisor):
    return [task for task in supervisor._tasks if not task.get_name().startswith(ENDLESS)]


async def test_many_changes_are_one_publication_for_each_member(context, supervisor):
    published = []

    async def refresh(*key):
        published.append(key)

    HomeRefresh(context, refresh).start()
    for _ in range(100):
        context.home_changes.add(*ANN)
        await asyncio.sleep(0)
    context.home_changes.add(*BEN)
    await context.clock.wake()

    assert sorted(published) == [ANN, BEN]
    assert errands(supervisor) == []


async def test_a_change_while_it_is_published_is_published_after_it(context, supervisor):
    published = []

    async def refresh(*key):
        published.append(key)
        if len(published) == 1:
            context.home_changes.add(*key)
            await breathe()

    HomeRefresh(context, refresh).start()
    context.home_changes.add(*ANN)
    await context.clock.wake()
    assert published == [ANN]
    await breathe()
    await context.clock.wake()

    assert published == [ANN, ANN]
    assert errands(supervisor) == []


async def test_an_outage_ends_nothing(context, supervisor):
    tries = []

    async def refresh(*key):
        tries.append(key)
        raise SlackUnavailable

    HomeRefresh(context, refresh).start()
    for _ in range(2):
        context.home_changes.add(*ANN)
        await context.clock.wake()

    assert tries == [ANN, ANN]


async def test_what_changed_before_it_began_is_published_too(context):
    published = []

    async def refresh(*key):
        published.append(key)

    context.home_changes.add(*ANN)
    HomeRefresh(context, refresh).start()
    await context.clock.wake()

    assert published == [ANN]


async def test_looking_changes_nothing(context):
    homes = HomeRefresh(context, refresh=None)

    homes.after(ShowHome(a_member()))
    assert not context.home_changes._whose
    homes.after(StopTurn(a_member(), Place("C0GENERAL")))
    assert context.home_changes._whose == {ANN}
