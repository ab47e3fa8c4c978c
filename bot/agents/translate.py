"""Translates API events into `bot.model.events`; pure, and never raises, whatever the API sends.

It goes by the `type` string, since the SDK parses an unknown event as a `user.message`
(docs/reference/managed-agents.md#unknown-events).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any, TypeGuard

from bot.model.events import (
    UNNAMED_SERVICE,
    AgentEvent,
    DecisionEchoed,
    DecisionsNeeded,
    DraftBegan,
    DraftGrew,
    InterruptEchoed,
    ModelRequestEnded,
    Permission,
    RequestEchoed,
    Retry,
    SessionGone,
    SessionIdle,
    SessionRescheduled,
    SessionStarted,
    SessionTroubled,
    TextWritten,
    Thinking,
    ToolCall,
    ToolFinished,
    ToolStarted,
    Unrecognised,
    UsageReported,
)
from bot.model.visible_text import one_line
from store.records import EventId, TurnId

_HEADER = re.compile(r"Request (\S{1,200})(?: — .*)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
# No session really comes to so many US cents or tokens.
_MOST = 10**9
# No session is older. Subtracting an overlap from a time near year 1 would raise.
_FIRST_YEAR = 2000
# Levels of arguments that are kept as they are; deeper ones become text.
_DEEPEST = 50
# Characters of the note that a request begins with.
_NOTE_MAX = 500


def build_header(turn_id: TurnId, note: str) -> str:
    """Return the first content block of a request: one line that begins with the turn's id.

    The owner's words are in the second block, so nothing that they write can pass for a marker.
    """
    line = one_line(note)[:_NOTE_MAX]
    return f"Request {turn_id} — {line}" if line else f"Request {turn_id}"


def read(event: object, name: str) -> Any:
    """Return a field of an SDK object or a dict, None if there is none."""
    if isinstance(event, Mapping):
        return event.get(name)
    return getattr(event, name, None)


def read_type(event: object) -> str:
    """Return the event's type, empty if it has none."""
    return _text(read(event, "type")) or ""


def read_id(event: object) -> EventId | None:
    """Return the id of a persisted event; previews have none."""
    found = _text(read(event, "id"))
    return EventId(found) if found else None


def read_processed_at(event: object) -> datetime | None:
    """Return when the session took the event up; None while it is queued, or if the API does not say."""
    value = read(event, "processed_at")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    is_time = isinstance(value, datetime) and value.tzinfo is not None and value.year >= _FIRST_YEAR
    return value if is_time else None


def is_processed(event: object) -> bool:
    """Tell whether the session took the event up. Only events that clients send are queued; they come again then."""
    return read(event, "processed_at") is not None or not read_type(event).startswith(("user.", "system."))


def translate(event: object) -> AgentEvent:
    """Return our event for one of the API's; `Unrecognised` for one that we do not know or cannot read."""
    kind, event_id = read_type(event), read_id(event)
    if kind in _PREVIEWS:
        return _PREVIEWS[kind](event) or Unrecognised(None, kind)
    if event_id is None or kind not in _PERSISTED:
        return Unrecognised(event_id, kind)
    try:
        return _PERSISTED[kind](event_id, event) or Unrecognised(event_id, kind)
    except (RecursionError, ValueError):
        return Unrecognised(event_id, kind)  # nested too deeply, or a number with too many digits


def _text(value: object) -> str | None:
    return _whole(value) if isinstance(value, str) else None


def _whole(text: str) -> str:
    """Return a text without lone surrogates, which cannot be encoded as UTF-8 (Unicode §3.9, D75)."""
    return _SURROGATE.sub("\ufffd", text)


