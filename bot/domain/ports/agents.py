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
"""Values of `AgentsRejected.code` that say why a session takes no request."""


@dataclass(frozen=True, slots=True)
class ServiceTools:
    """A service as an agent gets it: its MCP server, and the rule for each tool."""

    name: str
    url: str
    rules: Mapping[str, str]
    """Tool name → a `Rule`."""
    default_rule: str
    """The rule for tools that are not listed; any `Rule` but `allowed`."""


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """An agent profile as it is saved to the API, as an agent and an environment. Each session has its own services."""

    name: str
    model: str
    system: str
    built_in_rules: Mapping[str, str]
    """Built-in tool → rule; tools that are not listed are denied."""
    skills: tuple[Skill, ...] = ()
    environment: Environment = field(default_factory=Environment)


@dataclass(frozen=True, slots=True)
class SessionTools:
    """The tools that a session may use: built-in ones with their rules, and services."""

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
        """Return the iterator over the events, in order."""

    async def __anext__(self) -> AgentEvent:
        """Return the next event."""

    @property
    def is_caught_up(self) -> bool:
        """Whether all past events were given; False while the stream is being opened or the past is listed."""

    def doubt(self) -> None:
        """Open the stream again and list the past, since the stream may be dead without showing it."""


class Agents(Protocol):
    """The Managed Agents API.

    Methods raise `AgentsUnavailable` after bounded retries of what is safe to repeat, `AgentsRejected` for a 4xx, and
    `SessionLost` if a session is gone. “Not repeated when in doubt” means that after a lost answer nobody knows whether
    the call was carried out: the caller looks before calling again.
    """

    async def save_profile(self, spec: ProfileSpec, saved: SavedProfile | None) -> SavedProfile:
        """Create or update the agent and the environment; return their ids and version."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, Command | None]:
        """Return the id of a delivery and the command for it, if there is one. Raises `Forged`."""

    async def create_vault(self, owner: Member, marker: str) -> VaultId:
        """Create a vault for the owner, with `marker` and the owner in its metadata. Not repeated when in doubt."""

    async def find_vault(self, owner: Member, marker: str) -> VaultId | None:
        """Return the owner's vault that carries `marker`, None if it was never made."""

    async def settle_vault(self, owner: Member, marker: str) -> VaultId | None:
        """Return the oldest of the owner's vaults that carry `marker`, and delete the younger ones.

        Two processes may each have created one. Both keep the same one, and the younger is still empty.
        """

    async def delete_vault(self, vault: Vault) -> None:
        """Delete a vault with all its credentials. Idempotent."""

    async def add_credential(self, vault: Vault, credential: Credential, service: str) -> CredentialId:
        """Store a credential; an active one for the same server is archived first.

        Raises `AgentsRejected` with the code `vault_full` if the vault has no room for one more.
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

        The session's metadata carries the thread's id as marker. Raises ValueError if the vault is not the thread
        owner's.
        """

    async def find_session(self, thread: Thread) -> SessionId | None:
        """Return the newest session that carries the thread's marker, None if it was never made."""

    async def session_vaults(self, session_id: SessionId) -> tuple[VaultId, ...]:
        """Return the vaults that the session has at the API. Raises `SessionLost`."""

    async def update_tools(self, session_id: SessionId, tools: SessionTools) -> None:
        """Give an idle session these tools from its next turn on."""

    async def set_budget(self, session_id: SessionId, cents: int) -> None:
        """Set what a session may cost in all, in US cents; it must be more than it has cost already."""

    def follow(
        self, session_id: SessionId, since: datetime | None, *, is_from_last_request: bool = False
    ) -> AbstractAsyncContextManager[EventFeed]:
        """Open the stream, then yield every event since `since` (None: all), each persisted one once.

        `is_from_last_request`: instead begin at the newest request that the session took up, by the API's clock.

        The stream is open once the context is entered, so nothing is missed that is sent from then on. It is opened in
        one attempt; only the caller can try again. Past events are listed first, then the stream is followed. After a
        drop it is opened again and the gap is listed; `ConnectionLost` says that this takes time. Drafts may be
        missing, persisted events never are.
        """

    async def send_request(self, session_id: SessionId, turn: Turn, note: str, text: str) -> EventId:
        """Send the owner's words with the turn's id as marker. Not repeated when in doubt.

        Raises `AgentsRejected` with `WAITING` if the session has held calls, with `BUDGET_REACHED` if it may not spend
        more.
        """

    async def usage_so_far(self, session_id: SessionId) -> UsageReported | None:
        """Return the session's newest usage report, None before its first turn."""

    async def find_request(self, session_id: SessionId, turn: Turn) -> EventId | None:
        """Return the event of this turn's request, None if it never arrived."""

    async def find_call(self, session_id: SessionId, tool_use_id: EventId) -> ToolCall | None:
        """Return a tool call as the session has it now, None if it has none with this id."""

    async def send_decision(
        self, session_id: SessionId, tool_use_id: EventId, verdict: Verdict, reason: str | None
    ) -> None:
        """Answer a held call. Raises `AlreadyDecided` if it is no longer held."""

    async def refuse_call(self, session_id: SessionId, tool_use_id: EventId) -> None:
        """Answer a custom tool's call with an error, since Deputy offers no custom tools. Idempotent."""

    async def interrupt(self, session_id: SessionId) -> None:
        """Interrupt what the session does; one that is idle ignores it."""

    async def is_at_rest(self, session_id: SessionId) -> bool:
        """Tell whether the session is idle, by the API's own word, which lags a little. Raises `SessionLost`."""

    async def mounted_paths(self, session_id: SessionId) -> frozenset[str]:
        """Return the paths of the session's mounted files, relative to its folder of uploads."""

    async def mount(self, session_id: SessionId, content: bytes, path: str, *, may_be_uploaded: bool) -> None:
        """Mount a file in the session, read-only. Not repeated when in doubt: ask `mounted_paths`.

        `may_be_uploaded`: an earlier attempt may have uploaded it, so look for it instead of uploading it twice.
        """

    async def list_outputs(self, session_id: SessionId) -> tuple[OutputFile, ...]:
        """Return the files that the agent wrote to its output folder, oldest first."""

    async def read_output(self, file_id: str) -> bytes:
        """Return the content of an output file."""
