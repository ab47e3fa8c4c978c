"""A member's App Home and the answer to `status`: what waits, what runs, what is connected.

Both show the same rows; only the surface differs.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot import actions
from bot.events import Permission, ToolCall
from bot.notices import Home, RunningTurn
from bot.renderers import limits
from bot.renderers.approval import moment
from bot.renderers.blocks import Block, Message, button, context, divider, header, message, section
from bot.renderers.blocks import actions as row
from bot.renderers.connection import render_choices
from bot.renderers.markdown import escape, one_line
from bot.renderers.wording import capital, phrase, plural
from store.records import Approval, Connection, ConnectionState, Thread, TurnState

_ROWS_MAX = 20


def render_home(home: Home, titles: Mapping[str, str]) -> Block:
    """Return the App Home view."""
    ask = row(button("Ask the Agent", actions.OPEN_ASK_FORM, style="primary"))
    blocks = [header("Your agent"), ask, *_waiting(home, titles), *_services(home), divider(), *_help()]
    return {"type": "home", "blocks": blocks[: limits.VIEW_BLOCKS_MAX]}


def render_status(home: Home, titles: Mapping[str, str]) -> Message:
    """Return the same as a message."""
    connected = sum(_is_connected(choice.connection) for choice in home.choices)
    parts = [plural(connected, "connected service"), plural(len(home.turns), "running request")]
    text = ", ".join([*parts, plural(len(home.approvals), "waiting approval")])
    return message(text, *_waiting(home, titles), *_services(home))


def render_running(turns: tuple[RunningTurn, ...]) -> list[Block]:
    """Return a row with a Stop button for each turn."""
    return [_running(running) for running in turns[:_ROWS_MAX]]


def where(thread: Thread) -> str:
    """Return where a thread is, as markup."""
    return "in our direct messages" if thread.is_private else f"in <#{escape(thread.channel)}>"


def _waiting(home: Home, titles: Mapping[str, str]) -> list[Block]:
    blocks: list[Block] = []
    if home.approvals:
        blocks.append(section("*Waiting for your decision*"))
        blocks.extend(_approval(thread, approval, titles) for thread, approval in home.approvals[:_ROWS_MAX])
    if home.turns:
        blocks.append(section("*Running*"))
        blocks.extend(render_running(home.turns))
    return blocks


def _approval(thread: Thread, approval: Approval, titles: Mapping[str, str]) -> Block:
    call = ToolCall(approval.tool_use_id, approval.service, approval.tool, {}, Permission.ASK)
    what = escape(capital(phrase(call, titles).infinitive))
    return section(f"{what}\n{capital(where(thread))} · until {moment(approval.expires_at)}")


def _running(running: RunningTurn) -> Block:
    turn, thread = running.turn, running.thread
    state = {TurnState.QUEUED: "Queued", TurnState.WAITING: "Waiting for you"}.get(turn.state, "Working")
    name = one_line(thread.title, 120)
    stop = button("Stop", actions.STOP, turn.id, label=f"Stop: {name}")
    return section(f"{escape(name)}\n{state} {where(thread)}", accessory=stop)


def _services(home: Home) -> list[Block]:
    rows = render_choices(home.choices[:_ROWS_MAX])
    empty = section("No services are on offer yet. An admin can add some.")
    return [section("*Services*"), *(rows or [empty])]


def _help() -> list[Block]:
    return [
        section("*How to ask*\nWrite to me here in Messages, mention me in a channel, or use `/agent ask`."),
        context("Your agent acts with your accounts only, and asks you before it changes anything."),
    ]


def _is_connected(connection: Connection | None) -> bool:
    return connection is not None and connection.state is ConnectionState.CONNECTED
