"""Services that admins approved, and the tools that services were seen with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "services",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("mcp_url", sa.String(), nullable=False),
        sa.Column("is_shipped", sa.Boolean(), nullable=False),
        sa.Column("registration", sa.String(), nullable=False),
        sa.Column("manage_url", sa.String(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("resource", sa.String(), nullable=True),
        sa.Column("endpoint_hosts", sa.JSON(), nullable=False),
        sa.Column("pkce_unadvertised_ok", sa.Boolean(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("shown", sa.String(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "registration IN ('auto', 'pre_registered', 'token')", name=op.f("ck_services_registration")
        ),
        sa.CheckConstraint(
            "issuer IS NOT NULL OR registration = 'token' OR is_shipped", name=op.f("ck_services_pinned")
        ),
        sa.CheckConstraint("client_secret IS NULL OR client_id IS NOT NULL", name=op.f("ck_services_client")),
        sa.PrimaryKeyConstraint("workspace_id", "name", name=op.f("pk_services")),
        sa.UniqueConstraint("workspace_id", "mcp_url", name=op.f("uq_services_workspace_id_mcp_url")),
    )
    op.create_table(
        "service_tools",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("schema_hash", sa.String(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("definition_hash", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "service", "name", name=op.f("pk_service_tools")),
    )


def downgrade() -> None:
    op.drop_table("service_tools")
    op.drop_table("services")
