"""The nouns Deputy remembers, as frozen dataclasses, and the ids they carry.

Rows never leave `store`; these records do. Everybody may import this module, it imports nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

WorkspaceId = NewType("WorkspaceId", str)
"""Enterprise id (`E…`) of an org-wide install, else team id (`T…`)."""
UserId = NewType("UserId", str)
"""A Slack user id (`U…` or `W…`), unique inside its workspace only."""
ChannelId = NewType("ChannelId", str)
MessageTs = NewType("MessageTs", str)
"""A Slack message's `ts`, its id within the channel."""
ThreadId = NewType("ThreadId", str)
TurnId = NewType("TurnId", str)
SegmentId = NewType("SegmentId", str)
ApprovalId = NewType("ApprovalId", str)
AllowanceId = NewType("AllowanceId", str)
DeliveryId = NewType("DeliveryId", str)
TicketId = NewType("TicketId", str)
ConnectionId = NewType("ConnectionId", str)
ServiceName = NewType("ServiceName", str)
"""A catalogue key such as `notion`; lower case, `[a-z0-9_-]{1,64}`."""
SessionId = NewType("SessionId", str)
"""A Managed Agents session (`sesn_…`)."""
EventId = NewType("EventId", str)
"""A Managed Agents event (`sevt_…`)."""
AgentId = NewType("AgentId", str)
EnvironmentId = NewType("EnvironmentId", str)
VaultId = NewType("VaultId", str)
"""A Managed Agents vault (`vlt_…`); only ever read from a verified member's own row."""
CredentialId = NewType("CredentialId", str)


@dataclass(frozen=True, slots=True)
class Member:
    """A verified person of a workspace; holding one is the authority to act as them.

    Made in exactly two places, the intake of a verified Slack request and a verified Slack
    id_token, and given back by `store.members`, which only ever remembers those two
    (docs/decisions/0004-authority-is-a-type.md).
    """

    workspace_id: WorkspaceId
    user_id: UserId
    team_id: str
    """The person's own team (`T…`), needed as `recipient_team_id` when streaming."""
    name: str
    """Display name, for people only: never a key."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where one Slack message is."""

    channel: ChannelId
    ts: MessageTs


class VaultState(StrEnum):
    """`creating` is a stored intent: the API may or may not have made it yet."""

    CREATING = "creating"
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Vault:
    """A member's vault; `marker` is in the vault's metadata, to find it after a lost answer."""

    marker: str
    owner: Member
    state: VaultState
    vault_id: VaultId | None


class ConnectionState(StrEnum):
    """What a member can expect of a connection right now."""

    CONNECTED = "connected"
    BROKEN = "broken"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Connection:
    """A member's authorisation of one service: one vault credential."""

    id: ConnectionId
    owner: Member
    service: ServiceName
    vault_id: VaultId
    credential_id: CredentialId
    mcp_server_url: str
    account: str | None
    """The account's name at the service, when it tells; else None."""
    scope: str | None
    """As granted."""
    state: ConnectionState
    expires_at: datetime | None
    """When the grant ends by itself and the member has to connect again; None where it is refreshed."""
    connected_at: datetime
    asked_scope: str | None = None
    """As asked for; connecting again asks for it again, whatever was granted (MCP, scope step-up)."""


class TicketState(StrEnum):
    """The life of a link: each step is one compare-and-set, none goes back."""

    NEW = "new"
    IDENTIFYING = "identifying"
    """The browser was sent to Sign in with Slack."""
    AUTHORIZING = "authorizing"
    """The browser proved to be the member's and was sent to the service."""
    EXCHANGING = "exchanging"
    """The service's answer is being turned into a credential."""
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A single-use link to connect one service as one member; then an attempt."""

    id: TicketId
    owner: Member
    service: ServiceName
    state: TicketState
    expires_at: datetime
    card: MessageRef | None
    """The DM that carries the link button, to be replaced when the attempt ends."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one browser's way through a ticket needs to remember; fields fill up step by step.

    `cookie_hash` and `nonce` are set when the browser sets out; all that is optional is set when it
    is sent to the service. Everything secret is erased when the ticket is settled.
    """

    ticket: Ticket
    cookie_hash: str
    nonce: str
    """Of the Sign in with Slack request."""
    verifier: Secret | None = None
    issuer: str | None = None
    token_endpoint: str | None = None
    redirect_uri: str | None = None
    resource: str | None = None
    scope: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    auth_method: str | None = None
    iss_required: bool = False
    mcp_server_url: str | None = None
    is_readable: bool = True
    """False: what is sealed of it does not open, so that it cannot be gone on with."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Our OAuth client at one issuer for one service (RFC 7591, or pre-registered)."""

    service: ServiceName
    issuer: str
    redirect_uri: str
    client_id: str
    client_secret: Secret | None
    auth_method: str
    """`none`, `client_secret_basic` or `client_secret_post`."""
    created_at: datetime
    expires_at: datetime | None


