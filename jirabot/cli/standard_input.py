"""What stands on standard input, where there is one: as it is, or as text, whatever the locale says."""

import sys

from jirabot.errors import InvalidInput


def read_bytes() -> bytes:
    """Give all that is left of it."""
    return sys.stdin.buffer.read() if sys.stdin is not None else b""


def read() -> str:
    """Give all that is left of it.

    Raises:
        InvalidInput: it is no text.
    """
    return _text(read_bytes())


def read_line() -> str:
    """Give its next line, with the line's end; empty where it has ended.

    Raises:
        InvalidInput: the line is no text.
    """
    return _text(sys.stdin.buffer.readline() if sys.stdin is not None else b"")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("standard input is not UTF-8", hint="`iconv -t UTF-8` makes it so") from error
