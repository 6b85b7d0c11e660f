"""What commands write: data to standard output, everything else to standard error; `--json` or for people."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jirabot.errors import CommandFailed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Object = Mapping[str, Any]

WIDE = 100_000
"""The width of tables, and of all else where there is no terminal: one line each, however long. A terminal wraps it
better than folded cells would be, and an address stays one that can be copied."""

_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""What a terminal would obey: texts of strangers must not move its cursor or set its title."""

_no_colour: list[bool] = []


class ReaderGone(Exception):
    """Nobody reads our output any more, as with `| head`: no error, and no reason to go on."""


def without_colour() -> None:
    """Write without colours from now on, whatever the terminal can."""
    _no_colour.append(True)


def console(*, width: int | None = None) -> "Console":
    """Make a console on standard output that honours `NO_COLOR`, and is plain and wide off a terminal."""
    from jirabot.cli.consoles import OutputConsole

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return OutputConsole(width=width if is_terminal else WIDE, without_colour=bool(_no_colour))


def note(text: str) -> None:
    """Tell a person something beside the data; nobody listening is no error."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(harmless(text), file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Warn a person of something they can act on."""
    note(f"warning: {text}")


def show(value: Object, *, as_json: bool) -> None:
    """Write one object: as JSON, or as a list of its fields."""
    if as_json:
        write_json(value)
        return
    rows = [[name.replace("_", " "), plain(field)] for name, field in value.items() if field not in (None, [], "")]
    _write_table(rows)


def show_list(
    values: Sequence[Object], *, as_json: bool, columns: Sequence[str], empty: str, filtered: bool = False
) -> None:
    """Write many: one JSON object a line, or a table; of none a sentence, and nothing on standard output.

    *filtered*: not all were asked for, so that it is no sign of there being none.
    """
    if as_json:
        for value in values:
            write_json(value)
    elif values:
        rows = [[plain(value.get(column)) for column in columns] for value in values]
        _write_table(rows, [column.replace("_", " ") for column in columns])
    else:
        note("none fits what was asked for" if filtered else empty)


def write_json(value: Object) -> None:
    """Write one object on one line."""
    _write(json.dumps(value, ensure_ascii=False) + "\n")


def held_back(check: Object) -> list[str]:
    """Give the lines that tell a person what holds work back, and how that is ended."""
    about = f"{check['workspace']}: " if check["workspace"] else ""
    return [f"  {about}{check['text']}", f"    {check['fix']}"]


def lines(texts: Iterable[str]) -> None:
    """Write lines to standard output."""
    _write("".join(f"{harmless(text)}\n" for text in texts))


def harmless(text: str) -> str:
    """Take out of a text what a terminal would obey."""
    return text.translate(_CONTROLS)


def finish() -> None:
    """Hand over what is still held back.

    Raises:
        ReaderGone: nobody reads it.
        CommandFailed: it can't be written.
    """
    if sys.stdout is not None:
        _write("")


def _write_table(rows: Sequence[Sequence[str]], titles: Sequence[str] = ()) -> None:
    from jirabot.cli.consoles import table

    made: Table = table(rows, titles)
    printing = console(width=WIDE)
    with _to_somebody(), printing.capture() as captured:
        printing.print(made)
    # Cells are filled up to their column's width: of use to nobody at a line's end.
    _write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _write(text: str) -> None:
    if sys.stdout is None:
        raise CommandFailed("standard output is closed")
    with _to_somebody():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextlib.contextmanager
def _to_somebody() -> Iterator[None]:
    """Say in our own words that standard output can't be written.

    Raises:
        ReaderGone: nobody reads it.
        CommandFailed: a full disk, for one.
    """
    try:
        yield
    except BrokenPipeError:
        stop()
        raise ReaderGone from None
    except OSError as error:
        stop()
        raise CommandFailed(f"standard output can't be written: {error.strerror}") from error


def stop() -> None:
    """Let what is still written to standard output go nowhere: the interpreter would complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain(value: object) -> str:
    """Write the value of a field for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return harmless(str(value))
