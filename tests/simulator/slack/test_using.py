"""Clicks, modals, homes and shortcuts, with the real Bolt app behind them."""

from __future__ import annotations

import json

import pytest
from slack_sdk.errors import SlackApiError

from simulator.patience import patience
from simulator.slack.errors import NotPossible, SlackError
from simulator.slack.messages import visible_blocks


async def refused(awaitable) -> str:
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return caught.value.response["error"]


def button(action_id: str, value: str = "v", **more) -> dict:
    return {"type": "button", "action_id": action_id, "value": value, "text": plain(action_id)} | more


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def actions(*elements: dict) -> list[dict]:
    return [{"type": "actions", "block_id": "b", "elements": list(elements)}]


def modal(*blocks: dict, **more) -> dict:
    field = {"type": "input", "block_id": "task", "label": plain("Task")}
    field["element"] = {"type": "plain_text_input", "action_id": "text", "max_length": 10}
    return {"type": "modal", "title": plain("Ask"), "submit": plain("Go"), "blocks": [field, *blocks]} | more


async def trigger(slack, bot) -> str:
    await slack.type_command(slack.alice, slack.general, "/agent ask")
    return bot.commands[-1]["trigger_id"]


async def test_click_carries_the_message_the_actor_and_the_value(slack, client, bot):
    await client.chat_postMessage(channel=slack.general, text="t", blocks=actions(button("approve", "r1")))
    (message,) = slack.messages(slack.general)
    delivery = await slack.click(slack.bob, message, "approve")
    (body,) = bot.actions
    assert delivery.is_acked
    assert body["actions"][0]["value"] == "r1"
    assert body["user"] == {"id": slack.bob, "username": "bob", "name": "bob", "team_id": slack.team_id}
    assert body["message"]["ts"] == body["container"]["message_ts"] == message.ts
    assert body["channel"]["id"] == slack.general


async def test_buttons_for_one_person_are_hidden_from_others_but_can_be_forged(slack, client, bot):
    blocks = actions(button("approve", visible_to_user_ids=[slack.alice]))
    await client.chat_postMessage(channel=slack.general, text="t", blocks=blocks)
    (message,) = slack.messages(slack.general)
    assert visible_blocks(message.blocks, slack.bob) == []
    with pytest.raises(NotPossible):
        await slack.click(slack.bob, message, "approve")
    await slack.forge_click(slack.bob, message, "approve", value="another")
    await slack.forge_click(slack.bob, message, "unheard_of", value="x")
    assert [body["actions"][0]["action_id"] for body in bot.actions] == ["approve", "unheard_of"]


async def test_button_that_is_gone_cannot_be_clicked(slack, client, bot):
    posted = await client.chat_postMessage(channel=slack.general, text="t", blocks=actions(button("approve")))
    (message,) = slack.messages(slack.general)
    done = [{"type": "section", "text": plain("Approved")}]
    await client.chat_update(channel=slack.general, ts=posted["ts"], text="t", blocks=done)
    with pytest.raises(NotPossible):
        await slack.click(slack.alice, message, "approve")
    await client.chat_delete(channel=slack.general, ts=posted["ts"])
    with pytest.raises(NotPossible):
        await slack.click(slack.alice, message, "approve")


