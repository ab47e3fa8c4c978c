"""What admins set, and what a session and a turn were given of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_settings_version")),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "name", name=op.f("pk_settings")),
    )
    op.add_column("threads", sa.Column("session_tools", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("threads", sa.Column("agent_version", sa.Integer(), nullable=True))
    op.add_column("turns", sa.Column("allowance_cents", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("turns", "allowance_cents")
    op.drop_column("threads", "agent_version")
    op.drop_column("threads", "session_tools")
    op.drop_table("settings")
