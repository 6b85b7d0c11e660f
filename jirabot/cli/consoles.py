"""What of rich the commands use; imported only where something is written for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jirabot.cli import output


class OutputConsole(Console):
    """A console on standard output; that its reader has gone it says as everything here does."""

    def __init__(self, *, width: int | None, without_colour: bool) -> None:
        super().__init__(width=width, highlight=False, soft_wrap=True, no_color=without_colour or None)
        if self.no_color:
            # `NO_COLOR` leaves rich its bold and underlined, which programs stumble over all the same.
            super().__init__(width=width, highlight=False, soft_wrap=True, color_system=None)

    def on_broken_pipe(self) -> None:
        """Take the place of rich's way, which ends the process.

        Raises:
            ReaderGone: always.
        """
        output.stop()
        raise output.ReaderGone


def table(rows: Sequence[Sequence[str]], titles: Sequence[str] = ()) -> Table:
    """Make a table without lines; with no *titles*, the first column says what the others are."""
    made = Table(box=None, show_header=bool(titles), pad_edge=False, header_style="bold")
    for title in titles or ("", ""):
        made.add_column(title, no_wrap=True, style="" if titles or made.columns else "bold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made
