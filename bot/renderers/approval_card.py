"""The card for held calls, their details, and the record that replaces the buttons.

In a channel the card shows no arguments: the owner opens them with a button. Hiding buttons from others is a courtesy
only: the domain checks who presses one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.model import action_ids
from bot.model.events import UNNAMED_SERVICE
from bot.model.notices import Held, SecondAsked
from bot.model.tool_risk import Hazard
from bot.model.visible_text import one_line
from bot.renderers.arguments import argument_pages, preview
from bot.renderers.block_kit import (
    Block,
    Message,
    View,
    button,
    confirm,
    context,
    mention,
    message,
    modal,
    preformatted,
    section,
    text_field,
)
from bot.renderers.block_kit import actions as row
from bot.renderers.safe_markdown import escape
from bot.renderers.text_lengths import DETAIL_MAX, LINE_MAX
from bot.renderers.tool_names import capital, deed, phrase, plural, service_title
from store.records import Approval, ApprovalState, SecondView, Thread, UserId

Titles = Mapping[str, str]

_PREVIEW_MAX = 1_500
_PREVIEW_OF_SEVERAL = 500
# Characters of the arguments' hash that people see: enough to find the call in the audit trail.
_MARK = 12
# Decided calls that a card lists one by one; earlier ones are counted.
_RECORDS_MAX = 10


@dataclass(frozen=True, slots=True)
class _Look:
    """Where a call is shown, and to whom its buttons belong."""

    thread: Thread
    titles: Titles
    mark: str = ""
    """Suffix of the `action_id`s: no two in a message may be the same, and a card may hold several calls."""
    number: str = ""
    """`2. ` before the call's name, for people; empty if the card holds one call."""


def approval_value(approval: Approval) -> str:
    """Return the value of the card's buttons: the approval's id and the hash of the arguments that were shown."""
    # With the hash, a click on an outdated card decides nothing that its reader has not seen (docs/decisions/0015).
    return f"{approval.id}:{approval.arguments_hash}"


def render_card(thread: Thread, held: Sequence[Held], titles: Titles) -> Message:
    """Return the card of a turn's held calls: those that wait with buttons, the others as a record."""
    waiting = [one for one in held if one.approval.state is ApprovalState.PENDING]
    blocks: list[Block] = []
    if len(waiting) > 1:
        blocks.append(section(f"*{len(waiting)} calls wait for a decision*"))
    for number, one in enumerate(waiting):
        look = _Look(thread, titles, f"/{number + 1}" if number else "", f"{number + 1}. " if len(waiting) > 1 else "")
        blocks.extend(_waiting(look, one, _PREVIEW_MAX if len(waiting) == 1 else _PREVIEW_OF_SEVERAL))
    blocks.extend(_together(thread, waiting, titles))
    blocks.extend(_records(thread, [one for one in held if one not in waiting], titles, is_alone=not waiting))
    return message(_fallback(thread, held, waiting, titles), *blocks)


def render_second(notice: SecondAsked, titles: Titles) -> Message:
    """Return the private card of a second approver: the question, or what became of it."""
    thread, held = notice.thread, notice.held
    # A mention, not a display name: people choose those freely, and the approver has to know whose agent this is.
    owner, what = mention(thread.owner.user_id), _what(held, titles)
    if held.approval.state is not ApprovalState.PENDING:
        at = held.approval.decided_at
        words = _decided(thread, held)
        record = context(words, *([moment(at)] if at else []))
        return message(f"{what}: {_decided(thread, held, 'the owner')}", section(f"*{escape(what)}*"), record)
    place = "their direct messages" if thread.is_private else f"<#{escape(thread.channel)}>"
    title = f"*{escape(what)}?*\n{owner} has approved this for their agent, in {place}. It needs your yes too."
    blocks = [section(title)]
    if held.approval.second is not None and held.approval.second.view is SecondView.FULL:
        blocks.append(preformatted(preview(held.call.arguments, _PREVIEW_MAX)))
    blocks.append(context(_as_whom(f"{owner}'s", held, titles), f"expires {moment(held.approval.expires_at)}"))
    blocks.append(row(*_second_buttons(held, what)))
    return message(f"Approval needed for somebody else's agent: {what}", *blocks)


