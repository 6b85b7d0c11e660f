"""Where each setting was written: the variable's name, or file and line."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Place = tuple[str, ...]
"""A setting by the names of its tables and its own: `("server", "port")`."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What was written where: variables by place, and `file:line` by place, those of tables included."""

    variables: Mapping[Place, str] = field(default_factory=dict)
    lines: Mapping[Place, str] = field(default_factory=dict)

    def origins(self) -> Mapping[str, str]:
        """Give the origin of each setting that was written, by its dotted name; a variable goes before the file."""
        return {".".join(place): origin for place, origin in {**self.lines, **self.variables}.items()}

    def variable(self, place: Place) -> str | None:
        """Name the variable that holds the setting, or one within the table at that place."""
        return _nearest(place, self.variables)

    def line(self, place: Place) -> str | None:
        """Tell where the file has the setting, or the table it should stand in."""
        return _nearest(place, self.lines)


def _nearest(place: Place, known: Mapping[Place, str]) -> str | None:
    """Look at the place itself, then at what lies within it, then at what it lies in."""
    if place in known:
        return known[place]
    within = next((written for other, written in known.items() if other[: len(place)] == place), None)
    around = (place[:length] for length in range(len(place) - 1, 0, -1))
    return within or next((known[outer] for outer in around if outer in known), None)


def leaves(values: Mapping[str, Any], place: Place = ()) -> Iterator[Place]:
    """List the settings of nested tables."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*place, name))
        else:
            yield (*place, name)


def lines_of(text: str) -> Mapping[Place, int]:
    """Find the line of each setting and each table's head in a file that is TOML.

    The parser tells no lines, so it is given one statement after the other: the fewest lines that it can read.
    """
    found: dict[Place, int] = {}
    table: Place = ()
    statement, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        first = first if statement else number
        statement += f"{line}\n"
        try:
            values = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            table = _head(values)
            found.setdefault(table, first)
        for place in leaves(values):
            found.setdefault((*table, *place), first)
        statement = ""
    return found


def _head(values: Mapping[str, Any]) -> Place:
    """Read the name of a table from its head alone: tables within tables, the last of them empty."""
    place: Place = ()
    while values:
        ((name, inner),) = values.items()
        place = (*place, name)
        values = inner if isinstance(inner, dict) else {}
    return place
