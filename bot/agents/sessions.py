"""Sessions at the API: create, send, decide, interrupt, and find again after a call whose outcome is unknown.

`event_stream` reads their events.
"""

from __future__ import annotations

import asyncio
from typing import Any

from anthropic import AsyncAnthropic

from bot.agents.client import LIST_PAGE, errors_translated, is_clash, status_of, text_of, words_of
from bot.agents.event_stream import PAGE_SIZE
from bot.agents.profiles import build_servers, build_tools
from bot.agents.translate import build_header, read_id, translate
from bot.domain.ports import BUDGET_REACHED, WAITING, SessionTools
from bot.model.commands import Verdict
from bot.model.errors import AgentsRejected, AgentsUnavailable, AlreadyDecided, SessionLost
from bot.model.events import (
    DecisionEchoed,
    DecisionsNeeded,
    Permission,
    RequestEchoed,
    SessionIdle,
    ToolCall,
    ToolStarted,
    UsageReported,
)
from store.records import EventId, SavedProfile, SessionId, Thread, Turn, Vault, VaultId, VaultState

LOOKED_THROUGH = 1000
"""How many of the newest sessions are searched; fewer are made between a lost answer to a create and this search."""
_LONGEST_REASON = 2000
_TITLE_MAX = 80
_NOT_OFFERED = "This tool is not offered here. Go on without it."
# Parts of the API's words for a decision on a call that is not held; it has no code for that.
_NOT_HELD = ("does not match", "already")


