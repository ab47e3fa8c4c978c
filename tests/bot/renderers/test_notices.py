"""Everything that can be told has its words."""

import itertools
import types
import typing
from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from bot.model import notices
from bot.model.errors import Misunderstood, Refusal, Refused
from bot.model.events import ToolCall
from bot.model.progress import OutcomeKind, TaskState
from bot.model.tool_risk import Hazard
from bot.renderers import answer_frame, answer_page, refusals
from bot.renderers import notices as words
from bot.renderers.connection_messages import _FAILURES
from bot.renderers.home import render_home
from oauth.ports import Failure
from simulator.slack.blockkit import MESSAGE, parse_blocks
from simulator.slack.messages import interpreted_texts, mentions_in
from simulator.slack.viewkit import parse_view
from store.records import (
    ApprovalState,
    Asker,
    Budget,
    BudgetKind,
    ConnectionState,
    Second,
    SecondView,
    Shortfall,
    ShortfallState,
    TurnState,
)
from tests.builders import a_connection, a_member, a_thread, a_turn, an_approval

TITLES = {"notes": "Notes"}
HOSTILE = "<!channel> <@U1> *bold* `code`\u202e & <https://evil.example|good> " + "x" * 4_000


def choice(state=None, title="Notes", **changes):
    connection = a_connection(state=state, account=HOSTILE, **changes) if state else None
    return notices.ServiceChoice("notes", title, connection, is_ending=bool(changes))


def a_home(text="Notes"):
    thread, private = a_thread(title=text), a_thread(title=text, is_private=True)
    turns = tuple(notices.RunningTurn(thread, a_turn(thread, state=state)) for state in TurnState)
    choices = tuple(choice(state, text) for state in (None, *ConnectionState))
    waiting = notices.Waiting(thread, an_approval()), notices.Waiting(private, an_approval(service=None, tool=text))
    return notices.Home(choices, turns, waiting)


def every_second(text):
    call = ToolCall("sevt_1", "notes", text, {text: text})
    for view in SecondView:
        for state in ApprovalState:
            approval = an_approval(tool=text, state=state, second=Second(view, datetime(2026, 11, 23, tzinfo=UTC)))
            yield from (notices.Held(approval, call, hazard) for hazard in Hazard)


