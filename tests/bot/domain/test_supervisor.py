import asyncio
from datetime import timedelta

import pytest

from bot.domain.supervisor import STORE, Supervisor
from bot.model.errors import SlackUnavailable
from simulator.patience import patience
from store.errors import StoreUnavailable


class HurriedClock:
    """Sleeps end at once, and are remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()


@pytest.fixture
def counted() -> list[str]:
    return []


@pytest.fixture
async def supervisor(clock, counted):
    made = Supervisor(lambda: "ref-1", clock, counted.append)
    yield made
    await made.close()


async def test_one_key_is_driven_by_one_task_at_a_time(supervisor: Supervisor):
    running, most = 0, 0
    go = asyncio.Event()

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go.wait()
        running -= 1

    async def broke(_: str) -> None: ...

    for _ in range(5):
        supervisor.drive("thread", work, broke)
    go.set()
    await supervisor.idle()

    assert most == 1


async def test_what_is_woken_while_it_works_works_once_more(supervisor: Supervisor):
    rounds, started, go = 0, asyncio.Event(), asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        started.set()
        await go.wait()

    async def broke(_: str) -> None: ...

    supervisor.drive("thread", work, broke)
    await started.wait()
    supervisor.drive("thread", work, broke)
    supervisor.drive("thread", work, broke)
    go.set()
    await supervisor.idle()

    assert rounds == 2
    assert supervisor.driven == 0


async def test_a_bug_is_logged_with_a_reference_and_reported_with_the_same(supervisor: Supervisor, logged):
    told: list[str] = []

    async def work() -> None:
        raise RuntimeError("a bug")

    async def broke(reference: str) -> None:
        told.append(reference)

    supervisor.drive("thread", work, broke)
    await supervisor.idle()

    assert told == ["ref-1"]
    assert any("task_failed" in line and "ref-1" in line for line in logged.lines)


@pytest.mark.fault("S8")
async def test_what_a_bug_ended_is_nobody_elses_until_it_is_reported(supervisor: Supervisor):
    """A sweep that finds it without a driver meanwhile would have the same bug again, beside the report."""
    begun: list[str] = []
    reporting, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.append("work")
        if len(begun) == 1:
            raise RuntimeError("a bug")

    async def broke(_: str) -> None:
        reporting.set()
        await go_on.wait()
        begun.append("reported")

    supervisor.drive("thread", work, broke)
    await reporting.wait()
    assert supervisor.is_driven("thread")
    supervisor.drive("thread", work, broke)
    go_on.set()
    await supervisor.idle()

    assert begun == ["work", "reported", "work"]


async def test_a_bug_while_reporting_a_bug_is_logged_and_ends_there(supervisor: Supervisor, logged):
    async def work() -> None:
        raise RuntimeError("a bug")

    async def broke(_: str) -> None:
        raise RuntimeError("another")

    supervisor.start(work, broke)
    await supervisor.idle()

    assert any("bug_not_reported" in line for line in logged.lines)


async def test_a_driver_that_broke_can_be_started_again(supervisor: Supervisor):
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise RuntimeError("a bug")

    async def broke(_: str) -> None:
        supervisor.drive("thread", work, again)

    async def again(_: str) -> None: ...

    supervisor.drive("thread", work, broke)
    await supervisor.idle()

    assert rounds == 2


async def test_closing_ends_what_runs_and_starts_nothing_more(supervisor: Supervisor):
    ended, ran = asyncio.Event(), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def late() -> None:
        ran.append(True)

    supervisor.start(work)
    await asyncio.sleep(0)
    await supervisor.close()
    supervisor.start(late)
    await supervisor.idle()

    assert ended.is_set()
    assert ran == []


async def test_closing_ends_even_what_swallows_a_cancellation(supervisor: Supervisor, monkeypatch):
    """As `asyncio.wait_for` may, when the result comes in the same moment."""
    monkeypatch.setattr("bot.domain.supervisor._AGAIN", 0.01)
    swallowed = 0

    async def go_on() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.Event().wait()

    supervisor.start(go_on)
    await asyncio.sleep(0)

    async with patience():
        await supervisor.close()
    assert swallowed == 2


async def test_what_runs_beside_a_block_ends_with_it_and_its_error_is_raised(supervisor: Supervisor):
    failing = asyncio.Event()

    async def work() -> None:
        failing.set()
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        async with supervisor.beside(work):
            await failing.wait()


async def test_waking_a_key_nobody_drives_does_nothing(supervisor: Supervisor):
    supervisor.wake("thread")
    supervisor.wake_all()

    assert supervisor.driven == 0


@pytest.mark.fault("S8")
@pytest.mark.parametrize("is_driver", [True, False], ids=["driver", "errand"])
async def test_an_outage_of_the_store_is_waited_out_longer_each_time_and_is_no_bug(
    supervisor: Supervisor, clock, counted, is_driver: bool
):
    tries, told = 0, []

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 10:
            assert supervisor.is_driven("thread") is is_driver
            raise StoreUnavailable("database is locked")

    async def broke(reference: str) -> None:
        told.append(reference)

    if is_driver:
        supervisor.drive("thread", work, broke)
    else:
        supervisor.start(work, broke)
    await supervisor.idle()

    assert (tries, told, counted) == (10, [], [STORE] * 9)
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 30


@pytest.mark.fault("S4")
async def test_a_bug_is_reported_also_when_the_store_is_out_just_then(supervisor: Supervisor):
    told: list[str] = []

    async def work() -> None:
        raise RuntimeError("a bug")

    async def broke(reference: str) -> None:
        told.append(reference)
        if len(told) < 3:
            raise StoreUnavailable("disk full")

    supervisor.start(work, broke)
    await supervisor.idle()

    assert told == ["ref-1"] * 3


@pytest.mark.fault("S1")
@pytest.mark.parametrize("error", [RuntimeError("a bug"), StoreUnavailable("locked"), SlackUnavailable()])
async def test_an_endless_task_goes_on_whatever_ends_a_round_and_shows_it_meanwhile(
    supervisor: Supervisor, clock, counted, error: Exception
):
    rounds, seen, enough = 0, [], asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        seen.append(set(supervisor.failing))
        if rounds == 4:
            enough.set()
        if rounds in {2, 3}:
            raise error

    supervisor.keep("chore", work, timedelta(hours=1))
    async with patience():
        await enough.wait()

    assert seen == [set(), set(), {"chore"}, {"chore"}]
    assert counted == ["chore"] * 2
    assert clock.slept[:3] == [3600, 0.5, 1]
    assert supervisor.failing == set()
