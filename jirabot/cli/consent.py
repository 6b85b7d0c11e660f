"""What commands do that need somebody's consent in a browser: show where to go, and take the code shown there."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import typer

from jirabot.cli import asking, output, running, standard_input
from jirabot.errors import CodeRefused, InvalidInput

if TYPE_CHECKING:
    from jirabot.core.managers.consent_flow import Begun


def visit(context: typer.Context, begin: "Callable[[Any], Awaitable[Begun]]") -> Any:
    """Begin a visit to a consent page, wait for its code, do what it was for, and give what that was.

    Raises:
        InvalidInput: standard input has ended before a code, or is no text.
        CodeRefused: the code is wrong, for the last time; at a terminal it is asked for again before that.
    """
    from jirabot.core.people import SHELL

    begun = running.run(context, begin)
    output.note(f"Open this address in a browser, and consent there:\n\n{begun.url}\n\nThe page then shows a code.")
    while True:
        code = _code()

        async def work(jirabot: Any, code: str = code) -> Any:
            return await jirabot.consent_codes.finish(begun.state, code, by=SHELL)

        try:
            return running.run(context, work)
        except CodeRefused as error:
            if not asking.is_possible():
                raise
            output.warn(f"{error.message}; {error.hint}")


def _code() -> str:
    """Read a code: asked for at a terminal, else the next line."""
    if asking.is_possible():
        return asking.question("The code")
    line = standard_input.read_line()
    if not line.strip():
        raise InvalidInput("there is no code on standard input", hint="the page shows it, for ten minutes")
    return line.strip()
