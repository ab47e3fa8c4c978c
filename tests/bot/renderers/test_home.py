"""App Home tells a member for what a decision is wanted, what is left, and nothing of what others asked."""

from dataclasses import replace

import pytest

from bot.model.notices import Home, Spending, Waiting
from bot.renderers.home import render_home
from simulator.slack.viewkit import parse_view
from tests.builders import a_member, a_thread, an_allowance, an_approval

EMPTY = Home((), (), ())
THREAD = a_thread(a_member(name="Alice"), title="tidy my notes", thread_ts="1763899200.000100")
LINK = "<https://acme.slack.com/archives/C0GENERAL/p1763899200000100|tidy my notes>"


def sections(**changes):
    view = parse_view(render_home(replace(EMPTY, **changes), {"notes": "Notes"}, "https://acme.slack.com/"), "home")
    return [block["text"]["text"] for block in view["blocks"] if block["type"] == "section"]


def test_what_waits_says_for_which_request_and_leads_there():
    waiting, *_ = sections(approvals=(Waiting(THREAD, an_approval()),))

    assert waiting.startswith(f"*Use write_note in Notes*\nFor {LINK} in <#C0GENERAL> · expires <!date")


def test_what_another_asks_a_second_yes_for_says_who_but_not_what_they_wrote():
    waiting, *_ = sections(to_second=(Waiting(THREAD, an_approval()),))

    assert waiting.startswith("*Use write_note in Notes*\nFor <@U0ANN> · expires <!date")
    assert "tidy" not in waiting


def test_what_is_always_allowed_is_said_as_on_the_card_and_by_its_own_name():
    shown = sections(allowances=((an_allowance(THREAD), THREAD.title),))

    assert "*Use write_note in Notes*\nIn “tidy my notes”" in shown


@pytest.mark.parametrize(
    ("spent", "budget", "words"),
    [
        (0, None, "$0.00 spent"),
        (9, 2_500, "$0.09 spent of $25.00 · $24.91 left"),
        (2_600, 2_500, "$26.00 spent of $25.00 · nothing left"),
        (0, 0, "$0.00 spent of $0.00 · nothing left"),
    ],
)
def test_a_month_says_what_is_left(spent, budget, words):
    assert words in sections(spending=Spending(spent, budget))
