"""Where a service's server says whose its tokens are, for the way back of an attempt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("userinfo_endpoint", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("tickets", "userinfo_endpoint")
