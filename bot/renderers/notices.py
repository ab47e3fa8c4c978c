"""The words of every refusal, misunderstanding, error and notice: one table each, kept complete by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.model import action_ids
from bot.model.errors import (
    AgentsUnavailable,
    AlreadyDecided,
    ConfigurationError,
    DeputyError,
    Forged,
    FormTooLate,
    Lost,
    MessageTooLong,
    Misunderstood,
    NotPermitted,
    Refusal,
    Refused,
    Rejected,
    SessionLost,
    SettingsInvalid,
    SlackUnavailable,
    StreamEnded,
    Unavailable,
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
    WhyLeftOut,
)
from bot.renderers import connection_messages as connecting
from bot.renderers.approval_card import moment, render_second
from bot.renderers.block_kit import Block, Message, button, context, message, quote, section
from bot.renderers.block_kit import actions as row
from bot.renderers.budget_cards import (
    render_ask_button,
    render_raise_answered,
    render_raise_asked,
    render_raise_settled,
)
from bot.renderers.home import render_running, render_status, where
from bot.renderers.safe_markdown import escape, one_line
from bot.renderers.tool_alert import render_tools_changed
from bot.renderers.tool_names import capital, deed, plural, service_title

Titles = Mapping[str, str]


def render_notice(notice: Notice, titles: Titles, *, link: str | None = None) -> Message:
    """Return a notice in words; `link` is the permalink of what it is about, where there is one."""
    if isinstance(notice, ApprovalWaiting):
        return _approval_waiting(notice, titles, link)
    return NOTICES[type(notice)](notice, titles)


def render_error(error: DeputyError) -> str:
    """Return one sentence for an error, by its nearest class."""
    return next(words for kind in type(error).__mro__ if (words := ERRORS.get(kind)))


def _refused(notice: Refused, titles: Titles) -> Message:
    words = REFUSALS[notice.refusal]
    if notice.refusal is Refusal.NOT_CONNECTED and notice.detail:
        name = service_title(notice.detail, titles)
        connect = button(f"Connect {one_line(name, 40)}", action_ids.CONNECT, notice.detail)
        return message(words := f"This needs {name}, which isn't connected.", section(escape(words)), row(connect))
    if notice.refusal is Refusal.FILTERED:
        return _filtered(notice)
    ask = [render_ask_button(notice.detail)] if notice.refusal in BUDGETS and notice.detail else []
    return message(words, section(escape(words)), *_given_back(notice), *ask)


def _filtered(notice: Refused) -> Message:
    what = f" It looks for: {one_line(notice.detail, 200)}." if notice.detail else ""
    words = REFUSALS[notice.refusal]
    return message(words, section(escape(words + what)), *_given_back(notice))


def _given_back(notice: Refused | Misunderstood) -> list[Block]:
    return [quote(notice.kept, limit=2_000)] if notice.kept else []


def _masked(notice: MaskedInRequest, _titles: Titles) -> Message:
    what = ", ".join(dict.fromkeys(one_line(one, 100) for one in notice.what[:_LEFT_OUT_SHOWN]))
    words = "I took something out of your request before the agent got it."
    advice = "If it is a real secret, revoke it: Slack still has what you typed."
    return message(words, section(escape(f"{words} Found: {what}.")), context(advice))


def _misunderstood(notice: Misunderstood, _titles: Titles) -> Message:
    words = MISUNDERSTOOD.get(notice.kind, "I didn't understand that.").format(given=one_line(notice.given, 60))
    near = ", ".join(one_line(name, 40) for name in notice.near)
    suggestion = f" Did you mean {near}?" if near else ""
    words += suggestion
    return message(words, section(escape(words)), *_given_back(notice), context(_USAGE))


def _status(notice: StatusShown, titles: Titles) -> Message:
    return render_status(notice.home, titles)


def _help(notice: HelpShown, _titles: Titles) -> Message:
    words = "Ask me for something in the tools you have connected. I act as you, and ask before I change anything."
    if notice.unknown:
        near = " or ".join(f"“{one_line(name, 40)}”" for name in notice.near)
        near = near or ("`ask` before your words" if " " in notice.words else "")
        words = f"I don't know “{one_line(notice.unknown, 40)}”." + (f" Did you mean {near}?" if near else "")
    wrote = [quote(notice.words, limit=2_000)] if notice.words else []
    ask = button("Ask the Agent", action_ids.OPEN_ASK_FORM, style="primary")
    buttons = row(ask, button("Show Status", action_ids.SHOW_STATUS))
    unconnected = [choice for choice in notice.home.choices if choice.connection is None][:5]
    choices = connecting.render_choices(unconnected)
    return message(words, section(escape(words)), *wrote, buttons, *choices, context(_USAGE))


def _picker(notice: ServicePicker, _titles: Titles) -> Message:
    words = "Which service do you want to connect?" if notice.choices else "No services are on offer yet."
    return message(words, section(words), *connecting.render_picker(notice.choices))


def _stopping(notice: TurnsStopping, _titles: Titles) -> Message:
    what = ", ".join(f"“{one_line(title, 60)}”" for title in notice.titles[:_LEFT_OUT_SHOWN])
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
    fallback = "Somebody wrote in your thread. Pass it to your agent, or ignore it."
    said = [quote(notice.text, limit=1_000)] if notice.text else []
    names = ", ".join(_file_name(name) for name in notice.files[:_LEFT_OUT_SHOWN])
    more = len(notice.files) - _LEFT_OUT_SHOWN
    names += f" and {more} more" if more > 0 else ""
    files = [context(escape(f"With {names}"))] if names else []
    return message(fallback, section(words), *said, *files, choices)


def _files_left_out(notice: FilesLeftOut, _titles: Titles) -> Message:
    words = "Some files your agent made aren't here." if notice.is_output else "Your agent didn't get every file."
    why = _WHY_LEFT_OUT | _WHY_NOT_HERE if notice.is_output else _WHY_LEFT_OUT
    lines = [f"{_file_name(file.name)}: {why[file.why]}" for file in notice.files[:_LEFT_OUT_SHOWN]]
    more = len(notice.files) - len(lines)
    lines += [f"and {more} more"] if more else []
    return message(f"{words} {lines[0]}", section(words), context(escape(" · ".join(lines))))


def _file_name(name: str) -> str:
    return f"“{one_line(name, 60)}”" if name else "The files"


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
    words = f"*{escape(what)}*\nWaits for your decision {where(notice.thread)}. What nobody decides is denied."
    blocks = [section(words), context(f"Expires {moment(approval.expires_at)}")]
    if link:
        blocks.append(row(button("Open", action_ids.OPEN_LINK, url=link, label="Open the approval")))
    return message(f"{what}: waits for your decision. What nobody decides is denied.", *blocks)


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
    reference = one_line(notice.reference, 40)
    return message(words := f"Something broke on my side. Reference {reference}.", section(escape(words)))


def _outage(notice: Outage, titles: Titles) -> Message:
    names = {"slack": "Slack", "agents": "Claude"}
    who = names.get(notice.who) or service_title(notice.who, titles)
    words = f"{capital(who)} can't be reached right now. Nothing was lost; try again in a few minutes."
    return message(words, section(escape(words)))


_USAGE = (
    "`/agent ask <what you want>` · `/agent connect` · `/agent disconnect` · `/agent status` · `/agent stop`".replace(
        "<", "&lt;"
    ).replace(">", "&gt;")
)

REFUSALS = {
    Refusal.BOT: "I only take requests from people.",
    Refusal.GUEST: "I can't work with guest accounts. Ask a full member of this workspace for help.",
    Refusal.STRANGER: "I can only work with members of this workspace.",
    Refusal.OTHER_WORKSPACE: "I work in another workspace of your organisation, so I can't answer in this one. Ask me "
    "there; your admins can also install me for the whole organisation.",
    Refusal.DEACTIVATED: "This Slack account is deactivated.",
    Refusal.SHARED_CHANNEL: "This channel is shared with another organisation, so I don't work here. "
    "Ask me in a direct message.",
    Refusal.UNVERIFIABLE: "Slack couldn't tell me who you are just now. Try again in a minute.",
    Refusal.NOT_YOUR_THREAD: "This thread acts as somebody else. Start your own with /agent ask.",
    Refusal.NOT_YOUR_TURN: "Only the person who asked can stop this.",
    Refusal.NOT_YOUR_APPROVAL: "Only the person who asked can decide this.",
    Refusal.APPROVAL_SETTLED: "That was already handled.",
    Refusal.APPROVAL_EXPIRED: "That approval has expired, so it was denied. Ask again to get a new one.",
    Refusal.APPROVAL_CHANGED: "What the agent wants to do has changed since you saw it, so I didn't pass on your "
    "decision. Look at the card again.",
    Refusal.SECOND_AWAITED: "You've approved this. It now waits for a second approver, and you can still deny it.",
    Refusal.NO_SECOND: "This needs a second approver, and there is nobody but you. Ask an admin to name one.",
    Refusal.NOT_REMEMBERED: "This tool has to be asked about each time.",
    Refusal.ANSWERS_PRIVATELY: "What is asked in this channel is answered in private now, and this thread is public. "
    "Ask with /agent ask, or in our direct messages.",
    Refusal.THREAD_IS_PUBLIC: "I asked your agent nothing: others can read this thread, and you want a private answer. "
    "Ask with /agent ask --private, or in our direct messages.",
    Refusal.TOOLS_CHANGED: "These tools have changed again since you saw them, so I accepted nothing. Look at the "
    "message again.",
    Refusal.NOTHING_RUNNING: "Nothing of yours is running.",
    Refusal.NOT_CONNECTED: "That service isn't connected.",
    Refusal.SERVICE_NOT_READY: "That service has to be set up first. An admin can do that; ask one of them.",
    Refusal.TOKEN_IN_WORDS: "That looks like a token. Slack keeps what is typed, so please take it back at the service "
    "and make a new one. Then use /agent connect with the service's name alone: I'll give you a form for it.",
    Refusal.TOO_MANY_LINKS: "You've asked for many links in a short time. Use the last one, or wait a few minutes.",
    Refusal.NOT_IN_CHANNEL: "I'm not in this channel. Invite me with /invite, or ask me in a direct message.",
    Refusal.CHANNEL_ARCHIVED: "This channel is archived, so nobody can post there any more. "
    "Ask me in another channel, or in a direct message.",
    Refusal.POSTING_RESTRICTED: "Slack lets only some people post in this channel, and I'm not among them. "
    "Ask me in another channel, or in a direct message.",
    Refusal.THREAD_GONE: "The message that this was asked under is gone, so I can't answer there. Ask again.",
    Refusal.SCOPE_MISSING: "I haven't been given what Slack asks for in this kind of conversation. Ask me in a channel "
    "or in a direct message; whoever runs me can install me again with my manifest.",
    Refusal.NOT_POSTED: "Slack doesn't let me post there. Ask me in another channel, or in a direct message.",
    Refusal.FILTERED: "Nothing was sent: a filter of your admins found something in it that the agent may not get. "
    "Take it out and ask again.",
    Refusal.FORM_TOO_LATE: "That took too long to open. Press it again.",
    Refusal.WINDOWS_FULL: "Too many windows lie upon each other. Close this one and press it again.",
    Refusal.GONE: "That is no longer there.",
    Refusal.NOT_AN_ADMIN: "Only admins of Deputy can change that. Ask one of them.",
    Refusal.NO_ADMIN: "I have no admin yet. An owner of this Slack workspace can become the first with /agent admin, "
    "or whoever runs me can name one.",
    Refusal.SETTING_CHANGED: "Somebody else changed this while you had it open, so I kept theirs. Open it again to see "
    "what it is now.",
    Refusal.ALL_PAUSED: "An admin has paused me for everybody. Nothing is lost; try again later.",
    Refusal.MEMBER_PAUSED: "An admin has paused me for you. Ask them if that surprises you.",
    Refusal.SERVICE_PAUSED: "An admin has paused this service. Your connection is kept.",
    Refusal.MAY_NOT_ASK_HERE: "Not everybody may ask me in this channel, and you're not among those who may. "
    "Ask me in a direct message.",
    Refusal.MAY_NOT_USE_PROFILE: "That agent isn't open to you. Ask without --agent, or ask an admin.",
    Refusal.MAY_NOT_CONNECT: "That service isn't open to you. Ask an admin if you need it.",
    Refusal.MEMBER_BUDGET_USED: "Your budget for this month is used up. It starts anew on the 1st; an admin can raise "
    "it before.",
    Refusal.CHANNEL_BUDGET_USED: "This channel's budget for the month is used up. Ask me in a direct message, or ask "
    "an admin to raise it.",
    Refusal.WORKSPACE_BUDGET_USED: "The workspace's budget for this month is used up. It starts anew on the 1st; an "
    "admin can raise it before.",
}
"""A sentence for each refusal, with the next step where there is one."""

BUDGETS = {Refusal.MEMBER_BUDGET_USED, Refusal.CHANNEL_BUDGET_USED, Refusal.WORKSPACE_BUDGET_USED}
"""Refusals that an admin can undo at once; whose budget it is, is their detail."""

MISUNDERSTOOD = {
    "subcommand": "I don't know “{given}”.",
    "service": "I don't know a service called “{given}”.",
    "profile": "There is no agent called “{given}” here.",
    "flag": "I'm not sure what you mean by “{given}”, so I asked your agent nothing. Write --private before your words "
    "if only you are to read the answer.",
    "task_missing": "Tell me what to do.",
    "nothing_asked": "Tell me what to do, in the same message. In a thread I read what was written before it, and "
    "files and forwarded messages that come along. In our direct messages nobody has to mention me.",
    "task_too_long": "That is too long for me to take at once. Shorten it, or put it in a document I can read.",
}

ERRORS: dict[type, str] = {
    DeputyError: "Something broke on my side.",
    NotPermitted: "You can't do that here.",
    Misunderstood: "I didn't understand that.",
    SettingsInvalid: "That can't be set like this. Nothing was changed.",
    Unavailable: "Something I need can't be reached right now. Try again in a few minutes.",
    AgentsUnavailable: "I can't reach Claude right now. Try again in a few minutes.",
    SlackUnavailable: "Slack can't be reached right now. Try again in a few minutes.",
    Lost: "What this was about is no longer there.",
    SessionLost: "This thread's session has ended. Reply to go on in a new one.",
    Rejected: "Something broke on my side.",
    AlreadyDecided: "That was already handled.",
    Forged: "That did not come from Claude.",
    FormTooLate: "That took too long to open. Press it again.",
    StreamEnded: "This answer was stopped.",
    MessageTooLong: "That is more than Slack can show in one message. Ask for it in smaller pieces.",
    ConfigurationError: "I'm not set up correctly. An admin can find the problems in my log.",
}
"""A sentence for each class of error; one without its own has its parent's."""

