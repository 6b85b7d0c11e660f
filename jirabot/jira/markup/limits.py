"""Make a document short enough for Jira: its beginning is kept, and a notice says that there was more. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, assert_never

from jirabot.jira.markup import normal, runs
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    CodeBlock,
    Document,
    Heading,
    ListItem,
    OrderedList,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
)

T = TypeVar("T")
Fits = Callable[[tuple[Block, ...]], bool]


def characters(text: str) -> int:
    """Count the characters of *text* as Jira does: by UTF-16 code units, where an emoji is two or more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(document: Document, fits: Callable[[Document], bool], notice: Document) -> Document:
    """Cut *document* until it *fits* together with *notice*, which then stands at its end; what fits is left as it is.

    The cut is between blocks, or inside the block that is there: between list items, rows, lines of code or words, and
    inside a word only where it is all there is. A document of which nothing fits is the notice alone.
    """
    if fits(document):
        return document
    kept = _cut_blocks(document.blocks, lambda blocks: fits(Document((*blocks, *notice.blocks))))
    return Document((*kept, *notice.blocks))


def _longest(parts: Sequence[T], fits: Callable[[Sequence[T]], bool]) -> int:
    """Find how many of *parts* fit, where what fits also fits with less; nothing is tried that is far too long."""
    low, high = 0, 1
    while high <= len(parts) and fits(parts[:high]):
        low, high = high, 2 * high
    high = min(high - 1, len(parts))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(parts[:middle]) else (low, middle - 1)
    return low


def _cut_blocks(blocks: tuple[Block, ...], fits: Fits) -> tuple[Block, ...]:
    count = _longest(blocks, lambda some: fits(tuple(some)))
    if count == len(blocks):
        return blocks
    whole = blocks[:count]
    return (*whole, *_cut(blocks[count], lambda some: fits((*whole, *some))))


def _cut(block: Block, fits: Fits) -> tuple[Block, ...]:
    """Give as much of *block* as fits: one block, or none."""
    match block:
        case Paragraph():
            return _cut_paragraph(block, fits)
        case CodeBlock(text, language):
            return _cut_code(text, language, fits)
        case Quote(inner):
            kept = _cut_blocks(inner, lambda some: fits((Quote(some),)))
            return (Quote(kept),) if kept else ()
        case BulletList(items):
            kept_items = _cut_items(items, lambda some: fits((BulletList(some),)))
            return (BulletList(kept_items),) if kept_items else ()
        case OrderedList(items, start):
            kept_items = _cut_items(items, lambda some: fits((OrderedList(some, start),)))
            return (OrderedList(kept_items, start),) if kept_items else ()
        case Table(header, rows):
            count = _longest(rows, lambda some: fits((Table(header, tuple(some)),)))
            return (Table(header, rows[:count]),) if count else ()
        case Heading() | Rule():
            return ()
        case _:
            assert_never(block)


def _cut_items(items: tuple[ListItem, ...], fits: Callable[[tuple[ListItem, ...]], bool]) -> tuple[ListItem, ...]:
    count = _longest(items, lambda some: fits(tuple(some)))
    if count == len(items):
        return items
    whole = items[:count]
    rest = _cut_blocks(items[count].blocks, lambda some: fits((*whole, ListItem(some))))
    return (*whole, ListItem(rest)) if rest else whole


def _cut_paragraph(block: Paragraph, fits: Fits) -> tuple[Block, ...]:
    for pieces in (runs.words(block.content), list(_letters(block))):
        count = _longest(pieces, lambda some: fits((_paragraph(some),)))
        if count:
            return (_paragraph(pieces[:count]),)
    return ()


def _letters(block: Paragraph) -> Iterator[runs.Run]:
    for run in runs.words(block.content)[:1]:
        yield from (runs.Run(Text(letter), run.marks, run.href) for letter in runs.plain_runs([run]))


def _paragraph(pieces: Sequence[runs.Run]) -> Paragraph:
    return Paragraph(normal.inlines((*runs.nest(runs.tidy(pieces)), Text("…"))))


def _cut_code(text: str, language: str, fits: Fits) -> tuple[Block, ...]:
    for pieces in (text.splitlines(keepends=True), text):
        count = _longest(pieces, lambda some: fits((_code("".join(some), language),)))
        if count:
            return (_code("".join(pieces[:count]), language),)
    return ()


def _code(text: str, language: str) -> CodeBlock:
    return CodeBlock(text.removesuffix("\n"), language)
