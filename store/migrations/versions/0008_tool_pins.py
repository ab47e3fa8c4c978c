"""Which definitions of tools are trusted, and who was told of others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tool_pins",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("schema_hash", sa.String(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("definition_hash", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "service", "tool", name=op.f("pk_tool_pins")),
    )
    op.create_table(
        "tool_alerts",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("card_channel", sa.String(), nullable=True),
        sa.Column("card_ts", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.CheckConstraint("(card_channel IS NULL) = (card_ts IS NULL)", name=op.f("ck_tool_alerts_card")),
        sa.PrimaryKeyConstraint("workspace_id", "service", "user_id", name=op.f("pk_tool_alerts")),
    )


def downgrade() -> None:
    op.drop_table("tool_alerts")
    op.drop_table("tool_pins")
