"""Threads that are answered elsewhere remember the channel that they were asked in: its budget pays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("threads", sa.Column("asked_in", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("threads", "asked_in")
