"""Slack's rates are kept before Slack has to say so."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.slack.rate_limiter import IN_CHANNEL, RateLimiter


class StillClock:
    def __init__(self):
        self.time = datetime(2026, 11, 23, tzinfo=UTC)

    def now(self):
        return self.time

    def steady(self):
        return self.now()

    async def sleep(self, seconds):
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, when):
        await asyncio.sleep(0)
        self.time = max(self.time, when)


@pytest.mark.parametrize(
    ("method", "per_minute"),
    [("chat.startStream", 20), ("chat.appendStream", 100), ("chat.update", 50), ("anything.else", 50)],
)
async def test_no_minute_has_more_calls_than_slack_allows(method, per_minute):
    clock = StillClock()
    pacer, calls = RateLimiter(clock), []

    while clock.time < datetime(2026, 11, 23, 0, 3, tzinfo=UTC):
        if delay := pacer.take("T1", method):
            await clock.sleep_until(clock.now() + timedelta(seconds=delay))
        else:
            calls.append(clock.now())

    for start in calls:
        assert sum(start <= call < start + timedelta(minutes=1) for call in calls) <= per_minute
    assert len(calls) == 3 * per_minute


def test_one_workspace_does_not_use_up_anothers_budget():
    pacer = RateLimiter(StillClock())
    while not pacer.take("T1", "chat.startStream"):
        pass

    assert pacer.take("T2", "chat.startStream") == 0


def test_when_slack_says_wait_nothing_goes_before():
    clock = StillClock()
    pacer = RateLimiter(clock)
    pacer.hold_off("T1", "chat.update", 30)

    assert pacer.take("T1", "chat.update") == pytest.approx(30)
    clock.time += timedelta(seconds=31)
    assert pacer.take("T1", "chat.update") == 0


def test_a_channel_has_a_budget_of_its_own():
    pacer = RateLimiter(StillClock())
    taken = [pacer.take("T1", f"{IN_CHANNEL}C1") for _ in range(4)]

    assert taken == [0, 0, 0, 3]
    assert pacer.take("T1", f"{IN_CHANNEL}C2") == 0


def test_a_call_is_counted_by_all_its_budgets_or_by_none():
    pacer = RateLimiter(StillClock())
    while not pacer.take("T1", "chat.postMessage", f"{IN_CHANNEL}C1"):
        pass

    assert pacer.take("T1", "chat.postMessage") == 0
    assert pacer.take("T1", "chat.postMessage", f"{IN_CHANNEL}C1") == 3


def test_what_may_be_left_out_leaves_room_for_what_may_not():
    pacer = RateLimiter(StillClock())
    taken = 0
    while not pacer.take("T1", "chat.update", keep=20):
        taken += 1

    assert taken == 30
    assert pacer.take("T1", "chat.update") == 0


class SteppedClock(StillClock):
    """A clock on which everybody wakes in their own time."""

    async def sleep_until(self, when):
        while self.time < when:  # noqa: ASYNC110 - it is `step` that lets time pass, in turns of the loop
            await asyncio.sleep(0)

    async def step(self, seconds):
        self.time += timedelta(seconds=seconds)
        for _ in range(5):
            await asyncio.sleep(0)


async def test_who_waits_goes_in_line_and_the_patient_later():
    clock, went = SteppedClock(), []
    pacer = RateLimiter(clock)
    while not pacer.take("T1", "chat.startStream"):
        await clock.step(1)

    async def wait(name, patience):
        await pacer.turn("T1", "chat.startStream", patience=patience)
        went.append(name)

    tasks = [asyncio.create_task(wait(*comer)) for comer in [("one", 30), ("two", 0), ("three", 30), ("four", 0)]]
    await clock.step(0)
    assert (pacer.waiting("T1", "chat.startStream"), pacer.waiting("T1", "chat.update")) == (4, 0)
    while not all(task.done() for task in tasks):
        assert pacer.take("T1", "chat.startStream") > 0, "it went before those in line"
        await clock.step(0.25)

    assert went == ["two", "four", "one", "three"]


async def test_what_does_as_well_is_taken_when_it_comes_first():
    clock = SteppedClock()
    pacer = RateLimiter(clock)
    while not pacer.take("T1", "chat.startStream"):
        pass
    await clock.step(30)
    while not pacer.take("T1", "chat.postMessage"):
        pass
    waiting = asyncio.create_task(pacer.turn("T1", "chat.postMessage", instead=("chat.startStream", "chat.stopStream")))

    await clock.step(30)
    assert not waiting.done()
    await clock.step(1.5)

    assert await waiting
    assert pacer.take("T1", "chat.stopStream") == 0


async def test_who_leaves_the_line_holds_nobody_up():
    clock = StillClock()
    pacer = RateLimiter(clock)
    while not pacer.take("T1", "chat.startStream"):
        pass
    gone = asyncio.create_task(pacer.turn("T1", "chat.startStream"))
    await asyncio.sleep(0)

    gone.cancel()
    await asyncio.wait([gone])

    assert pacer.waiting("T1", "chat.startStream") == 0
    assert 0 < pacer.take("T1", "chat.startStream") <= 61


def test_writing_is_brisk_while_there_is_plenty_and_slower_the_less_there_is():
    pacer = RateLimiter(StillClock())
    spacings = []
    while not pacer.take("T1", "chat.appendStream"):
        spacings.append(pacer.spacing("T1", "chat.appendStream"))

    assert spacings == sorted(spacings)
    assert spacings[0] < 0.3
    assert spacings[49] == pytest.approx(0.5)
    assert spacings[-1] >= 10
    assert pacer.spacing("T2", "chat.appendStream") == pytest.approx(0.25)


def test_what_is_impossible_is_remembered_for_five_minutes():
    clock = StillClock()
    pacer = RateLimiter(clock)
    pacer.turn_off("T1", "chat.startStream")

    assert pacer.is_off("T1", "chat.startStream")
    assert not pacer.is_off("T2", "chat.startStream")
    clock.time += timedelta(minutes=5)
    assert not pacer.is_off("T1", "chat.startStream")
