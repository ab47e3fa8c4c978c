"""The Managed Agents port: profiles, sessions, files, tools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.config.model import Environment, Skill
from bot.model.commands import Command, Verdict
from bot.model.events import AgentEvent, ToolCall, UsageReported
from oauth.ports import Credential, Validity
from store.records import (
    CredentialId,
    EventId,
    Member,
    SavedProfile,
    SessionId,
    Thread,
    Turn,
    Vault,
    VaultId,
)

WAITING, BUDGET_REACHED = "waiting", "budget_reached"
"""Why a session does not take a request, as `AgentsRejected.code`."""


@dataclass(frozen=True, slots=True)
class ServiceTools:
    """One service as an agent gets it: the MCP server and the rule for each tool."""

    name: str
    url: str
    rules: Mapping[str, str]
    """Tool name → a `Rule`."""
    default_rule: str
    """For tools that are not listed: any `Rule` but `allowed`."""


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """An agent profile as it is saved to the API: an agent and its environment. Services are each session's own."""

    name: str
    model: str
    system: str
    built_in_rules: Mapping[str, str]
    """Built-in tool → rule; tools that are not listed are denied."""
    skills: tuple[Skill, ...] = ()
    environment: Environment = field(default_factory=Environment)


@dataclass(frozen=True, slots=True)
class SessionTools:
    """What a session may use: built-in tools by rule, and services with the rules of their tools."""

    built_in_rules: Mapping[str, str]
    services: tuple[ServiceTools, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that an agent left; `size` in bytes."""

    id: str
    name: str
    size: int


class EventFeed(Protocol):
    """The events of one session, for one consumer at a time."""

    def __aiter__(self) -> AsyncIterator[AgentEvent]:
        """Give the events in order."""

    async def __anext__(self) -> AgentEvent:
        """Return the next one."""

    @property
    def is_caught_up(self) -> bool:
        """Whether all that the API lists was given: not while the stream is being opened or the past listed."""

    def doubt(self) -> None:
        """Open the stream anew and list the past again: this one may be dead without showing it."""


class Agents(Protocol):
    """The Managed Agents API.

    All raise `AgentsUnavailable` after bounded retries of what is safe to repeat, `AgentsRejected`
    for a 4xx, and `SessionLost` where a session is gone.
    """

    async def save_profile(self, spec: ProfileSpec, saved: SavedProfile | None) -> SavedProfile:
        """Create or update the agent and the environment; return where they are now."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, Command | None]:
        """Return the id of a delivery and what to do about it. Raises `Forged`."""

    async def create_vault(self, owner: Member, marker: str) -> VaultId:
        """Create a vault for the owner, with `marker` and the owner in its metadata. Not repeated when in doubt."""

    async def find_vault(self, owner: Member, marker: str) -> VaultId | None:
        """Return the owner's vault that carries `marker`, None if it was never made."""

    async def settle_vault(self, owner: Member, marker: str) -> VaultId | None:
        """Return the oldest of the owner's vaults that carry `marker`, and delete the younger ones.

        Two processes may both have made one; both come to the same, and the younger is empty still.
        """

    async def delete_vault(self, vault: Vault) -> None:
        """Delete it with all its credentials. Idempotent."""

    async def add_credential(self, vault: Vault, credential: Credential, service: str) -> CredentialId:
        """Store a credential in place of an active one for the same server (archived first).

        Raises `AgentsRejected` with code `vault_full` where there is no room for one more.
        """

    async def validate_credential(self, vault: Vault, credential_id: CredentialId) -> Validity:
        """Ask the API whether the credential works."""

    async def list_credentials(self, vault: Vault) -> tuple[CredentialId, ...]:
        """Return the credentials that are active in the vault."""

    async def remove_credential(self, vault: Vault, credential_id: CredentialId) -> None:
        """Delete a credential. Idempotent."""

    async def create_session(
        self, thread: Thread, vault: Vault, profile: SavedProfile, tools: SessionTools, budget_cents: int
    ) -> SessionId:
        """Create a session with this vault only and these tools only. Not repeated when in doubt.

        The thread's id is in the session's metadata as the marker. Raises ValueError when the
        vault is not the thread owner's.
        """

    async def find_session(self, thread: Thread) -> SessionId | None:
        """Return the newest session that carries the thread's marker, None if it was never made."""

    async def session_vaults(self, session_id: SessionId) -> tuple[VaultId, ...]:
        """Return the vaults the session really has. Raises `SessionLost`."""

    async def update_tools(self, session_id: SessionId, tools: SessionTools) -> None:
        """Give an idle session these tools from its next turn on."""

    async def set_budget(self, session_id: SessionId, cents: int) -> None:
        """Let a session cost so much in all, which must be more than it has cost already."""

    def follow(
        self, session_id: SessionId, since: datetime | None, *, is_from_last_request: bool = False
    ) -> AbstractAsyncContextManager[EventFeed]:
        """Open the stream, then yield every event since `since` (None: all), each persisted one once.

        `is_from_last_request`: since the newest request that the session took up, by its own clock.

        The stream is open when the context is entered, so that what is sent then is not missed: it is
        opened once, and trying again is the caller's. The past is listed first, then the stream is tailed.
        Drops are repaired by opening again and listing the gap; a `ConnectionLost` says that this takes time.
        Drafts may be missing, persisted events never are.
        """

    async def send_request(self, session_id: SessionId, turn: Turn, note: str, text: str) -> EventId:
        """Send the owner's words with the turn's id as marker. Not repeated when in doubt.

        Raises `AgentsRejected` with `WAITING` for a session with held calls, with `BUDGET_REACHED`
        for one that may not spend more.
        """

    async def usage_so_far(self, session_id: SessionId) -> UsageReported | None:
        """Return the session's newest usage report, None before its first turn."""

    async def find_request(self, session_id: SessionId, turn: Turn) -> EventId | None:
        """Return the event of this turn's request, None if it never arrived."""

    async def find_call(self, session_id: SessionId, tool_use_id: EventId) -> ToolCall | None:
        """Read a tool call again from the session, as the API has it."""

    async def send_decision(
        self, session_id: SessionId, tool_use_id: EventId, verdict: Verdict, reason: str | None
    ) -> None:
        """Answer a held call. Raises `AlreadyDecided` if it no longer is held."""

    async def refuse_call(self, session_id: SessionId, tool_use_id: EventId) -> None:
        """Answer a call of a tool that we do not offer with an error. Idempotent."""

    async def interrupt(self, session_id: SessionId) -> None:
        """Ask the session to stop what it does."""

    async def is_at_rest(self, session_id: SessionId) -> bool:
        """Tell whether the session does nothing at the moment, as the API has it. Raises `SessionLost`."""

    async def mounted_paths(self, session_id: SessionId) -> frozenset[str]:
        """Return the paths of files in the session, below its folder of uploads."""

    async def mount(self, session_id: SessionId, content: bytes, path: str, *, may_be_uploaded: bool) -> None:
        """Put a file into the session, read-only. Not repeated when in doubt: ask `mounted_paths`.

        `may_be_uploaded`: an earlier try may have left the file, so it is looked for and not uploaded twice.
        """

    async def list_outputs(self, session_id: SessionId) -> tuple[OutputFile, ...]:
        """Return the files that the agent left in its output folder, oldest first."""

    async def read_output(self, file_id: str) -> bytes:
        """Return a file's bytes."""
