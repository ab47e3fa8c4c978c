"""Owns the columns and the constraints, which are our invariants; queries are in one file per noun.

Constraints say what must never be, whatever the code does: another member's vault in a session, a second
running turn in a thread, a second decision. Actors named only for the record (who stopped, who decided,
who wrote an aside) are plain ids: an admin may act who owns nothing here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from store import records

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware time as microseconds since 1970: exact, ordered and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Refuse naive times: they would be some machine's local ones."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return the time in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

OPEN_TICKET_STATES = (
    records.TicketState.NEW,
    records.TicketState.IDENTIFYING,
    records.TicketState.AUTHORIZING,
    records.TicketState.EXCHANGING,
)
ACTIVE_CONNECTION_STATES = (records.ConnectionState.CONNECTED, records.ConnectionState.BROKEN)
LIVING_VAULT_STATES = (records.VaultState.CREATING, records.VaultState.ACTIVE)


def _within(column: str, states: tuple[StrEnum, ...] | type[StrEnum]) -> str:
    listed = ", ".join(f"'{state}'" for state in states)
    return f"{column} IN ({listed})"


def within(column: ColumnElement[str], states: tuple[StrEnum, ...]) -> ColumnElement[bool]:
    """Say `column IN (states)` with the states spelled out: a partial index is found by its own words only."""
    return column.in_([literal_column(f"'{state}'") for state in states])


def _states(enum: type[StrEnum], column: str = "state") -> CheckConstraint:
    return CheckConstraint(_within(column, enum), name=column)


def _message(prefix: str) -> tuple[Column[str], Column[str], CheckConstraint]:
    """Two columns for a `MessageRef`, both or none."""
    return (
        Column(f"{prefix}_channel", String),
        Column(f"{prefix}_ts", String),
        CheckConstraint(f"({prefix}_channel IS NULL) = ({prefix}_ts IS NULL)", name=prefix),
    )


def _owner() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace_id", "owner_id"], ["members.workspace_id", "members.user_id"])


members = Table(
    "members",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("team_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("deactivated_at", UtcTime),
)

vaults = Table(
    "vaults",
    metadata,
    Column("marker", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("vault_id", String, unique=True),
    Column("created_at", UtcTime, nullable=False),
    _owner(),
    _states(records.VaultState),
    CheckConstraint("state <> 'active' OR vault_id IS NOT NULL", name="active_is_known"),
    # What others refer to: a vault together with whose it is.
    UniqueConstraint("vault_id", "workspace_id", "owner_id"),
    Index(
        "uq_vaults_one_living",
        "workspace_id",
        "owner_id",
        unique=True,
        sqlite_where=text(_within("state", LIVING_VAULT_STATES)),
        postgresql_where=text(_within("state", LIVING_VAULT_STATES)),
    ),
)


def _own_vault(column: str) -> ForeignKeyConstraint:
    """The vault must be the row owner's own: the invariant that the whole product stands on."""
    return ForeignKeyConstraint(
        [column, "workspace_id", "owner_id"], ["vaults.vault_id", "vaults.workspace_id", "vaults.owner_id"]
    )