class SessionsApi:
    """The sessions of the API workspace."""

    def __init__(self, client: AsyncAnthropic, resend_pause: float = 1.0) -> None:
        self._sessions = client.beta.sessions
        # No idempotency key is sent, so a repeated POST may be done twice (docs/reference/managed-agents.md#retries).
        self._once = client.with_options(max_retries=0).beta.sessions
        self._resend_pause = resend_pause

    async def create(
        self, thread: Thread, vault: Vault, profile: SavedProfile, tools: SessionTools, budget_cents: int
    ) -> SessionId:
        """See `Agents.create_session`."""
        vault_id = _own_vault(thread, vault)
        agent: Any = {
            "type": "agent_with_overrides",
            "id": profile.agent_id,
            "version": profile.agent_version,
            **_overrides(tools),
        }
        with errors_translated():
            session = await self._once.create(
                agent=agent,
                environment_id=profile.environment_id,
                title=_title(thread),
                metadata=_metadata(thread),
                vault_ids=[vault_id],
                # A session that is created without a budget never gets one (docs/reference/managed-agents.md#budgets).
                budget=_budget(budget_cents),
            )
        return SessionId(text_of(session, "id"))

    async def find(self, thread: Thread) -> SessionId | None:
        """See `Agents.find_session`."""
        seen = 0
        with errors_translated():
            # The API has no filter by metadata (docs/reference/managed-agents.md#sessions).
            async for session in self._sessions.list(order="desc", limit=LIST_PAGE):
                # Bounded by number, not by age: our clock and the API's differ
                # (docs/decisions/0034-no-decision-compares-two-clocks.md).
                if (seen := seen + 1) > LOOKED_THROUGH:
                    return None
                if _is_of(thread, session) and not _is_dead(session):
                    return SessionId(session.id)
        return None

    async def is_at_rest(self, session_id: SessionId) -> bool:
        """See `Agents.is_at_rest`."""
        return text_of(await self._retrieve(session_id), "status") == "idle"

    async def _retrieve(self, session_id: SessionId) -> Any:
        with errors_translated(in_session=True):
            session = await self._sessions.retrieve(session_id)
        if _is_dead(session):
            raise SessionLost
        return session

    async def vaults(self, session_id: SessionId) -> tuple[VaultId, ...]:
        """See `Agents.session_vaults`."""
        session = await self._retrieve(session_id)
        return tuple(VaultId(vault_id) for vault_id in session.vault_ids or ())

    async def update_tools(self, session_id: SessionId, tools: SessionTools) -> None:
        """See `Agents.update_tools`."""
        agent: Any = _overrides(tools)
        await self._update(session_id, {"agent": agent})

    async def set_budget(self, session_id: SessionId, cents: int) -> None:
        """See `Agents.set_budget`."""
        await self._update(session_id, {"budget": _budget(cents)})

    async def _update(self, session_id: SessionId, changes: dict[str, Any]) -> None:
        try:
            with errors_translated(in_session=True):
                await self._sessions.update(session_id, **changes)
        except AgentsRejected:
            # It is not documented how an ended session refuses an update, so look: `vaults` raises `SessionLost`.
            await self.vaults(session_id)
            raise

    async def send_request(self, session_id: SessionId, turn: Turn, note: str, text: str) -> EventId:
        """See `Agents.send_request`."""
        # The turn's id in the text is the only way to recognise our message later: the API takes no client id
        # (docs/reference/managed-agents.md#sending-once).
        content = [
            {"type": "text", "text": build_header(turn.id, note)},
            {"type": "text", "text": text},
        ]
        try:
            answer = await self._send(session_id, {"type": "user.message", "content": content})
        except AgentsRejected as refusal:
            # Held calls and a used-up budget have remedies of their own; the refusal alone does not tell them apart.
            if is_clash(refusal) and (why := await self._why_not(session_id)):
                raise AgentsRejected(why) from refusal
            raise
        echo = next(iter(answer.data or ()), None)
        return EventId(text_of(echo, "id"))

    async def usage_so_far(self, session_id: SessionId) -> UsageReported | None:
        """See `Agents.usage_so_far`."""
        with errors_translated(in_session=True):
            page = await self._sessions.events.list(session_id, types=["session.usage"], order="desc", limit=1)
        usage = translate(next(iter(page.data or ()), None))
        return usage if isinstance(usage, UsageReported) else None

    async def find_request(self, session_id: SessionId, turn: Turn) -> EventId | None:
        """See `Agents.find_request`. Reads all requests: a queued one has no `processed_at` to filter by."""
        with errors_translated(in_session=True):
            async for event in self._sessions.events.list(session_id, types=["user.message"], limit=PAGE_SIZE):
                echo = translate(event)
                if isinstance(echo, RequestEchoed) and echo.marker == turn.id:
                    return echo.id
        return None

    async def find_call(self, session_id: SessionId, tool_use_id: EventId) -> ToolCall | None:
        """See `Agents.find_call`."""
        calls = self._sessions.events.list(
            session_id, types=["agent.tool_use", "agent.mcp_tool_use"], order="desc", limit=PAGE_SIZE
        )
        with errors_translated(in_session=True):
            async for event in calls:
                if read_id(event) == tool_use_id:
                    started = translate(event)
                    return started.call if isinstance(started, ToolStarted) else None
        return None

    async def send_decision(
        self, session_id: SessionId, tool_use_id: EventId, verdict: Verdict, reason: str | None
    ) -> None:
        """See `Agents.send_decision`. After a lost answer it looks the decision up and, if missing, sends it again."""
        event = _decision(tool_use_id, verdict, reason)
        try:
            await self._decide(session_id, tool_use_id, event)
        except AgentsUnavailable:
            if await self._find_decision(session_id, tool_use_id) is None:
                # The first one may be on its way: a decision that arrives in between is found by the second attempt.
                await asyncio.sleep(self._resend_pause)
                await self._decide_again(session_id, tool_use_id, event)

    async def refuse_call(self, session_id: SessionId, tool_use_id: EventId) -> None:
        """See `Agents.refuse_call`. The API takes one answer per call, so sending a second one does no harm."""
        content = [{"type": "text", "text": _NOT_OFFERED}]
        answer = {"type": "user.custom_tool_result", "custom_tool_use_id": tool_use_id, "content": content}
        try:
            await self._send(session_id, answer | {"is_error": True})
        except AgentsRejected as refusal:
            # A clash means that the call was answered already; a 403 is about our key.
            if not is_clash(refusal) or status_of(refusal) == 403:
                raise

    async def interrupt(self, session_id: SessionId) -> None:
        """See `Agents.interrupt`."""
        # With the SDK's retries: a second interrupt changes nothing, and an idle session ignores it.
        with errors_translated(in_session=True):
            await self._sessions.events.send(session_id, events=[{"type": "user.interrupt"}])

    async def _send(self, session_id: SessionId, event: Any) -> Any:
        with errors_translated(in_session=True):
            return await self._once.events.send(session_id, events=[event])

    async def _why_not(self, session_id: SessionId) -> str | None:
        """Return why the session takes no request: the refusal has no code for it, but the last idle event says so."""
        with errors_translated(in_session=True):
            page = await self._sessions.events.list(session_id, types=["session.status_idle"], order="desc", limit=1)
        idle = translate(next(iter(page.data or ()), None))
        if isinstance(idle, DecisionsNeeded):
            return WAITING
        return BUDGET_REACHED if isinstance(idle, SessionIdle) and idle.reason == BUDGET_REACHED else None

    async def _decide(self, session_id: SessionId, tool_use_id: EventId, event: Any) -> None:
        try:
            await self._send(session_id, event)
        except AgentsRejected as refusal:
            if is_clash(refusal) and await self._is_settled(session_id, tool_use_id, refusal):
                raise AlreadyDecided(refusal.code) from refusal
            raise

    async def _is_settled(self, session_id: SessionId, tool_use_id: EventId, refusal: AgentsRejected) -> bool:
        """Tell whether a decision was refused because the call is no longer held.

        The API has no code for that and we do not know all of its words, so we look the call up too.
        """
        if any(words in words_of(refusal) for words in _NOT_HELD):
            return True
        if await self._find_decision(session_id, tool_use_id):
            return True
        call = await self.find_call(session_id, tool_use_id)
        return call is None or call.permission in (Permission.ALLOW, Permission.DENY)

    async def _decide_again(self, session_id: SessionId, tool_use_id: EventId, event: Any) -> None:
        try:
            await self._decide(session_id, tool_use_id, event)
        except AlreadyDecided:
            # Our first one arrived after all; or somebody decided otherwise, and then the caller must know.
            found = await self._find_decision(session_id, tool_use_id)
            if found is None or found.is_allowed != (event["result"] == Verdict.ALLOW):
                raise

    async def _find_decision(self, session_id: SessionId, tool_use_id: EventId) -> DecisionEchoed | None:
        decisions = self._sessions.events.list(session_id, types=["user.tool_confirmation"], limit=PAGE_SIZE)
        with errors_translated(in_session=True):
            async for event in decisions:
                echo = translate(event)
                if isinstance(echo, DecisionEchoed) and echo.tool_use_id == tool_use_id:
                    return echo
        return None


