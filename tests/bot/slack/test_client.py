"""Slack's errors come out as ours, and nothing is said twice that must not be."""

import pytest

from bot.errors import SlackRejected, SlackUnavailable, StreamEnded
from bot.slack.client import SlackUnsure


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
