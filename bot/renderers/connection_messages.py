"""Connecting a service: the link, the result, and a service's row in a list.

A link is always a button: Slack would fetch a bare address to unfurl it (docs/reference/slack.md#messages).
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.model import action_ids
from bot.model.notices import (
    CodeWanted,
    Connected,
    ConnectFailed,
    ConnectionEnding,
    ConnectLink,
    Disconnected,
    Lapse,
    LinkSent,
    OfferedAgain,
    ReconnectNeeded,
    ServiceChoice,
    TokenWanted,
)
from bot.model.visible_text import one_line
from bot.renderers import slack_limits
from bot.renderers.approval_card import day_and_time, moment
from bot.renderers.block_kit import Block, Message, button, confirm, context, menu, message, section
from bot.renderers.block_kit import actions as row
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import HOST_MAX, NAME_MAX, REFERENCE_MAX, SERVICE_MAX, TITLE_MAX
from bot.renderers.tool_names import plural
from oauth.ports import Failure
from store.records import ConnectionState

# Services shown one below the other; with more, a menu lists them all
_PICKER_ROWS = 20
# Permissions that are named of those that a service did not give.
_SCOPES_NAMED = 5


def render_link_sent(notice: LinkSent) -> Message:
    """Return the message that points to the direct message."""
    words = f"I've sent you a direct message with a link to connect {title(notice.service)}."
    return message(words, section(escape(words)))


def render_link(notice: ConnectLink) -> Message:
    """Return the direct message with the link button."""
    name = title(notice.service)
    link = button(f"Connect {name}", action_ids.OPEN_LINK, url=notice.url, style="primary")
    words = f"With {name} connected, your agent can use it as you, and only when you ask."
    facts = context(f"The link is only for you · works once, for {notice.minutes} minutes")
    buttons = [link, token_button(notice.service, "Use a Token Instead")] if notice.takes_token else [link]
    return message(f"{words} Open the link in this message.", section(escape(words)), row(*buttons), facts)


def render_token_wanted(notice: TokenWanted) -> Message:
    """Return the card that asks for a personal token: where to make one, and the button that opens the form for it."""
    name = title(notice.service)
    words = f"{name} is connected with a personal token. Make one there, then give it to me in the form."
    buttons = [token_button(notice.service, "Give a Token", is_primary=True)]
    if notice.token_page and notice.token_page.startswith("https://"):
        buttons.insert(0, button(f"Open {name}", action_ids.OPEN_LINK, url=notice.token_page, label=f"Open {name}"))
    # The host tells the member where the token really goes, whatever the service calls itself.
    host = escape(one_line(notice.host, HOST_MAX))
    facts = context(f"It goes straight to your own vault and is only sent to {host} · never write it in a message")
    return message(words, section(escape(words)), row(*buttons), facts)


def token_button(choice: ServiceChoice, words: str, *, is_primary: bool = False) -> Block:
    """Return the button that opens the form for a token."""
    style = "primary" if is_primary else None
    return button(words, action_ids.GIVE_TOKEN, choice.name, style=style, label=f"{words}: {title(choice)}")


def render_connected(notice: Connected) -> Message:
    """Return the message that replaces the link button once the service is connected."""
    name = title(notice.service)
    account = f" as {one_line(notice.account, HOST_MAX)}" if notice.account else ""
    words = f"Connected to {name}{account}. From now on your agent can use it when you ask."
    blocks = [section(escape(words)), row(disconnect_button(notice.service)), *_conditions(notice)]
    return message(words, *blocks, *(_offer(offered) for offered in notice.offers))


def _conditions(notice: Connected) -> list[Block]:
    """Return what would surprise the member later: another account than expected, an expiry, less access than asked."""
    name, facts = escape(title(notice.service)), []
    if not notice.account:
        facts.append(
            f"{name} did not say which account this is: if the browser was signed in to another one, disconnect"
        )
    if notice.before:
        before = escape(one_line(notice.before, HOST_MAX))
        facts.append(f"This is another account than before, which was {before}: if you didn't mean that, disconnect")
    if notice.withheld:
        scopes = ", ".join(f"`{escape(one_line(scope, NAME_MAX))}`" for scope in notice.withheld[:_SCOPES_NAMED])
        facts.append(f"{name} gave less access than I asked for, so some requests may fail: {scopes}")
    end = notice.service.connection and notice.service.connection.expires_at
    if end:
        facts.append(f"{name} ends this connection {day_and_time(end)}; I'll remind you")
    return [context(" · ".join(facts))] if facts else []


def _offer(offered: OfferedAgain) -> Block:
    name = one_line(offered.title, TITLE_MAX)
    again = button("Ask Again", action_ids.ASK_AGAIN, offered.turn_id, label=f"Ask again: {name}")
    return section(f"This couldn't be done without it:\n{escape(name)}", accessory=again)


def render_code_wanted(notice: CodeWanted) -> Message:
    """Return the message that asks for the code shown in the browser, or asks again after a wrong one."""
    name = title(notice.service)
    words = f"Your browser shows a code. Enter it here to connect {name}."
    if notice.tries_left is not None:
        words = f"That isn't the code for {name}. You can try {plural(notice.tries_left, 'more time')}."
    enter = button("Enter Code", action_ids.ENTER_CODE, notice.ticket_id, style="primary")
    until = f" · it works until {moment(notice.until)}" if notice.until else ""
    facts = context(f"Only if you began this yourself. I never ask for the code anywhere else{until}")
    return message(words, section(escape(words)), row(enter), facts)


def render_connect_failed(notice: ConnectFailed) -> Message:
    """Return why an attempt failed and what to do next."""
    words = _FAILURES[notice.failure].format(name=title(notice.service))
    blocks = [section(escape(words))]
    if notice.failure not in _FINAL:
        blocks.append(row(connect_button(notice.service)))
    return message(words, *blocks, context(f"Reference {escape(one_line(notice.reference, REFERENCE_MAX))}"))


def render_disconnected(notice: Disconnected) -> Message:
    """Return what disconnecting did, and what the member can only do at the service itself."""
    name = title(notice.service)
    words = f"{name} is disconnected. I've deleted your credential."
    blocks = [section(escape(words))]
    # The address may be an admin's or a service's; nothing else becomes a button.
    if notice.manage_url and notice.manage_url.startswith("https://"):
        blocks.append(context(f"To take back access at {escape(name)} too, open its own page."))
        blocks.append(row(button(f"Open {name} Settings", action_ids.OPEN_LINK, url=notice.manage_url)))
    return message(words, *blocks)


def render_reconnect(notice: ReconnectNeeded) -> Message:
    """Return the request to connect again."""
    words = _LAPSES[notice.lapse].format(name=title(notice.service))
    if notice.offers_again:
        words += " Then I'll offer to ask this again."
    return message(words, section(escape(words)), row(reconnect_button(notice.service)))


def render_ending(notice: ConnectionEnding) -> Message:
    """Return the reminder that a connection will end."""
    connection = notice.service.connection
    when = day_and_time(connection.expires_at) if connection and connection.expires_at else "soon"
    name = title(notice.service)
    rest = "Connect it again now and nothing is interrupted."
    blocks = section(f"Your connection to {escape(name)} ends {when}. {rest}")
    return message(f"Your connection to {name} ends soon. {rest}", blocks, row(reconnect_button(notice.service)))


def render_choices(choices: Iterable[ServiceChoice]) -> list[Block]:
    """Return a row for each service: how it stands, and the button that changes that."""
    return [_choice(choice) for choice in choices]


def render_picker(choices: tuple[ServiceChoice, ...]) -> list[Block]:
    """Return the services with their hosts: those that need the member first, then unconnected ones, then the rest.

    If there are too many for the list, a menu has them all.
    """
    ordered = sorted(choices, key=_urgency)
    rows = [_choice(choice, with_host=True) for choice in ordered[:_PICKER_ROWS]]
    if len(ordered) <= _PICKER_ROWS:
        return rows
    # Slack takes 100 options in a menu; people look for a name there, so these are sorted by title.
    by_title = sorted(ordered[: slack_limits.OPTIONS_MAX], key=lambda choice: choice.title.casefold())
    options = [(f"{title(choice)} · {choice.host}", choice.name) for choice in by_title]
    # The suffix: the buttons below it use the same `action_id`.
    return [row(menu("All services", f"{action_ids.CONNECT}/menu", options)), *rows]


def _urgency(choice: ServiceChoice) -> int:
    if choice.is_ending or _state(choice) is ConnectionState.BROKEN:
        return 0
    return 2 if _state(choice) is ConnectionState.CONNECTED else 1


def connect_button(choice: ServiceChoice) -> Block:
    """Return the button that asks for a link; it says Reconnect if the service was connected before."""
    if choice.is_ending or _state(choice) is ConnectionState.BROKEN:
        return reconnect_button(choice)
    return button(f"Connect {title(choice)}", action_ids.CONNECT, choice.name)


def reconnect_button(choice: ServiceChoice) -> Block:
    """Return the button that asks for a link, in the words for a service that was connected before."""
    return button(f"Reconnect {title(choice)}", action_ids.CONNECT, choice.name)


def disconnect_button(choice: ServiceChoice) -> Block:
    """Return the button that deletes a credential once the member has confirmed."""
    name = title(choice)
    text = f"I'll delete your {name} credential. Your agent can't use {name} until you connect again."
    question = confirm(f"Disconnect {name}?", text, "Disconnect", "Cancel", is_dangerous=True)
    return button("Disconnect", action_ids.DISCONNECT, choice.name, label=f"Disconnect {name}", confirm=question)


def title(choice: ServiceChoice) -> str:
    """Return a service's title, short enough for a button."""
    return one_line(choice.title, SERVICE_MAX)


