"""Slack's deliveries as signed HTTP: the same requests, behind a signature that nobody else can make."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import func, select

from bot.doctor.run import examine
from bot.model import action_ids
from simulator.slack import people
from store.deliveries import deliveries as deliveries_table
from tests.world import ALICE, GENERAL, World, world

COMMAND = f"command=%2Fagent&text=ask+hi&user_id={ALICE}&channel_id={GENERAL}&team_id={people.TEAM}&trigger_id=1.1"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def http_world(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, SLACK_APP_TOKEN="") as made:
        made.slack.http_endpoint = f"{made.settings.public_url}/slack/events"
        async with made.deputy():
            yield made


def signed(secret: str, body: str, at: float | None = None, content_type: str = FORM) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": str(signature), "content-type": content_type}


async def stored(running: World) -> int:
    async with running.app.database.transaction() as tx:
        return (await tx.connection.execute(select(func.count()).select_from(deliveries_table))).scalar_one()


async def test_a_task_is_asked_approved_and_answered_over_http(http_world: World):
    root = await http_world.ask(ALICE, "run `ls`")
    card = await http_world.button(ALICE, root, action_ids.APPROVE)
    await http_world.slack.click(ALICE, card, action_ids.APPROVE)
    await http_world.answered(root)

    assert [event["result"] for event in http_world.sent("user.tool_confirmation")] == ["allow"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": "v0=" + "0" * 64, "x-slack-request-timestamp": "1"},
        {"x-slack-signature": "", "x-slack-request-timestamp": ""},
        {"x-slack-signature": "v0=x", "x-slack-request-timestamp": "soon"},
        signed("another secret", COMMAND),
    ],
    ids=["none", "zeros", "empty", "no_number", "another_secret"],
)
async def test_what_is_not_signed_by_slack_is_401_and_nothing_is_stored(http_world: World, headers: dict[str, str]):
    status, text = await http_world.slack.send_raw(COMMAND.encode(), {"content-type": FORM} | headers)

    assert status == 401
    assert await stored(http_world) == 0
    assert "Traceback" not in text


@pytest.mark.fault("D6")
async def test_a_signature_that_does_not_hold_is_logged_once_a_minute_and_counted_for_the_doctor(
    http_world: World, logged
):
    for _ in range(3):
        await http_world.slack.send_raw(COMMAND.encode(), signed("another secret", COMMAND))

    assert len([line for line in logged.lines if "slack_signature_refused" in line]) == 1
    found = await examine(http_world.settings.model_copy(update={"slack_app_token": None}))
    assert found["Slack delivery"].detail == "3 requests since the start had another signature"
    assert "SLACK_SIGNING_SECRET" in found["Slack delivery"].fix


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_a_stale_timestamp_is_401_and_nothing_is_stored(http_world: World, seconds: int):
    headers = signed(http_world.slack.signing_secret, COMMAND, time.time() + seconds)
    status, _ = await http_world.slack.send_raw(COMMAND.encode(), headers)

    assert status == 401
    assert await stored(http_world) == 0


async def test_a_body_changed_after_it_was_signed_is_401(http_world: World):
    headers = signed(http_world.slack.signing_secret, COMMAND)
    status, _ = await http_world.slack.send_raw(COMMAND.replace("ask+hi", "ask+bye").encode(), headers)

    assert status == 401
    assert await stored(http_world) == 0


@pytest.mark.parametrize("body", ["{not json", "[]", "null", '"text"', "", "payload=%7Bnot", "\x00"])
async def test_a_signed_body_that_says_nothing_is_answered_and_stores_nothing(http_world: World, body: str):
    for content_type in ("application/json", FORM):
        headers = signed(http_world.slack.signing_secret, body, content_type=content_type)
        status, text = await http_world.slack.send_raw(body.encode(), headers)
        assert status in {200, 400, 404, 500}
        assert "Traceback" not in text and "Error" not in text

    assert await stored(http_world) == 0
    root = await http_world.ask(ALICE, "what can you do")
    await http_world.answered(root)


async def test_an_oversized_body_is_413_and_nothing_is_stored(http_world: World):
    body = COMMAND + "&pad=" + "x" * 1_000_001
    status, _ = await http_world.slack.send_raw(body.encode(), signed(http_world.slack.signing_secret, body))

    assert status == 413
    assert await stored(http_world) == 0


async def test_slacks_retries_of_one_event_are_one_request(http_world: World):
    message = await http_world.slack.post_message(ALICE, ALICE, "say exactly: one")
    await http_world.answer_in(message)
    delivery = next(d for d in http_world.slack.deliveries.log if d.payload.get("event", {}).get("user") == ALICE)
    for number in ("1", "2"):
        body, headers = http_world.slack.deliveries.signed("events_api", delivery.payload)
        retry = {"x-slack-retry-num": number, "x-slack-retry-reason": "http_timeout"}
        assert (await http_world.slack.send_raw(body, headers | retry))[0] == 200
    await http_world.settled()

    assert http_world.requests() == ["say exactly: one"]


async def test_slacks_check_of_the_address_is_answered(http_world: World):
    body = json.dumps({"type": "url_verification", "challenge": "c3PO", "token": "x"})
    headers = signed(http_world.slack.signing_secret, body, content_type="application/json")
    status, text = await http_world.slack.send_raw(body.encode(), headers)

    assert (status, "c3PO" in text) == (200, True)


async def test_a_signed_request_for_another_team_is_acknowledged_and_dropped(http_world: World):
    body = COMMAND.replace(people.TEAM, "T0EV1L000")
    status, _ = await http_world.slack.send_raw(body.encode(), signed(http_world.slack.signing_secret, body))

    assert status == 200
    assert await stored(http_world) == 0
