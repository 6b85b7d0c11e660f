"""`jirabot serve`: the daemon."""

import sys
from typing import Annotated, Any

import typer

from jirabot.cli import output, running, usage

EXAMPLES = usage.examples("jirabot serve", "jirabot serve --host 0.0.0.0 --port 8642")


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="The address to listen on")] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65535, help="The port; 0 takes a free one")
    ] = None,
) -> None:
    """Take Jira's webhooks and do the work, until it is stopped.

    Ctrl-C or SIGTERM lets the agents' turns end first; the second one ends everything at once.
    """
    from jirabot.daemon.application import serve as serve_app
    from jirabot.daemon.logs import StructuredLog

    async def work(jirabot: Any) -> None:
        def ready(listening_on: int) -> None:
            address = jirabot.settings.server.reached_at(listening_on)
            output.note(f"jirabot listens on {address}")

        await serve_app(jirabot, ready=ready)

    settings = running.settings_of(context, server={"host": host, "port": port})
    running.run_with(settings, work, log=StructuredLog(sys.stderr, settings.log_level))
