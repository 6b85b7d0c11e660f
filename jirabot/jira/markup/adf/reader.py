"""ADF to the tree. Total: what Jira adds to the format is read by its `content`, `text` or `url`.

Panels, expands and layouts are read as what they hold, a title as a bold line before it. Tasks and decisions are list
items, a task with `[ ]` or `[x]`. A media file is inline code: its name, which is nobody's speech.

Source: "Atlassian Document Format" (developer.atlassian.com/cloud/jira/platform/apis/document/structure).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from jirabot.jira.markup import lowering, normal, runs
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
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
    Row,
    Rule,
    Strike,
    Strong,
    Table,
    Text,
)

MAX_DEPTH = 64
"""How deep nodes are followed; Jira's editor nests about ten, and what is nested deeper is left out."""

_INLINE = frozenset({
    "text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "placeholder", "mediaInline",
    "inlineExtension",
})  # fmt: skip

_BLOCKS = frozenset({
    "doc", "paragraph", "heading", "codeBlock", "blockquote", "panel", "expand", "nestedExpand", "table", "rule",
    "bulletList", "orderedList", "listItem", "taskList", "taskItem", "decisionList", "decisionItem",
})  # fmt: skip

Node = Mapping[str, Any]


def parse(adf: Any) -> Document:
    """Read *adf*, a document or any node of one; the document is in normal form, and empty for what is no node."""
    return normal.document(Document(tuple(_blocks(_nodes([adf]), MAX_DEPTH))))


def _blocks(nodes: Iterable[Node], depth: int) -> Iterator[Block]:
    """Read *nodes* where blocks stand; inline nodes among them make a paragraph."""
    for is_inline, group in groupby(nodes, key=_is_inline):
        if is_inline:
            yield Paragraph(tuple(inline for node in group for inline in _inlines(node, depth)))
        elif depth:
            for node in group:
                yield from _block(node, depth - 1)


def _is_inline(node: Node) -> bool:
    return _type(node) in _INLINE or (not _children(node) and _type(node) not in _BLOCKS)


def _block(node: Node, depth: int) -> Iterator[Block]:
    children = _children(node)
    match _type(node):
        case "paragraph" | "caption":
            yield Paragraph(_content(children, depth))
        case "heading":
            yield Heading(_integer(node, "level", 1), _content(children, depth))
        case "codeBlock":
            yield CodeBlock(runs.plain(_content(children, depth)), _attribute(node, "language"))
        case "blockquote":
            yield Quote(tuple(_blocks(children, depth)))
        case "bulletList" | "decisionList" | "taskList":
            yield BulletList(_items(children, depth))
        case "orderedList":
            yield OrderedList(_items(children, depth), _integer(node, "order", 1))
        case "table":
            yield _table(children, depth)
        case "rule":
            yield Rule()
        case _:
            if title := _attribute(node, "title"):
                yield Paragraph((Strong((Text(title),)),))
            yield from _blocks(children, depth)


def _items(nodes: Iterable[Node], depth: int) -> tuple[ListItem, ...]:
    items: list[ListItem] = []
    for node in nodes if depth else ():
        match _type(node):
            case "taskItem" | "blockTaskItem":
                box = "[x] " if _attribute(node, "state") == "DONE" else "[ ] "
                items.append(ListItem(_ticked(box, tuple(_blocks(_children(node), depth - 1)))))
            case "listItem" | "decisionItem":
                items.append(ListItem(tuple(_blocks(_children(node), depth - 1))))
            case "taskList" if items:
                # Tasks below a task stand beside it, not in it.
                items[-1] = ListItem((*items[-1].blocks, *_blocks([node], depth - 1)))
            case _:
                items.append(ListItem(tuple(_blocks([node], depth - 1))))
    return tuple(items)


def _ticked(box: str, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    match blocks:
        case (Paragraph(content), *rest):
            return (Paragraph((Text(box), *content)), *rest)
        case _:
            return (Paragraph((Text(box),)), *blocks)


def _table(rows: Iterable[Node], depth: int) -> Table:
    cells = [(_children(row), _row(row, depth)) for row in rows]
    if cells and cells[0][0] and all(cell.get("type") == "tableHeader" for cell in cells[0][0]):
        return Table(cells[0][1], tuple(row for _, row in cells[1:]))
    return Table((), tuple(row for _, row in cells))


def _row(node: Node, depth: int) -> Row:
    return tuple(lowering.inline(_blocks(_children(cell) or [cell], depth)) for cell in _children(node) or [node])


def _content(nodes: Iterable[Node], depth: int) -> tuple[Inline, ...]:
    return tuple(inline for node in nodes for inline in _inlines(node, depth))


def _inlines(node: Node, depth: int) -> Iterator[Inline]:
    match _type(node):
        case "text":
            yield _marked(node)
        case "hardBreak":
            yield HardBreak()
        case "mention":
            yield Mention(_attribute(node, "id"), _attribute(node, "text").removeprefix("@"))
        case "emoji":
            yield Text(_attribute(node, "text") or _attribute(node, "shortName"))
        case "date":
            yield Text(_date(_attribute(node, "timestamp")))
        case "media":
            # A group has several in a row, whose names are not one name.
            yield from (_media(node), Text(" "))
        case "mediaInline":
            yield _media(node)
        case _ if depth and (children := _children(node)):
            yield from _content(children, depth - 1)
        case _:
            yield from _leaf(node)


def _leaf(node: Node) -> Iterator[Inline]:
    url = _attribute(node, "url")
    text = _string(node, "text") or _attribute(node, "text") or url
    if text:
        yield Link(url, (Text(text),)) if url else Text(text)


def _marked(node: Node) -> Inline:
    inline: Inline = Text(_string(node, "text"))
    marks = {_type(mark): mark for mark in _nodes(node.get("marks"))}
    if "code" in marks:
        inline = Code(_string(node, "text"))
    if "strike" in marks:
        inline = Strike((inline,))
    if "em" in marks:
        inline = Emphasis((inline,))
    if "strong" in marks:
        inline = Strong((inline,))
    if href := _attribute(marks.get("link", {}), "href"):
        inline = Link(href, (inline,))
    return inline


def _media(node: Node) -> Inline:
    url, alt = _attribute(node, "url"), _attribute(node, "alt")
    return Link(url, (Text(alt or url),)) if url else Code(alt or "attachment")


def _date(timestamp: str) -> str:
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, tz=UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return timestamp


def _children(node: Node) -> list[Node]:
    return _nodes(node.get("content"))


def _nodes(value: object) -> list[Node]:
    return [node for node in value if isinstance(node, Mapping)] if isinstance(value, list) else []


def _type(node: Node) -> str:
    return _string(node, "type")


def _string(node: Node, key: str) -> str:
    value = node.get(key)
    return value if isinstance(value, str) else ""


def _attribute(node: Node, key: str) -> str:
    attributes = node.get("attrs")
    return _string(attributes, key) if isinstance(attributes, Mapping) else ""


def _integer(node: Node, key: str, default: int) -> int:
    attributes = node.get("attrs")
    value = attributes.get(key) if isinstance(attributes, Mapping) else None
    return int(value) if isinstance(value, int | float) and abs(value) <= normal.MAX_START else default