async def test_menus_and_feedback_send_what_was_chosen(slack, client, bot):
    options = [{"text": plain(name), "value": name} for name in ("a", "b", "c")]
    elements = [
        {"type": "overflow", "action_id": "more", "options": options},
        {"type": "checkboxes", "action_id": "boxes", "options": options, "initial_options": options[:1]},
        {"type": "static_select", "action_id": "menu", "options": options},
    ]
    feedback = {"type": "feedback_buttons", "action_id": "feedback"}
    feedback |= {f"{kind}_button": {"text": plain(kind), "value": f"v-{kind}"} for kind in ("positive", "negative")}
    blocks = [*actions(*elements), {"type": "context_actions", "elements": [feedback]}]
    await client.chat_postMessage(channel=slack.general, text="t", blocks=blocks)
    (message,) = slack.messages(slack.general)
    await slack.click(slack.alice, message, "more", value="b")
    await slack.click(slack.alice, message, "boxes", value=["a", "c"])
    await slack.click(slack.alice, message, "menu", value="c")
    await slack.click(slack.alice, message, "feedback", value="negative")
    chosen = [body["actions"][0] for body in bot.actions]
    assert chosen[0]["selected_option"]["value"] == "b"
    assert [option["value"] for option in chosen[1]["selected_options"]] == ["a", "c"]
    assert chosen[2]["selected_option"]["value"] == "c"
    assert chosen[3]["value"] == "v-negative"
    assert bot.actions[3]["state"]["values"]["b"]["boxes"]["selected_options"] == options[::2]
    with pytest.raises(NotPossible):
        await slack.click(slack.alice, message, "more", value="z")


async def test_ephemeral_click_has_no_message_and_its_response_url_can_replace_it(slack, client, bot):
    await client.chat_postEphemeral(channel=slack.general, user=slack.alice, text="t", blocks=actions(button("go")))
    (message,) = slack.ephemerals(slack.alice)
    with pytest.raises(NotPossible):
        await slack.click(slack.bob, message, "go")
    await slack.click(slack.alice, message, "go")
    (body,) = bot.actions
    assert body["container"]["is_ephemeral"]
    assert "message" not in body
    async with client.session.post(body["response_url"], json={"replace_original": True, "text": "done"}) as response:
        assert await response.json() == {"ok": True}
    assert slack.text_of(message) == "done"
    async with client.session.post(body["response_url"], json={"delete_original": True}) as response:
        assert response.status == 200
    assert slack.ephemerals(slack.alice) == []


async def test_response_url_works_five_times_and_thirty_minutes(slack, client, bot):
    await slack.type_command(slack.alice, slack.random, "/agent help")
    url = bot.commands[0]["response_url"]
    statuses = []
    for _ in range(6):
        async with client.session.post(url, json={"text": "x"}) as response:
            statuses.append(response.status)
    assert statuses == [200] * 5 + [404]
    assert len(slack.ephemerals(slack.alice)) == 5
    await slack.type_command(slack.alice, slack.random, "/agent help")
    slack.clock.advance(1801)
    async with client.session.post(bot.commands[1]["response_url"], json={"text": "x"}) as response:
        assert (response.status, await response.text()) == (404, "expired_url")


