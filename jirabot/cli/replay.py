"""`jirabot replay`: a payload or saved delivery, taken through the daemon's own pipeline."""

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer

from jirabot.cli import beside, output, running, standard_input, usage
from jirabot.cli.exits import Exit
from jirabot.cli.options import AsJson, Kind
from jirabot.errors import InvalidInput

EXAMPLES = usage.examples(
    "jirabot replay event.json --dry-run", "jirabot replay event.json --sign --to http://127.0.0.1:8642"
)

Again = Annotated[bool, typer.Option("--again", help="Act even on what was acted on already")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Touch nothing, and say what would happen")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Write it down and end, without the result")]


def replay(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="EVENT.json", help="A payload or saved delivery; `-`: standard input")],
    workspace: Annotated[
        str | None, typer.Option(metavar="NAME", help="The workspace; by the payload's Jira if not given")
    ] = None,
    deployment: Annotated[Kind | None, typer.Option(help="The kind of Jira, where no workspace tells")] = None,
    dry_run: DryRun = False,
    again: Again = False,
    sign: Annotated[bool, typer.Option("--sign", help="Make a right signature, with the workspace's secret")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Post it to the daemon there: its root or events address")
    ] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Take an event through the pipeline, told step by step.

    A replay is an event of its own; what was acted on is not acted on again. A daemon works it, and this waits for the
    result; without one it is worked here, to the end of its run.
    """
    from jirabot.core.managers.replays import ReplayWishes
    from jirabot.core.people import SHELL

    if to is not None and (dry_run or again or no_wait):
        raise InvalidInput("`--to` posts it, and the daemon there decides", hint="leave the other options out")
    content = _content(file)
    wishes = ReplayWishes(
        workspace=workspace,
        deployment=deployment or "",
        dry_run=dry_run,
        again=again,
        sign=sign,
        waits=not no_wait,
    )

    async def work(jirabot: Any) -> Any:
        if to is not None:
            return await jirabot.post_replay(content, to, wishes, by=SHELL), True
        return await jirabot.replay(content, wishes, by=SHELL), jirabot.lock.is_held()

    done, daemon_runs = running.run(context, work, writes=not dry_run and to is None)
    if to is not None:
        show_posted(done, as_json=as_json)
    else:
        show_replay(done, as_json=as_json, daemon_runs=daemon_runs)


def show_replay(done: Any, *, as_json: bool, daemon_runs: bool) -> None:
    """Tell what a replay did, or would do, and end as it ended."""
    from jirabot.core import objects

    shown = objects.replay(
        delivery_id=done.delivery_id,
        dry_run=done.dry_run,
        steps=done.steps,
        decision=done.decision,
        hint=done.hint,
        effects=done.effects,
    )
    if as_json:
        output.write_json(shown)
    else:
        output.lines(f"{s.step:<11} {s.outcome}" + (f": {s.text}" if s.text else "") for s in done.steps)
        output.lines(f"  {effect['kind']} ({effect['state']}): {effect['text']}" for effect in done.effects)
        output.lines([f"hint: {done.hint}"] if done.hint else [])
    if not done.dry_run and not done.decision:
        output.note(f"written down; `jirabot event explain {done.delivery_id}` says what became of it")
        beside.tell(f"event {done.delivery_id}", daemon_runs=daemon_runs)
    if done.failed:
        raise typer.Exit(Exit.FAILED)


def show_posted(done: Any, *, as_json: bool) -> None:
    """Tell what a daemon answered, and end by its status."""
    output.show({"address": done.address, "status": done.status, "answer": done.answer}, as_json=as_json)
    if done.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise typer.Exit(Exit.REFUSED)
    if done.status == HTTPStatus.NOT_FOUND:
        raise typer.Exit(Exit.NOT_FOUND)
    if not HTTPStatus.OK <= done.status < HTTPStatus.MULTIPLE_CHOICES:
        raise typer.Exit(Exit.FAILED)


def _content(file: str) -> bytes:
    if file == "-":
        return standard_input.read_bytes()
    path = Path(file)
    if not path.is_file():
        raise InvalidInput(f"there is no file `{file}`", hint="give a webhook's payload, or `-` for standard input")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"`{file}` can't be read: {error.strerror}") from error
