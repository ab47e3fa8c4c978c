from datetime import timedelta

import pytest

from bot.model.errors import AgentsUnavailable, SlackRejected, SlackUnavailable
from bot.model.retry_policy import ONCE, RetryPolicy
from bot.retry import retry
from tests.builders import NOON

SOON = RetryPolicy(pauses=(1, 2, 4), tries=4)


class RememberingClock:
    """Sleeps end at once, and are remembered."""

    def __init__(self) -> None:
        self.time = NOON
        self.slept: list[float] = []

    def steady(self):
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


class Service:
    """Fails with what it is given, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = iter(errors)
        self.calls = 0

    async def ask(self) -> str:
        self.calls += 1
        for error in self._errors:
            raise error
        return "answer"


@pytest.fixture
def clock() -> RememberingClock:
    return RememberingClock()


async def test_what_fails_is_done_again_after_its_pauses(clock):
    service = Service(SlackUnavailable(), SlackUnavailable(), SlackUnavailable())

    assert await retry(service.ask, SOON, clock, on=SlackUnavailable) == "answer"
    assert clock.slept == [1, 2, 4]


async def test_the_last_error_is_raised_when_the_tries_are_used_up(clock):
    last = SlackUnavailable()
    service = Service(SlackUnavailable(), SlackUnavailable(), SlackUnavailable(), last)

    with pytest.raises(SlackUnavailable) as raised:
        await retry(service.ask, SOON, clock, on=SlackUnavailable)

    assert raised.value is last
    assert (service.calls, clock.slept) == (4, [1, 2, 4])


async def test_once_is_once(clock):
    service = Service(SlackUnavailable())

    with pytest.raises(SlackUnavailable):
        await retry(service.ask, ONCE, clock, on=SlackUnavailable)

    assert (service.calls, clock.slept) == (1, [])


@pytest.mark.parametrize("error", [SlackRejected("no"), AgentsUnavailable(), ValueError()])
async def test_another_error_is_not_waited_out(clock, error):
    service = Service(error)

    with pytest.raises(type(error)):
        await retry(service.ask, SOON, clock, on=SlackUnavailable)

    assert (service.calls, clock.slept) == (1, [])


async def test_what_the_other_side_asks_for_is_waited_in_place_of_the_pause(clock):
    service = Service(SlackUnavailable(9.0), SlackUnavailable(), SlackUnavailable(500.0))
    policy = RetryPolicy(pauses=(1, 2, 4), longest_asked=60)

    await retry(service.ask, policy, clock, on=SlackUnavailable)

    assert clock.slept == [9, 2, 60]


async def test_no_try_begins_after_patience_is_over(clock):
    service = Service(*[SlackUnavailable() for _ in range(9)])
    policy = RetryPolicy(pauses=(4,), patience=12)

    with pytest.raises(SlackUnavailable):
        await retry(service.ask, policy, clock, on=SlackUnavailable)

    assert (service.calls, clock.slept) == (4, [4, 4, 4])


async def test_time_that_the_tries_take_counts_as_patience(clock):
    async def ask() -> None:
        clock.time += timedelta(seconds=10)
        raise SlackUnavailable

    with pytest.raises(SlackUnavailable):
        await retry(ask, RetryPolicy(pauses=(4,), patience=12), clock, on=SlackUnavailable)

    assert clock.slept == []


async def test_each_failure_that_another_try_follows_is_told_with_its_pause(clock):
    told: list[float] = []

    async def tell(_: SlackUnavailable, pause: float) -> None:
        told.append(pause)

    service = Service(SlackUnavailable(), SlackUnavailable(7.0), SlackUnavailable())

    with pytest.raises(SlackUnavailable):
        await retry(service.ask, RetryPolicy(pauses=(1, 2), tries=3), clock, on=SlackUnavailable, before_rest=tell)

    assert told == [1, 7]


async def test_who_rests_otherwise_may_end_it(clock):
    class StoppedError(Exception):
        pass

    async def rest(_: float) -> None:
        raise StoppedError

    service = Service(SlackUnavailable(), SlackUnavailable())

    with pytest.raises(StoppedError):
        await retry(service.ask, SOON, clock, on=SlackUnavailable, rest=rest)

    assert (service.calls, clock.slept) == (1, [])
