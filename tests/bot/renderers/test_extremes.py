"""Whatever is long, many, hostile or empty: Slack takes every card, modal and view that is made of it."""

import pytest

from bot.domain.approvals.cards import ASKED_MAX, WHOLE_MAX
from bot.model import action_ids, notices
from bot.model.events import ToolCall
from bot.model.tool_risk import Hazard
from bot.renderers.approval_card import render_card, render_details, render_reason_form, render_second
from bot.renderers.home import render_home, render_status
from bot.renderers.notices import NOTICES, render_notice
from simulator.slack.blockkit import MESSAGE, parse_blocks
from simulator.slack.messages import interpreted_texts, mentions_in
from simulator.slack.viewkit import parse_view
from store.records import ApprovalState, ConnectionState, Second, SecondView, TurnState
from tests.bot.renderers.extremes import COUNTS, NAMES, NOW, Extreme, an_extreme_thread, built, cut_markup, held
from tests.builders import a_connection, a_thread, a_turn, an_allowance, an_approval


@pytest.fixture(params=NAMES.values(), ids=NAMES)
def name(request):
    return request.param


@pytest.fixture
def thread(name):
    return an_extreme_thread(name)


def decided(name, number):
    state = list(ApprovalState)[number % 5]
    unasked = "alw_1" if number % 2 and state is ApprovalState.ALLOWED else None
    return held(f"{name}{number}", number, state=state, decided_at=NOW, allowance_id=unasked)


def is_taken(message, named=()):
    assert len(message.text) <= 4_000
    assert parse_blocks(list(message.blocks), MESSAGE)
    assert cut_markup(list(message.blocks)) == []
    return set(mentions_in([message.text, *interpreted_texts(list(message.blocks))])) <= set(named)


@pytest.mark.parametrize("is_private", [False, True])
def test_a_card_with_as_many_calls_as_it_may_have(name, thread, is_private):
    thread = a_thread(thread.owner, is_private=is_private)
    named = [thread.owner.user_id]
    waiting = [held(name, number) for number in range(ASKED_MAX)]
    over = [decided(name, number) for number in range(ASKED_MAX, WHOLE_MAX)]

    assert is_taken(render_card(thread, waiting, {}), named)
    assert is_taken(render_card(thread, [*waiting[1:], *over], {}), named)
    assert is_taken(render_card(thread, over, {}), named)
    assert is_taken(render_card(thread, waiting[:1], {name: name}), named)


def test_the_card_of_a_second_approver(name, thread):
    for view in SecondView:
        for state in ApprovalState:
            one = held(name, state=state, second=Second(view, NOW))
            assert is_taken(render_second(notices.SecondAsked(thread, one), {}), [thread.owner.user_id])


def test_details_and_the_form_for_a_reason(name, thread):
    assert parse_view(render_details(thread, held(name), {}), "modal")
    assert parse_view(render_reason_form(held(name).approval, {}), "modal")


def test_details_of_a_thousand_arguments_are_views_on_every_page(name, thread):
    call = ToolCall("sevt_1", name, name, {f"{number}{name}": name for number in range(1_000)})
    one = notices.Held(an_approval(), call)
    first = render_details(thread, one, {})
    count = int(str(first).rsplit("Page 1 of ", 1)[1].split("'")[0]) if "Page 1 of " in str(first) else 1

    assert parse_view(first, "modal")
    for page in {count // 2, count + 9}:
        assert parse_view(render_details(thread, one, {}, page), "modal")


@pytest.mark.parametrize("count", COUNTS)
def test_a_home_with_any_number_of_anything(name, thread, count):
    states = [None, *ConnectionState]
    choices = tuple(
        notices.ServiceChoice(
            f"s{number}",
            name,
            a_connection(state=states[number % 4], account=name) if states[number % 4] else None,
        )
        for number in range(min(count, 100))
    )
    waiting = tuple(
        notices.Waiting(thread, an_approval(service=name, tool=name), Hazard.DESTRUCTIVE) for _ in range(count)
    )
    running = tuple(notices.RunningTurn(thread, a_turn(thread, state=TurnState.RUNNING)) for _ in range(count))
    home = notices.Home(
        choices,
        running,
        waiting,
        to_second=waiting,
        allowances=tuple((an_allowance(thread, service=name, tool=name), name) for _ in range(count)),
        recent=(thread,) * count,
        spending=notices.Spending(count * 1e9, count),
    )
    view = parse_view(render_home(home, {}, "https://acme.slack.com/"), "home")

    assert cut_markup(view) == []
    assert action_ids.OPEN_ASK_FORM in str(view)
    assert "How to ask" in str(view)
    assert is_taken(render_status(home, {}))


@pytest.mark.parametrize("kind", NOTICES, ids=lambda kind: kind.__name__)
def test_every_notice_there_is(kind, name, thread):
    for which in range(4):
        message = render_notice(built(kind, Extreme(name, thread, which=which)), {})
        many = built(kind, Extreme(name, thread, 30, which))
        linked = render_notice(many, {name: name}, link="https://acme.slack.com/archives/C0/p1")

        for one in (message, linked):
            assert one.text and len(one.text) <= 4_000
            assert parse_blocks(list(one.blocks), MESSAGE)
            assert cut_markup(list(one.blocks)) == []
