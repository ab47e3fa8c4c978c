"""Tokens, scopes, forms, rates, planned faults: the HTTP around the methods."""

from __future__ import annotations

import asyncio
import inspect

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from simulator.slack.methods.registry import METHODS


async def refused(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_each_served_method_and_argument_exists_in_the_installed_sdk(name):
    method = getattr(AsyncWebClient, name.replace(".", "_"))
    known = set(inspect.signature(method).parameters) | {"username", "icon_emoji", "icon_url"}
    assert set(METHODS[name].arguments) <= known


async def test_who_am_i_and_which_scopes(slack, client):
    answer = await client.auth_test()
    assert (answer["user_id"], answer["team_id"]) == (slack.bot_user_id, slack.team_id)
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_tokens_are_told_apart(slack, client):
    assert await refused(client.auth_test(token="xoxb-wrong")) == "invalid_auth"
    assert await refused(client.auth_test(token=slack.app_token)) == "not_allowed_token_type"
    assert await refused(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"
    async with client.session.post(slack.api_url + "auth.test") as response:
        assert (await response.json())["error"] == "not_authed"
    slack.web_api.access.is_revoked = True
    assert await refused(client.auth_test()) == "token_revoked"


async def test_missing_scope_says_which(slack, client):
    slack.scopes.discard("users:read")
    with pytest.raises(SlackApiError) as caught:
        await client.users_info(user=slack.alice)
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "users:read"


async def test_unknown_methods_and_bodies_that_are_no_json(slack, client):
    assert await refused(client.api_call("chat.sing")) == "unknown_method"
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    for body, error in ((b"{", "invalid_json"), (b"[]", "json_not_object")):
        async with client.session.post(slack.api_url + "chat.postMessage", data=body, headers=headers) as response:
            assert (await response.json())["error"] == error


async def test_forms_do_as_well_as_json(slack, client):
    form = {"channel": slack.general, "blocks": '[{"type": "divider"}]', "text": "t", "unheard_of": "1"}
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with client.session.post(slack.api_url + "chat.postMessage", data=form, headers=headers) as response:
        assert (await response.json())["ok"]
    assert slack.messages(slack.general)[0].blocks[0]["type"] == "divider"


async def test_calls_are_recorded(slack, client):
    await client.chat_postMessage(channel=slack.general, text="hello")
    await refused(client.chat_postMessage(channel="C0NOWHERE", text="hello"))
    assert [(call.args["text"], call.ok, call.error) for call in slack.calls_of("chat.postMessage")] == [
        ("hello", True, None),
        ("hello", False, "channel_not_found"),
    ]


async def test_rate_tiers_hold_and_refill_by_the_clock(slack, client):
    slack.enforce_rate_limits = True
    root = await client.chat_postMessage(channel=slack.general, text="root")
    slack.clock.advance(10)
    given = {"channel": slack.general, "thread_ts": root["ts"], "recipient_user_id": slack.alice}
    for _ in range(20):
        await client.chat_startStream(**given, recipient_team_id=slack.team_id)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_startStream(**given, recipient_team_id=slack.team_id)
    assert caught.value.response["error"] == "ratelimited"
    assert caught.value.response.status_code == 429
    wait = int(caught.value.response.headers["Retry-After"])
    assert 55 <= wait <= 60
    slack.clock.advance(wait)
    await client.chat_startStream(**given, recipient_team_id=slack.team_id)


async def test_posting_to_one_channel_is_limited_to_about_one_a_second(slack, client):
    slack.enforce_rate_limits = True
    errors = 0
    for _ in range(6):
        try:
            await client.chat_postMessage(channel=slack.general, text="x")
        except SlackApiError:
            errors += 1
    assert errors
    await client.chat_postMessage(channel=slack.private, text="x")


@pytest.mark.parametrize(
    ("kind", "carried_out"),
    [
        ("connection_error_before", False),
        ("connection_error_after", True),
        ("status_500", False),
        ("status_500_after", True),
        ("malformed", False),
        ("error", False),
        ("ratelimited", False),
    ],
)
async def test_planned_fault_strikes_the_planned_call_only(slack, client, kind, carried_out):
    slack.faults.add("chat.postMessage", nth=2, kind=kind)
    await client.chat_postMessage(channel=slack.general, text="1")
    with pytest.raises((SlackApiError, aiohttp.ClientError)):
        await client.chat_postMessage(channel=slack.general, text="2")
    await client.chat_postMessage(channel=slack.general, text="3")
    texts = [message.text for message in slack.messages(slack.general)]
    assert texts == (["1", "2", "3"] if carried_out else ["1", "3"])


async def test_call_that_times_out_was_carried_out_or_not_as_planned(slack, client):
    for kind, count in (("timeout", 0), ("timeout_after", 1)):
        slack.faults.add("chat.postMessage", kind=kind)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.chat_postMessage(channel=slack.general, text="x")
        assert len(slack.messages(slack.general)) == count


async def test_the_sdks_own_retry_handler_gets_through_a_rate_limit(slack, client):
    client.retry_handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=1)]
    slack.faults.add("users.info", kind="ratelimited", retry_after=0)
    assert (await client.users_info(user=slack.alice))["ok"]


async def test_slow_method_is_carried_out_before_or_after_its_delay(slack, client):
    for knob, count in ((slack.latency, 0), (slack.latency_after, 1)):
        knob["chat.postMessage"] = 5.0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.chat_postMessage(channel=slack.general, text="x")
        assert len(slack.messages(slack.general)) == count
        knob.clear()
