"""`jirabot demo`: the whole loop on this machine, made only of what the product has."""

from typing import Annotated

import typer

from jirabot.cli import running, usage
from jirabot.cli.exits import Exit
from jirabot.cli.options import AsJson

EXAMPLES = usage.examples("jirabot demo --once --deployment dc", 'jirabot demo --agent "my-agent --quiet"')


def demo(
    deployment: Annotated[str, typer.Option(help="`cloud` or `dc`")] = "cloud",
    once: Annotated[bool, typer.Option("--once", help="End after the story")] = False,
    agent: Annotated[str, typer.Option(help="Your own agent's command, in place of the scripted one")] = "",
    as_json: AsJson = False,
) -> None:
    """Start a small Jira and the daemon, comment on an issue, and tell the story as it happens.

    Nothing is faked: signed webhooks over HTTP, SQLite on disk, a git repository, an agent process, comments through
    Jira's REST API. Everything is in a temporary folder, and nothing of your own configuration is read.
    """
    import shlex

    from jirabot.cli.story import Teller, play
    from jirabot.errors import InvalidInput

    if deployment not in ("cloud", "dc"):
        raise InvalidInput(f"`{deployment}` is no deployment", hint="give `cloud` or `dc`")
    try:
        command = tuple(shlex.split(agent))
    except ValueError as error:
        raise InvalidInput(f"`{agent}` is no command: {error}") from error
    if not running.finish(play(deployment, Teller(as_json=as_json), agent=command, once=once)):
        raise typer.Exit(Exit.FAILED)
