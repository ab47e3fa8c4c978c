"""Signed HTTP delivery to a real Bolt app in a real server."""

from __future__ import annotations

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

from simulator.slack.delivery import Deliveries


@pytest.fixture
async def endpoint(slack, unconnected):
    """Bolt behind aiohttp; `answers` overrides statuses, oldest first."""
    answers: list[int] = []

    async def handle(request: web.Request) -> web.Response:
        if answers:
            return web.Response(status=answers.pop(0))
        return await to_aiohttp_response(await unconnected.app.async_dispatch(await to_bolt_request(request)))

    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.http_endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield answers
    await runner.cleanup()


async def test_bolt_takes_the_signature_of_events_commands_and_clicks(slack, unconnected, client, endpoint):
    unconnected.ack_command = {"text": "Hi", "response_type": "ephemeral"}
    assert (await slack.type_command(slack.alice, slack.general, "/agent status")).is_acked
    assert slack.text_of(slack.ephemerals(slack.alice)[0]) == "Hi"
    await slack.post_message(slack.alice, slack.alice, "hello")
    await unconnected.until(lambda bot: bot.events)
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [button]}]
    await client.chat_postMessage(channel=slack.general, text="t", blocks=blocks)
    assert (await slack.click(slack.alice, slack.messages(slack.general)[0], "go")).is_acked


async def test_refused_event_is_sent_again_with_its_number_and_reason(slack, unconnected, endpoint):
    endpoint.extend([500])
    await slack.post_message(slack.alice, slack.alice, "hello")
    await unconnected.until(lambda bot: bot.retries == ["1"])


async def test_forged_body_is_refused_by_bolt(slack, unconnected, endpoint):
    body, headers = slack.deliveries.signed("events_api", {"type": "event_callback", "event": {"type": "x"}})
    assert (await slack.send_raw(body, headers))[0] == 200
    assert (await slack.send_raw(body + b" ", headers))[0] == 401
    assert (await slack.send_raw(b"\xff\xfe", {"content-type": "application/json"}))[0] >= 400
    other = Deliveries(slack.clock, "another-secret", lambda: None)
    body, headers = other.signed("events_api", {"type": "event_callback"})
    assert (await slack.send_raw(body, headers))[0] == 401


async def test_nobody_listening_fails_a_command(slack):
    slack.http_endpoint = "http://127.0.0.1:9/slack/events"
    delivery = await slack.type_command(slack.alice, slack.general, "/agent status")
    assert (delivery.state, delivery.reason) == ("failed", "connection_failed")
