"""Alembic's entry: runs migrations on the connection that ``migrate.py`` hands over, inside its transaction."""

from alembic import context

from syncline_runtime.ledger.indexes import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
