"""`jirabot conversation`: the bot's work on issues, and what a comment could ask of it."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from jirabot.cli import asking, beside, output, running, standard_input, usage
from jirabot.cli.options import AsJson, InWorkspace, Limit, OfWorkspace, OnIssue, Yes
from jirabot.errors import InvalidInput

app = usage.group("The bot's work on issues.")

Id = Annotated[str | None, typer.Argument(metavar="ID", help="The conversation's id")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Write it down and end, without the result")]


@app.command(
    "list",
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation list", "jirabot conversation list --workspace acme --json"),
)
def list_(context: typer.Context, workspace: OfWorkspace = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List conversations, newest first."""
    from jirabot.core.managers.conversations import listed
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> Any:
        found = await jirabot.conversations.list(by=SHELL, workspace_name=workspace, limit=limit)
        return [listed(each) for each in found], jirabot.lock.is_held()

    found, daemon_runs = running.run(context, work, writes=False)
    shown = found if as_json else [_for_people(each) for each in found]
    columns = ("id", "issue_key", "state", "agent", "repository", "branch", "runs", "updated_at")
    output.show_list(
        shown, as_json=as_json, columns=columns, empty="no conversation yet", filtered=workspace is not None
    )
    if not as_json and any(each["interrupted"] for each in found):
        beside.tell("what was interrupted", daemon_runs=daemon_runs)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation show --issue PAY-7", "jirabot conversation show 0197… --json"),
)
def show(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Show what was asked, what the agent did, what was answered."""
    from jirabot.core.managers.conversations import as_object
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> tuple[dict[str, Any], bool]:
        found = await jirabot.conversations.find(named, issue_key=issue, workspace_name=workspace, by=SHELL)
        return as_object(found, jirabot.conversations.logs(found)), jirabot.lock.is_held()

    shown, daemon_runs = running.run(context, work, writes=False)
    if as_json:
        output.write_json(shown)
        return
    many = ("messages", "run_list", "events", "effects")
    output.show({name: value for name, value in _for_people(shown).items() if name not in many}, as_json=False)
    output.lines(["", *(f"{m['author']}: {m['text'] or '(the issue itself)'}" for m in shown["messages"])])
    output.lines(f"  {event['kind']}: {event['text']}" for event in shown["events"])
    output.lines(f"  log of run {run['number']}: {log}" for run in shown["run_list"] for log in run["logs"])
    output.lines(f"  comment, {e['kind']} ({e['state']}): {e['text'].partition(chr(10))[0]}" for e in shown["effects"])
    if shown["interrupted"]:
        beside.tell("what was interrupted", daemon_runs=daemon_runs)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation tail --issue PAY-7", "jirabot conversation tail 0197… --json"),
)
def tail(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """Show what the agent reports, as it comes, until all is at rest."""
    from jirabot.core import objects
    from jirabot.core.conversations import Attendance
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> None:
        found = await jirabot.conversations.find(named, issue_key=issue, workspace_name=workspace, by=SHELL)
        _tell_held_back(await jirabot.conversations.held_back(found.conversation.id, by=SHELL))
        async for event in jirabot.conversations.follow(found.conversation.id, by=SHELL):
            if as_json:
                output.write_json(objects.run_event(event))
            elif isinstance(event, Attendance):
                output.note(event.text)
            else:
                output.lines([f"{event.at:%H:%M:%S} {event.kind}: {event.text}"])

    running.run(context, work, writes=False)


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation stop --issue PAY-7", "jirabot conversation stop 0197… --no-wait"),
)
def stop(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """End what goes on, as the comment `stop` would."""
    from jirabot.core.people import SHELL

    _order(
        context,
        (named, issue, workspace),
        lambda of, id_: of.stop(id_, waits=not no_wait, by=SHELL),
        as_json=as_json,
        owes=_ON_ISSUE,
    )


@app.command(
    cls=usage.Command,
    epilog=usage.examples(
        'jirabot conversation send --issue PAY-7 "also fix the logout page"',
        "jirabot conversation send 0197… - < request.txt",
    ),
)
def send(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID] TEXT", help="The conversation's id; the text, `-`: standard input"),
    ] = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Say something to the agent, as a comment that mentions it would."""
    from jirabot.core.people import SHELL

    given = words or []
    if len(given) != (1 if issue else 2):
        raise InvalidInput(
            "a conversation and one text are needed", hint='give `ID "TEXT"`, or `--issue KEY "TEXT"`; quote the text'
        )
    named, text = (None if issue else given[0]), given[-1]
    if text == "-":
        text = standard_input.read()

    _order(
        context,
        (named, issue, workspace),
        lambda of, id_: of.send(id_, text, waits=not no_wait, by=SHELL),
        as_json=as_json,
        owes="the agent's work",
    )


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation retry --issue PAY-7", "jirabot conversation retry 0197… --no-wait"),
)
def retry(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Try once more what was asked last, in the same checkout."""
    from jirabot.core.people import SHELL

    _order(
        context,
        (named, issue, workspace),
        lambda of, id_: of.retry(id_, waits=not no_wait, by=SHELL),
        as_json=as_json,
        owes="the agent's work",
    )


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation close --issue PAY-7", "jirabot conversation close 0197… --json"),
)
def close(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    as_json: AsJson = False,
) -> None:
    """End one that waits, so that no new run begins by itself."""
    from jirabot.core.people import SHELL

    _order(
        context,
        (named, issue, workspace),
        lambda of, id_: of.close(id_, by=SHELL),
        as_json=as_json,
        owes=_ON_ISSUE,
    )


@app.command(
    cls=usage.Command,
    epilog=usage.examples("jirabot conversation delete 0197…", "jirabot conversation delete --issue PAY-7 --yes"),
)
def delete(
    context: typer.Context,
    named: Id = None,
    issue: OnIssue = None,
    workspace: InWorkspace = None,
    yes: Yes = False,
) -> None:
    """Remove a conversation and its checkout.

    What stands in Jira and at the git host, comments and branches, stays there.
    """
    from jirabot.core.people import SHELL

    async def find(jirabot: Any) -> Any:
        return await jirabot.conversations.find(named, issue_key=issue, workspace_name=workspace, by=SHELL)

    whole = running.run(context, find, writes=False)
    found = whole.conversation
    asking.confirm(
        f"delete conversation {found.id} on {found.issue_key}, its {len(whole.messages)} messages, "
        f"{len(whole.runs)} runs and its checkout",
        yes=yes,
    )

    async def work(jirabot: Any) -> None:
        await jirabot.conversations.delete(found.id, by=SHELL)

    running.run(context, work)
    output.note(f"deleted conversation {found.id}; what stands on {found.issue_key} and at the git host stays there")


_ON_ISSUE = "what is to be said on the issue"


def _order(
    context: typer.Context,
    asked: tuple[str | None, str | None, str | None],
    ordered: Any,
    *,
    as_json: bool,
    owes: str,
) -> None:
    """Have something done with the conversation of an id, or of an issue and workspace, and show it as it is then."""
    from jirabot.core.managers.conversations import listed
    from jirabot.core.people import SHELL

    named, issue, workspace = asked

    async def work(jirabot: Any) -> Any:
        of = jirabot.conversations
        found = await of.find(named, issue_key=issue, workspace_name=workspace, by=SHELL)
        whole = await ordered(of, found.conversation.id)
        return whole, await of.held_back(found.conversation.id, by=SHELL), jirabot.lock.is_held()

    whole, held_back, daemon_runs = running.run(context, work)
    shown = listed(whole)
    output.show(shown if as_json else _for_people(shown), as_json=as_json)
    _tell_held_back(held_back)
    beside.tell(owes, daemon_runs=daemon_runs)


def _for_people(shown: dict[str, Any]) -> dict[str, Any]:
    """Say in the state that nobody works on it now."""
    told = {name: value for name, value in shown.items() if name != "interrupted"}
    return {**told, "state": f"{told['state']}, interrupted"} if shown["interrupted"] else told


def _tell_held_back(found: Sequence[Any]) -> None:
    from jirabot.core import objects

    for each in found:
        output.note("\n".join(output.held_back(objects.check(each))))
