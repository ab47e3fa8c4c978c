"""The card for a held call, its details, and the record that replaces its buttons.

In a channel the card is redacted: arguments are for the owner's eyes, behind a button. Who may press
it is the domain's decision; hiding buttons is a courtesy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate

from bot import actions
from bot.events import ToolCall
from bot.renderers import limits
from bot.renderers.blocks import (
    Block,
    Message,
    button,
    confirm,
    context,
    message,
    modal,
    preformatted,
    section,
    text_field,
)
from bot.renderers.blocks import actions as row
from bot.renderers.limits import pieces, shorten
from bot.renderers.markdown import escape, one_line, revealed
from bot.renderers.wording import capital, is_destructive, phrase, service_title
from store.records import Approval, ApprovalState, Thread

_PREVIEW_MAX = 1_500


def approval_value(approval: Approval) -> str:
    """Return what the card's buttons carry: which approval, and the arguments that were shown."""
    return f"{approval.id}:{approval.arguments_hash}"


def render_approval(thread: Thread, approval: Approval, call: ToolCall, titles: Mapping[str, str]) -> Message:
    """Return the card with its buttons."""
    what = capital(phrase(call, titles).infinitive)
    blocks = [section(f"*{escape(what)}?*")]
    if thread.is_private:
        blocks.append(preformatted(shorten(_arguments(call), _PREVIEW_MAX)))
    as_whom = _as_whom(f"{escape(one_line(thread.owner.name, 80))}'s", approval, titles)
    blocks.append(context(as_whom, f"expires {moment(approval.expires_at)}", "requested by the agent"))
    blocks.append(_buttons(thread, approval, call, what))
    return message(f"Approval needed: {what}", *blocks)


def render_decision(
    thread: Thread, approval: Approval, call: ToolCall, titles: Mapping[str, str], at: datetime
) -> Message:
    """Return the card as a record of what was decided."""
    what = capital(phrase(call, titles).infinitive)
    words = _decided(thread, approval)
    return message(f"{what}: {words}", section(f"*{escape(what)}*"), context(escape(words), moment(at)))


def render_details(approval: Approval, call: ToolCall, titles: Mapping[str, str]) -> Block:
    """Return the modal with the whole arguments for the owner, nothing in it invisible."""
    parts = pieces(_arguments(call), limits.PREFORMATTED_MAX)
    shown = _that_fit(parts)
    tool = f"{approval.service} / {call.name}" if approval.service else call.name
    blocks = [section(f"*{escape(capital(phrase(call, titles).infinitive))}*"), context(f"Tool: {escape(tool)}")]
    blocks.extend(preformatted(part) for part in shown)
    if len(parts) > len(shown):
        blocks.append(section("*Too long to show in full.* If in doubt, deny."))
    blocks.append(context(_as_whom("your", approval, titles), f"SHA-256 {approval.arguments_hash}"))
    return modal("Details", actions.DETAILS_VIEW, *blocks)


def render_reason_form(approval: Approval) -> Block:
    """Return the form for denying with a reason."""
    field = text_field(
        "What should the agent do instead?",
        actions.DENY_FIELD_BLOCK,
        actions.DENY_FIELD,
        hint="The agent will read this",
        is_optional=True,
    )
    return modal("Deny", actions.DENY_FORM, field, private_metadata=approval_value(approval), submit="Deny")


def moment(at: datetime) -> str:
    """Return a time that Slack shows in the reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def _buttons(thread: Thread, approval: Approval, call: ToolCall, what: str) -> Block:
    value, owner = approval_value(approval), thread.owner.user_id
    question = None
    if is_destructive(call):
        text = "This may not be possible to undo. Have you checked the details?"
        question = confirm(f"{what}?", text, "Approve", "Cancel", is_dangerous=True)
    return row(
        button(
            "Approve",
            actions.APPROVE,
            value,
            style="primary",
            label=f"Approve: {what}",
            only_for=owner,
            confirm=question,
        ),
        button("Deny", actions.DENY, value, label=f"Deny: {what}", only_for=owner),
        button("Deny With Reason", actions.DENY_WITH_REASON, value, label=f"Deny with reason: {what}", only_for=owner),
        button("Show Details", actions.SHOW_DETAILS, value, label=f"Show details: {what}", only_for=owner),
    )


def _as_whom(whose: str, approval: Approval, titles: Mapping[str, str]) -> str:
    if approval.service is None:
        return "Runs in the agent's own sandbox"
    return f"Uses {whose} {escape(service_title(approval.service, titles))} account"


def _decided(thread: Thread, approval: Approval) -> str:
    name = one_line(thread.owner.name, 80) if approval.decided_by == thread.owner.user_id else ""
    by = f" by @{name}" if name else ""
    return {
        ApprovalState.PENDING: "Waiting for a decision",
        ApprovalState.ALLOWED: f"Approved{by}",
        ApprovalState.DENIED: f"Denied{by}" + (" with a reason" if approval.reason else ""),
        ApprovalState.EXPIRED: "Denied: nobody decided in time",
        ApprovalState.WITHDRAWN: "Withdrawn: the request was stopped",
    }[approval.state]


def _that_fit(parts: list[str]) -> list[str]:
    """Return the first pieces that a view can hold, counted as JSON, which spells out most characters."""
    sizes = accumulate(len(json.dumps(part)) for part in parts)
    count = sum(size <= limits.DETAIL_BYTES_MAX for size in sizes)
    return parts[: min(count, limits.DETAIL_PIECES_MAX)]


def _arguments(call: ToolCall) -> str:
    return revealed(json.dumps(dict(call.arguments), ensure_ascii=False, indent=2, default=str))
