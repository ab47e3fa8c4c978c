"""What was attached to a request that is kept to be asked again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("retries", sa.Column("files", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("retries", "files")