def _choice(choice: ServiceChoice, *, with_host: bool = False) -> Block:
    where = f" · {escape(one_line(choice.host, HOST_MAX))}" if with_host and choice.host else ""
    return section(f"*{escape(title(choice))}*\n{_standing(choice)}{where}", accessory=_next_button(choice))


def _state(choice: ServiceChoice) -> ConnectionState:
    return choice.connection.state if choice.connection else ConnectionState.DISCONNECTED


def _standing(choice: ServiceChoice) -> str:
    account = choice.connection.account if choice.connection else None
    known = f" as {escape(one_line(account, HOST_MAX))}" if account else ""
    end = choice.connection.expires_at if choice.connection else None
    until = f" · ends {day_and_time(end)}" if end else ""
    return {
        ConnectionState.CONNECTED: f"Connected{known}{until}",
        ConnectionState.BROKEN: f"Needs a reconnect{known and f', was connected{known}'}",
        ConnectionState.DISCONNECTED: "Not connected",
    }[_state(choice)]


def _next_button(choice: ServiceChoice) -> Block:
    is_well = _state(choice) is ConnectionState.CONNECTED and not choice.is_ending
    # One button per row: what the member most likely wants to do next.
    return disconnect_button(choice) if is_well else connect_button(choice)


# After these another attempt would fail the same way, so there is no Connect button.
_FINAL = {Failure.MEMBER_PAUSED, Failure.MAY_NOT_CONNECT, Failure.NOT_SERVED, Failure.NOT_OFFERED}
_LAPSES = {
    Lapse.REFUSED: "{name} no longer accepts your connection. Connect it again to go on using it.",
    Lapse.ENDED: "Your connection to {name} has ended. Connect it again to go on using it.",
}
_FAILURES = {
    Failure.DENIED: "{name} isn't connected: access was declined. You can try again whenever you like.",
    Failure.EXPIRED: "That link for {name} has expired. Get a new one with the button.",
    Failure.SOMEBODY_ELSE: "{name} isn't connected: the browser was signed in to Slack as somebody else. "
    "Sign in as yourself and try again.",
    Failure.OTHER_BROWSER: "{name} isn't connected: the answer came back in another browser than the one you began in, "
    "so I ended it. Get a new link, allow cookies and stay in one browser.",
    Failure.CODE: "{name} isn't connected: the code was wrong too often. Get a new link and try again.",
    Failure.SERVICE: "{name} didn't complete the connection. Try again; if it keeps failing, tell an admin.",
    Failure.VAULT_FULL: "{name} isn't connected: I can keep twenty connections for you and have them already. "
    "Disconnect one you no longer use, then try again.",
    Failure.TOKEN_UNREADABLE: "That can't be a token for {name}: it is too short, or has blanks in it. Copy it once "
    "more, all of it.",
    Failure.TOKEN_REFUSED: "{name} isn't connected: it doesn't take that token. See that it hasn't ended and may be "
    "used for this, then give me another. I kept nothing of it.",
    Failure.TOKEN_LOST: "I was restarted before I could hand your token for {name} on, and I never keep one. Give it "
    "to me once more.",
    Failure.NOT_WORKING: "{name} agreed, but the access it gave did not work when I tried it. Nothing was kept. "
    "Try again.",
    Failure.ALL_PAUSED: "{name} isn't connected: an admin has paused me for everybody meanwhile. Try again later.",
    Failure.MEMBER_PAUSED: "{name} isn't connected: an admin has paused me for you meanwhile. Ask them if that "
    "surprises you.",
    Failure.SERVICE_PAUSED: "{name} isn't connected: an admin has paused {name} meanwhile. Try again later.",
    Failure.MAY_NOT_CONNECT: "{name} isn't connected: it isn't open to you any more. Ask an admin if you need it.",
    Failure.NOT_OFFERED: "{name} isn't connected: an admin has taken it away meanwhile. Ask them if you need it.",
    Failure.NOT_SERVED: "{name} isn't connected: Slack says that this account is no full member of the workspace, "
    "or not any more.",
    Failure.UNVERIFIABLE: "{name} isn't connected: Slack couldn't tell me who you are just then. Try again in a "
    "minute.",
    Failure.VAULT: "{name} agreed, but Claude did not store the access. Nothing was kept. Try again; if it keeps "
    "failing, tell an admin the reference.",
}
