"""What a text says: all of it, or only what its writer says themself. Pure."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import assert_never

from jirabot.jira.markup import runs
from jirabot.jira.markup.runs import Run
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Code,
    CodeBlock,
    Document,
    HardBreak,
    Heading,
    Inline,
    ListItem,
    Mention,
    OrderedList,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
)

UNSPOKEN = "\ufffc"
"""Stands in a spoken line for inline code or a link (U+FFFC, object replacement character).

Left out without a trace, the code in "@openhands stop `this`" would make the command "@openhands stop" of it.
"""

Line = tuple[str | Mention, ...]


def spoken(document: Document) -> tuple[Line, ...]:
    """Give the lines that the writer says themself, in pieces of text and mentions; text is never empty.

    A line of a paragraph, a heading, a list item's line and a table's cell are one each; lines that say nothing are
    left out. Code blocks and quotations are not said, code and links within a line are `UNSPOKEN`; bold, italic and
    struck text is said. A line that begins with `>` is a quotation, too: Jira's mail handlers keep those of a reply.

    Source: "Creating issues and comments from email" in Jira's administration documentation.
    """
    return tuple(_said(document.blocks))


def plain(document: Document) -> str:
    """Give all of *document* as readable text without markup, addresses of links in brackets."""
    return _plain_blocks(document.blocks)


def _said(blocks: Iterable[Block]) -> Iterator[Line]:
    for block in blocks:
        match block:
            case Paragraph(content) | Heading(_, content):
                yield from _said_lines(content)
            case BulletList(items) | OrderedList(items):
                for item in items:
                    yield from _said(item.blocks)
            case Table(header, rows):
                for cell in (cell for row in (header, *rows) for cell in row):
                    yield from _said_lines(cell)
            case CodeBlock() | Quote() | Rule():
                pass
            case _:
                assert_never(block)


def _said_lines(content: tuple[Inline, ...]) -> Iterator[Line]:
    for is_break, line in groupby(runs.flatten(content), key=lambda run: isinstance(run.leaf, HardBreak)):
        if not is_break:
            pieces = tuple(_pieces(map(_said_run, line)))
            if not _is_quoted(pieces) and any(
                isinstance(piece, Mention) or piece.strip(f"{UNSPOKEN} \t") for piece in pieces
            ):
                yield pieces


def _is_quoted(line: Line) -> bool:
    return bool(line) and isinstance(line[0], str) and line[0].lstrip().startswith(">")


def _said_run(run: Run) -> str | Mention:
    match run.leaf:
        case Mention():
            return run.leaf
        case Text(text) if not run.href:
            return text
        case Text() | Code() | HardBreak():
            return UNSPOKEN
        case _:
            assert_never(run.leaf)


def _pieces(said: Iterable[str | Mention]) -> Iterator[str | Mention]:
    for is_text, group in groupby(said, key=lambda piece: isinstance(piece, str)):
        if not is_text:
            yield from group
        elif text := "".join(piece for piece in group if isinstance(piece, str)):
            yield text


def _plain_blocks(blocks: Iterable[Block]) -> str:
    return "\n\n".join(map(_plain_block, blocks))


def _plain_block(block: Block) -> str:
    match block:
        case Paragraph(content) | Heading(_, content):
            return _plain_line(content)
        case CodeBlock(text):
            return text
        case Quote(inner):
            return _indented(_plain_blocks(inner), "> ", "> ")
        case BulletList(items):
            return "\n".join(_plain_item("- ", item) for item in items)
        case OrderedList(items, start):
            return "\n".join(_plain_item(f"{number}. ", item) for number, item in enumerate(items, start))
        case Table(header, rows):
            return "\n".join(" | ".join(map(_plain_line, row)) for row in (header, *rows) if row)
        case Rule():
            return "---"
        case _:
            assert_never(block)


def _plain_line(content: tuple[Inline, ...]) -> str:
    parts: list[str] = []
    for href, group in groupby(runs.flatten(content), key=lambda run: run.href):
        words = runs.plain_runs(group)
        parts.append(f"{words} ({href})" if href and words != href else words)
    return "".join(parts)


def _plain_item(marker: str, item: ListItem) -> str:
    return _indented("\n".join(map(_plain_block, item.blocks)), marker, " " * len(marker))


def _indented(text: str, first: str, rest: str) -> str:
    return first + text.replace("\n", f"\n{rest}")
