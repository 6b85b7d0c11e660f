"""`jirabot key`: the master key of the stored secrets."""

from typing import Any

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.options import AsJson

app = usage.group("The master key of the stored secrets.")


@app.command(cls=usage.Command, epilog=usage.examples("jirabot key check", "jirabot key check --json"))
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Open every stored secret, and name the key and its source.

    Where one does not open: exit code 6, naming it.
    """
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.keys.check(by=SHELL)

    found = running.run(context, work, writes=False)
    key, source = (found.key.id, found.key.source) if found.key else (None, None)
    output.show({"key": key, "source": source, "secrets": found.secrets}, as_json=as_json)
    if found.key is None:
        output.note("there is no master key yet: it is made when the first secret is stored")


@app.command(cls=usage.Command, epilog=usage.examples("jirabot key rotate", "jirabot key rotate --json"))
def rotate(context: typer.Context, as_json: AsJson = False) -> None:
    """Make a new master key, and seal every stored secret with it.

    A daemon that runs goes on with the new one by itself.
    """
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.keys.rotate(by=SHELL)

    done = running.run(context, work)
    shown = {"key": done.now.id, "source": done.now.source, "before": done.before.id, "secrets": done.secrets}
    output.show(shown, as_json=as_json)
    output.note(f"copies of the database from before can only be opened with the old key `{done.before.id}`")