def every_notice(text="Notes"):
    thread = a_thread(title=text)
    yield from (Refused(refusal, detail) for refusal in Refusal for detail in (None, text))
    yield from (Misunderstood(kind, text, (text,)) for kind in (*refusals.MISUNDERSTOOD, "new one"))
    yield notices.StatusShown(a_home(text))
    yield notices.StatusShown(notices.Home((), (), ()))
    yield notices.HelpShown(a_home(text), text, (text,))
    yield notices.HelpShown(a_home(text))
    yield notices.ServicePicker(a_home(text).choices)
    yield notices.ServicePicker(())
    yield notices.ServicePicker(tuple(notices.ServiceChoice(f"s{n}", text, None, host=text) for n in range(120)))
    yield notices.LinkSent(choice(title=text))
    yield notices.ConnectLink(choice(title=text), "https://deputy.example/connect/tkt_1", 10)
    yield notices.ConnectLink(choice(title=text), "https://deputy.example/connect/tkt_1", 10, takes_token=True)
    for page in (None, "https://notes.example/tokens"):
        yield notices.TokenWanted(choice(title=text), text, page)
    yield from (notices.Connected(choice(title=text), account) for account in (None, text))
    yield notices.CodeWanted(choice(title=text), "tkt_1", datetime(2026, 12, 1, tzinfo=UTC))
    yield notices.CodeWanted(choice(title=text), "tkt_1", tries_left=1)
    yield from (notices.ConnectFailed(choice(title=text), failure, text) for failure in Failure)
    yield from (notices.Disconnected(choice(title=text), url) for url in (None, "https://notes.example/apps"))
    yield from (notices.TurnsStopping(count) for count in (0, 1, 2))
    yield notices.TurnPicker(a_home(text).turns)
    yield notices.AsideOffered("asd_1", "U0BOB", text)
    yield notices.EditUnseen()
    left = tuple(notices.LeftOut("a <b>.csv", why) for why in notices.WhyLeftOut)
    yield from (notices.FilesLeftOut(left, is_output=is_output) for is_output in (True, False))
    yield notices.MaskedInRequest(("GitHub token", "Secret <projects>", "GitHub token"))
    yield notices.FilesLeftOut((notices.LeftOut("", notices.WhyLeftOut.TOO_MANY),) * 9)
    yield from (notices.AsideSettled(is_passed) for is_passed in (True, False))
    yield notices.ThreadActsAs("U0ANN", text)
    for lapse in notices.Lapse:
        yield notices.ReconnectNeeded(choice(ConnectionState.BROKEN, text), lapse, offers_again=True)
    ending = choice(ConnectionState.CONNECTED, text, expires_at=datetime(2026, 12, 1, tzinfo=UTC))
    yield notices.ConnectionEnding(ending)
    yield notices.ServicePicker((ending,))
    yield notices.Connected(ending, text, (notices.OfferedAgain("trn_1", text),) * 3, (text, "a", "b"))
    yield notices.AskedAgain(a_thread())
    yield from (notices.ApprovalWaiting(thread, an_approval(), count) for count in (1, 3))
    yield from (notices.SecondAsked(thread, held) for held in every_second(text))
    yield notices.AllowanceRevoked()
    yield notices.AnsweredPrivately()
    changes = tuple(
        notices.ToolChange(f"{text}{number}", (None, text, "was")[number % 3], text, (text,), *extra)
        for number, extra in enumerate(
            (((text, "was"), (text, "{}")), (None, (None, text)), (("", text), (text, text)), ())
        )
    )
    yield notices.ToolsChanged("notes", changes, 992, "f" * 64)
    yield notices.ToolsChanged("notes", (), 0, "f" * 64, "U0ANN")
    yield notices.ToolsChanged("notes", (), 0, "f" * 64)
    yield notices.ToolsChanged("notes", (), 992, "f" * 64, None, (text,) * 40)
    yield from every_raise()
    yield from (notices.Thanks(is_good) for is_good in (True, False))
    yield notices.Broken(text)
    yield from (notices.Outage(who) for who in ("slack", "agents", "notes", text))


def every_raise():
    yield from (notices.RaiseAnswered(answer_frame) for answer_frame in notices.RaiseAnswer)
    month = datetime(2026, 11, 1, tzinfo=UTC)
    names = {BudgetKind.MEMBER: "U0ANN", BudgetKind.CHANNEL: "C0GENERAL", BudgetKind.WORKSPACE: ""}
    for (kind, name), state in itertools.product(names.items(), ShortfallState):
        for by, raised_to in itertools.product((None, "U0BOB"), (None, 99_999_999)):
            one = Shortfall("sho_1", "T0ACME", Budget(kind, name), month, 2_500, state, by, raised_to)
            yield notices.RaiseAsked(one, 2_510.4, ("U0ANN", "U0BOB") * 15)
            yield notices.RaiseAsked(one, 0, ())
            yield from (notices.RaiseSettled(one, Asker("U0ANN", channel)) for channel in ("", "C0GENERAL", "D0ANN"))
        yield Refused(Refusal(f"{kind}_budget_used"), f"{kind}/{name}")


def test_every_notice_has_a_renderer_and_an_example_here():
    kinds = set(typing.get_args(notices.Notice))

    assert isinstance(notices.Notice, types.UnionType)
    assert kinds == set(words.NOTICES)
    assert kinds == {type(notice) for notice in every_notice()}


def test_every_refusal_has_its_own_words():
    assert set(refusals.REFUSALS) == set(Refusal)
    assert len(set(refusals.REFUSALS.values())) == len(Refusal)


def test_every_kind_of_misunderstanding_has_words():
    documented = set(Misunderstood.__dataclass_fields__) and {
        "subcommand",
        "service",
        "profile",
        "task_missing",
        "task_too_long",
    }
    assert documented <= set(refusals.MISUNDERSTOOD)


