"""What people see, where they see it, and that it is there once."""

from dataclasses import replace

import pytest

from bot.model import action_ids
from bot.model.commands import OpenAskForm, Place
from bot.model.errors import Misunderstood, Refusal, Refused, SlackRejected
from bot.model.events import ToolCall
from bot.model.notices import (
    ApprovalWaiting,
    AsideOffered,
    AsideSettled,
    Broken,
    Connected,
    ConnectLink,
    Held,
    Home,
    Offered,
    SecondAsked,
    ServiceChoice,
)
from store.records import ApprovalState, Second, SecondView
from tests.builders import a_thread, an_approval

CALL = ToolCall("sevt_1", "notes", "write_note", {"title": "Plan"})
CHOICE = ServiceChoice("notes", "Notes", None)


async def test_the_root_is_posted_once_though_the_answer_was_lost(desk):
    thread = a_thread(desk.alice, channel=desk.slack.general, created_at=desk.clock.now())
    desk.slack.faults.add("chat.postMessage", kind="connection_error_after")

    root = await desk.screen.post_root(thread, "summarise", Offered(("notes",)))

    assert [message.ts for message in desk.slack.messages(desk.slack.general) if message.by_app] == [root]


async def test_a_root_posted_before_a_crash_is_found(desk):
    thread = a_thread(desk.alice, channel=desk.slack.general, created_at=desk.clock.now())
    root = await desk.screen.post_root(thread, "summarise", Offered())

    assert await desk.restarted().screen.post_root(thread, "summarise", Offered()) == root


async def test_a_root_that_slack_refuses_is_an_error_with_slacks_code(desk):
    thread = a_thread(desk.alice, channel="C0NOWHERE", created_at=desk.clock.now())

    with pytest.raises(SlackRejected) as refused:
        await desk.screen.post_root(thread, "summarise", Offered())
    assert refused.value.code == "channel_not_found"


async def test_the_control_line_turns_and_goes(desk):
    thread, turn = await desk.a_turn()

    ref = await desk.screen.post_control(thread, turn, is_queued=True)
    turn = replace(turn, notice=ref)
    assert await desk.screen.post_control(thread, turn, is_queued=False) == ref
    [line] = desk.replies(thread)
    assert "Working on it…" in desk.slack.text_of(line)
    assert list(desk.slack.buttons_of(line, desk.slack.alice)) == [action_ids.STOP]
    assert list(desk.slack.buttons_of(line, desk.slack.bob)) == []
    await desk.screen.remove_control(thread, turn)
    await desk.screen.remove_control(thread, turn)
    assert [message for message in desk.replies(thread) if not message.is_tombstone] == []


async def test_where_many_posts_stand_in_line_the_control_line_is_left_out(desk, monkeypatch):
    thread, turn = await desk.a_turn()

    monkeypatch.setattr(desk.screen._api.pacer, "waiting", lambda *_: 3)
    assert await desk.screen.post_control(thread, turn, is_queued=False) is None
    # Somebody who waits must see that they do.
    assert await desk.screen.post_control(thread, turn, is_queued=True) is not None

    monkeypatch.setattr(desk.screen._api.pacer, "waiting", lambda *_: 2)
    _, another = await desk.a_turn()
    assert await desk.screen.post_control(thread, another, is_queued=False) is not None


async def test_a_control_line_posted_before_a_crash_is_found_and_removed(desk):
    thread, turn = await desk.a_turn()
    ref = await desk.screen.post_control(thread, turn, is_queued=False)

    after = desk.restarted()
    assert await after.screen.post_control(thread, turn, is_queued=False) == ref
    await after.screen.remove_control(thread, turn)
    assert [message for message in desk.replies(thread) if not message.is_tombstone] == []


async def test_in_private_slacks_own_stop_does(desk):
    thread, turn = await desk.a_turn(is_private=True)

    assert await desk.screen.post_control(thread, turn, is_queued=False) is None


async def test_the_card_is_posted_once_and_becomes_a_record(desk):
    thread, turn = await desk.a_turn()
    approval = an_approval(turn)
    ref = await desk.screen.post_card(thread, (Held(approval, CALL),))

    assert await desk.restarted().screen.post_card(thread, (Held(approval, CALL),)) == ref
    allowed = replace(approval, card=ref, state=ApprovalState.ALLOWED, decided_by=desk.slack.alice)
    await desk.screen.update_card(thread, ref, (Held(allowed, CALL),))

    [card] = desk.replies(thread)
    assert "Approved by <@" in desk.slack.text_of(card)
    assert desk.slack.buttons_of(card) == {}


async def test_a_second_approver_is_asked_once_and_told_in_place(desk):
    thread, turn = await desk.a_turn()
    asked = SecondAsked(thread, Held(an_approval(turn, second=Second(SecondView.FULL, desk.clock.now())), CALL))
    ref = await desk.screen.ask_second(desk.slack.bob, asked)
    assert await desk.restarted().screen.ask_second(desk.slack.bob, asked) == ref

    over = replace(asked.held.approval, state=ApprovalState.WITHDRAWN)
    await desk.screen.ask_second(desk.slack.bob, SecondAsked(thread, Held(over, CALL)), ref)

    [card] = desk.slack.dms(desk.slack.bob)
    assert "Withdrawn" in desk.slack.text_of(card)
    assert desk.slack.dms(desk.slack.alice) == []


