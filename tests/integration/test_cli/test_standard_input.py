"""What commands take from standard input is text in UTF-8, or told as the caller's mistake."""

import io
import sys

import pytest

from jirabot.cli import standard_input
from jirabot.errors import InvalidInput

from .conftest import Cli

NO_TEXT = b"abc\xff\n"


@pytest.mark.parametrize("command", [["conversation", "send", "any", "-"], ["user", "link", "acme", "--from", "-"]])
def test_what_is_not_utf_8_is_told(cli: Cli, command: list[str]) -> None:
    ran = cli(*command, typed=NO_TEXT)

    assert (ran.code, ran.out, ran.error) == (2, "", "standard input is not UTF-8")
    assert "hint: `iconv -t UTF-8` makes it so" in ran.err


def test_of_lines_only_the_one_that_is_read_has_to_be_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of another encoding does not make Python guess at it, or keep what is no text."""
    typed = io.TextIOWrapper(io.BytesIO("Grüße\r\n".encode() + NO_TEXT), "utf-8", errors="surrogateescape")
    monkeypatch.setattr(sys, "stdin", typed)

    assert standard_input.read_line() == "Grüße\n"
    with pytest.raises(InvalidInput, match="standard input is not UTF-8"):
        standard_input.read_line()
    assert standard_input.read_line() == ""


def test_where_there_is_none_nothing_stands_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert (standard_input.read_bytes(), standard_input.read(), standard_input.read_line()) == (b"", "", "")
