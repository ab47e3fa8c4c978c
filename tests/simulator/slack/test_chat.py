"""Whole messages and reading them back, through the real client."""

from __future__ import annotations

import pytest
from slack_sdk.errors import SlackApiError


async def refused(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


async def test_posted_message_reads_back_with_its_metadata(slack, client):
    metadata = {"event_type": "agent_run", "event_payload": {"id": "r1"}}
    posted = await client.chat_postMessage(channel=slack.general, text="hello", metadata=metadata)
    plain = await client.conversations_history(channel=slack.general)
    rich = await client.conversations_history(channel=slack.general, include_all_metadata=True)
    assert plain["messages"][0]["ts"] == posted["ts"]
    assert "metadata" not in plain["messages"][0]
    assert rich["messages"][0]["metadata"] == metadata


async def test_history_comes_in_pages_newest_first_and_replies_oldest_first(slack, client):
    for number in range(5):
        await client.chat_postMessage(channel=slack.general, text=f"m{number}")
    pages = [page["messages"] async for page in await client.conversations_history(channel=slack.general, limit=2)]
    assert [[message["text"] for message in page] for page in pages] == [["m4", "m3"], ["m2", "m1"], ["m0"]]
    root = pages[0][0]["ts"]
    await client.chat_postMessage(channel=slack.general, thread_ts=root, text="reply")
    answer = await client.conversations_replies(channel=slack.general, ts=root)
    assert [message["text"] for message in answer["messages"]] == ["m4", "reply"]
    assert answer["messages"][0]["reply_count"] == 1


async def test_posting_to_a_person_opens_their_direct_messages(slack, client):
    posted = await client.chat_postMessage(channel=slack.alice, text="hello")
    opened = await client.conversations_open(users=slack.alice)
    assert posted["channel"] == opened["channel"]["id"]
    assert [slack.text_of(message) for message in slack.dms(slack.alice)] == ["hello"]
    assert await refused(client.conversations_open(users=slack.gone)) == "user_disabled"
    assert await refused(client.conversations_open(users="U0NOB0DY0")) == "user_not_found"


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_messages_that_slack_refuses(slack, client):
    post = client.chat_postMessage
    assert await refused(post(channel=slack.general)) == "no_text"
    assert await refused(post(channel=slack.general, text="x", markdown_text="y")) == "markdown_text_conflict"
    assert await refused(post(channel=slack.general, markdown_text="y" * 12_001)) == "msg_too_long"
    assert await refused(post(channel=slack.random, text="x")) == "not_in_channel"
    assert await refused(post(channel="C0NOWHERE", text="x")) == "channel_not_found"
    assert await refused(post(channel=slack.general, text="x", thread_ts="1.000001")) == "thread_not_found"
    bad = {"event_type": "x", "payload": {}}
    assert await refused(post(channel=slack.general, text="x", metadata=bad)) == "invalid_metadata_format"
    ephemeral = client.chat_postEphemeral(channel=slack.private, user=slack.guest, text="x")
    assert await refused(ephemeral) == "user_not_in_channel"


async def test_update_keeps_what_it_does_not_name_and_marks_plain_text_as_edited(slack, client):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "old"}}]
    posted = await client.chat_postMessage(channel=slack.general, text="t", blocks=blocks)
    where = {"channel": slack.general, "ts": posted["ts"]}
    (message,) = slack.messages(slack.general)
    await client.chat_update(**where, text="new fallback", blocks=blocks)
    assert message.edited is None
    await client.chat_update(**where, text="plain")
    assert message.edited is not None
    assert slack.text_of(message) == "old"
    assert await refused(client.chat_update(**where, text="x" * 4_001)) == "msg_too_long"
    mine = await slack.post_message(slack.alice, slack.general, "mine")
    assert await refused(client.chat_update(channel=mine.channel, ts=mine.ts, text="x")) == "cant_update_message"


async def test_ephemeral_message_is_seen_by_one_person_and_by_no_method(slack, client):
    answer = await client.chat_postEphemeral(channel=slack.general, user=slack.alice, text="psst")
    assert [slack.text_of(message) for message in slack.ephemerals(slack.alice)] == ["psst"]
    assert slack.ephemerals(slack.bob) == []
    error = await refused(client.chat_update(channel=slack.general, ts=answer["message_ts"], text="x"))
    assert error == "message_not_found"


