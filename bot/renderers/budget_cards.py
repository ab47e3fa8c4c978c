"""Budgets that are used up: the button that asks for more, the admins' card, its form, and the result."""

from __future__ import annotations

import json

from bot.model import action_ids
from bot.model.config_views import RaiseBudget
from bot.model.notices import RaiseAnswer, RaiseAnswered, RaiseAsked, RaiseSettled
from bot.renderers.block_kit import Block, Message, button, context, message, section
from bot.renderers.block_kit import actions as row
from bot.renderers.safe_markdown import escape
from store.records import Asker, Budget, BudgetKind, Shortfall, ShortfallState

# Askers who are named on a card; the rest are counted.
_NAMED_MAX = 5
_ANSWERS = {
    RaiseAnswer.ASKED: "I've asked the admins and will tell you what they say.",
    RaiseAnswer.DECLINED: "An admin has looked at this already: it isn't raised for now.",
    RaiseAnswer.ROOM: "There is budget again by now. Ask me once more.",
    RaiseAnswer.NOBODY: "There is no admin of mine yet who could raise it. Ask whoever runs me.",
}


def render_ask_button(budget: str) -> Block:
    """Return the button for a member whose request met a budget that is used up."""
    return row(button("Ask an Admin to Raise It", action_ids.ASK_RAISE, budget))


def render_raise_answered(notice: RaiseAnswered) -> Message:
    """Return what the member hears at once after pressing that button."""
    return message(words := _ANSWERS[notice.answer], section(words))


def render_raise_asked(notice: RaiseAsked) -> Message:
    """Return an admin's card: buttons until somebody has decided, then a record."""
    one = notice.shortfall
    head = f"*{_whose(one.budget)} for {one.month:%B} is used up*"
    facts = [f"Spent or set aside: {_usd(notice.spent_cents)} of {_usd(one.limit_cents)}"]
    if notice.askers:
        facts.append(f"{_people(notice)} to raise it")
    blocks = [section("\n".join([head, *facts]))]
    if one.state is ShortfallState.OPEN:
        raised = button("Raise", action_ids.RAISE, one.id, style="primary", label="Raise this budget")
        blocks.append(
            row(raised, button("Not Now", action_ids.NOT_NOW, one.id, label="Not now: leave this budget as it is"))
        )
        return message(f"{_plainly(one.budget)} is used up. Raise it?", *blocks)
    blocks.append(context(_outcome(one)))
    return message(f"{_plainly(one.budget)} was used up. It is settled.", *blocks)


def render_raise_settled(notice: RaiseSettled) -> Message:
    """Return what a member who asked hears once an admin has decided, with the next step."""
    one, budget = notice.shortfall, _yours(notice.shortfall.budget)
    if one.state is ShortfallState.DECLINED:
        words = f"An admin has looked at {budget} for this month: it isn't raised for now."
        return message("Your budget isn't raised for now.", section(words))
    # Without a limit the budget was taken away altogether.
    what = "is gone" if one.raised_to is None else f"is {_usd(one.raised_to)} now"
    words = f"{budget[:1].upper()}{budget[1:]} for this month {what}. You can go on{_where(notice.asker)}."
    ask = row(button("Ask the Agent", action_ids.OPEN_ASK_FORM, style="primary"))
    return message("There is room in your budget again. You can go on.", section(words), ask)


def budget_line(panel: RaiseBudget) -> str:
    """Return whose budget a form is about, as mrkdwn."""
    # Not in bold: a mention ends it, and stray asterisks are shown.
    return _whose(panel.budget)


def spent_line(panel: RaiseBudget) -> str:
    """Return how much of the budget is used, as mrkdwn."""
    return f"{_usd(panel.spent_cents)} are spent or set aside this month."


def raise_metadata(panel: RaiseBudget) -> str:
    """Return the form's `private_metadata`: which shortfall it raises, and which version of the settings it shows."""
    return json.dumps({"shortfall": panel.shortfall_id, "version": panel.version})


def _whose(budget: Budget) -> str:
    names = {
        BudgetKind.MEMBER: f"The budget of <@{escape(budget.name)}>",
        BudgetKind.CHANNEL: f"The budget of <#{escape(budget.name)}>",
        BudgetKind.WORKSPACE: "The workspace's budget",
    }
    return names[budget.kind]


def _plainly(budget: Budget) -> str:
    names = {
        BudgetKind.MEMBER: "A member's budget",
        BudgetKind.CHANNEL: "A channel's budget",
        BudgetKind.WORKSPACE: "The workspace's budget",
    }
    return names[budget.kind]


def _yours(budget: Budget) -> str:
    names = {
        BudgetKind.MEMBER: "your budget",
        BudgetKind.CHANNEL: f"the budget of <#{escape(budget.name)}>",
        BudgetKind.WORKSPACE: "the workspace's budget",
    }
    return names[budget.kind]


def _people(notice: RaiseAsked) -> str:
    named = ", ".join(f"<@{escape(user)}>" for user in notice.askers[:_NAMED_MAX])
    more = len(notice.askers) - _NAMED_MAX
    verb = "asks" if len(notice.askers) == 1 else "ask"
    return f"{named} and {more} more {verb}" if more > 0 else f"{named} {verb}"


def _outcome(one: Shortfall) -> str:
    by = f" by <@{escape(one.decided_by)}>" if one.decided_by else ""
    if one.state is ShortfallState.RAISED:
        return f"Taken away{by}" if one.raised_to is None else f"Raised to {_usd(one.raised_to)}{by}"
    return f"Not now, said <@{escape(one.decided_by or '')}>" if one.decided_by else "Its month is over"


def _where(asker: Asker) -> str:
    return f" in <#{escape(asker.channel)}>" if asker.channel and not asker.channel.startswith("D") else ""


def _usd(cents: float) -> str:
    return f"${cents / 100:,.2f}"
