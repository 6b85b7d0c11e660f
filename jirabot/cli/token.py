"""`jirabot token`: the tokens of the management API."""

from typing import Annotated, Any, Literal

import typer

from jirabot.cli import options, output, running, usage
from jirabot.cli.options import AsJson

app = usage.group("The tokens of the management API.")

TheToken = Annotated[str, typer.Argument(metavar="NAME", help="What you call the token")]


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot token create ci --expires 90d",
        "jirabot token create ops --role admin --workspace acme --json",
    ),
)
def create(
    context: typer.Context,
    name: TheToken,
    role: Annotated[Literal["user", "admin"], typer.Option(help="What its holder may do")] = "user",
    user: Annotated[str, typer.Option(metavar="USER", help="The user it stands for; else NAME")] = "",
    workspace: Annotated[str, typer.Option(metavar="NAME", help="Good for this workspace alone")] = "",
    expires: Annotated[str, typer.Option(metavar="TIME", help="How long it lasts, as `90d`; else without end")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once: only its hash is kept."""
    from jirabot.core import objects
    from jirabot.core.managers.tokens import NewToken
    from jirabot.core.people import SHELL, Role

    lasts = options.duration_of("--expires", expires, such_as="90d")
    wanted = NewToken(name=name, role=Role(role), user=user, workspace=workspace, lasts=lasts)

    async def work(jirabot: Any) -> Any:
        return await jirabot.tokens.create(wanted, by=SHELL)

    made = running.run(context, work)
    shown = objects.token(made.token, workspace_name=made.workspace_name, state=made.state, secret=made.secret)
    output.show(shown, as_json=as_json)
    output.note("keep the token: it is not shown again")


@app.command("list", cls=usage.Command, epilog=usage.examples("jirabot token list", "jirabot token list --json"))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the tokens, newest first; those that no longer count too."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.tokens.list(by=SHELL)

    found = running.run(context, work, writes=False)
    shown = [objects.token(each.token, workspace_name=each.workspace_name, state=each.state) for each in found]
    columns = ("name", "role", "user", "workspace", "state", "expires_at")
    empty = "no token yet: `jirabot token create NAME` makes one"
    output.show_list(shown, as_json=as_json, columns=columns, empty=empty)


@app.command(cls=usage.Command, epilog=usage.examples("jirabot token revoke ci", "jirabot token revoke ops --json"))
def revoke(context: typer.Context, name: TheToken, as_json: AsJson = False) -> None:
    """Let a token count no longer. Its name is not free again."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.tokens.revoke(name, by=SHELL)

    done = running.run(context, work)
    shown = objects.token(done.token, workspace_name=done.workspace_name, state=done.state)
    output.show(shown, as_json=as_json)
