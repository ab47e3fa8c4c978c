"""What the domain needs of the outside, in its own words: agents, a screen, a clock.

`bot.agents` and `bot.slack` implement these; only `bot/app.py` knows which class is behind which.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.config.model import Environment, Skill
from bot.model.commands import Command, Conversation, OpenAskForm, Place, ShowApproval, Verdict
from bot.model.config_views import Panel, Wrong
from bot.model.errors import Refused
from bot.model.events import AgentEvent, ToolCall, UsageReported
from bot.model.notices import Held, Home, Notice, Offered, SecondAsked, ServiceChoice
from bot.model.progress import Progress
from bot.model.slack_message import Written
from oauth.ports import Credential, Validity
from store.records import (
    Approval,
    Attachment,
    ChannelId,
    CredentialId,
    EventId,
    Member,
    MessageRef,
    MessageTs,
    SavedProfile,
    SessionId,
    Thread,
    TicketId,
    Turn,
    UserId,
    Vault,
    VaultId,
)

WAITING, BUDGET_REACHED = "waiting", "budget_reached"
"""Why a session does not take a request, as `AgentsRejected.code`."""

SLACK_PATIENCE = (1, 2, 4, 8, 15, 30, 60)
"""Seconds between tries while Slack is out; the last one is repeated."""


class Clock(Protocol):
    """The time, aware UTC; the only source of it."""

    def now(self) -> datetime:
        """Return the current time: for what is stored and shown, and compared with that."""

    def steady(self) -> datetime:
        """Return a time that goes on at one pace, whoever sets the clock: for pacing, waiting and remembering.

        It is a date by chance only: never stored, shown, or compared with one.
        """

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds, whatever the clock is set to meanwhile."""

    async def sleep_until(self, when: datetime) -> None:
        """Return at the steady time `when`, at once if it has passed."""

    async def wait_for(self, signal: asyncio.Event, until: datetime | None) -> None:
        """Return once `signal` is set, at the latest at the steady time `until` (None: never)."""


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack says of a user right now (`users.info`); a claim to be judged, not yet a member."""

    user_id: UserId
    team_id: str
    enterprise_id: str | None
    name: str
    is_bot: bool
    is_guest: bool
    is_stranger: bool
    is_deleted: bool
    owns: frozenset[str] = frozenset()
    """Ids of the workspace and the organisation that are theirs by Slack's word."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What Slack says of a channel right now (`conversations.info`), where Deputy can see it."""

    is_shared: bool = False
    """Another organisation reads it, or is about to."""
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Openness:
    """Who besides full members is served, and where, as admins allow."""

    guests: bool = False
    shared_channels: bool = False


class People(Protocol):
    """Who somebody is, remembered for minutes unless asked afresh, and what a channel is at this moment.

    Raises `SlackUnavailable`; a person or channel that Slack does not know is None.
    """

    async def person(self, user_id: UserId, *, is_fresh: bool = False) -> Person | None:
        """Return the person; `is_fresh` asks again, for what must not rest on a minutes-old answer."""

    def forget(self, user_id: UserId) -> None:
        """Ask afresh next time: something about this person changed."""

    async def conversation(self, channel: ChannelId) -> Channel | None:
        """Return the channel as it is at this moment, None if Deputy cannot see it. Raises `SlackRejected`."""

    async def is_in(self, channel: ChannelId, user_id: UserId) -> bool:
        """Tell whether somebody is in a channel at this moment; False where Deputy cannot see it."""

    async def channel_name(self, channel: ChannelId) -> str | None:
        """Return the name of a public channel; None for one that not everybody here may know of."""


class Reading(Protocol):
    """What others wrote where Deputy can read it. Raises `SlackUnavailable`."""

    async def name(self, user_id: UserId) -> str:
        """Return somebody's name."""

    async def named(self, text: str) -> str:
        """Return a text with the names of the people and channels that it mentions by id."""

    async def message(self, ref: MessageRef) -> Written | None:
        """Return a message as it is now; None where it cannot be read or is gone."""

    async def thread(self, root: MessageRef, before: MessageTs | None) -> Conversation:
        """Return the newest that was written in a thread before a message; nothing where it cannot be read."""


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
class Output:
    """A file that an agent left; `size` in bytes."""

    id: str
    name: str
    size: int


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
    ) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
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

    async def list_outputs(self, session_id: SessionId) -> tuple[Output, ...]:
        """Return the files that the agent left in its output folder, oldest first."""

    async def read_output(self, file_id: str) -> bytes:
        """Return a file's bytes."""


class SlackFiles(Protocol):
    """Files in Slack. All raise `SlackUnavailable` or `SlackRejected`."""

    async def describe(self, file: Attachment) -> Attachment:
        """Return what Slack says of a file that it had only named."""

    async def read(self, slack_id: str, most: int) -> bytes:
        """Return a file's bytes, at most `most`."""

    async def upload(self, name: str, content: bytes) -> str:
        """Return the id of a new file that nobody sees yet."""

    async def share(self, slack_id: str, name: str, thread: Thread) -> None:
        """Show an uploaded file in a thread. After a doubt ask `is_shared` before trying again."""

    async def is_shared(self, slack_id: str, thread: Thread) -> bool:
        """Tell whether a file is in the thread's channel already."""