def render_details(thread: Thread, held: Held, titles: Titles, page: int = 0, reader: UserId | None = None) -> View:
    """Return the modal with one page of a call's arguments: secrets masked, nothing else left out.

    If the reader may decide now, the modal has an Approve button, for the call that they have just read.
    """
    pages = argument_pages(held.call.arguments)
    # The page number comes from a button, and the arguments may have changed since.
    page = min(max(page, 0), len(pages) - 1)
    approval, call = held.approval, held.call
    tool = f"{approval.service} / {call.name}" if approval.service else call.name
    blocks = [section(f"*{escape(_what(held, titles))}*"), context(f"Tool: {escape(one_line(tool, LINE_MAX))}")]
    if warning := _WARNINGS.get(held.hazard):
        blocks.append(context(f"*{warning}*"))
    blocks.extend(pages[page])
    if len(pages) > 1:
        blocks.append(context(f"Page {page + 1} of {len(pages)}"))
        blocks.append(row(*_turning(approval, page, len(pages))))
    whose = f"{mention(thread.owner.user_id)}'s"
    is_open = approval.state is ApprovalState.PENDING
    until = f"expires {moment(approval.expires_at)}" if is_open else _decided(thread, held)
    blocks.append(context(_as_whom(whose, held, titles), until, f"fingerprint {approval.arguments_hash[:_MARK]}"))
    # Risky calls need a confirmation, which Slack offers for buttons but not for the submit button of a modal.
    may_allow = is_open and held.hazard is Hazard.NONE and _is_asked(thread, approval, reader)
    submit, value = "Approve" if may_allow else "", approval_value(approval)
    return modal("Details", action_ids.DETAILS_VIEW, *blocks, private_metadata=value, submit=submit, close="Close")


def render_reason_form(approval: Approval, titles: Titles) -> View:
    """Return the form for denying with a reason; it names the call, since it covers the card."""
    what = deed(approval.service, approval.tool, titles)
    field = text_field(
        "What should the agent do instead?",
        action_ids.DENY_FIELD_BLOCK,
        action_ids.DENY_FIELD,
        hint="The agent will read this",
        is_optional=True,
    )
    value = approval_value(approval)
    return modal(
        "Deny", action_ids.DENY_FORM, section(f"*{escape(what)}*"), field, private_metadata=value, submit="Deny"
    )


def moment(at: datetime) -> str:
    """Return a time that Slack shows in the reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def day_and_time(at: datetime) -> str:
    """Return a date and time that Slack shows in the reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at:%Y-%m-%d %H:%M} UTC>"


def approve_button(held: Held, what: str, *, mark: str = "", only_for: str | None = None) -> Block:
    """Return the button that allows a call; for calls that may do harm, it asks for confirmation first."""
    question = None
    if text := _WARNINGS.get(held.hazard):
        question = confirm(f"{what}?", f"{text} Have you checked the details?", "Approve", "Cancel", is_dangerous=True)
    return button(
        "Approve",
        f"{action_ids.APPROVE}{mark}",
        approval_value(held.approval),
        style="primary",
        label=f"Approve: {what}",
        only_for=only_for,
        confirm=question,
    )


def _waiting(look: _Look, held: Held, limit: int) -> list[Block]:
    """Return one undecided call: what it does, its arguments if only the owner can read them, and the buttons."""
    what, owner = _what(held, look.titles), mention(look.thread.owner.user_id)
    blocks = [section(f"*{look.number}{escape(what)}?*")]
    if look.thread.is_private:
        blocks.append(preformatted(preview(held.call.arguments, limit)))
    as_whom = _as_whom(f"{owner}'s", held, look.titles)
    until = f"expires {moment(held.approval.expires_at)}"
    if held.approval.is_confirming:
        blocks.append(context(f"Approved by {owner}, waits for a second approver", until))
    else:
        # Others see no buttons, so this tells them who decides; the mention also notifies the owner.
        whose = "" if look.thread.is_private else f"{owner} decides"
        blocks.append(context(as_whom, whose, "then a second approver" if held.approval.second else "", until))
    return [*blocks, row(*_buttons(look, held, what))]


