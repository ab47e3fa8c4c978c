"""Reads a held call from its session and hashes it, so that what runs is what the owner saw."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

from cachetools import FIFOCache

from bot.domain.ports import Agents
from bot.model.errors import Lost, Unavailable
from bot.model.events import UNNAMED_SERVICE, ToolCall
from store.records import Approval, ApprovalId, SessionId

REMEMBERED_MAX = 1_000


def hash_call(call: ToolCall, session_id: SessionId) -> str:
    """Return the HMAC-SHA-256, in hex, of the canonical JSON of a call: service, tool, arguments.

    It is the value of buttons that a whole channel can read, on cards whose arguments are redacted. A plain hash of
    arguments with few possible values could be guessed, so the key contains the session's id, which never goes to
    Slack (docs/decisions/0015-approvals-keep-a-hash.md).
    """
    whole = {"service": call.service, "tool": call.name, "arguments": call.arguments}
    # Canonical: the same call must have the same hash whenever it is read.
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(f"{session_id}/{call.id}".encode(), text.encode(), hashlib.sha256).hexdigest()


def _is_shown(call: ToolCall, approval: Approval) -> bool:
    """Tell whether a call is the one that was shown."""
    # The API may name the service one time and leave it out another; that does not make it another call.
    if UNNAMED_SERVICE in (call.service, approval.service) and None not in (call.service, approval.service):
        call = replace(call, service=approval.service)
    return hmac.compare_digest(hash_call(call, approval.session_id), approval.arguments_hash)


# Arguments stay in memory only; the store has their hash.
class HeldCalls:
    """Reads held calls from their sessions."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._seen = FIFOCache[ApprovalId, ToolCall](REMEMBERED_MAX)

    def remember(self, approval: Approval, call: ToolCall) -> None:
        """Cache a call that was just read, for drawing its card; decisions never use the cache."""
        if not _is_shown(call, approval):
            return
        self._seen[approval.id] = call

    async def read(self, approval: Approval) -> ToolCall | None:
        """Return the call as the session has it now, None if it is not the one that was shown."""
        call = await self._agents.find_call(approval.session_id, approval.tool_use_id)
        return call if call is not None and _is_shown(call, approval) else None

    async def to_show(self, approval: Approval) -> ToolCall:
        """Return the call for a card, without its arguments if the session cannot be read."""
        if known := self._seen.get(approval.id):
            return known
        try:
            call = await self.read(approval)
        except (Unavailable, Lost):
            call = None
        if call is not None:
            self.remember(approval, call)
        return call or without_arguments(approval)


def without_arguments(approval: Approval) -> ToolCall:
    """Return a call with its tool but no arguments."""
    return ToolCall(approval.tool_use_id, approval.service, approval.tool, {})
