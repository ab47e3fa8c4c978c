"""What an ended connection owes: its member to be told, its credential to be deleted. Services have one pause only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("connections", sa.Column("lapse_untold", sa.String(), nullable=True))
    op.add_column("connections", sa.Column("lapsed_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "connections", sa.Column("is_credential_due", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.drop_column("services", "is_paused")


def downgrade() -> None:
    op.add_column("services", sa.Column("is_paused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_column("connections", "is_credential_due")
    op.drop_column("connections", "lapsed_at")
    op.drop_column("connections", "lapse_untold")