@pytest.mark.parametrize(
    ("table", "members"),
    [
        (_FAILURES, Failure),
        (answer_frame._OUTCOMES, OutcomeKind),
        (answer_page._TITLES, TaskState),
        (answer_page._STATUSES, TaskState),
    ],
)
def test_every_member_of_an_enumeration_has_words(table, members):
    assert set(table) == set(members)


@pytest.mark.parametrize(
    "text", ["Notes", HOSTILE, "", "\n\n", "\u200b"], ids=["plain", "hostile", "empty", "lines", "unseen"]
)
def test_slack_takes_every_notice_whatever_it_is_about(text):
    for notice in every_notice(text):
        message = words.render_notice(notice, TITLES, link="https://acme.slack.com/archives/C1/p1")
        assert parse_blocks(list(message.blocks), MESSAGE)
        assert 0 < len(message.text) <= 3_000
        notified = mentions_in([message.text, *interpreted_texts(list(message.blocks))])
        assert set(notified) <= {"U0BOB", "U0ANN"}


@pytest.mark.parametrize("text", ["Notes", HOSTILE])
def test_slack_takes_the_home_whatever_it_shows(text):
    assert parse_view(render_home(a_home(text), TITLES), "home")


def test_an_empty_home_says_what_to_do():
    assert parse_view(render_home(notices.Home((), (), ()), TITLES), "home")


def test_what_needs_a_service_offers_to_connect_it():
    message = words.render_notice(Refused(Refusal.NOT_CONNECTED, "notes"), TITLES)

    assert message.blocks[1]["elements"][0]["action_id"] == "service.connect"
    assert message.blocks[1]["elements"][0]["value"] == "notes"


def test_a_budget_that_is_used_up_can_be_asked_for_and_an_admin_reads_who_asks():
    refused = words.render_notice(Refused(Refusal.CHANNEL_BUDGET_USED, "channel/C0GENERAL"), TITLES)
    month, budget = datetime(2026, 11, 1, tzinfo=UTC), Budget(BudgetKind.MEMBER, "U0ANN")
    shortfall = Shortfall("sho_1", "T0ACME", budget, month, 2_500)
    card = words.render_notice(notices.RaiseAsked(shortfall, 2_510.4, ("U0ANN",)), TITLES)

    assert refused.blocks[-1]["elements"][0]["value"] == "channel/C0GENERAL"
    assert card.blocks[0]["text"]["text"] == snapshot("""\
*The budget of <@U0ANN> for November is used up*
Spent or set aside: $25.10 of $25.00
<@U0ANN> asks to raise it\
""")


def test_an_address_of_another_kind_is_no_button():
    message = words.render_notice(notices.Disconnected(choice(), "javascript:alert(1)"), TITLES)

    assert "javascript" not in str(message)


def test_nothing_said_names_a_vault_or_a_session():
    member = a_member()
    shown = str([words.render_notice(notice, TITLES) for notice in every_notice(member.name)])

    assert "vlt_" not in shown
    assert "sesn_" not in shown
    assert "vcrd_" not in shown


def test_time_is_shown_in_the_readers_zone():
    approval = an_approval(expires_at=datetime(2026, 11, 23, 10, 42, tzinfo=UTC))
    shown = str(
        words.render_notice(notices.StatusShown(notices.Home((), (), (notices.Waiting(a_thread(), approval),))), TITLES)
    )

    assert "<!date^1795430520^{time}|10:42 UTC>" in shown


@pytest.mark.fault("F25")
def test_an_ending_on_another_day_says_the_day():
    ending = choice(ConnectionState.CONNECTED, expires_at=datetime(2031, 5, 6, 17, tzinfo=UTC))
    shown = str(words.render_notice(notices.ConnectionEnding(ending), TITLES).blocks)

    assert "^{date_short_pretty} at {time}|2031-05-06 17:00 UTC>" in shown
