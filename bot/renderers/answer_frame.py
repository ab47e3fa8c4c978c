"""What surrounds an answer: the message that starts a thread, the control line, the footer and the outcome.

`answer_page` draws the answer's tasks and text.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.model import action_ids
from bot.model.errors import Refusal
from bot.model.notices import Offered, Readers
from bot.model.progress import MAY_BE_TRIED_AGAIN, Outcome, OutcomeKind, Progress, TaskState, Usage
from bot.model.visible_text import one_line, shorten
from bot.renderers.block_kit import Block, Message, button, context, mention, message, quote, section
from bot.renderers.block_kit import actions as row
from bot.renderers.refusals import REFUSALS
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import DETAIL_MAX, HEADING_MAX, LINE_MAX, NAME_MAX, SERVICE_MAX
from bot.renderers.tool_names import plural, service_title
from store.records import Thread, Turn

_QUOTED_MAX = 2_500
# With more buttons than this, the list of missing services would be louder than the question.
_CONNECT_BUTTONS_MAX = 3


def render_root(
    thread: Thread, task: str, offered: Offered, titles: Mapping[str, str], readers: Readers | None = None
) -> Message:
    """Return the message that starts a thread: who asked what, as whom the agent acts, and who can read along."""
    # A mention notifies the person who has just asked and makes them follow the thread. We accept that: Slack draws
    # a mention itself, while a display name is whatever its owner types.
    owner = mention(thread.owner.user_id)
    who = "only you can read this" if thread.is_private else _who_reads(readers or Readers())
    used = ", ".join(escape(service_title(service, titles)) for service in offered.services) or "no services connected"
    blocks = [section(f"*{owner}* asked:"), quote(task, limit=_QUOTED_MAX), context(f"Acts as {owner}", used, who)]
    if offered.withheld:
        names = ", ".join(escape(service_title(service, titles)) for service in offered.withheld)
        blocks.append(context(f"Not used where others read along: {names}", "ask me in our direct messages for that"))
    if offered.missing:
        blocks.extend(_missing(thread, offered.missing, titles))
    return message(f"Somebody asked: {one_line(task, LINE_MAX)}", *blocks)


def _who_reads(readers: Readers) -> str:
    """Return who can read along; in bold if people of another organisation can."""
    everyone = "readable by everyone here"
    if readers.count is not None and readers.count > 1:
        everyone += f" ({readers.count:,} people)"
    if not readers.is_shared:
        return everyone
    others = ", ".join(escape(one_line(name, NAME_MAX)) for name in readers.organisations) or "another organisation"
    return f"*{everyone}, also at {others}*"


def _missing(thread: Thread, missing: tuple[str, ...], titles: Mapping[str, str]) -> list[Block]:
    """Name the services that the agent runs without; if they are few, each gets a Connect button."""
    shown = [service_title(service, titles) for service in missing]
    words = context(f"Not connected, so not used: {', '.join(escape(title) for title in shown)}")
    if len(missing) > _CONNECT_BUTTONS_MAX:
        return [words]
    owner = thread.owner.user_id
    connect = [
        button(f"Connect {one_line(title, SERVICE_MAX)}", action_ids.CONNECT, service, only_for=owner)
        for service, title in zip(missing, shown, strict=True)
    ]
    # One row per button: they share an `action_id`, and Slack refuses the same one twice in a row.
    return [words, *(row(one) for one in connect)]


def render_control(
    turn: Turn, *, is_queued: bool, readers: Readers | None = None, is_among_people: bool = False
) -> Message:
    """Return the small line with the Stop button, which only the owner sees.

    `readers` is given in threads that Deputy did not start: they have no root message that says who reads along.
    `is_among_people` adds that Deputy only listens to mentions in this thread.
    """
    words = "Queued: I'll get to that next" if is_queued else "Working on it…"
    stop = button("Stop", action_ids.STOP, turn.id, label="Stop this request", only_for=turn.owner.user_id)
    as_whom = [f"acts as {mention(turn.owner.user_id)}", _who_reads(readers)] if readers else []
    heard = ["mention me here to go on, I don't listen to the rest"] if readers and is_among_people else []
    return message(words, context(words, *as_whom, *heard), row(stop))


def render_footer(turn: Turn, progress: Progress, seconds: float, *, is_mentioned: bool = False) -> tuple[Block, ...]:
    """Return the blocks that end an answer; `is_mentioned` notifies the owner, for answers that took long."""
    outcome = _outcome(progress)
    blocks: list[Block] = [section(outcome)] if outcome else []
    if progress.withheld_by is not None:
        what = escape(one_line(progress.withheld_by, DETAIL_MAX))
        blocks.append(section(f"This answer isn't shown: a filter of your admins found something in it ({what})."))
    if _is_worth_another_try(progress.outcome):
        owner = turn.owner.user_id
        blocks.append(row(button("Try Again", action_ids.ASK_AGAIN, turn.id, label="Ask this again", only_for=owner)))
    facts = [_steps(progress), _duration(seconds), _cost(progress.usage)]
    # Only with an answer: a refusal or an error is our own text.
    caution = "AI-generated, check important details" if progress.shown_text else ""
    whom = mention(turn.owner.user_id) if is_mentioned else ""
    if progress.has_forgotten:
        blocks.append(context("This thread's earlier session is gone: I started a new one and lost what was said"))
    blocks.append(context(caution, *facts, whom))
    if progress.shown_text:
        blocks.append(_feedback(turn))
    return tuple(blocks)


def render_worked(progress: Progress, seconds: float) -> str:
    """Return the plan's title once the turn is over: how long it took and how many steps."""
    if progress.outcome is not None and progress.outcome.kind is OutcomeKind.STOPPED:
        return "Stopped"
    return " · ".join(part for part in (f"Worked for {_duration(seconds)}", _steps(progress)) if part)


