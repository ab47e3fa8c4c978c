"""Socket Mode with the real Bolt app and its real handler."""

from __future__ import annotations

import asyncio

from simulator.patience import patience


async def test_command_reaches_bolt_and_its_answer_shows_only_to_the_person(slack, bot):
    bot.ack_command = "On it."
    delivery = await slack.type_command(slack.alice, slack.general, "/agent ask hello @bob <b> & #random")
    assert delivery.is_acked
    assert bot.commands[0]["text"] == "ask hello <@U0B0B0000|bob> &lt;b&gt; &amp; <#C0RAND0M0|random>"
    assert [slack.text_of(message) for message in slack.ephemerals(slack.alice)] == ["On it."]
    assert slack.ephemerals(slack.bob) == []


async def test_message_with_a_mention_comes_as_two_events(slack, bot):
    message = await slack.post_message(slack.alice, slack.general, "@deputy hello")
    await bot.until(lambda bot: len(bot.events) == 2)
    assert {event["type"] for event in bot.events} == {"message", "app_mention"}
    assert {event["ts"] for event in bot.events} == {message.ts}
    assert len({body["event_id"] for body in bot.bodies}) == 2


async def test_unconnected_events_come_with_the_next_connection_and_commands_fail(slack, unconnected):
    await slack.post_message(slack.alice, slack.alice, "hello")
    failed = await slack.type_command(slack.alice, slack.general, "/agent status")
    assert failed.state == "failed"
    assert "failed" in slack.text_of(slack.ephemerals(slack.alice)[0])
    async with unconnected.connected():
        await unconnected.until(lambda bot: bot.events)
        assert unconnected.retries[0] in {"1", "2"}  # the second attempt may have been made, to nobody
        assert unconnected.commands == []


async def test_unanswered_event_is_sent_again_by_the_clock_and_then_given_up(slack, unconnected, client):
    async with patience():
        answer = await client.apps_connections_open(app_token=slack.app_token)
        async with client.session.ws_connect(answer["url"]) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            await slack.post_message(slack.alice, slack.alice, "hello")
            seen = [await socket.receive_json()]
            for seconds in (3.1, 63.1, 303.1):
                slack.clock.advance(seconds)
                if seconds > 10:
                    await slack.until(lambda _: slack.deliveries.log[0].state != "sent")
                    slack.clock.advance(301)
                seen.append(await socket.receive_json())
            assert [envelope["retry_attempt"] for envelope in seen] == [0, 1, 2, 3]
            assert [envelope["retry_reason"] for envelope in seen] == ["", "timeout", "timeout", "timeout"]
            assert len({envelope["payload"]["event_id"] for envelope in seen}) == 1
            slack.clock.advance(4)
            await slack.until(lambda _: slack.deliveries.lost)


async def test_refresh_makes_bolt_connect_again_and_nothing_is_lost(slack, bot):
    await slack.refresh_socket()
    await slack.until(lambda _: slack.socket_mode.connected == 2 and len(slack.deliveries.carriers) == 1)
    await slack.post_message(slack.alice, slack.alice, "still there?")
    await bot.until(lambda bot: bot.events)


async def test_cut_connection_is_made_again_and_the_unanswered_is_redelivered(slack, bot):
    slack.drop_socket()
    await slack.post_message(slack.alice, slack.alice, "still there?")
    await bot.until(lambda bot: bot.events)
    assert slack.socket_mode.connected == 2


async def test_ticket_of_a_socket_is_good_once(slack, client):
    answer = await client.apps_connections_open(app_token=slack.app_token)
    async with client.session.ws_connect(answer["url"]):
        pass
    async with client.session.get(answer["url"].replace("ws", "http", 1)) as response:
        assert response.status == 403


async def test_twice_delivered_event_keeps_its_event_id(slack, bot):
    slack.deliver_twice = True
    await slack.post_message(slack.alice, slack.alice, "hello")
    await bot.until(lambda bot: len(bot.bodies) == 2)
    assert len({body["event_id"] for body in bot.bodies}) == 1


async def test_what_a_killed_app_had_not_answered_comes_again_and_its_commands_fail(slack, unconnected, client):
    answer = await client.apps_connections_open(app_token=slack.app_token)
    async with client.session.ws_connect(answer["url"]) as socket:
        await socket.receive_json()
        await slack.post_message(slack.alice, slack.alice, "hello")
        command = asyncio.create_task(slack.type_command(slack.alice, slack.general, "/agent status"))
        first = await socket.receive_json()
        await socket.receive_json()
    assert (await command).state == "failed"
    async with unconnected.connected():
        await unconnected.until(lambda bot: bot.bodies)
        assert unconnected.bodies[0]["event_id"] == first["payload"]["event_id"]
        assert unconnected.commands == []


async def test_answers_through_a_newer_socket_count(slack, client):
    urls = [(await client.apps_connections_open(app_token=slack.app_token))["url"] for _ in range(2)]
    async with client.session.ws_connect(urls[0]) as old, client.session.ws_connect(urls[1]) as new:
        assert [(await one.receive_json())["type"] for one in (old, new)] == ["hello", "hello"]
        await slack.post_message(slack.alice, slack.alice, "one")
        await slack.post_message(slack.alice, slack.alice, "two")
        envelopes = [await one.receive_json() for one in (old, new)]
        for envelope in envelopes:
            await new.send_json({"envelope_id": envelope["envelope_id"]})
        await slack.until(lambda _: len(slack.acks) == 2)
