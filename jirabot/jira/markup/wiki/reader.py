"""Wiki markup to the tree. Total: any text is read, in time that grows with its length.

A line's end is a break. A panel is read as what it holds, a colour is dropped. Insertions, sub- and superscript are
plain text, a citation is emphasis. Attachments and images that lie in Jira are inline code: their names, which are
nobody's speech.

Source: "Text Formatting Notation Help" in Jira.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from jirabot.jira.markup import lowering, normal
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Cell,
    Document,
    Heading,
    ListItem,
    OrderedList,
    Paragraph,
    Quote,
    Row,
    Rule,
    Table,
)
from jirabot.jira.markup.wiki.macros import Found, fold, split
from jirabot.jira.markup.wiki.phrases import phrases

MAX_DEPTH = 8
"""How deep lists nest; more bullets in a row count as this many."""

_HEADING = re.compile(r"[ \t]*h([1-6])\.[ \t]+(.*)")
_QUOTE = re.compile(r"[ \t]*bq\.[ \t]+(.*)")
_RULE = re.compile(r"[ \t]*-{4,5}[ \t]*")
_ITEM = re.compile(r"[ \t]*([*#-]+)[ \t\xa0]+(.*)")
_ROW = re.compile(r"[ \t]*(\|.*)")
_CELL_PIECE = re.compile(
    r"""
      (?P<bar>\|\|?)
    | \\. | \[(?:\\.|[^\[\]\\\n])*\] | \{\{[^{}\n]*\}\}
    | ![^\s!|]+\|(?:thumbnail|\w+=[^|!\n]*)!
    | [^\\\[{!|]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def parse(text: str) -> Document:
    """Read *text*; the document is in normal form."""
    return normal.document(Document(_parse_blocks(normal.clean(text), [])))


def _parse_blocks(text: str, found: Found) -> tuple[Block, ...]:
    lines = _Lines(found)
    for line in fold(text, found, _parse_blocks).split("\n"):
        lines.take(line)
    lines.end()
    return tuple(lines.blocks)


@dataclass(slots=True)
class _Entry:
    """A list item as written: its bullets, and its lines."""

    bullets: str
    lines: list[str]


@dataclass(slots=True)
class _Item:
    """A list item with the entries below it."""

    lines: list[str]
    entries: list[_Entry] = field(default_factory=list)


class _Lines:
    """Collects lines into blocks: at most one of paragraph, list and table is open."""

    def __init__(self, found: Found) -> None:
        self.blocks: list[Block] = []
        self._found = found
        self._paragraph: list[str] = []
        self._entries: list[_Entry] = []
        self._rows: list[str] = []

    def take(self, line: str) -> None:
        if not line.strip() or _RULE.fullmatch(line):
            self.end()
            self.blocks.extend([Rule()] if line.strip() else [])
        elif match := _HEADING.fullmatch(line):
            self.end()
            self.blocks.extend(self._titled(int(match[1]), match[2]))
        elif match := _QUOTE.fullmatch(line):
            self.end()
            self.blocks.append(Quote(tuple(self._content([match[1]]))))
        elif (match := _ITEM.fullmatch(line)) and self._is_item(match):
            self._end_paragraph()
            self._end_table()
            self._entries.append(_Entry(match[1][:MAX_DEPTH], [match[2]]))
        elif match := _ROW.fullmatch(line):
            self._end_paragraph()
            self._end_list()
            self._rows.append(match[1])
        else:
            self._take_text(line)

    def end(self) -> None:
        """Close what is open."""
        self._end_paragraph()
        self._end_list()
        self._end_table()

    def _is_item(self, match: re.Match[str]) -> bool:
        """Say whether bullets begin an item: a row of hyphens outside a list, or one before nothing, is a dash."""
        bullets, text = match[1], match[2]
        return "*" in bullets or "#" in bullets or bool(text.strip() and (len(bullets) == 1 or self._entries))

    def _take_text(self, line: str) -> None:
        if self._entries:
            self._entries[-1].lines.append(line)
        elif self._rows and not self._rows[-1].rstrip().endswith("|"):
            self._rows[-1] += f"\n{line}"
        else:
            self._end_table()
            self._paragraph.append(line)

    def _end_paragraph(self) -> None:
        self.blocks.extend(self._content(self._paragraph))
        self._paragraph = []

    def _end_list(self) -> None:
        self.blocks.extend(self._lists(self._entries))
        self._entries = []

    def _end_table(self) -> None:
        if self._rows:
            self.blocks.append(self._table(self._rows))
        self._rows = []

    def _content(self, lines: Sequence[str]) -> Iterator[Block]:
        for part in split("\n".join(lines), self._found):
            if isinstance(part, str):
                yield Paragraph(phrases(part))
            else:
                yield from part

    def _titled(self, level: int, text: str) -> Iterator[Block]:
        title, *rest = self._content([text])
        yield Heading(level, title.content) if isinstance(title, Paragraph) else title
        yield from rest

    def _lists(self, entries: Sequence[_Entry], depth: int = 0) -> Iterator[Block]:
        """Build the lists of *entries* whose bullets begin at *depth*; deeper ones go below the item before them."""
        kind, items = "", list[_Item]()
        for entry in entries:
            is_deeper = len(entry.bullets) > depth + 1
            if not (is_deeper and items) and entry.bullets[depth] != kind:
                yield from self._list(kind, items, depth)
                kind, items = entry.bullets[depth], []
            if not is_deeper:
                items.append(_Item(entry.lines))
            else:
                if not items:
                    items.append(_Item([]))
                items[-1].entries.append(entry)
        yield from self._list(kind, items, depth)

    def _list(self, kind: str, items: Sequence[_Item], depth: int) -> Iterator[Block]:
        if items:
            built = tuple(
                ListItem((*self._content(item.lines), *self._lists(item.entries, depth + 1))) for item in items
            )
            yield OrderedList(built) if kind == "#" else BulletList(built)

    def _table(self, rows: Sequence[str]) -> Table:
        head, *body = [self._row(row) for row in rows]
        is_headed = "||" in rows[0][:2]
        return Table(head, tuple(body)) if is_headed else Table((), (head, *body))

    def _row(self, row: str) -> Row:
        cells = [""]
        for match in _CELL_PIECE.finditer(row):
            if match["bar"]:
                cells.append("")
            else:
                cells[-1] += match[0]
        if not cells[-1].strip():
            cells.pop()
        return tuple(self._cell(cell) for cell in cells[1:])

    def _cell(self, text: str) -> Cell:
        return lowering.inline(self._content([text]))
