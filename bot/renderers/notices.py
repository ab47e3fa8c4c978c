"""The words for errors and notices; refusals, files, cards and connections have files of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.model import action_ids
from bot.model.errors import (
    Misunderstood,
    Refused,
)
from bot.model.notices import (
    AllowanceRevoked,
    AnsweredPrivately,
    ApprovalWaiting,
    AsideOffered,
    AsideSettled,
    AskedAgain,
    Broken,
    CodeWanted,
    Connected,
    ConnectFailed,
    ConnectionEnding,
    ConnectLink,
    Disconnected,
    EditUnseen,
    FilesLeftOut,
    HelpShown,
    LinkSent,
    MaskedInRequest,
    Notice,
    Outage,
    RaiseAnswered,
    RaiseAsked,
    RaiseSettled,
    ReconnectNeeded,
    SecondAsked,
    ServicePicker,
    StatusShown,
    Thanks,
    ThreadActsAs,
    TokenWanted,
    ToolsChanged,
    TurnPicker,
    TurnsStopping,
)
from bot.model.visible_text import one_line
from bot.renderers import connection_messages as connecting
from bot.renderers.approval_card import moment, render_second
from bot.renderers.block_kit import Message, button, context, message, quote, section
from bot.renderers.block_kit import actions as row
from bot.renderers.budget_cards import (
    render_raise_answered,
    render_raise_asked,
    render_raise_settled,
)
from bot.renderers.file_notices import MOST_NAMED, quote_file_name, render_files_left_out
from bot.renderers.home import render_running, render_status, where
from bot.renderers.refusals import USAGE, render_misunderstood, render_refused
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import GIVEN_BACK_MAX, HOST_MAX, NAME_MAX, REFERENCE_MAX, WORD_MAX
from bot.renderers.tool_alert import render_tools_changed
from bot.renderers.tool_names import capital, deed, plural, service_title

_OFFERED_MAX = 5  # services that help offers to connect
_ASIDE_MAX = 1_000  # characters of others' words that the owner is shown
Titles = Mapping[str, str]


def render_notice(notice: Notice, titles: Titles, *, link: str | None = None) -> Message:
    """Return a notice as a message; `link` is the permalink of the message it is about, if there is one."""
    if isinstance(notice, ApprovalWaiting):
        return _approval_waiting(notice, titles, link)
    return NOTICES[type(notice)](notice, titles)


def _masked(notice: MaskedInRequest, _titles: Titles) -> Message:
    # Several matches of one filter are named once.
    what = ", ".join(dict.fromkeys(one_line(one, HOST_MAX) for one in notice.what[:MOST_NAMED]))
    words = "I took something out of your request before the agent got it."
    advice = "If it is a real secret, revoke it: Slack still has what you typed."
    return message(words, section(escape(f"{words} Found: {what}.")), context(advice))


def _status(notice: StatusShown, titles: Titles) -> Message:
    return render_status(notice.home, titles)


def _help(notice: HelpShown, _titles: Titles) -> Message:
    words = "Ask me for something in the tools you have connected. I act as you, and ask before I change anything."
    if notice.unknown:
        near = " or ".join(f"“{one_line(name, WORD_MAX)}”" for name in notice.near)
        near = near or ("`ask` before your words" if " " in notice.words else "")
        words = f"I don't know “{one_line(notice.unknown, WORD_MAX)}”." + (f" Did you mean {near}?" if near else "")
    wrote = [quote(notice.words, limit=GIVEN_BACK_MAX)] if notice.words else []
    ask = button("Ask the Agent", action_ids.OPEN_ASK_FORM, style="primary")
    buttons = row(ask, button("Show Status", action_ids.SHOW_STATUS))
    unconnected = [choice for choice in notice.home.choices if choice.connection is None][:_OFFERED_MAX]
    choices = connecting.render_choices(unconnected)
    return message(words, section(escape(words)), *wrote, buttons, *choices, context(USAGE))


def _picker(notice: ServicePicker, _titles: Titles) -> Message:
    words = "Which service do you want to connect?" if notice.choices else "No services are on offer yet."
    return message(words, section(words), *connecting.render_picker(notice.choices))


def _stopping(notice: TurnsStopping, _titles: Titles) -> Message:
    what = ", ".join(f"“{one_line(title, NAME_MAX)}”" for title in notice.titles[:MOST_NAMED])
    some = "Stopping…" if notice.count == 1 else f"Stopping {plural(notice.count, 'request')}."
    if what:
        some = f"Stopping {what}."
    words = some if notice.count else "Nothing was running."
    return message(words, section(escape(words)))


def _turn_picker(notice: TurnPicker, _titles: Titles) -> Message:
    return message(words := "Which request should I stop?", section(words), *render_running(notice.turns))


def _aside_offered(notice: AsideOffered, _titles: Titles) -> Message:
    words = f"<@{escape(notice.author)}> wrote in your thread. Your agent hasn't seen it."
    choices = row(
        button("Pass to My Agent", action_ids.PASS_ASIDE, notice.aside_id),
        button("Ignore", action_ids.IGNORE_ASIDE, notice.aside_id),
    )
    # Without a mention: the fallback text may be shown where mentions are not drawn.
    fallback = "Somebody wrote in your thread. Pass it to your agent, or ignore it."
    said = [quote(notice.text, limit=_ASIDE_MAX)] if notice.text else []
    names = ", ".join(quote_file_name(name) for name in notice.files[:MOST_NAMED])
    more = len(notice.files) - MOST_NAMED
    names += f" and {more} more" if more > 0 else ""
    files = [context(escape(f"With {names}"))] if names else []
    return message(fallback, section(words), *said, *files, choices)


def _edit_unseen(_notice: EditUnseen, _titles: Titles) -> Message:
    words = "Your agent began before you edited that, so it doesn't see the change. Reply with what is different."
    return message(words, section(words))


def _aside_settled(notice: AsideSettled, _titles: Titles) -> Message:
    words = "Passed to your agent, as somebody else's words." if notice.is_passed else "Ignored."
    return message(words, section(words))


def _acts_as(notice: ThreadActsAs, _titles: Titles) -> Message:
    words = f"This thread acts as <@{escape(notice.owner)}>, so I only take requests from them here."
    own = button("Start My Own", action_ids.START_OWN, notice.quote_id)
    return message("This thread acts as somebody else. You can start your own.", section(words), row(own))


def _approval_waiting(notice: ApprovalWaiting, titles: Titles, link: str | None) -> Message:
    approval = notice.approval
    what = deed(approval.service, approval.tool, titles)
    if notice.count > 1:
        what = f"{what} and {plural(notice.count - 1, 'other call')}"
    words = f"*{escape(what)}*\nWaits for your decision {where(notice.thread)}. If nobody decides in time, it's denied."
    blocks = [section(words), context(f"Expires {moment(approval.expires_at)}")]
    if link:
        blocks.append(row(button("Open", action_ids.OPEN_LINK, url=link, label="Open the approval")))
    return message(f"{what}: waits for your decision. If nobody decides in time, it's denied.", *blocks)


def _asked_again(notice: AskedAgain, _titles: Titles) -> Message:
    return message("I've asked it again.", section(f"I've asked it again, {where(notice.thread)}."))


def _answered_privately() -> Message:
    return message(words := "I answer that in our direct messages, where only you can read it.", section(words))


def _allowance_revoked() -> Message:
    return message(words := "Taken back. I'll ask you again before I use this.", section(words))


def _thanks(notice: Thanks, _titles: Titles) -> Message:
    words = (
        "Thanks, noted." if notice.is_good else "Thanks for telling me. Reply with what was wrong and I'll try again."
    )
    return message(words, section(words))


def _broken(notice: Broken, _titles: Titles) -> Message:
    reference = one_line(notice.reference, REFERENCE_MAX)
    return message(words := f"Something broke on my side. Reference {reference}.", section(escape(words)))


def _outage(notice: Outage, titles: Titles) -> Message:
    names = {"slack": "Slack", "agents": "Claude"}
    who = names.get(notice.who) or service_title(notice.who, titles)
    words = f"{capital(who)} can't be reached right now. Nothing was lost; try again in a few minutes."
    return message(words, section(escape(words)))


_Render = Callable[[Any, Titles], Message]


def _without_titles(render: Callable[[Any], Message]) -> _Render:
    return lambda notice, _titles: render(notice)


NOTICES: dict[type, _Render] = {
    Refused: render_refused,
    Misunderstood: render_misunderstood,
    StatusShown: _status,
    HelpShown: _help,
    ServicePicker: _picker,
    LinkSent: _without_titles(connecting.render_link_sent),
    ConnectLink: _without_titles(connecting.render_link),
    TokenWanted: _without_titles(connecting.render_token_wanted),
    Connected: _without_titles(connecting.render_connected),
    CodeWanted: _without_titles(connecting.render_code_wanted),
    ConnectFailed: _without_titles(connecting.render_connect_failed),
    Disconnected: _without_titles(connecting.render_disconnected),
    TurnsStopping: _stopping,
    TurnPicker: _turn_picker,
    AsideOffered: _aside_offered,
    AsideSettled: _aside_settled,
    EditUnseen: _edit_unseen,
    MaskedInRequest: _masked,
    FilesLeftOut: render_files_left_out,
    ThreadActsAs: _acts_as,
    ApprovalWaiting: lambda notice, titles: _approval_waiting(notice, titles, None),
    SecondAsked: render_second,
    ToolsChanged: render_tools_changed,
    RaiseAsked: _without_titles(render_raise_asked),
    RaiseAnswered: _without_titles(render_raise_answered),
    RaiseSettled: _without_titles(render_raise_settled),
    AnsweredPrivately: lambda _notice, _titles: _answered_privately(),
    AllowanceRevoked: lambda _notice, _titles: _allowance_revoked(),
    ReconnectNeeded: _without_titles(connecting.render_reconnect),
    ConnectionEnding: _without_titles(connecting.render_ending),
    AskedAgain: _asked_again,
    Thanks: _thanks,
    Broken: _broken,
    Outage: _outage,
}
"""The renderer of each notice."""
