"""Titles and schemas of tools as they were trusted, so that an alert can show what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service_tools", sa.Column("input_schema", sa.Text(), nullable=True))
    op.add_column("tool_pins", sa.Column("title", sa.String(), nullable=True))
    op.add_column("tool_pins", sa.Column("input_schema", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tool_pins", "input_schema")
    op.drop_column("tool_pins", "title")
    op.drop_column("service_tools", "input_schema")