def _steps(progress: Progress) -> str:
    over = {TaskState.DONE, TaskState.FAILED, TaskState.DENIED, TaskState.STOPPED}
    count = sum(task.state in over for task in progress.tasks)
    return plural(count, "step") if count else ""


def _duration(seconds: float) -> str:
    """Return a duration in its two largest units: after days of waiting, nobody cares about seconds."""
    # At least one second: “Worked for 0 s” reads like a fault.
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _cost(usage: Usage) -> str:
    if usage.cost_cents is None:
        return ""
    return f"${usage.cost_cents / 100:.2f}" if usage.cost_cents >= 1 else "under $0.01"


def _feedback(turn: Turn) -> Block:
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": action_ids.FEEDBACK,
                "positive_button": _thumb("Good Answer", f"{turn.id}:good", "Rate this answer as good"),
                "negative_button": _thumb("Bad Answer", f"{turn.id}:bad", "Rate this answer as bad"),
            }
        ],
    }


def _thumb(text: str, value: str, label: str) -> Block:
    return {"text": {"type": "plain_text", "text": text}, "value": value, "accessibility_label": label}


def _is_worth_another_try(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.kind in MAY_BE_TRIED_AGAIN and outcome.detail not in _ASK_OTHERWISE


def _outcome(progress: Progress) -> str:
    outcome = progress.outcome
    if outcome is None:
        return ""
    if outcome.kind is OutcomeKind.NOT_PERMITTED and outcome.detail in set(Refusal):
        return REFUSALS[Refusal(outcome.detail)]
    words = _OUTCOMES[outcome.kind]
    # A detail says that the session was not heard to stop.
    if outcome.kind is OutcomeKind.STOPPED and outcome.detail:
        return f"{words} I can't reach Claude at the moment, so a step that was running may still finish."
    if outcome.kind is OutcomeKind.RETRIES_EXHAUSTED:
        return _BECAUSE.get(outcome.detail or "", words)
    detail = escape(one_line(outcome.detail or "", HEADING_MAX))
    if outcome.kind in {OutcomeKind.BROKEN, OutcomeKind.UNKNOWN_STOP} and detail:
        return shorten(f"{words} Reference: `{detail.replace('`', '')}`", LINE_MAX)
    return words


# After these errors the same request would fail again, so there is no Try Again button. After a refused credential the
# request is offered again once the member has reconnected.
_ASK_OTHERWISE = {
    "mcp_authentication_failed_error",
    "model_request_failed_error",
    "tool_use_limit_reached_error",
    "compaction_limit_reached_error",
}
# By the type of the `session.error` that ended the turn (docs/reference/managed-agents.md#session-errors).
_BECAUSE = {
    "mcp_authentication_failed_error": "A service no longer accepts your connection, so I could not finish. "
    "Reconnect it, then reply “try again”.",
    "mcp_connection_failed_error": "A service could not be reached, so I could not finish. Try again in a few minutes.",
    "billing_error": "Claude's account has a billing problem. An admin has to look at it before I can go on.",
    "model_request_failed_error": "Claude could not work with this request. Try asking in another way.",
    "tool_use_limit_reached_error": "I used more steps than one request may have. Reply to go on from here.",
    "compaction_limit_reached_error": "This thread has become too long. Start a new one to go on.",
}
_OUTCOMES = {
    OutcomeKind.ANSWERED: "",
    OutcomeKind.STOPPED: "Okay, I stopped.",
    OutcomeKind.REFUSED: "Claude declined to go on with this. Try asking in another way.",
    OutcomeKind.BUDGET_REACHED: "This request has used up its budget, so I stopped here. "
    "Reply to go on, or ask an admin to raise it.",
    OutcomeKind.NOT_PERMITTED: "You can't ask for this at the moment.",
    OutcomeKind.RETRIES_EXHAUSTED: "Claude is overloaded and could not finish. Try again in a few minutes.",
    OutcomeKind.SESSION_GONE: "This thread's session has ended. Reply to go on in a new one; "
    "I won't remember what was said before.",
    OutcomeKind.AGENTS_UNAVAILABLE: "I can't reach Claude right now. Try again in a few minutes.",
    OutcomeKind.LOST_TOUCH: "I lost touch with Claude while it worked on this. "
    "Some of it may be done: look before you ask again.",
    OutcomeKind.UNKNOWN_STOP: "The agent stopped for a reason I don't know yet. Reply to go on.",
    OutcomeKind.UNREADABLE: "I can no longer read what you asked here, so I did nothing. Please ask again.",
    OutcomeKind.BROKEN: "Something broke on my side. You can try again.",
}