def _own_vault(thread: Thread, vault: Vault) -> VaultId:
    """Return the vault's id; the last check before a session gets it, whatever went wrong before.

    Raises ValueError for a vault that is not the thread owner's, or not active.
    """
    # Compared by the two ids, since a `Member` also has a display name, which may have changed.
    owners = {(member.workspace_id, member.user_id) for member in (thread.owner, vault.owner)}
    if len(owners) != 1:
        raise ValueError("the vault is not the thread owner's")
    if vault.state is not VaultState.ACTIVE or vault.vault_id is None:
        raise ValueError("the vault is not active")
    return vault.vault_id


def _overrides(tools: SessionTools) -> dict[str, Any]:
    # Always both lists: each override replaces the agent's list as a whole (docs/reference/managed-agents.md#sessions).
    return {
        "tools": build_tools(tools.built_in_rules, tools.services),
        "mcp_servers": build_servers(tools.services),
    }


def _budget(cents: int) -> Any:
    return {"type": "limit", "max_list_cost": {"amount": str(cents), "currency": "USD"}}


def _metadata(thread: Thread) -> dict[str, str]:
    return {
        "deputy_thread": thread.id,
        "slack_workspace": thread.owner.workspace_id,
        "slack_user": thread.owner.user_id,
        "slack_channel": thread.channel,
    }


def _title(thread: Thread) -> str:
    # None of the owner's words: everybody with access to the Console can read titles. 80 characters is the limit seen.
    return "".join(char for char in f"Deputy thread {thread.id}" if char.isprintable())[:_TITLE_MAX]


def _is_of(thread: Thread, session: Any) -> bool:
    metadata = session.metadata or {}
    is_marked = all(metadata.get(key) == value for key, value in _metadata(thread).items())
    expected = thread.session_vault_id
    return is_marked and (expected is None or list(session.vault_ids or ()) == [expected])


def _is_dead(session: Any) -> bool:
    return session.archived_at is not None or session.status == "terminated"


def _decision(tool_use_id: EventId, verdict: Verdict, reason: str | None) -> dict[str, str]:
    event = {"type": "user.tool_confirmation", "tool_use_id": tool_use_id, "result": verdict.value}
    if verdict is Verdict.DENY and reason:
        event["deny_message"] = reason[:_LONGEST_REASON]
    return event
