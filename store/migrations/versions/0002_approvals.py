"""Second approvers, standing allowances, and who has their App Home open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("uq_approvals_owner", "approvals", ["id", "owner_id"], unique=True)
    _create_allowances()
    _create_seconds()
    op.create_table(
        "homes",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_homes_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_homes")),
    )


def _create_allowances() -> None:
    op.create_table(
        "allowances",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("tool_hash", sa.String(), nullable=True),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["thread_id", "workspace_id", "owner_id"],
            ["threads.id", "threads.workspace_id", "threads.owner_id"],
            name=op.f("fk_allowances_thread_id_workspace_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowances")),
    )
    op.create_index("ix_allowances_owner", "allowances", ["workspace_id", "owner_id"], unique=False)
    op.create_index(
        "uq_allowances_one_active",
        "allowances",
        ["thread_id", "service", "tool"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "allowance_uses",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("allowance_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_decisions.approval_id"], name=op.f("fk_allowance_uses_approval_id")
        ),
        sa.ForeignKeyConstraint(["allowance_id"], ["allowances.id"], name=op.f("fk_allowance_uses_allowance_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_allowance_uses")),
    )
    op.create_index("ix_allowance_uses_allowance_id", "allowance_uses", ["allowance_id"], unique=False)


def _create_seconds() -> None:
    op.create_table(
        "approval_seconds",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("second_by", sa.String(), nullable=True),
        sa.CheckConstraint("view IN ('redacted', 'full')", name=op.f("ck_approval_seconds_view")),
        sa.CheckConstraint(
            "second_by IS NULL OR (first_at IS NOT NULL AND second_by <> owner_id)",
            name=op.f("ck_approval_seconds_never_alone"),
        ),
        sa.ForeignKeyConstraint(
            ["approval_id", "owner_id"],
            ["approvals.id", "approvals.owner_id"],
            name=op.f("fk_approval_seconds_approval_id_owner_id"),
        ),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_approval_seconds")),
    )
    op.create_table(
        "second_cards",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("card_channel", sa.String(), nullable=True),
        sa.Column("card_ts", sa.String(), nullable=True),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(card_channel IS NULL) = (card_ts IS NULL)", name=op.f("ck_second_cards_card")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_seconds.approval_id"], name=op.f("fk_second_cards_approval_id")
        ),
        sa.PrimaryKeyConstraint("approval_id", "user_id", name=op.f("pk_second_cards")),
    )


def downgrade() -> None:
    op.drop_table("homes")
    op.drop_table("second_cards")
    op.drop_table("approval_seconds")
    op.drop_index("ix_allowance_uses_allowance_id", table_name="allowance_uses")
    op.drop_table("allowance_uses")
    op.drop_index("uq_allowances_one_active", table_name="allowances")
    op.drop_index("ix_allowances_owner", table_name="allowances")
    op.drop_table("allowances")
    op.drop_index("uq_approvals_owner", table_name="approvals")
