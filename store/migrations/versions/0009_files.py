"""What came with a request, and which files of a session have come to its thread."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("files", sa.Text(), nullable=True))
    op.create_table(
        "outputs",
        sa.Column("file_id", sa.String(), primary_key=True),
        sa.Column("turn_id", sa.String(), sa.ForeignKey("turns.id", name="fk_outputs_turn_id_turns"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("slack_id", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('intended', 'shared', 'left')", name=op.f("ck_outputs_state")),
    )
    op.create_index("ix_outputs_turn", "outputs", ["turn_id"])


def downgrade() -> None:
    op.drop_table("outputs")
    op.drop_column("turns", "files")
