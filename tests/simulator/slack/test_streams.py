"""The stream state machine, through the real client, with each documented error."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError

LONG = "x" * 12_001


async def refused(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


@pytest.fixture
async def root(slack):
    return await slack.post_message(slack.alice, slack.general, "@deputy hello")


@pytest.fixture
def start(slack, client, root):
    async def start(**more):
        given = {"channel": root.channel, "thread_ts": root.ts, "recipient_user_id": slack.alice}
        given |= {"recipient_team_id": slack.team_id} | more
        answer = await client.chat_startStream(**given)
        return {"channel": answer["channel"], "ts": answer["ts"]}

    return start


async def test_streamed_text_tasks_and_blocks_add_up_to_one_message(slack, client, root, start):
    stream = await start(markdown_text="One ", task_display_mode="plan")
    message = slack.thread(root.channel, root.ts)[1]
    assert message.streaming_state == "in_progress"
    assert slack.workspace.sessions[(root.channel, root.ts)].status == "processing"
    task = {"type": "task_update", "id": "t1", "title": "Searching", "status": "in_progress", "details": "road"}
    await client.chat_appendStream(**stream, chunks=[task, {"type": "plan_update", "title": "Working"}])
    done = {
        "type": "task_update",
        "id": "t1",
        "title": "Searched",
        "status": "complete",
        "details": "map",
        "output": "4",
    }
    await client.chat_appendStream(**stream, chunks=[done, {"type": "markdown_text", "text": "two"}])
    footer = {"type": "context", "elements": [{"type": "mrkdwn", "text": "42 s"}]}
    metadata = {"event_type": "agent_run", "event_payload": {"id": "r1"}}
    await client.chat_stopStream(**stream, blocks=[footer], metadata=metadata, session_status="suspended")
    assert message.markdown == "One two"
    assert message.tasks["t1"] | {"sources": 0} == {
        "title": "Searched",
        "status": "complete",
        "details": "roadmap",
        "output": "4",
        "sources": 0,
    }
    assert (message.plan_title, message.streaming_state) == ("Working", "completed")
    assert message.metadata == metadata
    assert slack.workspace.sessions[(root.channel, root.ts)].status == "suspended"
    assert slack.text_of(message) == "Working\n[complete] Searched\nroadmap\n4\nOne two\n42 s"


async def test_closed_stream_takes_no_more(client, start):
    stream = await start()
    await client.chat_stopStream(**stream)
    assert await refused(client.chat_appendStream(**stream, markdown_text="x")) == "message_not_in_streaming_state"
    assert await refused(client.chat_stopStream(**stream)) == "message_not_in_streaming_state"


async def test_open_stream_cannot_be_updated_or_deleted(client, start):
    stream = await start()
    assert await refused(client.chat_update(**stream, text="x")) == "streaming_state_conflict"
    assert await refused(client.chat_delete(**stream)) == "cant_delete_message"


async def test_stream_breaks_after_five_minutes_and_an_update_heals_it(slack, client, root, start):
    stream = await start(markdown_text="half")
    slack.clock.advance(299)
    await client.chat_appendStream(**stream, markdown_text=" and")
    slack.clock.advance(2)
    assert await refused(client.chat_appendStream(**stream, markdown_text="x")) == "message_not_in_streaming_state"
    (broken,) = slack.broken_streams
    assert broken.markdown == "half and"
    assert slack.workspace.sessions[(root.channel, root.ts)].status == "active"
    await client.chat_update(**stream, text="all of it")
    assert slack.broken_streams == []
    assert (slack.text_of(broken), bool(broken.edited)) == ("all of it", True)


async def test_stopped_by_a_person_takes_no_more_and_the_app_hears_of_it(slack, client, bot, root, start):
    stream = await start(markdown_text="half")
    await slack.press_native_stop(slack.alice, root)
    assert await refused(client.chat_appendStream(**stream, markdown_text="x")) == "stopped_by_user"
    assert await refused(client.chat_stopStream(**stream)) == "stopped_by_user"
    await bot.until(lambda bot: [event for event in bot.events if event["type"] == "agent_session_stopped"])
    event = next(event for event in bot.events if event["type"] == "agent_session_stopped")
    assert event["streaming_message_ts"] == [stream["ts"]]
    assert (event["user"], event["thread_ts"]) == (slack.alice, root.ts)


async def test_recipient_is_needed_outside_direct_messages(slack, client, start):
    assert await refused(start(recipient_user_id=None)) == "missing_recipient_user_id"
    assert await refused(start(recipient_team_id=None)) == "missing_recipient_team_id"
    message = await slack.post_message(slack.bob, slack.bob, "hi")
    assert (await client.chat_startStream(channel=message.channel, thread_ts=message.ts))["ok"]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"markdown_text": LONG}, "msg_too_long"),
        ({"chunks": [{"type": "markdown_text", "text": LONG}]}, "msg_too_long"),
        ({"chunks": [{"type": "song", "text": "la"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "plan_update", "title": "t" * 257}]}, "invalid_chunks"),
        ({"chunks": [{"type": "task_update", "id": "1", "title": "t", "status": "cancelled"}]}, "invalid_chunks"),
        (
            {"chunks": [{"type": "task_update", "id": "1", "title": "t", "status": "error", "output": "o" * 257}]},
            "invalid_chunks",
        ),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "divider"}] * 30}] * 2}, "msg_blocks_too_many"),
        ({}, "no_text"),
    ],
)
async def test_content_that_slack_refuses(client, start, given, error):
    stream = await start()
    assert await refused(client.chat_appendStream(**stream, **given)) == error


async def test_places_where_no_stream_can_begin(slack, start, root):
    assert await refused(start(thread_ts="1.000001")) == "thread_not_found"
    assert await refused(start(channel=slack.random)) == "not_in_channel"
    slack.workspace.channels[slack.general].is_archived = True
    assert await refused(start()) == "is_archived"
    slack.workspace.channels[slack.general].is_archived = False
    await slack.delete_message(slack.alice, root)
    assert await refused(start()) == "thread_not_found"


async def test_mention_that_reassembles_across_chunks_pings(slack, client, start):
    stream = await start(markdown_text="hello <@U0B0")
    assert [ping for ping in slack.workspace.pings if ping.by == slack.bot_user_id] == []
    await client.chat_appendStream(**stream, markdown_text="B0000>")
    assert [ping.target for ping in slack.workspace.pings if ping.by == slack.bot_user_id] == [slack.bob]


async def test_somebody_elses_message_is_no_stream(client, root):
    error = await refused(client.chat_appendStream(channel=root.channel, ts=root.ts, markdown_text="x"))
    assert error == "message_not_owned_by_app"


async def test_a_stream_with_text_has_a_total_in_which_what_tasks_say_counts_twice(slack, client, root, start):
    stream = await start(task_display_mode="plan")
    task = {"type": "task_update", "title": "Searching", "status": "in_progress", "details": "漢" * 256}
    for number in range(8):  # nothing counts before there is text
        await client.chat_appendStream(**stream, chunks=[task | {"id": f"t{number}"}])
    assert await refused(client.chat_appendStream(**stream, markdown_text="Hello")) == "msg_too_long"
    assert slack.thread(root.channel, root.ts)[1].markdown == ""

    other = await start(markdown_text="x" * 10_000)
    done = {"type": "task_update", "id": "t1", "title": "Searched", "status": "complete", "output": "o" * 250}
    await client.chat_appendStream(**other, chunks=[done])
    assert await refused(client.chat_stopStream(**other, chunks=[done | {"id": "t2"}])) == "msg_too_long"
    assert slack.thread(root.channel, root.ts)[2].streaming_state == "in_progress"