class RegistrationKind(StrEnum):
    """How members get into a service."""

    AUTO = "auto"
    """OAuth; Deputy registers itself (client document, or RFC 7591)."""
    PRE_REGISTERED = "pre_registered"
    """OAuth with a client that an admin made at the service."""
    TOKEN = "token"  # noqa: S105  # a kind, not a token
    """A personal token, given in a modal."""


@dataclass(frozen=True, slots=True)
class SavedService:
    """A service as an admin approved it: added by URL, or a shipped one with a client or other scopes.

    What was shown when it was approved is kept and must hold from then on: the issuer, the resource
    and the hosts are pins (docs/reference/oauth.md#pinned-issuers). A client is sealed for its service,
    origin and issuer.
    """

    workspace_id: WorkspaceId
    name: ServiceName
    title: str
    mcp_url: str
    is_shipped: bool
    """It changes a shipped service: of this row only scopes and client count."""
    registration: RegistrationKind
    approved_by: UserId
    approved_at: datetime
    manage_url: str | None = None
    issuer: str | None = None
    resource: str | None = None
    endpoint_hosts: tuple[str, ...] = ()
    pkce_unadvertised_ok: bool = False
    scopes: tuple[str, ...] = ()
    client_id: str | None = None
    client_secret: Secret | None = None
    secret_variable: str | None = None
    """The environment variable that the secret came from, where a file named one."""
    shown: str = ""
    """Fingerprint of the probe that the admin saw."""
    version: int = 0
    """Counts the saves; who changes it names the one they saw. 0: not saved yet."""


class BudgetKind(StrEnum):
    """Whose month a budget is for."""

    MEMBER = "member"
    CHANNEL = "channel"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class Budget:
    """Names a budget for a month: of a member (user id), a channel (channel id), or the workspace (empty)."""

    kind: BudgetKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class ShortfallState(StrEnum):
    """What became of a budget that somebody asked to be raised."""

    OPEN = "open"
    RAISED = "raised"
    """There is room again, whoever made it."""
    DECLINED = "declined"
    """An admin said: not now."""
    OVER = "over"
    """Its month is."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A budget that is used up and that somebody asked to be raised: one for all who ask."""

    id: str
    workspace_id: WorkspaceId
    budget: Budget
    month: datetime
    """When it began."""
    limit_cents: int
    """What was used up."""
    state: ShortfallState = ShortfallState.OPEN
    decided_by: UserId | None = None
    """None where the settings' file did."""
    raised_to: int | None = None
    """US cents; None: there is no limit any more, or it was not raised."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for a budget to be raised, and where."""

    user_id: UserId
    channel: ChannelId
    thread_ts: MessageTs | None = None


@dataclass(frozen=True, slots=True)
class ServiceTool:
    """A tool of a service as it was listed when a member connected it."""

    service: ServiceName
    name: str
    title: str | None
    description: str
    """What the service tells the model, cut after 4096 characters; `definition_hash` is of the whole."""
    schema_hash: str
    """SHA-256 of its input schema as canonical JSON, hex."""
    annotations: dict[str, bool]
    """`readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`, as far as told; hints, never proof."""
    definition_hash: str
    """SHA-256 of name, title, description, schema and annotations, hex: what an approval was made for."""
    first_seen_at: datetime
    changed_at: datetime | None
    """When its definition last became another one; None: never since it was first seen."""
    seen_at: datetime
    schema: str | None = None
    """Its input schema as indented JSON, cut after 16384 characters; None where it was listed before that was kept."""


