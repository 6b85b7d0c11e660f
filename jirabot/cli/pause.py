"""`jirabot pause` and `jirabot resume`: no new run begins until it is wanted again."""

from typing import Annotated, Any

import typer

from jirabot.cli import output, running, usage
from jirabot.errors import InvalidInput

PAUSE_EXAMPLES = usage.examples("jirabot pause acme", "jirabot pause --all")
RESUME_EXAMPLES = usage.examples("jirabot resume acme", "jirabot resume --agent local")

Workspace = Annotated[str, typer.Argument(metavar="WORKSPACE", help="Runs of this workspace")]
Everything = Annotated[bool, typer.Option("--all", help="All runs")]
OfAgent = Annotated[str, typer.Option("--agent", metavar="NAME", help="Runs of this agent")]


def pause(context: typer.Context, workspace: Workspace = "", all_: Everything = False, agent: OfAgent = "") -> None:
    """Let no new run begin. Events are still handled and answered, and what runs goes on."""
    from jirabot.core.people import SHELL

    wanted = _only_one(workspace, all_, agent)

    async def work(jirabot: Any) -> bool:
        paused: bool = await jirabot.pauses.pause(by=SHELL, workspace=workspace, agent=agent)
        return paused

    began = running.run(context, work)
    already = "" if began else " already"
    output.note(f"No new run begins{already}, until `jirabot resume {wanted}`.")


def resume(context: typer.Context, workspace: Workspace = "", all_: Everything = False, agent: OfAgent = "") -> None:
    """Let runs begin again that `jirabot pause` holds back.

    An agent that is left alone for a while, since it has failed three times, is tried with the next run at once.
    """
    from jirabot.core.people import SHELL

    wanted = _only_one(workspace, all_, agent)

    async def work(jirabot: Any) -> Any:
        return await jirabot.pauses.resume(by=SHELL, workspace=workspace, agent=agent)

    resumed = running.run(context, work)
    if resumed.wait:
        output.note(f"The next run tries `{agent}` now; once it goes well, the others follow.")
    if resumed.pause:
        output.note("Runs begin again.")
    elif not resumed.wait:
        output.note(f"There was no `jirabot pause {wanted}`.")
    for other in resumed.others:
        output.warn(f"there is still `jirabot pause {other}`: `jirabot resume {other}` ends it")


def _only_one(workspace: str, everything: bool, agent: str) -> str:
    """Give what is to be paused as it was typed.

    Raises:
        InvalidInput: nothing is named, or more than one thing.
    """
    named = [*filter(None, [workspace]), *(["--all"] if everything else []), *([f"--agent {agent}"] if agent else [])]
    if len(named) != 1:
        what = "nothing is named" if not named else f"more than one thing is named: {', '.join(named)}"
        raise InvalidInput(what, hint="name a workspace, `--all`, or an agent with `--agent`")
    return named[0]
