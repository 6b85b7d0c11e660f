"""`jirabot outbox`: what is owed to Jira, or was."""

from typing import Annotated, Any

import typer

from jirabot.cli import asking, beside, output, running, usage
from jirabot.cli.options import AsJson, Limit, OfWorkspace, Yes

app = usage.group("What is owed to Jira: comments and edits, sent or not.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The effect's id")]


@app.command(
    "list",
    cls=usage.Command,
    epilog=usage.examples("jirabot outbox list --state dead", "jirabot outbox list --workspace acme --json"),
)
def list_(
    context: typer.Context,
    workspace: OfWorkspace = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Only in this state: pending, sending, sent, dead or discarded"),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what is owed to Jira, or was, newest first."""
    from jirabot.core import objects
    from jirabot.core.effects import EffectState
    from jirabot.core.people import SHELL
    from jirabot.errors import InvalidInput

    states = [member.value for member in EffectState]
    if state and state not in states:
        raise InvalidInput(f"`{state}` is no state of an effect", hint=f"give one of: {', '.join(states)}")
    wanted = EffectState(state) if state else None

    async def work(jirabot: Any) -> Any:
        return await jirabot.outbox.list(by=SHELL, workspace_name=workspace, state=wanted, limit=limit)

    shown = [objects.effect(found, workspace_name=name) for found, name in running.run(context, work, writes=False)]
    columns = ("id", "workspace", "conversation", "kind", "state", "attempts", "error")
    output.show_list(
        shown, as_json=as_json, columns=columns, empty="nothing is owed, or was", filtered=bool(state or workspace)
    )


@app.command(cls=usage.Command, epilog=usage.examples("jirabot outbox show 0197…", "jirabot outbox show 0197… --json"))
def show(context: typer.Context, named: Id, as_json: AsJson = False) -> None:
    """Show an effect with its text."""
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.outbox.show(named, by=SHELL)

    _show(*running.run(context, work, writes=False), as_json=as_json)


@app.command(
    cls=usage.Command, epilog=usage.examples("jirabot outbox retry 0197…", "jirabot outbox retry --workspace acme")
)
def retry(
    context: typer.Context,
    named: Annotated[str, typer.Argument(metavar="ID", help="The effect's id")] = "",
    workspace: Annotated[
        str, typer.Option(metavar="NAME", help="Every dead effect of this workspace, as after a token has expired")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Owe a dead effect again, or all of a workspace. An edit that a newer one has overtaken is discarded then."""
    from jirabot.core.people import SHELL
    from jirabot.errors import InvalidInput

    if bool(named) == bool(workspace):
        raise InvalidInput("which effects?", hint="give an id, or `--workspace NAME` for every dead one of it")

    if workspace:
        _retry_all(context, workspace, as_json=as_json)
        return

    async def work(jirabot: Any) -> Any:
        return *await jirabot.outbox.retry(named, by=SHELL), jirabot.lock.is_held()

    found, name, daemon_runs = running.run(context, work)
    _show(found, name, as_json=as_json)
    beside.tell(f"effect {found.id}", daemon_runs=daemon_runs)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot outbox discard 0197…", "jirabot outbox discard 0197… 0198… --yes"),
)
def discard(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID…", help="The effects' ids")] = None,
    yes: Yes = False,
) -> None:
    """Give effects up: they are not sent (again), and stay in the list. More than one asks."""
    from jirabot.core.effects import EffectState
    from jirabot.core.people import SHELL

    wanted = list(dict.fromkeys(ids or []))
    if len(wanted) > 1:
        asking.confirm(f"discard {len(wanted)} effects, which are then never sent", yes=yes)

    async def work(jirabot: Any) -> Any:
        return await jirabot.outbox.discard(wanted, by=SHELL)

    discarded = running.run(context, work)
    count = len(discarded)
    output.note(f"discarded {count} effect{'' if count == 1 else 's'}")
    for found in discarded:
        if found.state is EffectState.SENDING:
            output.note(f"effect {found.id} had been sent, and Jira's answer never came: it may stand on its issue")


def _retry_all(context: typer.Context, workspace: str, *, as_json: bool) -> None:
    from jirabot.core import objects
    from jirabot.core.effects import EffectState
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        return await jirabot.outbox.retry_dead(workspace, by=SHELL), jirabot.lock.is_held()

    found, daemon_runs = running.run(context, work)
    shown = [objects.effect(each, workspace_name=workspace) for each in found]
    columns = ("id", "conversation", "kind", "state")
    output.show_list(shown, as_json=as_json, columns=columns, empty="nothing of it is dead")
    discarded = sum(each.state is EffectState.DISCARDED for each in found)
    if discarded:
        plural = "" if discarded == 1 else "s"
        output.note(f"discarded {discarded} edit{plural}, overtaken by a newer one of the same comment")
    if discarded < len(found):
        beside.tell("what is owed again", daemon_runs=daemon_runs)


def _show(found: Any, name: str, *, as_json: bool) -> None:
    from jirabot.core import objects

    output.show(objects.effect(found, workspace_name=name), as_json=as_json)
