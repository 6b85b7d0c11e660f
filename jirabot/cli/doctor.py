"""`jirabot doctor`: everything a person would check, and what to do where it is not well."""

from typing import Any

import typer

from jirabot.cli import output, running, usage
from jirabot.cli.exits import Exit
from jirabot.cli.options import AsJson

EXAMPLES = usage.examples("jirabot doctor", "jirabot doctor --json")

MARKS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Look at everything that has to be well.

    Configuration, disk, git, daemon and port, database, key, agents, and of each workspace its Jira, permissions, clock
    and webhook. Exit code 1 where one of them is not well; where it is not, it says why and what to do.
    """
    shown = _examined(context)
    if as_json:
        for check in shown:
            output.write_json(check)
    else:
        output.lines(line for check in shown for line in _told(check))
    if any(check["level"] == "failed" for check in shown):
        raise typer.Exit(Exit.FAILED)


def _examined(context: typer.Context) -> list[dict[str, Any]]:
    from jirabot.core import objects
    from jirabot.core.checks import Check, Level
    from jirabot.core.people import SHELL
    from jirabot.diagnosis import diagnose
    from jirabot.errors import ConfigurationInvalid

    try:
        settings = running.settings_of(context)
    except ConfigurationInvalid as error:
        # The rest of it would be looked at with settings that nobody meant.
        return [
            objects.check(Check(name="config", level=Level.FAILED, text=problem, fix=error.hint))
            for problem in error.problems
        ]
    well = Check(name="config", level=Level.OK, text="every setting can be used")
    return [objects.check(check) for check in [well, *running.finish(diagnose(settings, by=SHELL))]]


def _told(check: dict[str, Any]) -> list[str]:
    about = f"{check['workspace']}: " if check["workspace"] else ""
    lines = [f"{MARKS[check['level']]}  {check['check']:<11}  {about}{check['text']}"]
    return [*lines, f"{'':22}fix: {check['fix']}"] if check["fix"] else lines