def _buttons(look: _Look, held: Held, what: str) -> list[Block]:
    value, owner, mark = approval_value(held.approval), look.thread.owner.user_id, look.mark

    def other(text: str, action: str, question: Block | None = None) -> Block:
        label = f"{text}: {what}"
        return button(text, f"{action}{mark}", value, label=label, only_for=owner, confirm=question)

    buttons = [] if held.approval.is_confirming else [approve_button(held, what, mark=mark, only_for=owner)]
    # Slack shows three buttons side by side in a thread, then wraps: Show Details comes early to be among them.
    buttons += [other("Deny", action_ids.DENY), other("Show Details", action_ids.SHOW_DETAILS)]
    buttons.append(other("Deny With Reason", action_ids.DENY_WITH_REASON))
    if held.may_remember:
        buttons.append(other("Always Allow", action_ids.ALWAYS_ALLOW, _remembering(what)))
    return buttons


def _remembering(what: str) -> Block:
    text = (
        "I won't ask again in this thread before I use this tool, whatever I use it with. "
        "You can take it back in my Home tab."
    )
    return confirm(f"Always {what[:1].lower()}{what[1:]}?", text, "Always Allow", "Cancel")


def _second_buttons(held: Held, what: str) -> list[Block]:
    value = approval_value(held.approval)
    buttons = [
        approve_button(held, what),
        button("Deny", action_ids.DENY, value, label=f"Deny: {what}"),
    ]
    if held.approval.second is not None and held.approval.second.view is SecondView.FULL:
        buttons.append(button("Show Details", action_ids.SHOW_DETAILS, value, label=f"Show details: {what}"))
    reason = button("Deny With Reason", action_ids.DENY_WITH_REASON, value, label=f"Deny with reason: {what}")
    return [*buttons, reason]


def _together(thread: Thread, waiting: Sequence[Held], titles: Titles) -> list[Block]:
    """Return the button that allows every call that waits for the owner; none if it is only one."""
    open_ones = [one for one in waiting if not one.approval.is_confirming]
    if len(open_ones) < 2:  # several
        return []
    names = ", ".join(_what(one, titles) for one in open_ones)
    is_dangerous = any(one.hazard is not Hazard.NONE for one in open_ones)
    caution = " Some of it may not be possible to undo." if is_dangerous else ""
    question = confirm(
        f"Approve {plural(len(open_ones), 'call')}?",
        f"{one_line(names, DETAIL_MAX)}.{caution}",
        "Approve All",
        "Cancel",
        is_dangerous=is_dangerous,
    )
    values = ",".join(approval_value(one.approval) for one in open_ones)
    text = f"Approve All {len(open_ones)}"
    owner = thread.owner.user_id
    return [row(button(text, action_ids.APPROVE_ALL, values, label=text, only_for=owner, confirm=question))]


def _records(thread: Thread, decided: Sequence[Held], titles: Titles, *, is_alone: bool) -> list[Block]:
    """Return what is decided: alone as a card of its own, else a line each; what was not asked, a line a tool."""
    asked = [one for one in decided if one.approval.allowance_id is None]
    if is_alone and len(asked) == 1 and len(decided) == 1:
        return [section(f"*{escape(_what(asked[0], titles))}*"), _record(thread, asked[0])]
    lines = [context(escape(_what(one, titles)), *_record_words(thread, one)) for one in asked[-_RECORDS_MAX:]]
    if len(asked) > _RECORDS_MAX:
        lines.insert(0, context(f"{plural(len(asked) - _RECORDS_MAX, 'earlier decision')}"))
    unasked = Counter(_what(one, titles) for one in decided if one.approval.allowance_id is not None)
    for what, count in list(unasked.items())[:_RECORDS_MAX]:
        times = f" ({count} times)" if count > 1 else ""
        lines.append(context(f"{escape(what)}{times}", "approved without asking: always allowed in this thread"))
    return lines


