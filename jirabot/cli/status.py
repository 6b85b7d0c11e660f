"""`jirabot status`: what goes on, on one screen."""

from typing import Any

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.options import AsJson

EXAMPLES = usage.examples("jirabot status", "jirabot status --json")


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what goes on: troubles, backlog, runs, failures."""
    from jirabot.core.managers.status import as_object
    from jirabot.core.people import SHELL

    async def work(jirabot: Any) -> dict[str, Any]:
        return as_object(await jirabot.overview.status(by=SHELL), daemon_runs=jirabot.lock.is_held())

    shown = running.run(context, work, writes=False)
    if as_json:
        output.write_json(shown)
        return
    if fault := shown["database"]:
        output.lines([f"Nothing can be written: {fault['text']}: {fault['fix']}", ""])
    if shown["troubles"]:
        output.lines(["Troubles:", *(line for each in shown["troubles"] for line in _trouble(each)), ""])
    if shown["held_back"]:
        output.lines(["Held back:", *(line for each in shown["held_back"] for line in output.held_back(each)), ""])
    missing = [(each["name"], item) for each in shown["workspaces"] for item in each["missing"]]
    if missing:
        output.lines(["Missing for a first answer:"])
        output.lines(f"  {name}: {item['text']}: {item['command']}" for name, item in missing)
        output.lines([""])
    output.lines([f"Daemon: {'runs' if shown['daemon'] else 'does not run (`jirabot serve` starts it)'}", ""])
    columns = [
        "name",
        "state",
        "backlog",
        "kept",
        "waiting",
        "running",
        "interrupted",
        "awaiting_input",
        "owed",
        "dead",
    ]
    columns += ["calls_left", "newest_at", "events", "looked_at", "look_calls"]
    empty = "no workspace yet: `jirabot workspace create NAME` makes one"
    output.show_list(shown["workspaces"], as_json=False, columns=columns, empty=empty)
    if shown["failures"]:
        output.lines(["", "Newest failures:"])
        output.lines(f"  {each['at']}  {each['issue_key'] or '-'}: {each['text']}" for each in shown["failures"])
        output.lines(f"  more: {each['command']}" for each in shown["failures"][:1])


def _trouble(shown: dict[str, Any]) -> list[str]:
    where = shown["workspace"] or shown["agent"] or "everywhere"
    return [
        f"  {where}: {shown['reason']} since {shown['begun_at']}: {shown['cause']}",
        f"    fix: {shown['fix']}",
    ]
