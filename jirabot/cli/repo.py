"""`jirabot repo`: which repository an issue belongs to."""

from pathlib import Path
from typing import Annotated, Any

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.options import AsJson, TheWorkspace
from jirabot.cli.secrets import Secrets

app = usage.group("The repositories, and which issues are theirs.")


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        "jirabot repo add acme shop --url https://git.acme.example/shop.git --default --token -",
        "jirabot repo add acme tools --url file:///srv/git/tools.git --project TOOLS --base main",
    ),
)
def add(
    context: typer.Context,
    workspace: TheWorkspace,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it in `repo:NAME`, as `owner/name`")],
    url: Annotated[str, typer.Option(metavar="URL", help="Its git address, without user or token")],
    base: Annotated[
        str, typer.Option(metavar="BRANCH", help="The branch to start from; the remote's HEAD if not given")
    ] = "",
    project: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Issues of this project are its own")] = None,
    component: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Issues with this component are its own")
    ] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="LABEL", help="Issues with this label are its own")] = None,
    default: Annotated[bool, typer.Option("--default", help="For issues that nothing else ties")] = False,
    user: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The git host's user, where its token needs one; `x-access-token` if not given"
        ),
    ] = "",
    token: Annotated[str | None, typer.Option(metavar="-", help="The git token, from standard input")] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A file with the git token")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a repository to a workspace."""
    from jirabot.core import objects
    from jirabot.core.managers.repositories import NewRepository
    from jirabot.core.people import SHELL

    settings = running.settings_of(context)
    wanted = NewRepository(
        name=name,
        url=url,
        base=base,
        projects=tuple(project or ()),
        components=tuple(component or ()),
        labels=tuple(label or ()),
        is_default=default,
        user=user,
        token=Secrets(settings.environment).read("git token", token, token_file),
    )

    async def work(jirabot: Any) -> Any:
        return await jirabot.repositories.add(workspace, wanted, by=SHELL)

    made = running.run_with(settings, work)
    output.show(objects.repository(made, workspace_name=workspace.lower()), as_json=as_json)


@app.command(
    "list", cls=usage.Command, epilog=usage.examples("jirabot repo list acme", "jirabot repo list acme --json")
)
def list_(context: typer.Context, workspace: TheWorkspace, as_json: AsJson = False) -> None:
    """List a workspace's repositories, newest first."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.repositories.list(workspace, by=SHELL)

    found = running.run(context, work, writes=False)
    shown = [objects.repository(repository, workspace_name=workspace.lower()) for repository in reversed(found)]
    columns = ("name", "url", "base", "projects", "components", "labels", "default")
    empty = f"no repository yet: `jirabot repo add {workspace} NAME --url GIT_URL` adds one"
    output.show_list(shown, as_json=as_json, columns=columns, empty=empty)


Repository = Annotated[str, typer.Argument(metavar="NAME", help="The repository")]


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot repo remove acme shop", "jirabot repo remove acme shop --json")
)
def remove(context: typer.Context, workspace: TheWorkspace, name: Repository, as_json: AsJson = False) -> None:
    """Remove a repository and its token; what was pushed to it stays."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.repositories.remove(workspace, name, by=SHELL)

    removed, at_work = running.run(context, work)
    output.show(objects.repository(removed, workspace_name=workspace.lower()), as_json=as_json)
    if at_work:
        output.warn(f"{at_work} open {'conversation works' if at_work == 1 else 'conversations work'} in it")


@app.command(
    "test",
    cls=usage.Command,
    epilog=usage.examples("jirabot repo test acme shop", "jirabot repo test acme shop --json"),
)
def reach(context: typer.Context, workspace: TheWorkspace, name: Repository, as_json: AsJson = False) -> None:
    """Ask a git host which branch work starts from."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.repositories.test(workspace, name, by=SHELL)

    tried, branch = running.run(context, work, writes=False)
    shown = objects.repository(tried, workspace_name=workspace.lower())
    output.show({**shown, "starts_from": branch}, as_json=as_json)
