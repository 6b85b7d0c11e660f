"""What a command asks a person at a terminal; without one nothing is asked, and what is missing is an error."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from jirabot.cli import secrets, standard_input
from jirabot.errors import Forbidden

if TYPE_CHECKING:
    from jirabot.core.managers.workspaces import NewWorkspace

QUESTIONS = {
    "name": "What do you call the workspace (for Cloud best its host)",
    "deployment": "Which kind of Jira is it (`cloud` or `dc`)",
    "base_url": "Its base URL (scheme, host, port and context path)",
    "email": "The service account's e-mail",
    "oauth_client_id": "The OAuth app's client id",
}
SECRET_QUESTIONS = {
    "api_key": "the service account's API token or PAT",
    "oauth_client_secret": "the OAuth app's client secret",
}


def is_possible() -> bool:
    """Say whether a person is there to answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def complete(wanted: "NewWorkspace", lacking: "Callable[[NewWorkspace], Sequence[str]]") -> "NewWorkspace":
    """Ask for what a new workspace lacks, one after the other: an answer may make the next question needless.

    Not within an event loop: Ctrl-C would not reach the question.
    """
    while is_possible() and (names := lacking(wanted)):
        name = names[0]
        answer = question(QUESTIONS[name]) if name in QUESTIONS else secrets.ask(SECRET_QUESTIONS[name])
        wanted = replace(wanted, **{name: answer})  # type: ignore[arg-type]  # what is asked for are texts
    return wanted


def confirm(text: str, *, yes: bool) -> None:
    """Ask whether to do what destroys, unless that was said already with `--yes`. *text* names what, and how much.

    Not within an event loop: Ctrl-C would not reach the question.

    Raises:
        Forbidden: nobody can be asked, or the answer is no.
    """
    if yes:
        return
    if not is_possible():
        raise Forbidden(f"nobody is there to ask: {text}?", hint="give `--yes` where that is wanted")
    if question(f"{text}? [y/N]").lower() not in ("y", "yes"):
        raise Forbidden("nothing was done: the answer was not yes")


def question(text: str) -> str:
    """Ask for one line.

    Raises:
        Abort: the input has ended.
        InvalidInput: the answer is no text.
    """
    print(f"{text}: ", end="", file=sys.stderr, flush=True)
    line = standard_input.read_line()
    if not line:
        raise typer.Abort
    return line.strip()