async def test_mentions_ping_where_slack_interprets_them_and_links_unfurl_unless_told_not_to(slack, client):
    literal = {"type": "rich_text_section", "elements": [{"type": "text", "text": f"<@{slack.bob}> http://a.example"}]}
    rich = [{"type": "rich_text", "elements": [literal]}]
    await client.chat_postMessage(channel=slack.general, text="quoted", blocks=rich, unfurl_links=False)
    assert slack.workspace.pings == []
    assert slack.workspace.unfurls == []
    await client.chat_postMessage(channel=slack.general, text=f"<@{slack.bob}> <!here> http://b.example/x")
    assert [ping.target for ping in slack.workspace.pings] == [slack.bob, "here"]
    assert [unfurl.url for unfurl in slack.workspace.unfurls] == ["http://b.example/x"]
    await client.chat_postMessage(
        channel=slack.general, text="http://c.example", unfurl_links=False, unfurl_media=False
    )
    assert len(slack.workspace.unfurls) == 1


async def test_deleted_root_leaves_a_tombstone_that_takes_no_replies(slack, client, bot):
    root = await slack.post_message(slack.alice, slack.general, "root")
    await client.chat_postMessage(channel=slack.general, thread_ts=root.ts, text="reply")
    await slack.delete_message(slack.alice, root)
    reply = client.chat_postMessage(channel=slack.general, thread_ts=root.ts, text="late")
    assert await refused(reply) == "thread_not_found"
    await bot.until(lambda bot: [event for event in bot.events if event.get("subtype") == "message_changed"])
    event = next(event for event in bot.events if event.get("subtype") == "message_changed")
    assert event["message"]["subtype"] == "tombstone"


async def test_deleted_message_is_gone_and_told(slack, client, bot):
    message = await slack.post_message(slack.alice, slack.general, "oops")
    await slack.delete_message(slack.alice, message)
    await bot.until(lambda bot: [event for event in bot.events if event.get("subtype") == "message_deleted"])
    error = await refused(client.chat_getPermalink(channel=message.channel, message_ts=message.ts))
    assert error == "message_not_found"


async def test_people_are_told_apart(slack, client):
    async def info(user):
        return (await client.users_info(user=user))["user"]

    assert (await info(slack.guest))["is_restricted"]
    assert (await info("U0VLTRA00"))["is_ultra_restricted"]
    assert (await info(slack.stranger))["team_id"] != slack.team_id
    assert (await info(slack.stranger))["is_stranger"]
    assert (await info(slack.gone))["deleted"]
    assert (await info("U0THERB0T"))["is_bot"]
    assert (await info(slack.carol))["is_admin"]
    assert await refused(client.users_info(user="U0NOB0DY0")) == "user_not_found"


async def test_shared_and_private_channels_are_told_apart(slack, client):
    shared = await client.conversations_info(channel=slack.shared)
    private = await client.conversations_info(channel=slack.private)
    assert shared["channel"]["is_ext_shared"]
    assert private["channel"]["is_private"]
    assert not (await client.conversations_info(channel=slack.random))["channel"]["is_member"]


async def test_session_status_title_and_rename(slack, client):
    root = await slack.post_message(slack.alice, slack.general, "root")
    where = {"channel_id": slack.general, "thread_ts": root.ts}
    assert await refused(client.agents_sessions_rename(**where, title="x")) == "not_authorized"
    stranger = client.agents_sessions_setStatus(**where, status="processing", initiator_user_id=slack.stranger)
    assert await refused(stranger) == "user_not_in_channel"
    await client.agents_sessions_setStatus(**where, status="processing", title="a: b", initiator_user_id=slack.bob)
    session = slack.workspace.sessions[(slack.general, root.ts)]
    assert (session.title, session.initiator) == ("a_ b", slack.bob)
    slack.clock.advance(3601)
    await slack.until(lambda _: session.status == "active")
    assert await refused(client.agents_sessions_setStatus(**where, status="busy")) == "invalid_arguments"


async def test_thread_status_goes_with_a_reply_or_after_two_minutes(slack, client):
    root = await slack.post_message(slack.alice, slack.general, "root")
    where = {"channel_id": slack.general, "thread_ts": root.ts}
    await client.assistant_threads_setStatus(**where, status="is thinking")
    assert slack.workspace.statuses
    await client.chat_postMessage(channel=slack.general, thread_ts=root.ts, text="here")
    assert not slack.workspace.statuses
    await client.assistant_threads_setStatus(**where, status="is thinking")
    slack.clock.advance(121)
    await slack.until(lambda ws: not ws.statuses)


async def test_upload_becomes_a_message_with_a_file(slack, client):
    slack.scopes.add("files:write")
    root = await slack.post_message(slack.alice, slack.general, "root")
    await client.files_upload_v2(
        channel=slack.general, thread_ts=root.ts, filename="a.csv", content="a,b", initial_comment="here"
    )
    message = slack.thread(slack.general, root.ts)[1]
    assert message.files[0]["name"] == "a.csv"
