"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_workspace", "audit_entries", ["workspace_id", "number"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(state = 'received') = (payload IS NOT NULL)", name=op.f("ck_deliveries_payload_erased")),
        sa.CheckConstraint("state IN ('received', 'done')", name=op.f("ck_deliveries_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("key", name=op.f("uq_deliveries_key")),
    )
    op.create_index("ix_deliveries_state_received_at", "deliveries", ["state", "received_at"], unique=False)
    op.create_table(
        "members",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("deactivated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_members")),
    )
    op.create_table(
        "profiles",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("agent_version", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_profiles")),
    )
    op.create_table(
        "registrations",
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("auth_method", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "auth_method IN ('none', 'client_secret_basic', 'client_secret_post')",
            name=op.f("ck_registrations_auth_method"),
        ),
        sa.PrimaryKeyConstraint("service", "issuer", "redirect_uri", name=op.f("pk_registrations")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("ticket_hash", sa.String(), nullable=False),
        sa.Column("cookie_hash", sa.String(), nullable=True),
        sa.Column("identity_state_hash", sa.String(), nullable=True),
        sa.Column("state_hash", sa.String(), nullable=True),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("verifier", sa.Text(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("token_endpoint", sa.String(), nullable=True),
        sa.Column("redirect_uri", sa.String(), nullable=True),
        sa.Column("resource", sa.String(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("auth_method", sa.String(), nullable=True),
        sa.Column("iss_required", sa.Boolean(), nullable=False),
        sa.Column("mcp_server_url", sa.String(), nullable=True),
        sa.Column("card_channel", sa.String(), nullable=True),
        sa.Column("card_ts", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(verifier IS NULL AND client_secret IS NULL) OR state IN ('authorizing', 'exchanging')",
            name=op.f("ck_tickets_secrets_erased"),
        ),
        sa.CheckConstraint(
            "state IN ('new', 'identifying', 'authorizing', 'exchanging', 'done', 'failed', 'superseded')",
            name=op.f("ck_tickets_state"),
        ),
        sa.CheckConstraint("(card_channel IS NULL) = (card_ts IS NULL)", name=op.f("ck_tickets_card")),
        sa.CheckConstraint("cookie_hash IS NULL OR settled_at IS NULL", name=op.f("ck_tickets_cookie_erased")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_tickets_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("identity_state_hash", name=op.f("uq_tickets_identity_state_hash")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_tickets_state_hash")),
        sa.UniqueConstraint("ticket_hash", name=op.f("uq_tickets_ticket_hash")),
    )
    op.create_index(op.f("ix_tickets_expires_at"), "tickets", ["expires_at"], unique=False)
    op.create_index(
        "ix_tickets_interrupted",
        "tickets",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state IN ('exchanging')"),
        postgresql_where=sa.text("state IN ('exchanging')"),
    )
    op.create_index(
        "uq_tickets_one_open",
        "tickets",
        ["workspace_id", "owner_id", "service"],
        unique=True,
        sqlite_where=sa.text("state IN ('new', 'identifying', 'authorizing', 'exchanging')"),
        postgresql_where=sa.text("state IN ('new', 'identifying', 'authorizing', 'exchanging')"),
    )
    op.create_table(
        "vaults",
        sa.Column("marker", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("vault_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state <> 'active' OR vault_id IS NOT NULL", name=op.f("ck_vaults_active_is_known")),
        sa.CheckConstraint("state IN ('creating', 'active', 'archived')", name=op.f("ck_vaults_state")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_vaults_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("marker", name=op.f("pk_vaults")),
        sa.UniqueConstraint(
            "vault_id", "workspace_id", "owner_id", name=op.f("uq_vaults_vault_id_workspace_id_owner_id")
        ),
        sa.UniqueConstraint("vault_id", name=op.f("uq_vaults_vault_id")),
    )
    op.create_index(
        "uq_vaults_one_living",
        "vaults",
        ["workspace_id", "owner_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('creating', 'active')"),
        postgresql_where=sa.text("state IN ('creating', 'active')"),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("vault_id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("mcp_server_url", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("scope", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('connected', 'broken', 'disconnected')", name=op.f("ck_connections_state")),
        sa.ForeignKeyConstraint(
            ["vault_id", "workspace_id", "owner_id"],
            ["vaults.vault_id", "vaults.workspace_id", "vaults.owner_id"],
            name=op.f("fk_connections_vault_id_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_connections_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
    )
    op.create_index("ix_connections_vault", "connections", ["vault_id", "workspace_id", "owner_id"], unique=False)
    op.create_index(
        "uq_connections_one_active",
        "connections",
        ["workspace_id", "owner_id", "service"],
        unique=True,
        sqlite_where=sa.text("state IN ('connected', 'broken')"),
        postgresql_where=sa.text("state IN ('connected', 'broken')"),
    )
    op.create_table(
        "threads",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread_ts", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("session_state", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("session_vault_id", sa.String(), nullable=True),
        sa.Column("session_services", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(session_state = 'open') = (session_id IS NOT NULL)", name=op.f("ck_threads_open_has_session")
        ),
        sa.CheckConstraint(
            "session_state IN ('none', 'creating', 'open', 'lost')", name=op.f("ck_threads_session_state")
        ),
        sa.ForeignKeyConstraint(
            ["session_vault_id", "workspace_id", "owner_id"],
            ["vaults.vault_id", "vaults.workspace_id", "vaults.owner_id"],
            name=op.f("fk_threads_session_vault_id_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_threads_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
        sa.UniqueConstraint("id", "workspace_id", "owner_id", name=op.f("uq_threads_id_workspace_id_owner_id")),
        sa.UniqueConstraint("id", "workspace_id", name=op.f("uq_threads_id_workspace_id")),
        sa.UniqueConstraint("session_id", name=op.f("uq_threads_session_id")),
        sa.UniqueConstraint(
            "workspace_id", "channel", "thread_ts", name=op.f("uq_threads_workspace_id_channel_thread_ts")
        ),
    )
    op.create_index("ix_threads_recent", "threads", ["workspace_id", "owner_id", "created_at"], unique=False)
    op.create_index("ix_threads_vault", "threads", ["session_vault_id", "workspace_id", "owner_id"], unique=False)
    op.create_table(
        "asides",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("source_channel", sa.String(), nullable=False),
        sa.Column("source_ts", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint("(state = 'ignored') = (text IS NULL)", name=op.f("ck_asides_text_erased")),
        sa.CheckConstraint("state IN ('offered', 'passed', 'ignored')", name=op.f("ck_asides_state")),
        sa.ForeignKeyConstraint(
            ["thread_id", "workspace_id"],
            ["threads.id", "threads.workspace_id"],
            name=op.f("fk_asides_thread_id_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asides")),
        sa.UniqueConstraint(
            "workspace_id", "source_channel", "source_ts", name=op.f("uq_asides_workspace_id_source_channel_source_ts")
        ),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("send_state", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("source_channel", sa.String(), nullable=True),
        sa.Column("source_ts", sa.String(), nullable=True),
        sa.Column("notice_channel", sa.String(), nullable=True),
        sa.Column("notice_ts", sa.String(), nullable=True),
        sa.Column("stop_requested_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("cost_cents", sa.Float(), nullable=True),
        sa.Column("usage_base_cost_cents", sa.Float(), nullable=True),
        sa.Column("usage_base_input_tokens", sa.Integer(), nullable=True),
        sa.Column("usage_base_output_tokens", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('queued', 'running', 'waiting')) = (ended_at IS NULL)", name=op.f("ck_turns_ended")
        ),
        sa.CheckConstraint(
            "(state IN ('queued', 'running', 'waiting')) = (task IS NOT NULL)", name=op.f("ck_turns_task_erased")
        ),
        sa.CheckConstraint("send_state IN ('unsent', 'sending', 'sent')", name=op.f("ck_turns_send_state")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'waiting', 'ended', 'stopped', 'failed')", name=op.f("ck_turns_state")
        ),
        sa.CheckConstraint("(notice_channel IS NULL) = (notice_ts IS NULL)", name=op.f("ck_turns_notice")),
        sa.CheckConstraint("(source_channel IS NULL) = (source_ts IS NULL)", name=op.f("ck_turns_source")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_turns_delivery_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["thread_id", "workspace_id", "owner_id"],
            ["threads.id", "threads.workspace_id", "threads.owner_id"],
            name=op.f("fk_turns_thread_id_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_turns_delivery_id")),
        sa.UniqueConstraint("id", "workspace_id", "owner_id", name=op.f("uq_turns_id_workspace_id_owner_id")),
        sa.UniqueConstraint("thread_id", "number", name=op.f("uq_turns_thread_id_number")),
    )
    op.create_index(
        "ix_turns_open",
        "turns",
        ["workspace_id", "owner_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )
    op.create_index("ix_turns_source", "turns", ["workspace_id", "source_channel", "source_ts"], unique=False)
    op.create_index(
        "uq_turns_one_active",
        "turns",
        ["thread_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('running', 'waiting')"),
        postgresql_where=sa.text("state IN ('running', 'waiting')"),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("tool_use_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("arguments_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("card_channel", sa.String(), nullable=True),
        sa.Column("card_ts", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("is_delivered", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state <> 'pending' OR NOT is_delivered", name=op.f("ck_approvals_delivered_once_decided")),
        sa.CheckConstraint(
            "state IN ('pending', 'allowed', 'denied', 'expired', 'withdrawn')", name=op.f("ck_approvals_state")
        ),
        sa.CheckConstraint("(card_channel IS NULL) = (card_ts IS NULL)", name=op.f("ck_approvals_card")),
        sa.ForeignKeyConstraint(
            ["turn_id", "workspace_id", "owner_id"],
            ["turns.id", "turns.workspace_id", "turns.owner_id"],
            name=op.f("fk_approvals_turn_id_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("id", "state", name=op.f("uq_approvals_id_state")),
        sa.UniqueConstraint("session_id", "tool_use_id", name=op.f("uq_approvals_session_id_tool_use_id")),
    )
    op.create_index(
        "ix_approvals_pending",
        "approvals",
        ["workspace_id", "owner_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending')"),
        postgresql_where=sa.text("state IN ('pending')"),
    )
    op.create_index("ix_approvals_turn", "approvals", ["turn_id", "number"], unique=False)
    op.create_table(
        "segments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ts", sa.String(), nullable=True),
        sa.Column("is_stream", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("text_from", sa.Integer(), nullable=False),
        sa.Column("text_to", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("is_open = (text_to IS NULL)", name=op.f("ck_segments_sealed")),
        sa.CheckConstraint(
            "text_from >= 0 AND (text_to IS NULL OR text_to >= text_from)", name=op.f("ck_segments_range")
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_segments_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint("turn_id", "number", name=op.f("uq_segments_turn_id_number")),
    )
    op.create_index(
        "uq_segments_one_open",
        "segments",
        ["turn_id"],
        unique=True,
        sqlite_where=sa.text("text_to IS NULL"),
        postgresql_where=sa.text("text_to IS NULL"),
    )
    op.create_table(
        "approval_decisions",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state <> 'allowed' OR decided_by IS NOT NULL", name=op.f("ck_approval_decisions_allowed_by_somebody")
        ),
        sa.CheckConstraint(
            "state IN ('allowed', 'denied', 'expired', 'withdrawn')", name=op.f("ck_approval_decisions_state")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id", "state"],
            ["approvals.id", "approvals.state"],
            name=op.f("fk_approval_decisions_approval_id_state"),
        ),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_decisions_approval_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approval_decisions")),
    )


def downgrade() -> None:
    op.drop_table("approval_decisions")
    op.drop_index(
        "uq_segments_one_open",
        table_name="segments",
        sqlite_where=sa.text("text_to IS NULL"),
        postgresql_where=sa.text("text_to IS NULL"),
    )
    op.drop_table("segments")
    op.drop_index("ix_approvals_turn", table_name="approvals")
    op.drop_index(
        "ix_approvals_pending",
        table_name="approvals",
        sqlite_where=sa.text("state IN ('pending')"),
        postgresql_where=sa.text("state IN ('pending')"),
    )
    op.drop_table("approvals")
    op.drop_index(
        "uq_turns_one_active",
        table_name="turns",
        sqlite_where=sa.text("state IN ('running', 'waiting')"),
        postgresql_where=sa.text("state IN ('running', 'waiting')"),
    )
    op.drop_index("ix_turns_source", table_name="turns")
    op.drop_index(
        "ix_turns_open",
        table_name="turns",
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting')"),
    )
    op.drop_table("turns")
    op.drop_table("asides")
    op.drop_index("ix_threads_vault", table_name="threads")
    op.drop_index("ix_threads_recent", table_name="threads")
    op.drop_table("threads")
    op.drop_index(
        "uq_connections_one_active",
        table_name="connections",
        sqlite_where=sa.text("state IN ('connected', 'broken')"),
        postgresql_where=sa.text("state IN ('connected', 'broken')"),
    )
    op.drop_index("ix_connections_vault", table_name="connections")
    op.drop_table("connections")
    op.drop_index(
        "uq_vaults_one_living",
        table_name="vaults",
        sqlite_where=sa.text("state IN ('creating', 'active')"),
        postgresql_where=sa.text("state IN ('creating', 'active')"),
    )
    op.drop_table("vaults")
    op.drop_index(
        "uq_tickets_one_open",
        table_name="tickets",
        sqlite_where=sa.text("state IN ('new', 'identifying', 'authorizing', 'exchanging')"),
        postgresql_where=sa.text("state IN ('new', 'identifying', 'authorizing', 'exchanging')"),
    )
    op.drop_index(
        "ix_tickets_interrupted",
        table_name="tickets",
        sqlite_where=sa.text("state IN ('exchanging')"),
        postgresql_where=sa.text("state IN ('exchanging')"),
    )
    op.drop_index(op.f("ix_tickets_expires_at"), table_name="tickets")
    op.drop_table("tickets")
    op.drop_table("registrations")
    op.drop_table("profiles")
    op.drop_table("members")
    op.drop_index("ix_deliveries_state_received_at", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index("ix_audit_entries_workspace", table_name="audit_entries")
    op.drop_table("audit_entries")
