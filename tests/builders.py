"""Records with sensible defaults for tests; a test names only what it is about.

`a_member` and friends only make records; what a record refers to must be stored first (`store_…`).
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.context import DomainContext
from bot.domain.home_changes import HomeChanges
from bot.domain.outbox import Outbox
from store import members, threads, turns, vaults
from store.database import Tx
from store.ids import new_id
from store.records import (
    Allowance,
    Approval,
    ApprovalState,
    Aside,
    AsideState,
    Connection,
    ConnectionState,
    Member,
    MessageRef,
    Registration,
    RegistrationKind,
    SavedService,
    SendState,
    ServiceTool,
    SessionState,
    Thread,
    Ticket,
    TicketState,
    Turn,
    TurnState,
    Vault,
    VaultState,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""The time at which everything built here was made."""


class Noon:
    """A clock that stands still there."""

    def now(self) -> datetime:
        return NOON


def a_context(**parts: Any) -> DomainContext:
    """Return a context of these parts; what a test is not about is not there."""
    defaults = {field.name: None for field in fields(DomainContext)}
    clock = parts.get("clock") or Noon()
    return DomainContext(**{**defaults, "outbox": Outbox(clock), "home_changes": HomeChanges(), **parts})


def a_member(user_id: str = "U0ANN", **changes: Any) -> Member:
    defaults = {"workspace_id": "T0ACME", "user_id": user_id, "team_id": "T0ACME", "name": user_id.title()}
    return Member(**{**defaults, **changes})


def a_message(ts: str = "1763899200.000100", channel: str = "C0GENERAL") -> MessageRef:
    return MessageRef(channel=channel, ts=ts)


def a_vault(owner: Member | None = None, **changes: Any) -> Vault:
    """The vault that `store_vault` stores: one per owner, with an id made from the owner's."""
    owner = owner or a_member()
    mark = f"{owner.workspace_id}_{owner.user_id}"
    return replace(
        Vault(marker=f"marker_{mark}", owner=owner, state=VaultState.ACTIVE, vault_id=f"vlt_{mark}"), **changes
    )


def a_connection(owner: Member | None = None, **changes: Any) -> Connection:
    owner = owner or a_member()
    defaults = {
        "id": new_id("con"),
        "owner": owner,
        "service": "notes",
        "vault_id": a_vault(owner).vault_id,
        "credential_id": "vcrd_1",
        "mcp_server_url": "https://notes.example/mcp",
        "account": None,
        "scope": "notes.read",
        "state": ConnectionState.CONNECTED,
        "expires_at": None,
        "connected_at": NOON,
    }
    return Connection(**{**defaults, **changes})


def a_ticket(owner: Member | None = None, **changes: Any) -> Ticket:
    defaults = {
        "id": new_id("tkt"),
        "owner": owner or a_member(),
        "service": "notes",
        "state": TicketState.NEW,
        "expires_at": NOON + timedelta(minutes=10),
        "card": None,
    }
    return Ticket(**{**defaults, **changes})


def a_registration(**changes: Any) -> Registration:
    defaults = {
        "service": "notes",
        "issuer": "https://login.notes.example",
        "redirect_uri": "https://deputy.example/oauth/notes/callback",
        "client_id": "client_1",
        "client_secret": None,
        "auth_method": "none",
        "created_at": NOON,
        "expires_at": None,
    }
    return Registration(**{**defaults, **changes})


def a_saved_service(**changes: Any) -> SavedService:
    defaults = {
        "workspace_id": "T0ACME",
        "name": "papers",
        "title": "Papers",
        "mcp_url": "https://papers.example/mcp",
        "is_shipped": False,
        "registration": RegistrationKind.AUTO,
        "approved_by": "U0ANN",
        "approved_at": NOON,
        "issuer": "https://login.papers.example",
        "resource": "https://papers.example/mcp",
        "endpoint_hosts": ("login.papers.example",),
    }
    return SavedService(**{**defaults, **changes})


