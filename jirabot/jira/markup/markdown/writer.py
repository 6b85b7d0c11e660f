"""The tree to Markdown, such that it is read back as the same tree.

Escapes stand only where something would be read otherwise, for an agent reads the text too: `snake_case`, `a < b` and
`- [ ] task` stay as they are. A mention is written `[~id]`, as it stands in wiki markup.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from jirabot.jira.markup import normal
from jirabot.jira.markup.markdown.escapes import (
    escape,
    guard_line,
    guard_paragraph,
    is_safe_outside,
    refer_first,
    refer_last,
)
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Cell,
    Code,
    CodeBlock,
    Document,
    Emphasis,
    HardBreak,
    Heading,
    Inline,
    Link,
    ListItem,
    Mention,
    OrderedList,
    Paragraph,
    Quote,
    Rule,
    Strike,
    Strong,
    Table,
    Text,
)

_AUTOLINK = re.compile(r"[a-z][a-z0-9+.-]{1,31}:[^\s<>]*", re.IGNORECASE)
_RULE = re.compile(r"(?:- ){2,}-$", re.MULTILINE)
"""What empty lists in lists would be taken for, were they all on one line."""
_ENTITY = re.compile(r"&(?=#?\w+;)")


def render(document: Document) -> str:
    """Write *document* as Markdown, without a newline at the end."""
    return _blocks(normal.document(document).blocks)


def _blocks(blocks: tuple[Block, ...]) -> str:
    parts: list[str] = []
    is_other_marker = False
    for index, block in enumerate(blocks):
        # Two lists of a kind in a row would be read as one, were they not marked differently.
        is_other_marker = bool(index) and type(block) is type(blocks[index - 1]) and not is_other_marker
        parts.append(_block(block, is_other_marker=is_other_marker))
        if index + 1 < len(blocks):
            parts.append("\n" if _is_tight(block, blocks[index + 1]) else "\n\n")
    return "".join(parts)


def _is_tight(block: Block, following: Block) -> bool:
    """Say whether a list may follow without a blank line: an empty item or another number would not interrupt text."""
    match block, following:
        case Paragraph(), BulletList(items) | OrderedList(items, 1):
            return bool(items[0].blocks) and isinstance(items[0].blocks[0], Paragraph)
        case _:
            return False


def _block(block: Block, *, is_other_marker: bool) -> str:
    match block:
        case Paragraph(content):
            return _lines(content)
        case Heading(level, content):
            title = re.sub(r"(^|\s)(#+)$", r"\1\\\2", _line(content))
            return f"{'#' * level} {title}"
        case CodeBlock(text, language):
            return _fenced(text, language)
        case Quote(blocks):
            return _indented(_blocks(blocks), "> ", "> ")
        case BulletList(items):
            return "\n".join(_item(item, "+ " if is_other_marker else "- ") for item in items)
        case OrderedList(items, start):
            end = ") " if is_other_marker else ". "
            return "\n".join(
                _item(item, f"{min(number, normal.MAX_START)}{end}") for number, item in enumerate(items, start)
            )
        case Table():
            return _table(block)
        case Rule():
            return "***"
        case _:
            assert_never(block)


def _item(item: ListItem, marker: str) -> str:
    if not item.blocks:
        return marker.rstrip()
    text, indent = _blocks(item.blocks), " " * len(marker)
    return _indented(text, f"{marker.rstrip()}\n{indent}" if _RULE.match(marker + text) else marker, indent)


def _indented(text: str, first: str, rest: str) -> str:
    head, *lines = text.split("\n")
    return "\n".join([first + head, *(rest + line if line else rest.rstrip() for line in lines)])


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence + language, *([text] if text else []), fence])


def _table(table: Table) -> str:
    width = table.width
    header = (*table.header, *[()] * (width - len(table.header)))
    head, *body = ["| " + " | ".join(map(_cell, row)) + " |" for row in (header, *table.rows)]
    return "\n".join([head, "|" + " --- |" * width, *body])


def _cell(cell: Cell) -> str:
    return _line(cell, line_break="<br>").replace("|", "\\|")


def _lines(content: tuple[Inline, ...]) -> str:
    return guard_paragraph("\\\n".join(guard_line(_line(line)) for line in _split(content)))


def _split(content: tuple[Inline, ...]) -> Iterator[tuple[Inline, ...]]:
    line: list[Inline] = []
    for inline in content:
        if isinstance(inline, HardBreak):
            yield tuple(line)
            line = []
        else:
            line.append(inline)
    yield tuple(line)


@dataclass(slots=True)
class _Piece:
    """A stretch of the output: escaped text, or something whole; or a delimiter, which must flank its content."""

    output: str
    kind: str


def _line(content: tuple[Inline, ...], line_break: str = " ") -> str:
    pieces = list(_pieces(content, line_break, is_linked=False))
    written = ""
    # What is written otherwise for one delimiter may be what another flanks.
    while written != (text := "".join(piece.output for piece in pieces)):
        written = text
        for before, piece, after in zip(pieces, pieces[1:], pieces[2:], strict=False):
            if piece.kind == "open":
                _part(piece, outer=before, inner=after, at=-1)
            elif piece.kind == "close":
                _part(piece, outer=after, inner=before, at=0)
    for before, piece in itertools.pairwise(pieces):
        if piece.kind not in ("open", "close"):
            _keep_apart(before, piece)
    return "".join(piece.output for piece in pieces)


def _part(delimiter: _Piece, *, outer: _Piece, inner: _Piece, at: int) -> None:
    """Write the outer neighbour of *delimiter* as a character reference where it would keep it from flanking."""
    inside = inner.output[-1 - at]
    needs_care = delimiter.output == "_" or not inside.isalnum()
    if needs_care and outer.kind == "text" and not is_safe_outside(outer.output[at]):
        outer.output = refer_last(outer.output) if at else refer_first(outer.output)


def _keep_apart(before: _Piece, piece: _Piece) -> None:
    """Keep `!` from making an image of the link behind it, and a mention from becoming a link or its definition."""
    if before.kind == "text" and before.output.endswith("!") and piece.output.startswith("["):
        before.output = before.output[:-1] + "\\!"
    if before.kind == "mention" and piece.output.startswith((":", "(", "[")):
        before.output = before.output[:-1] + "\\]"


def _pieces(content: tuple[Inline, ...], line_break: str, *, is_linked: bool) -> Iterator[_Piece]:
    for inline in content:
        match inline:
            case Text(text):
                yield _Piece(escape(text, is_linked=is_linked), "text")
            case Code(text):
                yield _Piece(_code(text), "whole")
            case HardBreak():
                yield _Piece(line_break, "whole")
            case Mention(id_):
                yield _Piece(f"[~{escape(id_, is_linked=True)}]", "mention")
            case Strong(inner):
                yield from _marked("**", inner, line_break, is_linked=is_linked)
            case Emphasis(inner):
                yield from _marked("_", inner, line_break, is_linked=is_linked)
            case Strike(inner):
                yield from _marked("~~", inner, line_break, is_linked=is_linked)
            case Link(href, inner):
                yield from _link(href, inner, line_break)
            case _:
                assert_never(inline)


def _marked(delimiter: str, inner: tuple[Inline, ...], line_break: str, *, is_linked: bool) -> Iterator[_Piece]:
    yield _Piece(delimiter, "open")
    yield from _pieces(inner, line_break, is_linked=is_linked)
    yield _Piece(delimiter, "close")


def _link(href: str, inner: tuple[Inline, ...], line_break: str) -> Iterator[_Piece]:
    if inner == (Text(href),) and _AUTOLINK.fullmatch(href):
        yield _Piece(f"<{href}>", "whole")
        return
    target = _ENTITY.sub("&amp;", href)
    yield _Piece("[", "whole")
    yield from _pieces(inner, line_break, is_linked=True)
    yield _Piece(f"](<{target}>)" if re.search(r"[()]", target) else f"]({target})", "whole")


def _code(text: str) -> str:
    runs = {len(run) for run in re.findall("`+", text)}
    fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
