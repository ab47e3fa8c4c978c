"""Budgets that are used up: who asked for more, and which admins were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shortfalls",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("month", sa.BigInteger(), nullable=False),
        sa.Column("limit_cents", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("raised_to", sa.Integer(), nullable=True),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('member', 'channel', 'workspace')", name=op.f("ck_shortfalls_kind")),
        sa.CheckConstraint("state IN ('open', 'raised', 'declined', 'over')", name=op.f("ck_shortfalls_state")),
        sa.CheckConstraint("state != 'open' OR NOT is_told", name=op.f("ck_shortfalls_told")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortfalls")),
        sa.UniqueConstraint(
            "workspace_id",
            "kind",
            "name",
            "month",
            "limit_cents",
            name=op.f("uq_shortfalls_workspace_id_kind_name_month_limit_cents"),
        ),
    )
    op.create_table(
        "shortfall_askers",
        sa.Column("shortfall_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread_ts", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["shortfall_id"], ["shortfalls.id"], name=op.f("fk_shortfall_askers_shortfall_id_shortfalls")
        ),
        sa.PrimaryKeyConstraint("shortfall_id", "user_id", name=op.f("pk_shortfall_askers")),
    )
    op.create_table(
        "shortfall_cards",
        sa.Column("shortfall_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("card_channel", sa.String(), nullable=True),
        sa.Column("card_ts", sa.String(), nullable=True),
        sa.CheckConstraint("(card_channel IS NULL) = (card_ts IS NULL)", name=op.f("ck_shortfall_cards_card")),
        sa.ForeignKeyConstraint(
            ["shortfall_id"], ["shortfalls.id"], name=op.f("fk_shortfall_cards_shortfall_id_shortfalls")
        ),
        sa.PrimaryKeyConstraint("shortfall_id", "user_id", name=op.f("pk_shortfall_cards")),
    )


def downgrade() -> None:
    op.drop_table("shortfall_cards")
    op.drop_table("shortfall_askers")
    op.drop_table("shortfalls")
