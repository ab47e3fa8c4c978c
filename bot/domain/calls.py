"""What a held call would run, named by a hash, and read again from the session whenever it matters."""

from __future__ import annotations

import hashlib
import json

from bot.domain.ports import Agents
from bot.errors import Lost, Unavailable
from bot.events import ToolCall
from store.records import Approval, ApprovalId

REMEMBERED_MAX = 1_000


def hash_call(call: ToolCall) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of what would run: service, tool, arguments."""
    whole = {"service": call.service, "tool": call.name, "arguments": call.arguments}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Calls:
    """Held calls as their sessions have them."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._seen: dict[ApprovalId, ToolCall] = {}

    def remember(self, approval: Approval, call: ToolCall) -> None:
        """Keep a call that was just read, for the card; a decision never rests on it."""
        if hash_call(call) != approval.arguments_hash:
            return
        if len(self._seen) >= REMEMBERED_MAX:
            self._seen.pop(next(iter(self._seen)))
        self._seen[approval.id] = call

    async def read(self, approval: Approval) -> ToolCall | None:
        """Return the call as the session has it now, None if it is not what was shown."""
        call = await self._agents.find_call(approval.session_id, approval.tool_use_id)
        return call if call is not None and hash_call(call) == approval.arguments_hash else None

    async def to_show(self, approval: Approval) -> ToolCall:
        """Return the call for a card; without its arguments where the session does not say them any more."""
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
    """Return which tool would be called, and nothing of with what."""
    return ToolCall(approval.tool_use_id, approval.service, approval.tool, {})
