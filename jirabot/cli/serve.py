"""`jirabot serve`: the daemon."""

import gc
import sys
from typing import Annotated, Any

import typer

from jirabot.cli import output, running, usage

COLLECTED_EVERY = (10_000, 20, 50)
"""How many objects more than were freed start a look at the youngest; how many of those, one at the next older."""

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
            _spare_the_collector()
            output.note(f"jirabot listens on {address}")

        await serve_app(jirabot, ready=ready)

    settings = running.settings_of(context, server={"host": host, "port": port})
    running.run_with(settings, work, log=StructuredLog(sys.stderr, settings.log_level))


def _spare_the_collector() -> None:
    """Let the collector of garbage pass over all that was imported and made until now: it stays until the end.

    It looks more rarely too. A webhook makes a hundred objects that are freed without it; each look at the older ones
    finds those that wait for the disk, and takes a tenth of the time in which webhooks are answered.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTED_EVERY)
