"""The normal form of a document: what every notation can express, and the tree each reader gives. Pure.

Characters that no notation can carry are gone, as are empty blocks, rows, and cells at a row's end; marks are nested in
one order. Bringing a document into normal form twice changes nothing.
"""

import re
from itertools import chain
from typing import assert_never
from urllib.parse import quote

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
    Row,
    Rule,
    Table,
    Text,
)

MAX_START = 999_999_999
"""The largest number that CommonMark reads as the start of a list."""

MAX_COLUMNS = 100
"""How many columns a table keeps: padded to one huge row, a small text would make a table of millions of cells."""

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE_IN_HREF = re.compile(r'[\s<>"\\^`{|}]')
_UNSAFE_IN_ID = re.compile(r"[\n\[\]{}|]|\\(?![^\W_])")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}", re.ASCII)


def clean(text: str) -> str:
    """Take out of *text* what neither XML nor UTF-8 can carry, and end its lines with a newline.

    Terminal escape codes lose their first character, lone surrogates become U+FFFD.
    """
    return _SURROGATE.sub("\ufffd", _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text)))


def document(document: Document) -> Document:
    """Give *document* in normal form."""
    return Document(blocks(document.blocks))


def blocks(content: tuple[Block, ...]) -> tuple[Block, ...]:
    """Give *content* in normal form; blocks without content are left out."""
    return tuple(normal for block in content if (normal := _block(block)) is not None)


def inlines(content: tuple[Inline, ...]) -> tuple[Inline, ...]:
    """Give *content* in normal form."""
    return runs.nest(runs.tidy(map(_clean, runs.flatten(content))))


def _block(block: Block) -> Block | None:
    match block:
        case Paragraph(content):
            inner = inlines(content)
            return Paragraph(inner) if inner else None
        case Heading(level, content):
            inner = _one_line(content)
            return Heading(min(max(level, 1), 6), inner) if inner else None
        case CodeBlock(text, language):
            return CodeBlock(clean(text), _language(language))
        case Quote(content):
            quoted = blocks(content)
            return Quote(quoted) if quoted else None
        case BulletList(items):
            return BulletList(_items(items)) if items else None
        case OrderedList(items, start):
            return OrderedList(_items(items), min(max(start, 0), MAX_START)) if items else None
        case Table(header, rows):
            return _table(header, rows)
        case Rule():
            return block
        case _:
            assert_never(block)


def _items(items: tuple[ListItem, ...]) -> tuple[ListItem, ...]:
    return tuple(ListItem(blocks(item.blocks)) for item in items)


def _table(header: Row, rows: tuple[Row, ...]) -> Table | None:
    heads = _row(header)
    filled = tuple(cells for row in rows if (cells := _row(row)))
    return Table(heads, filled) if heads or filled else None


def _row(row: Row) -> Row:
    """Give the cells of *row* up to the last that holds something; what is beyond the columns goes into the last."""
    cells = [inlines(cell) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    whole, rest = cells[: MAX_COLUMNS - 1], cells[MAX_COLUMNS - 1 :]
    joined = inlines(tuple(chain.from_iterable((*cell, Text(" ")) for cell in rest)))
    return (*whole, joined) if joined else tuple(whole)


def _one_line(content: tuple[Inline, ...]) -> tuple[Inline, ...]:
    tidy = runs.tidy(map(_clean, runs.flatten(content)))
    return runs.nest(runs.tidy(Run(Text(" ")) if isinstance(run.leaf, HardBreak) else run for run in tidy))


def _clean(run: Run) -> Run:
    leaf = run.leaf
    match leaf:
        case Text(text):
            leaf = Text(clean(text))
        case Code(text):
            leaf = Code(clean(text))
        case Mention(id_, label):
            leaf = _mention(clean(id_).strip(), " ".join(clean(label).split()))
        case HardBreak():
            pass
        case _:
            assert_never(leaf)
    return Run(leaf, run.marks, _href(run.href))


def _mention(id_: str, label: str) -> Mention | Text:
    """Give a mention, or its text where it has no *id_* or one that would not stay within wiki markup's brackets."""
    if id_ and not _UNSAFE_IN_ID.search(id_):
        return Mention(id_, label)
    return Text(f"@{label or id_}" if label or id_ else "")


def _href(href: str) -> str:
    """Percent-encode what would end an address in any of the notations."""
    return _UNSAFE_IN_HREF.sub(lambda match: quote(match[0], safe=""), clean(href).strip())


def _language(language: str) -> str:
    match = _LANGUAGE.match(language.strip())
    return match[0] if match else ""
