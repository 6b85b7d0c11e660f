"""What Alembic runs: the steps, on the connection and within the transaction that `steps.take` has opened."""

from alembic import context

from jirabot.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
