"""Connecting a service in words and buttons: the link, what became of it, and the row of a service in a list.

A link is always a button, never a bare address: Slack's unfurler would open it (slack-platform.md §8.5).
"""

from __future__ import annotations

from collections.abc import Iterable

from bot import actions
from bot.notices import Connected, ConnectFailed, ConnectLink, Disconnected, LinkSent, ReconnectNeeded, ServiceChoice
from bot.renderers.blocks import Block, Message, button, confirm, context, message, section
from bot.renderers.blocks import actions as row
from bot.renderers.markdown import escape, one_line
from oauth.ports import Failure
from store.records import ConnectionState


def render_link_sent(notice: LinkSent) -> Message:
    """Return the words that point to the direct message."""
    words = f"I've sent you a direct message with a link to connect {title(notice.service)}."
    return message(words, section(escape(words)))


def render_link(notice: ConnectLink) -> Message:
    """Return the direct message with the link button."""
    name = title(notice.service)
    link = button(f"Connect {name}", actions.OPEN_LINK, url=notice.url, style="primary")
    words = f"With {name} connected, your agent can use it as you, and only when you ask."
    facts = context(f"The link is only for you · works once, for {notice.minutes} minutes")
    return message(f"{words} Open the link in this message.", section(escape(words)), row(link), facts)


def render_connected(notice: Connected) -> Message:
    """Return what replaces the link button."""
    name = title(notice.service)
    account = f" as {one_line(notice.account, 100)}" if notice.account else ""
    words = f"Connected to {name}{account}. From now on your agent can use it when you ask."
    return message(words, section(escape(words)), row(disconnect_button(notice.service)))


def render_connect_failed(notice: ConnectFailed) -> Message:
    """Return why an attempt failed and what to do next."""
    words = _FAILURES[notice.failure].format(name=title(notice.service))
    reference = escape(one_line(notice.reference, 40))
    return message(
        words, section(escape(words)), row(connect_button(notice.service)), context(f"Reference {reference}")
    )


def render_disconnected(notice: Disconnected) -> Message:
    """Return what disconnecting did and what only the service itself can do."""
    name = title(notice.service)
    words = f"{name} is disconnected. I've deleted your credential."
    blocks = [section(escape(words))]
    if notice.manage_url and notice.manage_url.startswith("https://"):
        blocks.append(context(f"To take back access at {escape(name)} too, open its own page."))
        blocks.append(row(button(f"Open {name} Settings", actions.OPEN_LINK, url=notice.manage_url)))
    return message(words, *blocks)


def render_reconnect(notice: ReconnectNeeded) -> Message:
    """Return the request to connect again."""
    words = f"{title(notice.service)} no longer accepts your connection. Connect it again to go on using it."
    return message(words, section(escape(words)), row(connect_button(notice.service)))


def render_choices(choices: Iterable[ServiceChoice]) -> list[Block]:
    """Return a row for each service: how it stands, and the button that changes that."""
    return [_choice(choice) for choice in choices]


def connect_button(choice: ServiceChoice) -> Block:
    """Return the button that asks for a link."""
    verb = "Reconnect" if _state(choice) is ConnectionState.BROKEN else "Connect"
    return button(f"{verb} {title(choice)}", actions.CONNECT, choice.name)


def disconnect_button(choice: ServiceChoice) -> Block:
    """Return the button that deletes a credential, after a question."""
    name = title(choice)
    text = f"I'll delete your {name} credential. Your agent can't use {name} until you connect again."
    question = confirm(f"Disconnect {name}?", text, "Disconnect", "Cancel", is_dangerous=True)
    return button("Disconnect", actions.DISCONNECT, choice.name, label=f"Disconnect {name}", confirm=question)


def title(choice: ServiceChoice) -> str:
    """Return a service's title, fit for a button."""
    return one_line(choice.title, 40)


def _choice(choice: ServiceChoice) -> Block:
    return section(f"*{escape(title(choice))}*\n{_standing(choice)}", accessory=_next_button(choice))


def _state(choice: ServiceChoice) -> ConnectionState:
    return choice.connection.state if choice.connection else ConnectionState.DISCONNECTED


def _standing(choice: ServiceChoice) -> str:
    account = choice.connection.account if choice.connection else None
    known = f" as {escape(one_line(account, 100))}" if account else ""
    return {
        ConnectionState.CONNECTED: f"Connected{known}",
        ConnectionState.BROKEN: f"Needs a reconnect{known and f', was connected{known}'}",
        ConnectionState.DISCONNECTED: "Not connected",
    }[_state(choice)]


def _next_button(choice: ServiceChoice) -> Block:
    return disconnect_button(choice) if _state(choice) is ConnectionState.CONNECTED else connect_button(choice)


_FAILURES = {
    Failure.DENIED: "{name} isn't connected: access was declined. You can try again whenever you like.",
    Failure.EXPIRED: "That link for {name} has expired. Get a new one with the button.",
    Failure.SOMEBODY_ELSE: "{name} isn't connected: the browser was signed in to Slack as somebody else. "
    "Sign in as yourself and try again.",
    Failure.SERVICE: "{name} didn't complete the connection. Try again; if it keeps failing, tell an admin.",
    Failure.VAULT: "{name} agreed, but I couldn't store the credential safely, so it was dropped. Try again.",
}
