"""What a place in a notation can't hold, said with what it can. Pure."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import assert_never

from jirabot.jira.markup import normal, runs
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Cell,
    Code,
    CodeBlock,
    HardBreak,
    Heading,
    Inline,
    OrderedList,
    Paragraph,
    Quote,
    Row,
    Rule,
    Strong,
    Table,
    Text,
)

RULE = "---"
"""How a rule is written where only text can stand."""

_BETWEEN_CELLS = Text(" | ")


def flat(blocks: Iterable[Block]) -> Iterator[Paragraph | CodeBlock | BulletList | OrderedList]:
    """Lower *blocks* to paragraphs, code and lists: all that list items and quotations hold in Jira.

    A heading becomes a bold line, a quotation its blocks, a table a line a row, a rule three hyphens. What is inside
    the lists' items is left as it is, and what is in normal form stays so.
    """
    for block in blocks:
        match block:
            case Paragraph() | CodeBlock() | BulletList() | OrderedList():
                yield block
            case Heading(_, content):
                yield Paragraph(normal.inlines((Strong(content),)))
            case Quote(inner):
                yield from flat(inner)
            case Table(header, rows):
                yield Paragraph(normal.inlines(_broken(map(_row, filter(None, (header, *rows))))))
            case Rule():
                yield Paragraph((Text(RULE),))
            case _:
                assert_never(block)


def inline(blocks: Iterable[Block]) -> Cell:
    """Lower *blocks* to lines, as a table cell holds them.

    Code and quotations become inline code, so that they are never taken for the writer's own speech.
    """
    return _broken(line for block in blocks for line in _lines(block))


def _lines(block: Block) -> Iterator[tuple[Inline, ...]]:
    match block:
        case Paragraph(content) | Heading(_, content):
            yield content
        case CodeBlock(text):
            yield from _code(text)
        case Quote(inner):
            yield from _code(runs.plain(inline(inner)))
        case BulletList(items):
            yield from ((Text("- "), *inline(item.blocks)) for item in items)
        case OrderedList(items, start):
            yield from ((Text(f"{number}. "), *inline(item.blocks)) for number, item in enumerate(items, start))
        case Table(header, rows):
            yield from map(_row, (header, *rows))
        case Rule():
            pass
        case _:
            assert_never(block)


def _code(text: str) -> Iterator[tuple[Inline, ...]]:
    return ((Code(line),) for line in text.split("\n"))


def _row(row: Row) -> tuple[Inline, ...]:
    return tuple(chain.from_iterable((_BETWEEN_CELLS, *cell) if index else cell for index, cell in enumerate(row)))


def _broken(lines: Iterable[tuple[Inline, ...]]) -> tuple[Inline, ...]:
    filled = filter(None, lines)
    return tuple(chain.from_iterable((HardBreak(), *line) if index else line for index, line in enumerate(filled)))
