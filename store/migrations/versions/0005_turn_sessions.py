"""Which session a turn was sent to, so that a thread that goes on in a new one says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("session_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("turns", "session_id")
