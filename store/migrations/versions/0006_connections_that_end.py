"""Connections that end: what was asked for, reminders, and requests to be offered again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("asked_scope", sa.String(), nullable=True))
    op.add_column("connections", sa.Column("reminded_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_connections_credential", "connections", ["credential_id"], unique=False)
    op.create_table(
        "retries",
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn_id", "workspace_id", "owner_id"],
            ["turns.id", "turns.workspace_id", "turns.owner_id"],
            name=op.f("fk_retries_turn_id"),
        ),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_retries")),
    )
    op.create_index("ix_retries_owner", "retries", ["workspace_id", "owner_id", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_retries_owner", table_name="retries")
    op.drop_table("retries")
    op.drop_index("ix_connections_credential", table_name="connections")
    op.drop_column("connections", "reminded_at")
    op.drop_column("connections", "asked_scope")
