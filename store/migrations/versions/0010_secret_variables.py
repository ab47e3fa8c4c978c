"""Where a client's secret came from, so that the settings' file can say it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("services", sa.Column("secret_variable", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("services", "secret_variable")
