"""Alembic's environment: runs on the connection that `store.migrate` passes in."""

from __future__ import annotations

from alembic import context

from store.all_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite rolls DDL back too, since we begin the transaction ourselves: a failed migration leaves nothing.
    transactional_ddl=True,
    # SQLite cannot alter constraints in place: alembic copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
