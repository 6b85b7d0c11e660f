"""`jirabot user`: who may trigger the bot."""

from typing import Annotated, Any, Literal

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.options import AsJson, NoValidate, TheWorkspace

app = usage.group("Who may trigger the bot: links of Jira accounts to users.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot user link acme 5b10a2844c20165700ede21g",
        "jirabot user link acme ada@acme.example --user ada --role admin",
    ),
)
def link(
    context: typer.Context,
    workspace: TheWorkspace,
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="An account id, user name or key, or an e-mail that finds one")
    ],
    user: Annotated[str, typer.Option(metavar="NAME", help="The jirabot user; the account itself if not given")] = "",
    role: Annotated[Literal["user", "admin"], typer.Option(help="What the link lets the user do")] = "user",
    no_validate: NoValidate = False,
    as_json: AsJson = False,
) -> None:
    """Let a Jira account trigger the bot."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL, Role

    async def work(jirabot: Any) -> Any:
        made = await jirabot.users.link(
            workspace, account, by=SHELL, user=user, role=Role(role), validate=not no_validate
        )
        return made, (await jirabot.workspaces.show(workspace, by=SHELL))[0]

    made, linked_in = running.run(context, work)
    output.show(objects.link(made, workspace_name=linked_in.name), as_json=as_json)
    if made.account.id == linked_in.service_account.id:
        output.warn("this is the service account itself: what it writes by hand is heard as this person's")


@app.command("list", cls=usage.Command, epilog=usage.examples("jirabot user list", "jirabot user list acme --json"))
def list_(
    context: typer.Context,
    workspace: Annotated[str | None, typer.Argument(metavar="WORKSPACE", help="Only of this workspace")] = None,
    as_json: AsJson = False,
) -> None:
    """List the links, newest first."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.users.list(workspace, by=SHELL)

    shown = [objects.link(link, workspace_name=name) for link, name in running.run(context, work, writes=False)]
    columns = ("workspace", "account", "name", "user", "role", "state")
    empty = "nobody is linked yet: `jirabot user link WORKSPACE ACCOUNT` links someone"
    output.show_list(shown, as_json=as_json, columns=columns, empty=empty)


Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An account id, user name or e-mail, or a user")]


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot user show acme ada", "jirabot user show acme ada --json")
)
def show(context: typer.Context, workspace: TheWorkspace, account: Account, as_json: AsJson = False) -> None:
    """Show a link, an ended one too."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.users.show(workspace, account, by=SHELL)

    found, name = running.run(context, work, writes=False)
    output.show(objects.link(found, workspace_name=name), as_json=as_json)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot user unlink acme ada", "jirabot user unlink acme 5b10a2844c20165700ede21g --json"),
)
def unlink(context: typer.Context, workspace: TheWorkspace, account: Account, as_json: AsJson = False) -> None:
    """End a link: the account triggers nothing any more."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.users.unlink(workspace, account, by=SHELL)

    ended, name = running.run(context, work)
    output.show(objects.link(ended, workspace_name=name), as_json=as_json)
    output.note(
        f"\n{ended.account.label} may trigger the bot no more; `jirabot user link {name} {ended.account.id}` undoes it."
    )
