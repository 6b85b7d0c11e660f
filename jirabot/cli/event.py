"""`jirabot event`: what came, and why it did or did not start something; tried again, replayed, or given up."""

import base64
from typing import Annotated, Any

import typer

from jirabot.cli import asking, beside, output, running, usage
from jirabot.cli.options import AsJson, InWorkspace, Limit, OfWorkspace, OnIssue, Yes
from jirabot.cli.replay import Again, DryRun, NoWait, show_replay

app = usage.group("The inbox: what came from Jira, and what became of it.")

Id = Annotated[str | None, typer.Argument(metavar="ID", help="The event's id")]


@app.command(
    "list",
    cls=usage.Command,
    epilog=usage.examples("jirabot event list --state dead", "jirabot event list --workspace acme --json"),
)
def list_(
    context: typer.Context,
    workspace: OfWorkspace = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only in this state: done, ignored, refused, dead, …")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what came, newest first."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    wanted = _state(state)

    async def work(jirabot: Any) -> Any:
        return await jirabot.deliveries.list(by=SHELL, workspace_name=workspace, state=wanted, limit=limit)

    shown = [objects.delivery(found, workspace_name=name) for found, name in running.run(context, work, writes=False)]
    columns = ("id", "received_at", "workspace", "event", "issue_key", "state", "reason")
    output.show_list(
        shown, as_json=as_json, columns=columns, empty="nothing came yet", filtered=bool(state or workspace)
    )


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot event show --issue PAY-7", "jirabot event show 0197… --raw > delivery.json"),
)
def show(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    raw: Annotated[bool, typer.Option("--raw", help="The request as it came, for `replay`")] = False,
    as_json: AsJson = False,
) -> None:
    """Show an event, or the request as it came."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> dict[str, Any]:
        found, name = await _found(jirabot, named, issue, workspace)
        if raw:
            return _saved(await jirabot.deliveries.request(found.id, by=SHELL))
        return objects.delivery(found, workspace_name=name)

    shown = running.run(context, work, writes=False)
    output.show(shown, as_json=as_json or raw)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot event explain --issue PAY-7", "jirabot event explain 0197… --json"),
)
def explain(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Say why an event did, or did not, start something."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        found, name = await _found(jirabot, named, issue, workspace)
        return found, name, await jirabot.deliveries.held_back(found, by=SHELL)

    found, name, held_back = running.run(context, work, writes=False)
    shown = objects.explained(found, held_back, workspace_name=name)
    if as_json:
        output.write_json(shown)
        return
    about = f" on {found.issue_key}" if found.issue_key else ""
    output.lines(
        [
            f"Event {found.id}: {found.kind or 'unnamed'}{about} in {name}, {found.received_at:%Y-%m-%d %H:%M:%S} UTC",
            f"{found.state.value}: {found.text or 'not handled yet'}",
        ]
    )
    output.lines(f"  {step.step:<11} {step.outcome}" + (f": {step.text}" if step.text else "") for step in found.steps)
    output.lines([f"hint: {shown['hint']}"] if shown["hint"] else [])
    if shown["held_back"]:
        output.lines(["Held back:", *(line for each in shown["held_back"] for line in output.held_back(each))])
    if found.conversation_id:
        output.note(f"\nwhat came of it: jirabot conversation show {found.conversation_id}")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot event retry 0197…", "jirabot event retry --issue PAY-7 --json"),
)
def retry(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Have a dead or waiting event handled now."""
    from jirabot.core import objects
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        asked, _ = await _found(jirabot, named, issue, workspace)
        return *await jirabot.deliveries.retry(asked.id, by=SHELL), jirabot.lock.is_held()

    found, name, daemon_runs = running.run(context, work)
    output.show(objects.delivery(found, workspace_name=name), as_json=as_json)
    beside.tell(f"event {found.id}", daemon_runs=daemon_runs)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot event discard 0197…", "jirabot event discard --state dead --workspace acme --yes"),
)
def discard(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID…", help="The events' ids")] = None,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="All in this state: dead, waiting, paused or received")
    ] = None,
    workspace: OfWorkspace = None,
    yes: Yes = False,
) -> None:
    """Give events up: they are not acted on, and stay in the list. More than one asks."""
    from jirabot.core.people import SHELL

    wanted = _state(state)

    async def find(jirabot: Any) -> Any:
        return await jirabot.deliveries.discardable(ids or [], state=wanted, workspace_name=workspace, by=SHELL)

    found = running.run(context, find, writes=False)
    if len(found) > 1:
        asking.confirm(f"discard {len(found)} events, which are then never acted on", yes=yes)

    async def work(jirabot: Any) -> Any:
        return await jirabot.deliveries.discard(found, by=SHELL)

    count = running.run(context, work) if found else 0
    output.note(f"discarded {count} event{'' if count == 1 else 's'}" if count else "there is none to discard")


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot event replay 0197… --dry-run", "jirabot event replay --issue PAY-7 --again"),
)
def replay(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    dry_run: DryRun = False,
    again: Again = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take an event through the pipeline once more, as it is kept."""
    from jirabot.core.managers.replays import ReplayWishes
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        found, name = await _found(jirabot, named, issue, workspace)
        wishes = ReplayWishes(workspace=name, dry_run=dry_run, again=again, waits=not no_wait)
        return await jirabot.replay_kept(found.id, wishes, by=SHELL), jirabot.lock.is_held()

    done, daemon_runs = running.run(context, work, writes=not dry_run)
    show_replay(done, as_json=as_json, daemon_runs=daemon_runs)


async def _found(jirabot: Any, named: str | None, issue: str | None, workspace: str | None) -> tuple[Any, str]:
    """Find the event that is meant, with its workspace's name; tell that newer ones on its issue are passed over."""
    from jirabot.core.people import SHELL

    found = await jirabot.deliveries.find(named, issue_key=issue, workspace_name=workspace, by=SHELL)
    if found.passed_over:
        output.note(
            f"newer events on {found.delivery.issue_key} are passed over: the bot's own comments, and what was acted "
            "on before; `jirabot event list` has them"
        )
    return found.delivery, found.workspace_name


def _state(given: str | None) -> Any:
    from jirabot.core.deliveries import DeliveryState
    from jirabot.errors import InvalidInput

    states = [member.value for member in DeliveryState]
    if given and given not in states:
        raise InvalidInput(f"`{given}` is no state of an event", hint=f"give one of: {', '.join(states)}")
    return DeliveryState(given) if given else None


def _saved(request: Any) -> dict[str, Any]:
    try:
        return {"headers": dict(request.headers), "body": request.body.decode()}
    except UnicodeDecodeError:
        return {"headers": dict(request.headers), "body_base64": base64.b64encode(request.body).decode()}