def a_service_tool(**changes: Any) -> ServiceTool:
    defaults = {
        "service": "papers",
        "name": "read_paper",
        "title": "Read a paper",
        "description": "Read one paper.",
        "schema_hash": "a" * 64,
        "annotations": {"readOnlyHint": True},
        "definition_hash": "b" * 64,
        "first_seen_at": NOON,
        "changed_at": None,
        "seen_at": NOON,
    }
    return ServiceTool(**{**defaults, **changes})


def a_thread(owner: Member | None = None, **changes: Any) -> Thread:
    defaults = {
        "id": new_id("thr"),
        "owner": owner or a_member(),
        "channel": "C0GENERAL",
        "thread_ts": None,
        "title": "Summarise my notes",
        "profile": "default",
        "is_private": False,
        "session_state": SessionState.NONE,
        "session_id": None,
        "session_vault_id": None,
        "created_at": NOON,
    }
    return Thread(**{**defaults, **changes})


def a_turn(thread: Thread | None = None, **changes: Any) -> Turn:
    thread = thread or a_thread()
    defaults = {
        "id": new_id("trn"),
        "thread_id": thread.id,
        "owner": thread.owner,
        "state": TurnState.QUEUED,
        "send_state": SendState.UNSENT,
        "task": "Summarise my notes",
        "source": None,
        "notice": None,
        "stop_requested_by": None,
        "created_at": NOON,
        "started_at": None,
    }
    return Turn(**{**defaults, **changes})


def an_approval(turn: Turn | None = None, **changes: Any) -> Approval:
    turn = turn or a_turn()
    defaults = {
        "id": new_id("apr"),
        "turn_id": turn.id,
        "session_id": "sesn_1",
        "tool_use_id": new_id("sevt"),
        "service": "notes",
        "tool": "write_note",
        "arguments_hash": "a" * 64,
        "state": ApprovalState.PENDING,
        "card": None,
        "decided_by": None,
        "reason": None,
        "expires_at": NOON + timedelta(hours=1),
        "is_delivered": False,
    }
    return Approval(**{**defaults, **changes})


def an_allowance(thread: Thread | None = None, **changes: Any) -> Allowance:
    thread = thread or a_thread()
    defaults = {
        "id": new_id("alw"),
        "thread_id": thread.id,
        "owner": thread.owner,
        "service": "notes",
        "tool": "write_note",
        "tool_hash": None,
        "given_at": NOON,
    }
    return Allowance(**{**defaults, **changes})


def an_aside(thread: Thread | None = None, **changes: Any) -> Aside:
    defaults = {
        "id": new_id("asd"),
        "thread_id": (thread or a_thread()).id,
        "author": "U0BOB",
        "text": "Also mine, please",
        "source": a_message("1763899300.000100"),
        "state": AsideState.OFFERED,
    }
    return Aside(**{**defaults, **changes})


async def store_member(tx: Tx, member: Member | None = None) -> Member:
    member = member or a_member()
    await members.remember(tx, member, NOON)
    return member


async def store_vault(tx: Tx, owner: Member | None = None) -> Vault:
    """Store the owner and `a_vault(owner)`, active."""
    owner = await store_member(tx, owner)
    vault = a_vault(owner)
    await vaults.intend(tx, owner, vault.marker, NOON)
    return await vaults.activate(tx, vault.marker, vault.vault_id)


async def store_thread(tx: Tx, thread: Thread | None = None) -> Thread:
    """Store the thread and its owner; its vault too, where it names one."""
    thread = thread or a_thread()
    if thread.session_vault_id is None:
        await store_member(tx, thread.owner)
    else:
        await store_vault(tx, thread.owner)
    await threads.open(tx, thread)
    return thread


async def store_turn(tx: Tx, turn: Turn | None = None) -> Turn:
    """Queue the turn, in a new thread where its own is not stored."""
    turn = turn or a_turn()
    if await _is_new(tx, turn):
        await store_thread(tx, a_thread(turn.owner, id=turn.thread_id))
    return await turns.queue(tx, turn, None)


async def _is_new(tx: Tx, turn: Turn) -> bool:
    recent = await threads.list_recent(tx, turn.owner, 1000)
    return all(thread.id != turn.thread_id for thread in recent)
