"""The workspace page's wires: what each person may see, and that acts are people's acts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from simulator.clock import SimulatorClock
from simulator.patience import patience
from simulator.slack import build_page, page, page_example
from simulator.slack.messages import Message
from simulator.slack.people import ALICE, BOB, BOT, CAROL, GENERAL, GUEST
from simulator.slack.server import SlackSimulator

BUTTON = {
    "type": "actions",
    "block_id": "b",
    "elements": [page_example.button("Approve", "approve", visible_to_user_ids=[ALICE])],
}


class Visitor:
    """A browser without a window."""

    def __init__(self, slack: SlackSimulator, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.session = session

    async def state(self, person: str) -> Any:
        async with self.session.get(f"{self.slack.url}/workspace/state", params={"as": person}) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def act(self, name: str, body: Any) -> tuple[int, Any]:
        async with self.session.post(f"{self.slack.url}/workspace/{name}", json=body) as response:
            return response.status, await response.json()


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    simulator = SlackSimulator(clock=SimulatorClock())
    simulator.app.add_routes(page.routes(simulator))
    async with simulator.running():
        yield simulator


@pytest.fixture
async def visitor(slack: SlackSimulator) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Visitor(slack, session)


def said(slack: SlackSimulator, text: str, **more: Any) -> Message:
    return slack.workspace.place(Message(GENERAL, slack.workspace.next_ts(), BOT, text, by_app=True, **more))


def texts(state: Any) -> list[str]:
    return [message["text"] for message in state["messages"]]


async def test_an_ephemeral_message_is_in_its_readers_state_only(slack, visitor):
    said(slack, "for all")
    said(slack, "for Alice", ephemeral_to=ALICE)

    alice, bob = await visitor.state(ALICE), await visitor.state(BOB)

    assert texts(alice) == ["for all", "for Alice"]
    assert [message["ephemeral"] for message in alice["messages"]] == [False, True]
    assert texts(bob) == ["for all"]
    assert "for Alice" not in json.dumps(bob)


async def test_a_button_for_alice_is_not_in_bobs_state(slack, visitor):
    said(slack, "card", blocks=[BUTTON])

    alice, bob = await visitor.state(ALICE), await visitor.state(BOB)

    assert "approve" in json.dumps(alice)
    assert "approve" not in json.dumps(bob)


async def test_nobody_sees_anothers_direct_messages_modals_or_home(slack, visitor):
    page_example.furnish(slack.workspace)
    page_example.open_modal(slack.workspace, ALICE)
    dm = slack.workspace.dm_of(ALICE)
    slack.workspace.place(Message(dm.id, slack.workspace.next_ts(), BOT, "between us", by_app=True))

    alice, bob = await visitor.state(ALICE), await visitor.state(BOB)

    assert "between us" in texts(alice)
    assert alice["home"]["type"] == "home"
    assert [view["title"]["text"] for view in alice["views"]] == ["Deny with a reason"]
    assert "between us" not in texts(bob)
    assert dm.id not in json.dumps(bob)
    assert bob["home"] is None
    assert bob["views"] == []


async def test_streamed_text_is_joined_and_keeps_its_place_between_blocks(slack, visitor):
    # A stream that began long ago is ended by the simulator's next tick, as by Slack.
    message = said(slack, "", streaming_state="in_progress", stream_started_at=slack.workspace.now())
    message.parts = [
        {"type": "text", "text": "one "},
        {"type": "text", "text": "two"},
        {"type": "blocks", "blocks": [BUTTON]},
        {"type": "text", "text": "three"},
    ]
    slack.workspace.changed(message)

    seen = (await visitor.state(BOB))["messages"][0]

    assert seen["streaming"] is True
    assert seen["parts"] == [
        {"type": "text", "text": "one two"},
        {"type": "blocks", "blocks": []},
        {"type": "text", "text": "three"},
    ]


async def test_a_task_of_a_plan_does_not_cut_the_text_it_came_between(slack, visitor):
    message = said(slack, "", streaming_state="in_progress", plan_title="Working")
    message.tasks = {"a": {"title": "Searched", "status": "complete", "details": "", "output": ""}}
    message.parts = [
        {"type": "text", "text": "Let me "},
        {"type": "task", "id": "a"},
        {"type": "text", "text": "look."},
    ]
    slack.workspace.changed(message)

    seen = (await visitor.state(BOB))["messages"][0]

    assert seen["parts"] == [{"type": "text", "text": "Let me look."}]
    assert [task["title"] for task in seen["tasks"]] == ["Searched"]


async def test_a_message_is_posted_as_the_person(slack, visitor):
    root = said(slack, "root")

    status, answer = await visitor.act(
        "message", {"as": BOB, "channel": GENERAL, "text": "hello", "thread_ts": root.ts}
    )

    assert (status, answer) == (200, {"ok": True})
    assert [(message.user, message.text) for message in slack.thread(GENERAL, root.ts)][1:] == [(BOB, "hello")]


async def test_a_bot_is_sent_what_the_visitor_did(slack, visitor, bot):
    root = said(slack, "card", blocks=[BUTTON | {"elements": [page_example.button("Approve", "approve")]}])

    await visitor.act("command", {"as": ALICE, "channel": GENERAL, "text": "/agent ask <b> & more"})
    await visitor.act(
        "click", {"as": ALICE, "channel": GENERAL, "ts": root.ts, "block_id": "b", "action_id": "approve"}
    )
    await visitor.act("shortcut", {"as": CAROL, "channel": GENERAL, "ts": root.ts, "callback_id": "ask_about_message"})
    await visitor.act("home", {"as": ALICE, "tab": "home"})
    await bot.until(lambda sent: any(event["type"] == "app_home_opened" for event in sent.events))

    assert [(sent["user_id"], sent["text"]) for sent in bot.commands] == [(ALICE, "ask &lt;b&gt; &amp; more")]
    assert [(sent["user"]["id"], sent["actions"][0]["value"]) for sent in bot.actions] == [(ALICE, "approve")]
    assert [sent["user"]["id"] for sent in bot.shortcuts] == [CAROL]


async def test_a_modal_is_submitted_with_its_values_and_its_errors_come_back(slack, visitor, bot):
    view_id = page_example.open_modal(slack.workspace, ALICE)
    bot.ack_view = {"response_action": "errors", "errors": {"reason": "Too short."}}
    values = {
        "reason": {"text": "no"},
        "then": {"pick": "stop"},
        "tell": {"ticks": ["bob"]},
        "rule": {"select": "ask"},
    }

    status, _ = await visitor.act("submit", {"as": ALICE, "view_id": view_id, "values": values})

    held = bot.views[0]["view"]["state"]["values"]
    assert status == 200
    assert held["reason"]["text"]["value"] == "no"
    assert held["then"]["pick"]["selected_option"]["value"] == "stop"
    assert [option["value"] for option in held["tell"]["ticks"]["selected_options"]] == ["bob"]
    assert (await visitor.state(ALICE))["views"][0]["errors"] == {"reason": "Too short."}


async def test_a_closed_modal_is_gone(slack, visitor):
    view_id = page_example.open_modal(slack.workspace, ALICE)

    status, _ = await visitor.act("close", {"as": ALICE, "view_id": view_id})

    assert status == 200
    assert (await visitor.state(ALICE))["views"] == []


async def test_native_stop_ends_the_open_stream(slack, visitor):
    root = page_example.furnish(slack.workspace)

    status, _ = await visitor.act("stop", {"as": ALICE, "channel": GENERAL, "thread_ts": root})

    assert status == 200
    assert slack.workspace.open_streams() == []


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("message", [], "the body must be a JSON object"),
        ("message", {"as": GUEST, "channel": GENERAL, "text": "x"}, "`as` must be one of"),
        ("message", {"as": ALICE, "channel": GENERAL}, "`text` must be a non-empty string"),
        ("message", {"as": ALICE, "channel": GENERAL, "text": 7}, "`text` must be a non-empty string"),
        ("message", {"as": ALICE, "channel": "C0", "text": "x"}, "there is no such channel"),
        ("message", {"as": ALICE, "channel": GENERAL, "text": "x", "thread_ts": "1.0"}, "there is no such thread"),
        ("click", {"as": ALICE, "channel": GENERAL, "ts": "1.0", "block_id": "b", "action_id": "a"}, "is gone"),
        ("click", {"as": ALICE, "view_id": "V0", "block_id": "b", "action_id": "a"}, "this view is gone"),
        ("submit", {"as": ALICE, "view_id": "V0", "values": {}}, "this view is gone"),
        ("home", {"as": ALICE, "tab": "elsewhere"}, "`tab` must be home or messages"),
        ("stop", {"as": ALICE, "channel": GENERAL, "thread_ts": "1.0"}, "there is no such thread"),
    ],
)
async def test_an_act_that_cannot_be_read_or_done_is_refused_with_the_reason(visitor, name, body, words):
    status, answer = await visitor.act(name, body)

    assert status == 400
    assert answer["ok"] is False
    assert words in answer["error"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
async def test_a_body_that_is_no_json_is_refused(slack, visitor, kind):
    url, headers = f"{slack.url}/workspace/message", {"Content-Type": kind}
    async with visitor.session.post(url, data=b"\xff{", headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["error"] == "the body must be JSON"


async def test_another_sites_form_cannot_act(slack, visitor):
    body = json.dumps({"as": ALICE, "channel": GENERAL, "text": "not me"})
    url, headers = f"{slack.url}/workspace/message", {"Content-Type": "text/plain"}
    async with visitor.session.post(url, data=body, headers=headers) as response:
        assert response.status == 400

    assert slack.messages(GENERAL) == []


@pytest.mark.parametrize(
    "values", [None, [], {"reason": "no"}, {"reason": {"text": {"value": "no"}}}, {"x": {"y": [1]}}]
)
async def test_values_that_are_none_are_refused(slack, visitor, values):
    view_id = page_example.open_modal(slack.workspace, ALICE)

    status, answer = await visitor.act("submit", {"as": ALICE, "view_id": view_id, "values": values})

    assert status == 400
    assert answer["error"].startswith("`values` must")


async def test_a_required_field_left_empty_is_refused(slack, visitor):
    view_id = page_example.open_modal(slack.workspace, ALICE)

    status, answer = await visitor.act("submit", {"as": ALICE, "view_id": view_id, "values": {}})

    assert (status, answer["error"]) == (400, "'Reason' must be filled in")


async def test_the_page_says_whom_it_was_opened_as_and_knows_no_strangers(slack, visitor):
    await asyncio.to_thread(build_page.build)

    async with visitor.session.get(f"{slack.url}/?as={BOB}") as opened:
        assert f'data-person="{BOB}"' in await opened.text()
        assert "default-src 'self'" in opened.headers["Content-Security-Policy"]
    async with visitor.session.get(f"{slack.url}/") as again:
        assert f'data-person="{BOB}"' in await again.text()
    async with visitor.session.get(f'{slack.url}/?as="><script>') as forged:
        assert f'data-person="{ALICE}"' in await forged.text()


async def test_an_unknown_act_is_not_found(visitor):
    status, answer = await visitor.act("dance", {"as": ALICE})

    assert status == 404
    assert "message, command, click" in answer["error"]


async def test_bob_cannot_press_alices_button_or_anothers_ephemeral(slack, visitor):
    card = said(slack, "card", blocks=[BUTTON])
    quiet = said(slack, "quiet", blocks=[BUTTON], ephemeral_to=ALICE)
    press = {"as": BOB, "channel": GENERAL, "block_id": "b", "action_id": "approve"}

    on_card = await visitor.act("click", press | {"ts": card.ts})
    on_quiet = await visitor.act("click", press | {"ts": quiet.ts})

    assert on_card[0] == on_quiet[0] == 400
    assert slack.acks == []


async def test_the_state_of_somebody_who_is_no_persona_is_refused(slack, visitor):
    async with visitor.session.get(f"{slack.url}/workspace/state", params={"as": GUEST}) as response:
        assert response.status == 400


async def test_the_feed_tells_of_each_change_and_remembers_who_watches(slack, visitor):
    async with visitor.session.get(f"{slack.url}/workspace/feed", params={"as": BOB}) as feed, patience():
        assert feed.cookies["sim_user"].value == BOB
        first = await next_state(feed)
        said(slack, "news")
        second = await next_state(feed)

    assert texts(first) == []
    assert texts(second) == ["news"]


async def next_state(feed: aiohttp.ClientResponse) -> Any:
    async for line in feed.content:
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the feed ended")