_LEFT_OUT_SHOWN = 5
_WHY_LEFT_OUT = {
    WhyLeftOut.NOT_A_FILE: "a link or document of another kind, not a file I can take; export it and attach that",
    WhyLeftOut.TOO_LARGE: "larger than 30 MB; a smaller part of it will do",
    WhyLeftOut.OVER_LIMIT: "larger than is accepted; a smaller part of it will do",
    WhyLeftOut.TOO_WIDE: "an image wider or higher than 8,000 pixels; scale it down",
    WhyLeftOut.TOO_MANY: "I take ten at once; send it in the next message, or ask for it by name",
    WhyLeftOut.EMPTY: "it is empty",
    WhyLeftOut.REFUSED: "it isn't accepted as it is; another name or format may do",
    WhyLeftOut.WITHHELD: "I'm not allowed to bring it; write what matters of it here",
    WhyLeftOut.NO_ROOM: "Claude has no room for more files; whoever runs me can make some",
    WhyLeftOut.UNREADABLE: "it couldn't be fetched just now; try again",
    WhyLeftOut.HIDDEN: "Slack doesn't show it any more on this workspace's plan; attach it again",
    WhyLeftOut.GONE: "it is no longer in Slack; attach it again if it matters",
}
_WHY_NOT_HERE = {
    WhyLeftOut.WITHHELD: "I'm not allowed to bring it here; ask for it as text",
    WhyLeftOut.UNREADABLE: "it couldn't be brought just now; ask for it again",
    WhyLeftOut.GONE: "it is no longer there; ask for it again if it matters",
}
"""What else is said of files that the agent made."""
_Render = Callable[[Any, Titles], Message]


def _without_titles(render: Callable[[Any], Message]) -> _Render:
    return lambda notice, _titles: render(notice)


NOTICES: dict[type, _Render] = {
    Refused: _refused,
    Misunderstood: _misunderstood,
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
    FilesLeftOut: _files_left_out,
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
