"""Slack's rates are kept before Slack has to say so."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.slack.pacer import IN_CHANNEL, Pacer


class StillClock:
    def __init__(self):
        self.time = datetime(2026, 11, 23, tzinfo=UTC)

    def now(self):
        return self.time

    async def sleep_until(self, when):
        self.time = max(self.time, when)


@pytest.mark.parametrize(
    ("method", "per_minute"),
    [("chat.startStream", 20), ("chat.appendStream", 100), ("chat.update", 50), ("anything.else", 50)],
)
async def test_no_minute_has_more_calls_than_slack_allows(method, per_minute):
    clock = StillClock()
    pacer, calls = Pacer(clock), []

    while clock.time < datetime(2026, 11, 23, 0, 3, tzinfo=UTC):
        if delay := pacer.take("T1", method):
            await clock.sleep_until(clock.now() + timedelta(seconds=delay))
        else:
            calls.append(clock.now())

    for start in calls:
        assert sum(start <= call < start + timedelta(minutes=1) for call in calls) <= per_minute
    assert len(calls) >= per_minute


def test_one_workspace_does_not_use_up_anothers_budget():
    pacer = Pacer(StillClock())
    while not pacer.take("T1", "chat.startStream"):
        pass

    assert pacer.take("T2", "chat.startStream") == 0


def test_when_slack_says_wait_nothing_goes_before():
    clock = StillClock()
    pacer = Pacer(clock)
    pacer.hold_off("T1", "chat.update", 30)

    assert pacer.take("T1", "chat.update") == pytest.approx(30)
    clock.time += timedelta(seconds=31)
    assert pacer.take("T1", "chat.update") == 0


def test_a_channel_has_a_budget_of_its_own():
    pacer = Pacer(StillClock())
    taken = [pacer.take("T1", f"{IN_CHANNEL}C1") for _ in range(4)]

    assert taken[:3] == [0, 0, 0]
    assert taken[3] == pytest.approx(1 / 0.9)
    assert pacer.take("T1", f"{IN_CHANNEL}C2") == 0


def test_what_is_impossible_is_remembered_for_five_minutes():
    clock = StillClock()
    pacer = Pacer(clock)
    pacer.turn_off("T1", "chat.startStream")

    assert pacer.is_off("T1", "chat.startStream")
    assert not pacer.is_off("T2", "chat.startStream")
    clock.time += timedelta(minutes=5)
    assert not pacer.is_off("T1", "chat.startStream")