class SessionState(StrEnum):
    """How a thread stands with its Managed Agents session."""

    NONE = "none"
    CREATING = "creating"
    """Intent stored; the API may have made it: look for the thread's marker before asking again."""
    OPEN = "open"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Thread:
    """A Slack thread, owned by the member who started it, backed by one session."""

    id: ThreadId
    owner: Member
    channel: ChannelId
    thread_ts: MessageTs | None
    """None until the root message is posted (its intent is this row)."""
    title: str
    profile: str
    is_private: bool
    session_state: SessionState
    session_id: SessionId | None
    session_vault_id: VaultId | None
    """The vault the session was made with; None for a member without connections."""
    created_at: datetime
    session_services: tuple[str, ...] = ()
    """The services the session has now, by name."""
    session_tools: dict[str, Any] | None = None
    """What it was given first and what it has now, in the domain's own form; None: made before this was kept."""
    agent_version: int | None = None
    """The version of the agent that the session was made with, and keeps."""
    asked_in: ChannelId | None = None
    """The channel it was asked in, where that channel's answers are private and so this thread is elsewhere."""

    @property
    def paying_channel(self) -> ChannelId | None:
        """The channel whose rules hold and whose budget pays; None for what was asked in direct messages."""
        return self.asked_in if self.is_private else self.channel


class TurnState(StrEnum):
    """`queued → running ⇄ waiting → ended | stopped | failed`."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


OPEN_TURN_STATES = (TurnState.QUEUED, TurnState.RUNNING, TurnState.WAITING)
ACTIVE_TURN_STATES = (TurnState.RUNNING, TurnState.WAITING)


class SendState(StrEnum):
    """Whether the request reached the session. `sending` is in doubt until the events are listed."""

    UNSENT = "unsent"
    SENDING = "sending"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class UsageBase:
    """What the session had cost when a turn began: the turn's own cost is the rest."""

    cost_cents: float | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, as Slack describes it; its bytes stay there until they are needed."""

    id: str
    name: str
    size: int = 0
    mode: str = "hosted"
    """Slack's word for what it is."""
    width: int = 0
    height: int = 0
    is_others: bool = False
    """It came with somebody else's words, and is their words."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of the owner and everything the agent does until it is idle, stopped or failed."""

    id: TurnId
    thread_id: ThreadId
    owner: Member
    state: TurnState
    send_state: SendState
    task: str
    """What the owner asked; sealed at rest, erased once the turn is over."""
    source: MessageRef | None
    """The owner's own message, where there is one (reply, mention, DM)."""
    notice: MessageRef | None
    """The “queued” or “working” message with the Stop button, once posted."""
    stop_requested_by: UserId | None
    created_at: datetime
    started_at: datetime | None
    event_id: EventId | None = None
    """The request's event at the session, once it is known to be there."""
    usage_base: UsageBase | None = None
    outcome: str | None = None
    """How it ended, in a word of the domain's; None while it is open."""
    cost_cents: float | None = None
    files: tuple[Attachment, ...] = ()
    """What came with it; sealed at rest, erased once the turn is over."""
    is_readable: bool = True
    """False where what is sealed of it does not open: it has no words, and can only be ended."""


class OutputState(StrEnum):
    """Where a file that an agent left stands."""

    INTENDED = "intended"
    SHARED = "shared"
    LEFT = "left"
    """One too many."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file of a session that is to come to its thread."""

    file_id: str
    turn_id: TurnId
    state: OutputState
    slack_id: str | None
    """Its id at Slack, once it is there."""


@dataclass(frozen=True, slots=True)
class Retry:
    """A request that failed, kept to be asked again: at once, or when refused credentials are renewed."""

    turn_id: TurnId
    owner: Member
    services: tuple[str, ...]
    """The services that refused, by name; none where it failed otherwise."""
    task: str
    """Sealed at rest, erased with the row."""
    created_at: datetime
    files: tuple[Attachment, ...] = ()
    """What was attached to it; sealed at rest."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One Slack message of a turn's answer, streamed or edited.

    `ts` None is a stored intent: the stream may exist at Slack without our knowing its ts.
    """

    id: SegmentId
    turn_id: TurnId
    number: int
    ts: MessageTs | None
    is_stream: bool
    is_open: bool
    text_from: int
    """Where in the turn's answer this segment's text begins, in characters."""
    text_to: int | None
    """Where it ends; None until sealed."""
    started_at: datetime