async def test_trigger_opens_one_modal_within_three_seconds(slack, client, bot):
    first = await trigger(slack, bot)
    await client.views_open(trigger_id=first, view=modal())
    assert await refused(client.views_open(trigger_id=first, view=modal())) == "exchanged_trigger_id"
    late = await trigger(slack, bot)
    slack.clock.advance(3.1)
    assert await refused(client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"
    assert await refused(client.views_open(trigger_id="1.2", view=modal())) == "invalid_trigger_id"


async def test_submitted_modal_closes_and_carries_what_was_typed(slack, client, bot):
    await client.views_open(trigger_id=await trigger(slack, bot), view=modal(private_metadata="p"))
    view = slack.modal_of(slack.alice)
    for wrong in ({"text": "x" * 11}, {}, {"text": "ok", "nothing": "x"}):
        with pytest.raises(NotPossible):
            await slack.submit_view(slack.alice, view, wrong)
    await slack.submit_view(slack.alice, view, {"task": "hello"})
    (body,) = bot.views
    assert body["view"]["state"]["values"] == {"task": {"text": {"type": "plain_text_input", "value": "hello"}}}
    assert body["view"]["private_metadata"] == "p"
    assert slack.modal_of(slack.alice) is None


async def test_errors_update_push_and_clear_do_what_they_say(slack, client, bot):
    await client.views_open(trigger_id=await trigger(slack, bot), view=modal())
    view = slack.modal_of(slack.alice)
    bot.ack_view = {"response_action": "errors", "errors": {"task": "too short"}}
    await slack.submit_view(slack.alice, view, {"text": "a"})
    assert view.errors == {"task": "too short"}
    bot.ack_view = {"response_action": "update", "view": modal(title=plain("Second"))}
    await slack.submit_view(slack.alice, view, {"text": "b"})
    assert view.payload["title"]["text"] == "Second"
    bot.ack_view = {"response_action": "push", "view": modal(title=plain("Third"))}
    await slack.submit_view(slack.alice, view, {"text": "c"})
    pushed = slack.modal_of(slack.alice)
    assert (pushed.previous_id, pushed.root_id) == (view.id, view.id)
    bot.ack_view = {"response_action": "clear"}
    await slack.submit_view(slack.alice, pushed, {"text": "d"})
    assert slack.modal_of(slack.alice) is None


async def test_answer_that_slack_would_not_take_is_an_error_of_the_test(slack, client, bot):
    await client.views_open(trigger_id=await trigger(slack, bot), view=modal())
    bot.ack_view = {"response_action": "errors", "errors": {"unknown_block": "x"}}
    with pytest.raises(SlackError):
        await slack.submit_view(slack.alice, slack.modal_of(slack.alice), {"text": "a"})


async def test_stack_holds_three_modals_and_stale_hashes_lose(slack, client, bot):
    await client.views_open(trigger_id=await trigger(slack, bot), view=modal(*actions(button("more"))))
    for _ in range(2):
        await slack.click(slack.alice, slack.modal_of(slack.alice), "more")
        await client.views_push(trigger_id=bot.actions[-1]["trigger_id"], view=modal(*actions(button("more"))))
    top = slack.modal_of(slack.alice)
    await slack.click(slack.alice, top, "more")
    push = client.views_push(trigger_id=bot.actions[-1]["trigger_id"], view=modal())
    assert await refused(push) == "push_limit_reached"
    old = top.hash
    await client.views_update(view_id=top.id, hash=old, view=modal())
    assert await refused(client.views_update(view_id=top.id, hash=old, view=modal())) == "hash_conflict"
    assert await refused(client.views_update(view_id="V0", view=modal())) == "not_found"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": plain("t" * 25)},
        {"private_metadata": "p" * 3001},
        {"callback_id": "c" * 256},
        {"blocks": [{"type": "divider"}] * 101},
        {"blocks": [{"type": "markdown", "text": "only in messages"}]},
        {"submit": None},
        {"surprise": 1},
        {"type": "home"},
    ],
)
async def test_modals_that_slack_refuses(slack, client, bot, wrong):
    view = {key: value for key, value in (modal() | wrong).items() if value is not None}
    error = await refused(client.views_open(trigger_id=await trigger(slack, bot), view=view))
    assert error == "invalid_arguments"


async def test_home_is_published_with_its_hash_and_its_buttons_work(slack, client, bot):
    await slack.open_home(slack.alice)
    await bot.until(lambda bot: bot.events)
    assert bot.events[0]["tab"] == "home"
    home = {"type": "home", "blocks": actions(button("stop"))}
    first = await client.views_publish(user_id=slack.alice, view=home)
    await client.views_publish(user_id=slack.alice, view=home, hash=first["view"]["hash"])
    stale = client.views_publish(user_id=slack.alice, view=home, hash=first["view"]["hash"])
    assert await refused(stale) == "hash_conflict"
    await slack.click(slack.alice, slack.home_of(slack.alice), "stop")
    assert bot.actions[0]["view"]["type"] == "home"
    with pytest.raises(NotPossible):
        await slack.click(slack.bob, slack.home_of(slack.alice), "stop")