class Answer(Protocol):
    """The one writer of one turn's answer in Slack. Not to be used concurrently."""

    async def show(self, progress: Progress) -> float | None:
        """Bring the thread up to `progress`; return in how many seconds to be called again.

        A number means something is still to be sent (pacing) or to be done (a segment's age),
        even without a new event; None means all is shown and nothing is due.
        """

    async def pause(self, progress: Progress) -> None:
        """Show `progress` and close the open segment: people are waited for."""

    async def close(self, progress: Progress) -> None:
        """Close the open message as `pause` does, for good: nothing comes after it, not even the turn's end."""

    async def finish(self, progress: Progress) -> None:
        """Show the whole of `progress` and its outcome, close everything. Idempotent across restarts."""


class Screen(Protocol):
    """What people see in Slack. All raise `SlackUnavailable` or `SlackRejected`."""

    async def post_root(self, thread: Thread, task: str, offered: Offered) -> MessageTs:
        """Post the message that starts a thread, or find it if it was posted before a crash."""

    async def open_answer(self, thread: Thread, turn: Turn) -> Answer:
        """Return the writer of a turn's answer, taking up what an earlier process left."""

    async def post_control(self, thread: Thread, turn: Turn, is_queued: bool) -> MessageRef | None:
        """Post or turn the “working” / “queued” line with the Stop button; found again after a crash."""

    async def remove_control(self, thread: Thread, turn: Turn) -> None:
        """Take the control line away. Idempotent."""

    async def post_card(self, thread: Thread, held: tuple[Held, ...]) -> MessageRef:
        """Post the card for held calls, or find it if it was posted before a crash."""

    async def find_card(self, thread: Thread, approval: Approval) -> MessageRef | None:
        """Return the card that was posted for this call before a crash, None if there is none."""

    async def update_card(self, thread: Thread, ref: MessageRef, held: tuple[Held, ...]) -> None:
        """Rewrite a card: what is decided becomes a record, without buttons."""

    async def show_call(self, command: ShowApproval, thread: Thread, held: Held) -> None:
        """Open one page of the full arguments in a modal, or turn the open one to it."""

    async def ask_second(
        self, user_id: UserId, notice: SecondAsked, replacing: MessageRef | None = None
    ) -> MessageRef | None:
        """Ask a second approver by direct message, or rewrite what they were sent; None if Slack cannot reach them."""

    async def alert(
        self, user_id: UserId, notice: Notice, replacing: MessageRef | None = None, marker: str | None = None
    ) -> MessageRef:
        """Tell somebody who is named in the settings by direct message, or rewrite what they were told.

        `marker`: what was sent with it before a crash is found, and brought up to date.
        """

    async def ask_reason(self, trigger_id: str, approval: Approval) -> None:
        """Open the form for denying with a reason."""

    async def ask_task(self, command: OpenAskForm, quote_id: str | None = None) -> None:
        """Open the form for a task; `quote_id`: where the message is kept that it is about."""

    async def ask_token(self, trigger_id: str, service: ServiceChoice, mcp_url: str, page: str | None) -> None:
        """Open the form for a personal token."""

    async def ask_code(self, trigger_id: str, ticket_id: TicketId, service: str) -> None:
        """Open the form for the code that a member's browser shows."""

    async def tell(self, member: Member, place: Place, notice: Notice) -> None:
        """Tell one person privately at a place; by direct message where that is impossible."""

    async def refuse(self, user_id: UserId, place: Place, refused: Refused) -> None:
        """Tell somebody who is not a member why they cannot be served; only they see it."""

    async def direct_channel(self, member: Member) -> ChannelId:
        """Return the channel of the direct messages with this member."""

    async def message(self, member: Member, notice: Notice, replacing: MessageRef | None = None) -> MessageRef:
        """Send a direct message, or rewrite an earlier one."""

    async def message_once(self, member: Member, notice: Notice, marker: str, since: datetime) -> None:
        """Send a direct message that carries `marker`, unless it is there since `since`: for what may be told twice."""

    async def publish_home(self, member: Member, home: Home) -> None:
        """Publish the member's App Home."""

    async def open_panel(self, trigger_id: str, panel: Panel) -> None:
        """Open the settings, or a part of them, as a modal."""

    async def push_panel(self, trigger_id: str, panel: Panel) -> None:
        """Put a panel onto the modal that was pressed in."""

    async def update_panel(self, view_id: str, panel: Panel) -> None:
        """Show a panel in place of what is in an open modal."""

    def drawn(self, panel: Panel) -> dict[str, Any]:
        """Return a panel as a view, to be the answer to a form."""

    def faults(self, wrong: Wrong) -> dict[str, str]:
        """Return what stands at each field of a form, to be the answer to it."""