def _json(value: object, depth: int = 0) -> object:
    """Return arguments in a form that can be stored, hashed and shown.

    Nothing is left out: people decide about the call by what they see of it.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # not valid in JSON, of which the hash is made
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth == _DEEPEST:
        return repr(value)  # deeper than anybody reads, but still complete
    if isinstance(value, Mapping):
        return {str(_json(str(key))): _json(item, depth + 1) for key, item in value.items()}
    return [_json(item, depth + 1) for item in value]


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def _count(value: object) -> int:
    return value if _is_number(value) and isinstance(value, int) and 0 <= value <= _MOST else 0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)  # to Python, True is an int


def _block_texts(content: object) -> list[str]:
    """Return the texts of content blocks in order; `redacted` and media blocks have none."""
    texts = [_text(read(block, "text")) for block in _items(content) if read_type(block) == "text"]
    return [text for text in texts if text]


def _result_texts(content: object) -> list[str]:
    texts: list[str] = []
    for block in _items(content):
        # A search result has its texts one level down.
        inside = read(block, "content") if read_type(block) == "search_result" else (block,)
        texts += _block_texts(inside)
    return texts


def _draft_began(event: object) -> AgentEvent | None:
    preview = read(event, "event")
    message_id, kind = read_id(preview), read_type(preview)
    if message_id is None or kind not in _PREVIEWED:
        return None
    return _PREVIEWED[kind](message_id)


def _draft_grew(event: object) -> AgentEvent | None:
    message_id = _text(read(event, "event_id"))
    delta = read(event, "delta")
    text = _text(read(read(delta, "content"), "text"))
    if not message_id or read_type(delta) != "content_delta" or text is None:
        return None
    # The block's index is not needed: blocks come in order, and `TextWritten` joins them without a separator.
    return DraftGrew(EventId(message_id), text)


def _request_echoed(event_id: EventId, event: object) -> AgentEvent:
    blocks = _items(read(event, "content"))
    header = _text(read(blocks[0], "text")) if blocks and read_type(blocks[0]) == "text" else None
    found = _HEADER.fullmatch(header) if header else None
    return RequestEchoed(event_id, found[1] if found else None, is_processed(event))


def _interrupt_echoed(event_id: EventId, event: object) -> AgentEvent:
    return InterruptEchoed(event_id, is_processed(event))


def _decision_echoed(event_id: EventId, event: object) -> AgentEvent | None:
    tool_use_id = _text(read(event, "tool_use_id"))
    return DecisionEchoed(event_id, EventId(tool_use_id), read(event, "result") == "allow") if tool_use_id else None


def _text_written(event_id: EventId, event: object) -> AgentEvent:
    return TextWritten(event_id, "".join(_block_texts(read(event, "content"))))


def _permission(value: object) -> Permission:
    if value is None:
        return Permission.UNTOLD  # the field is optional; the session says later which calls it waits for
    try:
        return Permission(_text(value) or "")
    except ValueError:
        return Permission.ASK  # a value of a later API: let a person decide


def _service(event: object) -> str | None:
    """Return the service of a tool call, None for a built-in tool."""
    if read_type(event) != "agent.mcp_tool_use":
        return None
    # Never None here: a service's tool must not be judged by the rules for built-in ones.
    return _text(read(event, "mcp_server_name")) or UNNAMED_SERVICE


def _tool_started(event_id: EventId, event: object) -> AgentEvent | None:
    name = _text(read(event, "name"))
    if name is None:
        return None
    is_custom = read_type(event) == "agent.custom_tool_use"
    arguments = _json(read(event, "input"))
    call = ToolCall(
        id=event_id,
        service=_service(event),
        name=name,
        arguments=arguments if isinstance(arguments, Mapping) else {},
        # Nobody can approve a custom tool's call: Deputy has no such tool and answers it with an error.
        permission=Permission.DENY if is_custom else _permission(read(event, "evaluated_permission")),
        is_ours_to_answer=is_custom,
    )
    return ToolStarted(event_id, call)


def _tool_finished(event_id: EventId, event: object) -> AgentEvent | None:
    tool_use_id = _text(read(event, "tool_use_id")) or _text(read(event, "mcp_tool_use_id"))
    if not tool_use_id:
        return None
    text = "\n".join(_result_texts(read(event, "content")))
    return ToolFinished(event_id, EventId(tool_use_id), read(event, "is_error") is True, text)


def _cents(cost: object) -> float | None:
    """Return an amount, a string of US cents (docs/reference/managed-agents.md#budgets); None if it is not valid."""
    amount = read(cost, "amount")
    if _text(read(cost, "currency")) not in {None, "USD"}:
        return None
    try:
        cents = float(amount) if isinstance(amount, str) or _is_number(amount) else None
    except (ValueError, OverflowError):
        return None
    # A broken amount must not raise or blow up a budget. NaN fails this comparison too.
    return cents if cents is not None and 0 <= cents <= _MOST else None


def _usage_reported(event_id: EventId, event: object) -> AgentEvent:
    usage = read(event, "usage")
    return UsageReported(
        event_id,
        cost_cents=_cents(read(usage, "list_cost")),
        input_tokens=_count(read(usage, "input_tokens")),
        output_tokens=_count(read(usage, "output_tokens")),
    )


def _idle(event_id: EventId, event: object) -> AgentEvent:
    stop = read(event, "stop_reason")
    reason = read_type(stop)
    if reason == "requires_action":
        return DecisionsNeeded(
            event_id, tuple(EventId(i) for i in _items(read(stop, "event_ids")) if isinstance(i, str))
        )
    return SessionIdle(event_id, reason or "unknown", _text(read(read(event, "stop_details"), "category")))


def _retry(value: object) -> Retry:
    try:
        return Retry(read_type(value))
    except ValueError:
        return Retry.RETRYING  # a value of a later API: status events say if the turn or session really ends


def _troubled(event_id: EventId, event: object) -> AgentEvent:
    error = read(event, "error")
    return SessionTroubled(
        event_id,
        kind=read_type(error) or "unknown_error",
        retry=_retry(read(error, "retry_status")),
        service=_text(read(error, "mcp_server_name")),
    )


_PREVIEWED: Mapping[str, Callable[[EventId], AgentEvent]] = {"agent.message": DraftBegan, "agent.thinking": Thinking}
_PREVIEWS: Mapping[str, Callable[[object], AgentEvent | None]] = {
    "event_start": _draft_began,
    "event_delta": _draft_grew,
}
_PERSISTED: Mapping[str, Callable[[EventId, object], AgentEvent | None]] = {
    "user.message": _request_echoed,
    "user.interrupt": _interrupt_echoed,
    "user.tool_confirmation": _decision_echoed,
    "agent.message": _text_written,
    "agent.thinking": lambda event_id, _: Thinking(event_id),
    "agent.tool_use": _tool_started,
    "agent.mcp_tool_use": _tool_started,
    "agent.custom_tool_use": _tool_started,
    "agent.tool_result": _tool_finished,
    "agent.mcp_tool_result": _tool_finished,
    "span.model_request_start": lambda event_id, _: Thinking(event_id),
    "span.model_request_end": lambda event_id, _: ModelRequestEnded(event_id),
    "session.status_running": lambda event_id, _: SessionStarted(event_id),
    "session.status_idle": _idle,
    "session.status_rescheduled": lambda event_id, _: SessionRescheduled(event_id),
    "session.status_terminated": lambda event_id, _: SessionGone(event_id),
    "session.deleted": lambda event_id, _: SessionGone(event_id),
    "session.error": _troubled,
    "session.usage": _usage_reported,
}
