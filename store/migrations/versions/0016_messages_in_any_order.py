"""What Slack says of a message before the message comes, and the files of others' words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("edited_ts", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("NOT is_deleted OR words IS NULL", name=op.f("ck_sources_words_erased")),
        sa.PrimaryKeyConstraint("workspace_id", "channel", "ts", name=op.f("pk_sources")),
    )
    op.create_index(op.f("ix_sources_seen_at"), "sources", ["seen_at"])
    op.add_column("asides", sa.Column("files", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("asides", "files")
    op.drop_index(op.f("ix_sources_seen_at"), table_name="sources")
    op.drop_table("sources")
