"""How a secret comes in: standard input, a file, the environment, or a terminal without echo. Never an argument."""

import getpass
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from jirabot.errors import InvalidInput

API_KEY_VARIABLE = "JIRABOT_SVC_ACC_API_KEY"
WEBHOOK_SECRET_VARIABLE = "JIRABOT_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable

ITS_FILE = "name a text file that you may read, with the secret on its one line"


class Secrets:
    """Reads the secrets of one command; several from standard input take one line each, in the order of asking."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lines = _standard_input()

    def read(self, what: str, given: str | None, file: Path | None, *, variable: str = "") -> str:
        """Read one secret: *given* is `-` or nothing. Empty where there is none.

        Raises:
            InvalidInput: it stands on the command line, where it is said to be there is none, or it is not one line.
        """
        secret = self._find(what, given, file, variable)
        if any(ord(character) < 32 or ord(character) == 127 for character in secret):
            raise InvalidInput(
                f"the {what} holds a line end or another control character", hint="write it alone, on one line"
            )
        return secret

    def _find(self, what: str, given: str | None, file: Path | None, variable: str) -> str:
        if given is not None and given != "-":
            raise InvalidInput(
                f"the {what} is never an argument: other users of this machine could read it",
                hint="give `-` to read it from standard input, or name a file",
            )
        if given is not None and file is not None:
            raise InvalidInput(f"the {what} is to come from standard input and from a file", hint="give one of them")
        if given == "-":
            return self._from_standard_input(what)
        if file is not None:
            return _from_file(what, file)
        return self._environment.get(variable, "").rstrip("\r\n")

    def _from_standard_input(self, what: str) -> str:
        if sys.stdin is not None and sys.stdin.isatty():
            return ask(what)
        try:
            secret = next(self._lines, b"").decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the {what} on standard input is no text") from error
        if not secret:
            raise InvalidInput(f"standard input has no line with the {what}", hint="write one line for each `-`")
        return secret


def ask(what: str) -> str:
    """Ask a terminal for a secret, which it does not show."""
    return getpass.getpass(f"{what[:1].upper()}{what[1:]}: ", sys.stderr)


def _from_file(what: str, file: Path) -> str:
    try:
        secret = file.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise InvalidInput(f"the {what} can't be read from `{file}`: {error.strerror}", hint=ITS_FILE) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the {what} can't be read from `{file}`: it is no text", hint=ITS_FILE) from error
    if not secret:
        raise InvalidInput(f"`{file}` is empty", hint=f"write the {what} into it, on one line")
    return secret


def _standard_input() -> Iterator[bytes]:
    if sys.stdin is not None:
        yield from sys.stdin.buffer
