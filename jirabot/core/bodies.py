"""Text written in Jira, read once: as it stands, as Markdown, and as what its writer says themself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PickerMention:
    """A mention chosen from Jira's picker: `[~accountid:ID]`, `[~name]`, or an ADF mention node."""

    id: str


Line = tuple[str | PickerMention, ...]
"""One line of what a writer says themself, in pieces of text and picker mentions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A comment or description.

    `raw` is what Jira holds (wiki markup, or ADF as canonical JSON), for comparing; `markdown` is the whole of it for
    the agent; `lines` leave out code, quotations and links, for finding who is spoken to.
    """

    raw: str
    markdown: str
    lines: tuple[Line, ...]


EMPTY = Body(raw="", markdown="", lines=())

ReadBody = Callable[[str | Mapping[str, Any] | None], Body]
"""Reads what stands in a `body` or `description` field: wiki markup, an ADF document, or nothing. Total."""
