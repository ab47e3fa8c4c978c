"""The words for refusals and for requests that were not understood, each with the next step if there is one."""

from __future__ import annotations

from collections.abc import Mapping

from bot.model import action_ids
from bot.model.errors import GIVEN_MAX, Misunderstood, Refusal, Refused
from bot.model.visible_text import one_line
from bot.renderers.block_kit import Block, Message, button, context, message, quote, section
from bot.renderers.block_kit import actions as row
from bot.renderers.budget_cards import render_ask_button
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import DETAIL_MAX, GIVEN_BACK_MAX, SERVICE_MAX, WORD_MAX
from bot.renderers.tool_names import service_title


def render_refused(notice: Refused, titles: Mapping[str, str]) -> Message:
    """Return why a member may not, and the words they wrote if those would be lost otherwise."""
    words = REFUSALS[notice.refusal]
    if notice.refusal is Refusal.NOT_CONNECTED and notice.detail:
        name = service_title(notice.detail, titles)
        connect = button(f"Connect {one_line(name, SERVICE_MAX)}", action_ids.CONNECT, notice.detail)
        return message(words := f"This needs {name}, which isn't connected.", section(escape(words)), row(connect))
    if notice.refusal is Refusal.FILTERED:
        return _filtered(notice)
    ask = [render_ask_button(notice.detail)] if notice.refusal in BUDGETS and notice.detail else []
    return message(words, section(escape(words)), *_given_back(notice), *ask)


def _filtered(notice: Refused) -> Message:
    what = f" It looks for: {one_line(notice.detail, DETAIL_MAX)}." if notice.detail else ""
    words = REFUSALS[notice.refusal]
    return message(words, section(escape(words + what)), *_given_back(notice))


def _given_back(notice: Refused | Misunderstood) -> list[Block]:
    return [quote(notice.kept, limit=GIVEN_BACK_MAX)] if notice.kept else []


def render_misunderstood(notice: Misunderstood, _titles: Mapping[str, str]) -> Message:
    """Return what was not understood, what the member may have meant, and how to ask."""
    words = MISUNDERSTOOD.get(notice.kind, "I didn't understand that.").format(given=one_line(notice.given, GIVEN_MAX))
    near = ", ".join(one_line(name, WORD_MAX) for name in notice.near)
    suggestion = f" Did you mean {near}?" if near else ""
    words += suggestion
    return message(words, section(escape(words)), *_given_back(notice), context(USAGE))


USAGE = (
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
    Refusal.CONNECTS_ELSEWHERE: "You can ask me here, but not connect accounts: I'm installed for another workspace of "
    "your organisation only. Your admins can install me for the whole organisation.",
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
    Refusal.SCOPE_MISSING: "I don't have Slack's permission for this kind of conversation. Ask me in a channel "
    "or in a direct message; whoever runs me can install me again with my manifest.",
    Refusal.NOT_POSTED: "Slack doesn't let me post there. Ask me in another channel, or in a direct message.",
    Refusal.FILTERED: "Nothing was sent: a filter of your admins found something in it that the agent may not get. "
    "Take it out and ask again.",
    Refusal.FORM_TOO_LATE: "That took too long to open. Press it again.",
    Refusal.WINDOWS_FULL: "Too many windows are open. Close this one and press the button again.",
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
    Refusal.MEMBER_BUDGET_USED: "Your budget for this month is used up. It starts again on the 1st; an admin can raise "
    "it before.",
    Refusal.CHANNEL_BUDGET_USED: "This channel's budget for the month is used up. Ask me in a direct message, or ask "
    "an admin to raise it.",
    Refusal.WORKSPACE_BUDGET_USED: "The workspace's budget for this month is used up. It starts again on the 1st; an "
    "admin can raise it before.",
}
"""A sentence for each refusal, with the next step if there is one."""

BUDGETS = {Refusal.MEMBER_BUDGET_USED, Refusal.CHANNEL_BUDGET_USED, Refusal.WORKSPACE_BUDGET_USED}
"""Refusals that an admin can undo at once; their `detail` names the budget."""

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