def _record(thread: Thread, held: Held) -> Block:
    return context(*_record_words(thread, held))


def _record_words(thread: Thread, held: Held) -> tuple[str, ...]:
    at = held.approval.decided_at
    return (_decided(thread, held), *([moment(at)] if at else []))


def _fallback(thread: Thread, held: Sequence[Held], waiting: Sequence[Held], titles: Titles) -> str:
    if len(waiting) > 1:
        return f"Approval needed: {len(waiting)} calls"
    if waiting:
        return f"Approval needed: {_what(waiting[0], titles)}"
    return "; ".join(f"{_what(one, titles)}: {_decided(thread, one, 'the owner')}" for one in held)


def _what(held: Held, titles: Titles) -> str:
    return capital(phrase(held.call, titles).infinitive)


def _is_asked(thread: Thread, approval: Approval, reader: UserId | None) -> bool:
    """Tell whether `reader` is who decides now: first the owner, then a second approver, who is never the owner."""
    return reader is not None and (reader == thread.owner.user_id) is not approval.is_confirming


def _turning(approval: Approval, page: int, count: int) -> list[Block]:
    value = approval_value(approval)
    turns = (("Previous Page", page - 1, "/previous"), ("Next Page", page + 1, "/next"))
    return [
        button(text, f"{action_ids.DETAILS_PAGE}{mark}", f"{value}:{to}") for text, to, mark in turns if 0 <= to < count
    ]


def _as_whom(whose: str, held: Held, titles: Titles) -> str:
    service = held.approval.service
    if service is None:
        return "Runs in the agent's own sandbox"
    if service == UNNAMED_SERVICE:
        return f"Uses one of {whose} accounts; Claude does not say which"
    return f"Uses {whose} {escape(service_title(service, titles))} account"


def _decided(thread: Thread, held: Held, owner: str | None = None) -> str:
    """Return what became of a call, as mrkdwn; pass `owner` (plain words for the owner) to get plain text."""
    approval = held.approval
    by = _by(thread, approval, owner or mention(thread.owner.user_id))
    if approval.state is ApprovalState.ALLOWED:
        return _allowed(held, by)
    return {
        ApprovalState.PENDING: "Waiting for a decision",
        ApprovalState.DENIED: f"Denied{by}" + (" with a reason" if approval.reason else ""),
        ApprovalState.EXPIRED: "Denied: nobody decided in time",
        ApprovalState.WITHDRAWN: "Withdrawn: the request was stopped",
    }[approval.state]


def _allowed(held: Held, by: str) -> str:
    approval = held.approval
    if approval.reason:
        return "Not run: it changed after it was shown"
    is_asked = approval.allowance_id is None
    words = f"Approved{by}" if is_asked else "Approved without asking: always allowed in this thread"
    if approval.is_delivered:
        return words
    # The decision is stored first and sent then, so the card must not claim that the call runs before Claude has it.
    return f"{words}, but it could not be sent to Claude" if held.is_over else f"{words}, not yet sent to Claude"


def _by(thread: Thread, approval: Approval, owner: str) -> str:
    if approval.second is not None and approval.second.by is not None:
        is_yes = approval.state is ApprovalState.ALLOWED
        return f" by {owner} and a second approver" if is_yes else " by a second approver"
    return f" by {owner}" if approval.decided_by == thread.owner.user_id else ""


_WARNINGS = {
    Hazard.DESTRUCTIVE: "This may not be possible to undo.",
    Hazard.OUTWARD: "This may reach other people.",
}