async def test_a_notice_is_whispered_where_the_request_was(desk):
    await desk.screen.tell(desk.alice, Place(desk.slack.general), Refused(Refusal.NOTHING_RUNNING))

    [told] = desk.slack.ephemerals(desk.slack.alice)
    assert desk.slack.text_of(told) == "Nothing of yours is running."
    assert desk.slack.ephemerals(desk.slack.bob) == []


async def test_where_we_are_no_member_the_last_resort_is_a_direct_message(desk):
    place = Place("C0NOWHERE", response_url="https://evil.example/commands/T1/1/x")

    await desk.screen.tell(desk.alice, place, Misunderstood("service", "<!channel>", ("notes",)))

    [told] = desk.slack.dms(desk.slack.alice)
    assert "I don't know a service called “&lt;!channel&gt;”." in desk.slack.text_of(told)


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://hooks.slack.com/commands/T1/1/x", True),
        ("http://hooks.slack.com/commands/T1/1/x", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://evil.example/hooks.slack.com", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
async def test_only_slacks_own_address_is_answered(desk, url, is_own):
    assert desk.screen._is_slack(url) is is_own


async def test_a_settled_aside_takes_its_own_buttons_away(desk):
    await desk.screen.tell(desk.alice, Place(desk.slack.general), AsideOffered("asd_1", desk.slack.bob, "hello"))
    [offered] = desk.slack.ephemerals(desk.slack.alice)
    url = desk.slack.hooks.issue(desk.slack.alice, desk.slack.general, offered, "actions")

    await desk.screen.tell(desk.alice, Place(desk.slack.general, response_url=url), AsideSettled(is_passed=False))

    [settled] = desk.slack.ephemerals(desk.slack.alice)
    assert desk.slack.text_of(settled) == "Ignored."
    assert desk.slack.buttons_of(settled, desk.slack.alice) == {}


@pytest.mark.parametrize("url", [None, "https://evil.example/actions/T1/1/x", "{slack}/actions/T1/1/gone"])
async def test_a_settled_aside_whose_address_is_no_good_is_said_anew(desk, url):
    place = Place(desk.slack.general, response_url=url and url.format(slack=desk.slack.url))

    await desk.screen.tell(desk.alice, place, AsideSettled(is_passed=True))

    [settled] = desk.slack.ephemerals(desk.slack.alice)
    assert desk.slack.text_of(settled) == "Passed to your agent, as somebody else's words."


async def test_who_is_no_member_is_refused_at_the_place_or_nowhere(desk):
    await desk.screen.refuse(desk.slack.guest, Place(desk.slack.general), Refused(Refusal.GUEST))
    await desk.screen.refuse(desk.slack.stranger, Place("C0NOWHERE"), Refused(Refusal.STRANGER))

    assert [desk.slack.text_of(message)[:11] for message in desk.slack.ephemerals(desk.slack.guest)] == ["I can't wor"]
    assert desk.slack.dms(desk.slack.stranger) == []


async def test_a_direct_message_is_rewritten(desk):
    link = ConnectLink(CHOICE, "https://deputy.example/connect/tkt_1", 10)
    ref = await desk.screen.message(desk.alice, link)
    again = await desk.screen.message(desk.alice, Connected(CHOICE, "alice@acme.example"), replacing=ref)

    [message] = desk.slack.dms(desk.slack.alice)
    assert again == ref
    assert "Connected to Notes as alice@acme.example." in desk.slack.text_of(message)
    assert "https://deputy.example" not in str(message.blocks)


async def test_a_direct_message_that_is_gone_is_sent_anew(desk):
    ref = await desk.screen.message(desk.alice, Broken("A1"))
    again = await desk.screen.message(desk.alice, Broken("A2"), replacing=replace(ref, ts="1.000001"))

    assert again != ref


async def test_a_reminder_links_to_the_card(desk):
    thread, turn = await desk.a_turn()
    approval = an_approval(turn)
    approval = replace(approval, card=await desk.screen.post_card(thread, (Held(approval, CALL),)))

    await desk.screen.message(desk.alice, ApprovalWaiting(thread, approval))

    [reminder] = desk.slack.dms(desk.slack.alice)
    assert approval.card.ts.replace(".", "") in desk.slack.buttons_of(reminder)[action_ids.OPEN_LINK]["url"]


async def test_the_home_is_published(desk):
    await desk.screen.publish_home(desk.alice, Home((CHOICE,), (), ()))

    assert action_ids.CONNECT in desk.slack.buttons_of(desk.slack.home_of(desk.slack.alice))


async def test_a_form_for_a_trigger_that_has_expired_is_refused(desk):
    with pytest.raises(SlackRejected):
        await desk.screen.ask_task(OpenAskForm(desk.alice, Place(desk.slack.general), "1.2.expired"))