connections = Table(
    "connections",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("service", String, nullable=False),
    Column("vault_id", String, nullable=False),
    Column("credential_id", String, nullable=False),
    Column("mcp_server_url", String, nullable=False),
    Column("account", String),
    Column("scope", String),
    Column("state", String, nullable=False),
    Column("expires_at", UtcTime),
    Column("connected_at", UtcTime, nullable=False),
    Column("asked_scope", String),
    Column("reminded_at", UtcTime),
    # Intents: stored with the state that they follow from, cleared when they are carried out.
    Column("lapse_untold", String),
    Column("lapsed_at", UtcTime),
    Column("is_credential_due", Boolean, nullable=False, server_default=false()),
    _owner(),
    _own_vault("vault_id"),
    _states(records.ConnectionState),
    Index("ix_connections_credential", "credential_id"),
    Index("ix_connections_vault", "vault_id", "workspace_id", "owner_id"),
    Index(
        "uq_connections_one_active",
        "workspace_id",
        "owner_id",
        "service",
        unique=True,
        sqlite_where=text(_within("state", ACTIVE_CONNECTION_STATES)),
        postgresql_where=text(_within("state", ACTIVE_CONNECTION_STATES)),
    ),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("service", String, nullable=False),
    Column("state", String, nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
    Column("settled_at", UtcTime),
    Column("ticket_hash", String, nullable=False, unique=True),
    Column("cookie_hash", String),
    Column("identity_state_hash", String, unique=True),
    Column("state_hash", String, unique=True),
    Column("nonce", String),
    Column("verifier", Text),
    Column("issuer", String),
    Column("token_endpoint", String),
    Column("redirect_uri", String),
    Column("resource", String),
    Column("scope", String),
    Column("client_id", String),
    Column("client_secret", Text),
    Column("auth_method", String),
    Column("iss_required", Boolean, nullable=False),
    Column("mcp_server_url", String),
    *_message("card"),
    _owner(),
    _states(records.TicketState),
    CheckConstraint(
        "(verifier IS NULL AND client_secret IS NULL) OR state IN ('authorizing', 'exchanging')", name="secrets_erased"
    ),
    CheckConstraint("cookie_hash IS NULL OR settled_at IS NULL", name="cookie_erased"),
    Index(
        "uq_tickets_one_open",
        "workspace_id",
        "owner_id",
        "service",
        unique=True,
        sqlite_where=text(_within("state", OPEN_TICKET_STATES)),
        postgresql_where=text(_within("state", OPEN_TICKET_STATES)),
    ),
    Index(
        "ix_tickets_interrupted",
        "state",
        sqlite_where=text("state IN ('exchanging')"),
        postgresql_where=text("state IN ('exchanging')"),
    ),
)

registrations = Table(
    "registrations",
    metadata,
    Column("service", String, primary_key=True),
    Column("issuer", String, primary_key=True),
    Column("redirect_uri", String, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("client_secret", Text),
    Column("auth_method", String, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    CheckConstraint("auth_method IN ('none', 'client_secret_basic', 'client_secret_post')", name="auth_method"),
)

services = Table(
    "services",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("mcp_url", String, nullable=False),
    Column("is_shipped", Boolean, nullable=False),
    Column("registration", String, nullable=False),
    Column("manage_url", String),
    Column("issuer", String),
    Column("resource", String),
    Column("endpoint_hosts", JSON, nullable=False),
    Column("pkce_unadvertised_ok", Boolean, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("client_id", String),
    Column("client_secret", Text),
    Column("secret_variable", String),
    Column("shown", String, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("approved_at", UtcTime, nullable=False),
    Column("version", Integer, nullable=False),
    _states(records.RegistrationKind, "registration"),
    # What has no issuer has nothing to pin: only a personal token can go there.
    CheckConstraint("issuer IS NOT NULL OR registration = 'token' OR is_shipped", name="pinned"),
    CheckConstraint("client_secret IS NULL OR client_id IS NOT NULL", name="client"),
    UniqueConstraint("workspace_id", "mcp_url"),
)

service_tools = Table(
    "service_tools",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("title", String),
    Column("description", Text, nullable=False),
    Column("schema_hash", String, nullable=False),
    Column("input_schema", Text),
    Column("annotations", JSON, nullable=False),
    Column("definition_hash", String, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime),
    Column("seen_at", UtcTime, nullable=False),
)

tool_pins = Table(
    "tool_pins",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("tool", String, primary_key=True),
    Column("title", String),
    Column("description", Text, nullable=False),
    Column("schema_hash", String, nullable=False),
    Column("input_schema", Text),
    Column("annotations", JSON, nullable=False),
    Column("definition_hash", String, nullable=False),
    Column("accepted_by", String),
    Column("accepted_at", UtcTime, nullable=False),
)

tool_alerts = Table(
    "tool_alerts",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    *_message("card"),
    Column("digest", String, nullable=False),
)

shortfalls = Table(
    "shortfalls",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("month", UtcTime, nullable=False),
    Column("limit_cents", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("decided_by", String),
    Column("raised_to", Integer),
    Column("is_told", Boolean, nullable=False),
    _states(records.BudgetKind, "kind"),
    _states(records.ShortfallState),
    CheckConstraint("state != 'open' OR NOT is_told", name="told"),
    UniqueConstraint("workspace_id", "kind", "name", "month", "limit_cents"),
)

shortfall_askers = Table(
    "shortfall_askers",
    metadata,
    Column("shortfall_id", String, ForeignKey("shortfalls.id"), primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("thread_ts", String),
)

shortfall_cards = Table(
    "shortfall_cards",
    metadata,
    Column("shortfall_id", String, ForeignKey("shortfalls.id"), primary_key=True),
    Column("user_id", String, primary_key=True),
    *_message("card"),
)

threads = Table(
    "threads",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("thread_ts", String),
    Column("title", String, nullable=False),
    Column("profile", String, nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("session_state", String, nullable=False),
    Column("session_id", String, unique=True),
    Column("session_vault_id", String),
    Column("session_services", JSON, nullable=False),
    Column("session_tools", JSON(none_as_null=True)),
    Column("agent_version", Integer),
    Column("asked_in", String),
    Column("created_at", UtcTime, nullable=False),
    _owner(),
    _own_vault("session_vault_id"),
    _states(records.SessionState, "session_state"),
    CheckConstraint("(session_state = 'open') = (session_id IS NOT NULL)", name="open_has_session"),
    UniqueConstraint("workspace_id", "channel", "thread_ts"),
    UniqueConstraint("id", "workspace_id", "owner_id"),
    UniqueConstraint("id", "workspace_id"),
    Index("ix_threads_vault", "session_vault_id", "workspace_id", "owner_id"),
    Index("ix_threads_recent", "workspace_id", "owner_id", "created_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("payload", Text),
    Column("state", String, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    _states(records.DeliveryState),
    CheckConstraint("(state = 'received') = (payload IS NOT NULL)", name="payload_erased"),
    Index("ix_deliveries_state_received_at", "state", "received_at"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("delivery_id", String, ForeignKey("deliveries.id", ondelete="SET NULL"), unique=True),
    Column("state", String, nullable=False),
    Column("send_state", String, nullable=False),
    Column("session_id", String),
    Column("event_id", String),
    Column("task", Text),
    *_message("source"),
    *_message("notice"),
    Column("stop_requested_by", String),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("outcome", String),
    Column("cost_cents", Float),
    Column("usage_base_cost_cents", Float),
    Column("usage_base_input_tokens", Integer),
    Column("usage_base_output_tokens", Integer),
    Column("allowance_cents", Float),
    Column("files", Text),
    Column("is_edit_told", Boolean, nullable=False, server_default=false()),
    # A turn's owner is its thread's owner, never somebody who wrote there.
    ForeignKeyConstraint(
        ["thread_id", "workspace_id", "owner_id"], ["threads.id", "threads.workspace_id", "threads.owner_id"]
    ),
    _states(records.TurnState),
    _states(records.SendState, "send_state"),
    CheckConstraint(f"({_within('state', records.OPEN_TURN_STATES)}) = (task IS NOT NULL)", name="task_erased"),
    CheckConstraint(f"({_within('state', records.OPEN_TURN_STATES)}) = (ended_at IS NULL)", name="ended"),
    UniqueConstraint("thread_id", "number"),
    UniqueConstraint("id", "workspace_id", "owner_id"),
    Index("ix_turns_source", "workspace_id", "source_channel", "source_ts"),
    Index(
        "uq_turns_one_active",
        "thread_id",
        unique=True,
        sqlite_where=text(_within("state", records.ACTIVE_TURN_STATES)),
        postgresql_where=text(_within("state", records.ACTIVE_TURN_STATES)),
    ),
    Index(
        "ix_turns_open",
        "workspace_id",
        "owner_id",
        sqlite_where=text(_within("state", records.OPEN_TURN_STATES)),
        postgresql_where=text(_within("state", records.OPEN_TURN_STATES)),
    ),
)

outputs = Table(
    "outputs",
    metadata,
    Column("file_id", String, primary_key=True),
    Column("turn_id", String, ForeignKey("turns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("slack_id", String),
    _states(records.OutputState),
    Index("ix_outputs_turn", "turn_id"),
)

retries = Table(
    "retries",
    metadata,
    Column("turn_id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("services", JSON, nullable=False),
    Column("task", Text, nullable=False),
    Column("files", Text),
    Column("created_at", UtcTime, nullable=False),
    # Only the owner of the turn can ask it again.
    ForeignKeyConstraint(["turn_id", "workspace_id", "owner_id"], ["turns.id", "turns.workspace_id", "turns.owner_id"]),
    Index("ix_retries_owner", "workspace_id", "owner_id", "created_at"),
)

segments = Table(
    "segments",
    metadata,
    Column("id", String, primary_key=True),
    Column("turn_id", String, ForeignKey("turns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("ts", String),
    Column("is_stream", Boolean, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("text_from", Integer, nullable=False),
    Column("text_to", Integer),
    Column("started_at", UtcTime, nullable=False),
    CheckConstraint("is_open = (text_to IS NULL)", name="sealed"),
    CheckConstraint("text_from >= 0 AND (text_to IS NULL OR text_to >= text_from)", name="range"),
    UniqueConstraint("turn_id", "number"),
    Index(
        "uq_segments_one_open",
        "turn_id",
        unique=True,
        sqlite_where=text("text_to IS NULL"),
        postgresql_where=text("text_to IS NULL"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", String, primary_key=True),
    Column("turn_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("tool_use_id", String, nullable=False),
    Column("service", String),
    Column("tool", String, nullable=False),
    Column("arguments_hash", String, nullable=False),
    Column("state", String, nullable=False),
    *_message("card"),
    Column("number", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("is_delivered", Boolean, nullable=False),
    ForeignKeyConstraint(["turn_id", "workspace_id", "owner_id"], ["turns.id", "turns.workspace_id", "turns.owner_id"]),
    _states(records.ApprovalState),
    CheckConstraint("state <> 'pending' OR NOT is_delivered", name="delivered_once_decided"),
    UniqueConstraint("session_id", "tool_use_id"),
    UniqueConstraint("id", "state"),
    Index("uq_approvals_owner", "id", "owner_id", unique=True),
    Index("ix_approvals_turn", "turn_id", "number"),
    Index(
        "ix_approvals_pending",
        "workspace_id",
        "owner_id",
        sqlite_where=text("state IN ('pending')"),
        postgresql_where=text("state IN ('pending')"),
    ),
)

allowances = Table(
    "allowances",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    # Empty for a built-in tool: a unique index takes two NULLs for different.
    Column("service", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("tool_hash", String),
    Column("given_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    # Given by the thread's owner, for what the agent does with the owner's accounts.
    ForeignKeyConstraint(
        ["thread_id", "workspace_id", "owner_id"], ["threads.id", "threads.workspace_id", "threads.owner_id"]
    ),
    Index(
        "uq_allowances_one_active",
        "thread_id",
        "service",
        "tool",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index("ix_allowances_owner", "workspace_id", "owner_id"),
)

approval_decisions = Table(
    "approval_decisions",
    metadata,
    Column("approval_id", String, ForeignKey("approvals.id"), primary_key=True),
    Column("state", String, nullable=False),
    Column("decided_by", String),
    Column("reason", Text),
    Column("decided_at", UtcTime, nullable=False),
    # The decision and the approval's state are one: neither can change without the other.
    ForeignKeyConstraint(["approval_id", "state"], ["approvals.id", "approvals.state"]),
    CheckConstraint("state IN ('allowed', 'denied', 'expired', 'withdrawn')", name="state"),
    CheckConstraint("state <> 'allowed' OR decided_by IS NOT NULL", name="allowed_by_somebody"),
)

allowance_uses = Table(
    "allowance_uses",
    metadata,
    Column("approval_id", String, ForeignKey("approval_decisions.approval_id"), primary_key=True),
    Column("allowance_id", String, ForeignKey("allowances.id"), nullable=False, index=True),
)

approval_seconds = Table(
    "approval_seconds",
    metadata,
    Column("approval_id", String, primary_key=True),
    Column("owner_id", String, nullable=False),
    Column("view", String, nullable=False),
    Column("first_at", UtcTime),
    Column("second_by", String),
    ForeignKeyConstraint(["approval_id", "owner_id"], ["approvals.id", "approvals.owner_id"]),
    _states(records.SecondView, "view"),
    CheckConstraint("second_by IS NULL OR (first_at IS NOT NULL AND second_by <> owner_id)", name="never_alone"),
)

second_cards = Table(
    "second_cards",
    metadata,
    Column("approval_id", String, ForeignKey("approval_seconds.approval_id"), primary_key=True),
    Column("user_id", String, primary_key=True),
    *_message("card"),
    Column("is_settled", Boolean, nullable=False),
)

homes = Table(
    "homes",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("opened_at", UtcTime, nullable=False),
    ForeignKeyConstraint(["workspace_id", "user_id"], ["members.workspace_id", "members.user_id"]),
)

asides = Table(
    "asides",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("author", String, nullable=False),
    Column("text", Text),
    Column("source_channel", String, nullable=False),
    Column("source_ts", String, nullable=False),
    Column("state", String, nullable=False),
    Column("files", Text),
    ForeignKeyConstraint(["thread_id", "workspace_id"], ["threads.id", "threads.workspace_id"]),
    _states(records.AsideState),
    CheckConstraint("(state = 'ignored') = (text IS NULL)", name="text_erased"),
    UniqueConstraint("workspace_id", "source_channel", "source_ts"),
)

quotes = Table(
    "quotes",
    metadata,
    Column("id", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner_id", String, nullable=False),
    Column("author", String),
    Column("text", Text, nullable=False),
    Column("files", Text),
    Column("created_at", UtcTime, nullable=False, index=True),
    ForeignKeyConstraint(["workspace_id", "owner_id"], ["members.workspace_id", "members.user_id"]),
)

sources = Table(
    "sources",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("ts", String, primary_key=True),
    Column("is_deleted", Boolean, nullable=False),
    Column("edited_ts", String, nullable=False),
    Column("words", Text),
    Column("seen_at", UtcTime, nullable=False, index=True),
    CheckConstraint("NOT is_deleted OR words IS NULL", name="words_erased"),
)

profiles = Table(
    "profiles",
    metadata,
    Column("name", String, primary_key=True),
    Column("agent_id", String, nullable=False),
    Column("agent_version", Integer, nullable=False),
    Column("environment_id", String, nullable=False),
    Column("fingerprint", String, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("body", JSON(none_as_null=True)),
    Column("version", Integer, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", String, nullable=False),
    CheckConstraint("version > 0", name="version"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("workspace_id", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("details", JSON, nullable=False),
    Index("ix_audit_entries_workspace", "workspace_id", "number"),
)
