"""`jirabot audit`: who changed or ran what."""

from typing import Annotated, Any

import typer

from jirabot.cli import options, output, running, usage
from jirabot.cli.exits import Exit
from jirabot.cli.options import AsJson, Limit, OfWorkspace

app = usage.group("Who changed or ran what: written once, never changed.")


@app.command(
    "list",
    cls=usage.Command,
    epilog=usage.examples("jirabot audit list --since 7d", "jirabot audit list --workspace acme --json"),
)
def list_(
    context: typer.Context,
    workspace: OfWorkspace = None,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Not older: `7d` for the last seven days, or a date as `2026-11-24`")
    ] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List who changed or ran what, newest first.

    What was refused for lack of permission or proof, too; and of workspaces that were deleted.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        from_ = options.moment_of("--since", since, now=jirabot.clock.now())
        return await jirabot.audit.list(by=SHELL, workspace_name=workspace, since=from_, limit=limit)

    shown = [objects.audited(row) for row in running.run(context, work, writes=False)]
    columns = ("id", "at", "by", "from", "act", "workspace", "subject", "outcome")
    output.show_list(
        shown, as_json=as_json, columns=columns, empty="nothing is written down", filtered=bool(since or workspace)
    )


@app.command(cls=usage.Command, epilog=usage.examples("jirabot audit verify", "jirabot audit verify --json"))
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Look whether the audit is as it was written.

    Exit code 1 where one was changed, removed, inserted or cut off, which is named. Keep the head elsewhere: whoever
    may write the database could write a new chain, but none that has it.
    """
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.audit.verify(by=SHELL)

    found = running.run(context, work, writes=False)
    if as_json:
        output.write_json(objects.verdict(found))
    else:
        output.show({"rows": found.head.no, "head": found.head.hash}, as_json=False)
        output.lines(each.text for each in found.broken)
    if found.broken:
        raise typer.Exit(Exit.FAILED)
    output.note("all is well")