async def test_message_shortcut_carries_the_message(slack, bot):
    message = await slack.post_message(slack.bob, slack.general, "look")
    await slack.use_shortcut(slack.alice, message, "ask_about_message")
    (body,) = bot.shortcuts
    assert (body["callback_id"], body["message"]["text"]) == ("ask_about_message", "look")


async def test_strangers_carry_their_team_and_the_deactivated_cannot_act(slack, bot):
    await slack.post_message(slack.stranger, slack.shared, "@deputy hi")
    await bot.until(lambda bot: len(bot.bodies) == 2)
    bodies = {body["event"]["type"]: body for body in bot.bodies}
    assert all(body["is_ext_shared_channel"] for body in bodies.values())
    assert bodies["message"]["team_id"] == bodies["message"]["event"]["team"] == "T0OTHER00"
    assert bodies["app_mention"]["event"]["team"] == slack.team_id
    assert bodies["app_mention"]["event"]["user_team"] == "T0OTHER00"
    assert all(body["authorizations"][0]["team_id"] == slack.team_id for body in bodies.values())
    slack.deactivate(slack.bob)
    await bot.until(lambda bot: [event for event in bot.events if event["type"] == "user_change"])
    with pytest.raises(NotPossible):
        await slack.post_message(slack.bob, slack.general, "hello?")


async def test_edit_fires_message_changed_and_the_mention_again(slack, bot):
    message = await slack.post_message(slack.alice, slack.general, "hello")
    await slack.edit_message(slack.alice, message, "@deputy hello")
    await bot.until(lambda bot: len(bot.events) == 3)
    changed = next(event for event in bot.events if event.get("subtype") == "message_changed")
    mention = next(event for event in bot.events if event["type"] == "app_mention")
    assert changed["previous_message"]["text"] == "hello"
    assert mention["edited"]["user"] == slack.alice


async def test_bot_hears_its_own_messages_but_nothing_of_channels_it_is_not_in(slack, client, unconnected):
    envelopes = slack.deliveries.log
    await slack.post_message(slack.alice, slack.random, "<@U0DEPUTY0> hi")
    assert envelopes == []
    await client.chat_postMessage(channel=slack.general, text="mine")
    assert envelopes[0].payload["event"]["bot_id"] == slack.bot_id
    slack.subscriptions = {"app_mention"}
    await slack.post_message(slack.alice, slack.general, "@deputy hi")
    assert [one.payload["event"]["type"] for one in envelopes] == ["message", "app_mention"]


async def test_nonsense_through_the_socket_harms_nobody(slack, bot):
    await slack.send_socket_text("no json")
    await slack.send_socket_text(json.dumps({"type": "unheard_of", "envelope_id": "e", "payload": {}}))
    async with patience():
        assert (await slack.type_command(slack.alice, slack.general, "/agent status")).is_acked


async def test_typed_mention_is_a_token_without_a_name_and_a_run_of_its_own(slack):
    message = await slack.post_message(slack.alice, slack.general, "hey @bob & <all>")
    assert message.text == "hey <@U0B0B0000> &amp; &lt;all&gt;"
    (section,) = message.blocks[0]["elements"]
    assert section["elements"] == [
        {"type": "text", "text": "hey "},
        {"type": "user", "user_id": slack.bob},
        {"type": "text", "text": " & <all>"},
    ]
    assert [ping.target for ping in slack.workspace.pings] == [slack.bob]


async def test_uninstalled_app_is_told_and_its_token_is_dead(slack, client, bot):
    slack.uninstall()
    await bot.until(lambda bot: {event["type"] for event in bot.events} == {"tokens_revoked", "app_uninstalled"})
    assert await refused(client.auth_test()) == "token_revoked"


async def test_session_without_the_stop_event_is_warned_about(slack, client):
    slack.subscriptions = {"app_mention"}
    root = await slack.post_message(slack.alice, slack.general, "root")
    where = {"channel_id": slack.general, "thread_ts": root.ts}
    answer = await client.agents_sessions_setStatus(**where, status="processing")
    assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
