"""Every sentence said to a person: an entry of a table, by id, with named parameters."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from string import Formatter
from typing import Any

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|~!"})


class Texts:
    """The sentences of one language. An unknown id or a missing parameter is a programming error, and raises."""

    def __init__(self, entries: Mapping[str, Mapping[str, str]]) -> None:
        self._entries = entries

    def say(self, id_: str, **parameters: object) -> str:
        """Give the sentence *id_* (`table.entry`) with its parameters put in."""
        table, _, entry = id_.partition(".")
        return self._entries[table][entry].format_map(parameters)

    def parameters(self) -> dict[str, frozenset[str]]:
        """List what each sentence wants, by id."""
        return {
            f"{table}.{entry}": frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
            for table, entries in self._entries.items()
            for entry, text in entries.items()
        }


def load(language: str = "en") -> Texts:
    """Load the sentences of a language that is shipped."""
    entries: dict[str, Any] = tomllib.loads(resources.files(__name__).joinpath(f"{language}.toml").read_text("utf-8"))
    return Texts(entries)


def escape(text: str) -> str:
    """Make text that somebody wrote harmless in Markdown, on one line."""
    return " ".join(text.translate(_MARKDOWN).split())
