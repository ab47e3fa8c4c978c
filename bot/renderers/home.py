"""A member's App Home and the answer to `status`: what waits, what runs, what is connected, spent and allowed.

Both show the same rows on different surfaces. A view holds 100 blocks, so long lists are cut and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.model import action_ids
from bot.model.events import ToolCall
from bot.model.notices import Held, Home, RunningTurn, ServiceChoice, Spending, Waiting
from bot.model.visible_text import one_line
from bot.renderers import slack_limits
from bot.renderers.approval_card import approval_value, approve_button, moment
from bot.renderers.block_kit import Block, Message, View, button, context, divider, header, message, section
from bot.renderers.block_kit import actions as row
from bot.renderers.connection_messages import render_choices
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import HEADING_MAX, TITLE_MAX
from bot.renderers.tool_names import capital, deed, phrase, plural
from store.records import Allowance, Connection, ConnectionState, Thread, TurnState

Titles = Mapping[str, str]

# Rows per list. Together with their headings and button rows they stay below the 100 blocks of a view.
_WAITING_MAX = 8
_SECOND_MAX = 4
_RUNNING_MAX = 10
_SERVICES_MAX = 20
_ALLOWANCES_MAX = 8
_RECENT_MAX = 8


def render_home(home: Home, titles: Titles, team_url: str = "") -> View:
    """Return the App Home view; `team_url` (`https://acme.slack.com/`) is the start of links to threads."""
    first = [button("Ask the Agent", action_ids.OPEN_ASK_FORM, style="primary")]
    if home.is_admin:
        first.append(button("Settings", action_ids.SETTINGS))
    blocks = [
        header("Your agent"),
        row(*first),
        *_decisions(home, titles, team_url),
        *_running_ones(home.turns),
        *_services(home.choices),
        *_spending(home.spending),
        *_recent(home.recent, team_url),
        *_allowances(home.allowances, titles),
        divider(),
        *_help(),
    ]
    return View({"type": "home", "blocks": blocks[: slack_limits.VIEW_BLOCKS_MAX]})


def render_status(home: Home, titles: Titles) -> Message:
    """Return what App Home shows as a message, without buttons to decide."""
    connected = sum(_is_connected(choice.connection) for choice in home.choices)
    # For notifications and screen readers, which do not get the blocks.
    parts = [plural(connected, "connected service"), plural(len(home.turns), "running request")]
    text = ", ".join([*parts, plural(len(home.approvals), "waiting approval")])
    waiting = [_approval(one, titles) for one in home.approvals[:_WAITING_MAX]]
    heading = [header("Waiting for your decision")] if waiting else []
    blocks = [*heading, *waiting, *_running_ones(home.turns), *_services(home.choices), *_spending(home.spending)]
    return message(text, *blocks)


def render_running(turns: tuple[RunningTurn, ...]) -> list[Block]:
    """Return a row with a Stop button for each turn."""
    return [_running(running) for running in turns[:_RUNNING_MAX]]


def where(thread: Thread) -> str:
    """Return where a thread is, as mrkdwn: `in <#C1>`."""
    return "in our direct messages" if thread.is_private else f"in <#{escape(thread.channel)}>"


def _decisions(home: Home, titles: Titles, team_url: str) -> list[Block]:
    blocks: list[Block] = []
    if home.approvals:
        blocks.append(header("Waiting for your decision"))
        for one in home.approvals[:_WAITING_MAX]:
            blocks += [_approval(one, titles, team_url), row(*_deciding(one, titles, is_second=False))]
        blocks += _more(home.approvals, _WAITING_MAX, "in their threads")
    if home.to_second:
        blocks.append(header("Others ask for your approval too"))
        for one in home.to_second[:_SECOND_MAX]:
            blocks += [
                _approval(one, titles, whose=one.thread.owner.user_id),
                row(*_deciding(one, titles, is_second=True)),
            ]
        blocks += _more(home.to_second, _SECOND_MAX, "in our direct messages")
    return blocks


def _approval(waiting: Waiting, titles: Titles, team_url: str = "", *, whose: str | None = None) -> Block:
    """Return an approval that waits: for a member's own, with the request that it is for.

    With `whose` it is another member's: their request is theirs to read, so only their mention is shown.
    """
    thread, approval = waiting.thread, waiting.approval
    asker = f"For <@{escape(whose)}>" if whose else f"For {_linked(thread, team_url)} {where(thread)}"
    state = "approved by you, waits for a second approver" if approval.is_confirming and not whose else ""
    facts = (asker, state, f"expires {moment(approval.expires_at)}")
    return section(f"*{escape(_what(waiting, titles))}*\n{' · '.join(part for part in facts if part)}")


def _deciding(waiting: Waiting, titles: Titles, *, is_second: bool) -> list[Block]:
    """Return the buttons of an approval, with `action_id`s of their own among the rows above and below."""
    approval, what = waiting.approval, _what(waiting, titles)
    value, mark = approval_value(approval), f"/{approval.id}"
    # Without arguments: lists never show any.
    held = Held(approval, _call(waiting), waiting.hazard)
    may_allow = is_second or not approval.is_confirming
    buttons = [approve_button(held, what, mark=mark)] if may_allow else []
    buttons.append(button("Deny", f"{action_ids.DENY}{mark}", value, label=f"Deny: {what}"))
    buttons.append(button("Show Details", f"{action_ids.SHOW_DETAILS}{mark}", value, label=f"Show details: {what}"))
    return buttons


def _call(waiting: Waiting) -> ToolCall:
    approval = waiting.approval
    return ToolCall(approval.tool_use_id, approval.service, approval.tool, {}, title=waiting.title)


def _what(waiting: Waiting, titles: Titles) -> str:
    return capital(phrase(_call(waiting), titles).infinitive)


def _running_ones(turns: tuple[RunningTurn, ...]) -> list[Block]:
    if not turns:
        return []
    return [header("Running"), *render_running(turns), *_more(turns, _RUNNING_MAX, "in their threads")]


def _running(running: RunningTurn) -> Block:
    turn, thread = running.turn, running.thread
    # Every other open state is work, as far as its owner is concerned.
    state = {TurnState.QUEUED: "Queued", TurnState.WAITING: "Waiting for you"}.get(turn.state, "Working")
    name = one_line(thread.title, TITLE_MAX)
    stop = button("Stop", action_ids.STOP, turn.id, label=f"Stop: {name}")
    return section(f"{escape(name)}\n{state} {where(thread)}", accessory=stop)


def _services(choices: Sequence[ServiceChoice]) -> list[Block]:
    """Return what needs a reconnect, what is connected, then the rest."""
    order = {ConnectionState.BROKEN: 0, ConnectionState.CONNECTED: 1}
    ordered = sorted(choices, key=lambda choice: order.get(choice.connection.state, 2) if choice.connection else 2)
    rows = render_choices(ordered[:_SERVICES_MAX])
    empty = section("No services are on offer yet. An admin can add some.")
    return [header("Services"), *(rows or [empty]), *_more(choices, _SERVICES_MAX, "with `/agent connect`")]


def _spending(spending: Spending) -> list[Block]:
    words = f"{_money(spending.spent)} spent"
    if spending.budget is not None:
        left = max(0.0, spending.budget - spending.spent)
        words = f"{words} of {_money(spending.budget)} · {_money(left) if left else 'nothing'} left"
    return [header("This month"), section(words)]


def _money(cents: float) -> str:
    return "under $0.01" if 0 < cents < 1 else f"${cents / 100:,.2f}"


def _recent(threads: Sequence[Thread], team_url: str) -> list[Block]:
    lines = [f"• {_linked(thread, team_url)} {where(thread)}" for thread in threads[:_RECENT_MAX]]
    return [header("Recent threads"), section("\n".join(lines))] if lines else []


def _linked(thread: Thread, team_url: str) -> str:
    name = escape(one_line(thread.title, HEADING_MAX)) or "…"
    # Built rather than fetched: `chat.getPermalink` would be a call per row.
    if not team_url.startswith("https://") or thread.thread_ts is None:
        return name
    return f"<{team_url}archives/{thread.channel}/p{thread.thread_ts.replace('.', '')}|{name}>"


def _allowances(given: Sequence[tuple[Allowance, str]], titles: Titles) -> list[Block]:
    if not given:
        return []
    rows = [_allowance(allowance, title, titles) for allowance, title in given[:_ALLOWANCES_MAX]]
    return [header("Always allowed"), *rows, *_more(given, _ALLOWANCES_MAX, "once these are taken back")]


def _allowance(allowance: Allowance, title: str, titles: Titles) -> Block:
    what = deed(allowance.service, allowance.tool, titles)
    revoke = button("Revoke", action_ids.REVOKE_ALLOWANCE, allowance.id, label=f"Revoke: {what}")
    return section(f"*{escape(what)}*\nIn “{escape(one_line(title, HEADING_MAX))}”", accessory=revoke)


def _more(listed: Sequence[object], shown: int, where_else: str) -> list[Block]:
    return [context(f"And {len(listed) - shown} more, {where_else}")] if len(listed) > shown else []


def _help() -> list[Block]:
    return [
        header("How to ask"),
        section("Write to me here in Messages, mention me in a channel, or use `/agent ask`."),
        context("Your agent acts with your accounts only, and asks you before it changes anything."),
    ]


def _is_connected(connection: Connection | None) -> bool:
    return connection is not None and connection.state is ConnectionState.CONNECTED
