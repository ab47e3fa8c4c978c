"""Slack's errors come out as ours, and nothing is said twice that must not be."""

import asyncio
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from bot.model.errors import SlackRejected, SlackUnavailable, StreamEnded
from bot.slack.client import SlackOut, SlackUnsure, seconds_of


async def post(desk):
    return await desk.api.call("chat.postMessage", channel=desk.slack.general, text="hi")


async def test_what_is_limited_is_said_once_the_time_has_passed(desk):
    desk.slack.faults.add("chat.postMessage", kind="ratelimited", retry_after=7)
    before = desk.clock.now()

    await post(desk)

    assert (desk.clock.now() - before).total_seconds() >= 7
    assert len(desk.slack.calls_of("chat.postMessage", ok=True)) == 1


async def test_what_is_limited_for_long_is_given_back_with_the_time(desk):
    desk.slack.faults.add("chat.postMessage", kind="ratelimited", retry_after=600)

    with pytest.raises(SlackUnavailable) as error:
        await post(desk)
    assert error.value.retry_after == 600


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("-3", 1), ("soon", 1), ("86400", 3600), ("inf", 3600), ("nan", 1)]
)
def test_no_header_holds_deputy_off_for_longer_than_an_hour(header, seconds):
    assert seconds_of({"Retry-After": header}) == seconds


@pytest.mark.parametrize("kind", ["connection_error_after", "status_500", "malformed"])
async def test_a_write_in_doubt_is_not_repeated(desk, kind):
    desk.slack.faults.add("chat.postMessage", kind=kind)

    with pytest.raises(SlackUnsure):
        await post(desk)
    assert len(desk.slack.calls_of("chat.postMessage")) == 1


async def test_a_read_in_doubt_is_repeated(desk):
    desk.slack.faults.add("auth.test", kind="status_500", times=2)

    assert (await desk.api.call("auth.test"))["bot_id"] == desk.slack.bot_id


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("channel_not_found", SlackRejected),
        ("stopped_by_user", StreamEnded),
        ("message_not_in_streaming_state", StreamEnded),
    ],
)
async def test_a_refusal_keeps_slacks_code(desk, code, kind):
    desk.slack.faults.add("chat.postMessage", error=code)

    with pytest.raises(SlackRejected) as error:
        await post(desk)
    assert (type(error.value), error.value.code) == (kind, code)


async def test_a_slack_that_is_not_there_was_certainly_not_told(desk):
    desk.api._client.base_url = "http://127.0.0.1:9/api/"

    with pytest.raises(SlackUnavailable) as error:
        await desk.api.call_now("chat.postMessage", channel="C1", text="hi")
    assert not isinstance(error.value, SlackUnsure)


async def test_errors_do_not_carry_the_token(desk):
    desk.slack.faults.add("chat.postMessage", kind="status_500")

    with pytest.raises(SlackUnsure) as error:
        await post(desk)
    assert desk.slack.bot_token not in repr(error.value)
    assert desk.slack.bot_token not in str(error.value)


METHODS = [
    "agents.sessions.setStatus",
    "assistant.threads.setStatus",
    "chat.appendStream",
    "chat.postMessage",
    "chat.startStream",
    "chat.update",
    "conversations.info",
    "conversations.replies",
    "files.info",
    "users.info",
    "views.publish",
]


def per_second(calls) -> int:
    """Return the most calls of one method within one second."""
    by_method = defaultdict(list)
    for call in calls:
        by_method[call.method].append(call.at)
    return max(sum(at <= other < at + 1 for other in ats) for ats in by_method.values() for at in ats)


@pytest.mark.fault("D7")
@pytest.mark.parametrize("kind", ["status_503", "status_408", "connection_error_after", "malformed"])
@pytest.mark.parametrize(("way", "at_once"), [("call", 1), ("call_now", 3)])
async def test_events_do_not_make_a_try_of_what_fails_come_sooner(desk, kind, way, at_once):
    desk.slack.faults.add("*", kind=kind, times=10**6)
    end, before = desk.clock.now() + timedelta(seconds=60), len(desk.slack.calls)

    async def on_event(method):
        with pytest.raises(SlackUnavailable):
            await getattr(desk.api, way)(method, channel=desk.slack.general, user=desk.slack.alice)

    for method in METHODS:
        await on_event(method)
    while desk.clock.now() < end:
        for method in METHODS:  # whoever sleeps turns the clock for all
            await asyncio.gather(*(on_event(method) for _ in range(at_once)))
        await desk.clock.sleep(0.05)

    # Some reads are sent twice at once, by the HTTP library, where the connection breaks.
    calls = desk.slack.calls[before:]
    assert per_second(calls) <= 2
    assert max(Counter(call.method for call in calls).values()) <= 40
    assert set(METHODS) <= {call.method for call in calls}


@pytest.mark.fault("D7")
async def test_what_fails_stops_nothing_else_and_is_over_with_the_first_call_that_works(desk):
    desk.slack.faults.add("users.info", kind="status_503", times=3)

    for _ in range(3):
        with pytest.raises(SlackUnavailable):
            await desk.api.call_now("users.info", user=desk.slack.alice)
        await post(desk)
        with pytest.raises(SlackOut) as out:
            await desk.api.call_now("users.info", user=desk.slack.alice)
        await desk.clock.sleep(out.value.retry_after)
    for _ in range(5):
        await desk.api.call_now("users.info", user=desk.slack.alice)

    assert len(desk.slack.calls_of("users.info")) == 8


@pytest.mark.fault("D7")
async def test_nobody_waits_for_long_for_a_slack_that_fails(desk):
    desk.slack.faults.add("chat.update", kind="status_503", times=10**6)

    async def tries():
        began = desk.clock.now()
        with pytest.raises(SlackUnavailable):
            await desk.api.call("chat.update", channel=desk.slack.general, ts="1.1", text="x")
        return (desk.clock.now() - began).total_seconds()

    waited = [await tries() for _ in range(20)]

    assert max(waited) <= 15
    assert per_second(desk.slack.calls) <= 2


@pytest.mark.fault("D7")
async def test_a_press_is_answered_at_once_or_not_at_all(desk):
    desk.slack.faults.add("views.open", kind="status_503", times=2)

    for _ in range(2):
        with pytest.raises(SlackUnavailable):
            await desk.api.call_now("views.open", trigger_id="t", view={})
    with pytest.raises(SlackRejected):
        await desk.api.call_now("views.open", trigger_id="t", view={})


@pytest.mark.fault("D7")
@pytest.mark.parametrize("kind", ["status_404", "error"])
async def test_a_refusal_is_no_outage(desk, kind):
    desk.slack.faults.add("users.info", kind=kind, error="user_not_found", times=5)

    for _ in range(5):
        with pytest.raises(SlackRejected):
            await desk.api.call("users.info", user=desk.slack.alice)
    await desk.api.call("users.info", user=desk.slack.alice)