class ApprovalState(StrEnum):
    """One way: `pending → allowed | denied | expired | withdrawn`."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """The turn was stopped or the session went away before a decision."""


class SecondView(StrEnum):
    """What the second approver sees of a call."""

    REDACTED = "redacted"
    """Which tool of which service, for whom."""
    FULL = "full"
    """Its arguments too, secrets masked."""


@dataclass(frozen=True, slots=True)
class Second:
    """That a call needs a second yes, and how far that has come."""

    view: SecondView
    first_at: datetime | None = None
    """When the owner allowed it; only then is anybody else asked."""
    by: UserId | None = None
    """Who decided after the owner; never the owner."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The owner's word that one tool needs no more asking in one thread; void once revoked."""

    id: AllowanceId
    thread_id: ThreadId
    owner: Member
    service: str | None
    tool: str
    tool_hash: str | None
    """The recorded tool at that time: another one is not what was allowed. None where none was recorded."""
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One held tool call waiting for the owner's decision.

    The arguments are not kept: they are read again from the session and compared with
    `arguments_hash` (SHA-256 of the canonical JSON, hex) before a decision is sent.
    """

    id: ApprovalId
    turn_id: TurnId
    session_id: SessionId
    tool_use_id: EventId
    service: str | None
    """The MCP server's name; None for a built-in tool."""
    tool: str
    arguments_hash: str
    state: ApprovalState
    card: MessageRef | None
    decided_by: UserId | None
    reason: str | None
    """The owner's words to the agent; of an allowed call, why it was not run after all."""
    expires_at: datetime
    is_delivered: bool
    """True once the session has the decision."""
    decided_at: datetime | None = None
    second: Second | None = None
    """None where the owner decides alone."""
    allowance_id: AllowanceId | None = None
    """What allowed it without asking; None where somebody was asked."""

    @property
    def is_confirming(self) -> bool:
        """Whether the owner has allowed it and a second approver is waited for."""
        return self.state is ApprovalState.PENDING and self.second is not None and self.second.first_at is not None


class AsideState(StrEnum):
    """One way: `offered → passed | ignored`."""

    OFFERED = "offered"
    PASSED = "passed"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Aside:
    """Words another member wrote in an owner's thread, offered to the owner to pass on."""

    id: str
    thread_id: ThreadId
    author: UserId
    text: str
    """Sealed at rest, erased when ignored."""
    source: MessageRef
    state: AsideState
    files: tuple[Attachment, ...] = ()
    """What came with them, as Slack describes it; sealed and erased as they are."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A message that a form was opened about: a form itself has no room for it."""

    text: str
    author: UserId | None
    files: tuple[Attachment, ...] = ()


class DeliveryState(StrEnum):
    """`done` only after its effect is stored: a crash in between leaves it to the next start."""

    RECEIVED = "received"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One Slack request, by its key; handled once."""

    id: DeliveryId
    key: str
    kind: str
    payload: str
    """The parsed command as JSON; sealed at rest."""
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """An agent profile as it was last saved to the API."""

    name: str
    agent_id: AgentId
    agent_version: int
    environment_id: EnvironmentId
    fingerprint: str
    """SHA-256 of the profile as saved: another one means it must be saved again."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that admins set, as it is now; what is in it is known by `bot.config` alone."""

    kind: str
    """`workspace`, `service`, `profile`, `channel` or `member`."""
    name: str
    body: dict[str, Any] | None
    """None: it was taken back. Its version is kept, so that a form opened before notices."""
    version: int
    """1 at first; one more with each change. 0 stands for what nobody set yet."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom, when; details never hold secrets."""

    at: datetime
    workspace_id: WorkspaceId
    actor: str
    action: str
    subject: str
    details: dict[str, str]


class Secret:
    """A value that cannot print: repr, str, format, logging and JSON show `•••`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; every call site is a place to audit."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(•••)"

    def __str__(self) -> str:
        return "•••"

    def __format__(self, spec: str) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)
