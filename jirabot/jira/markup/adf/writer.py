"""The tree to ADF, valid against Atlassian's schema whatever the tree.

Source: "Atlassian Document Format" (developer.atlassian.com/cloud/jira/platform/apis/document/structure) and the JSON
schema of `@atlaskit/adf-schema` 57.7.22: no empty text, `code` only beside `link`, list items and quotations without
headings, tables, rules and quotations.
"""

import json
from collections.abc import Iterable
from typing import Any, assert_never

from jirabot.jira.markup import addresses, limits, lowering, normal, runs
from jirabot.jira.markup.runs import Mark, Run
from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Cell,
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

CHARACTERS = 30_000
"""Characters of JSON that a comment may have.

Jira allows 32,767 characters a text field; how it counts ADF is not documented, and documents slightly below were
refused. The JSON is never shorter than the visible text, so this limits both.
Source: "Configuring advanced settings", `jira.text.field.character.limit`.
"""

_MARKS = {Mark.STRONG: "strong", Mark.EMPHASIS: "em", Mark.STRIKE: "strike"}

Node = dict[str, Any]


def render(document: Document) -> Node:
    """Write *document* as ADF; an empty one has one empty paragraph."""
    blocks = [_block(block) for block in normal.document(document).blocks]
    return {"type": "doc", "version": 1, "content": blocks or [_paragraph(())]}


def fits(document: Document) -> bool:
    """Say whether Jira will take *document* as one comment."""
    return limits.characters(json.dumps(render(document), ensure_ascii=False, separators=(",", ":"))) < CHARACTERS


def _block(block: Block) -> Node:
    match block:
        case Paragraph(content):
            return _paragraph(content)
        case Heading(level, content):
            return {"type": "heading", "attrs": {"level": level}, "content": _inlines(content)}
        case CodeBlock(text, language):
            return _code_block(text, language)
        case Quote(blocks):
            return {"type": "blockquote", "content": _flat(blocks)}
        case BulletList(items):
            return {"type": "bulletList", "content": [_item(item) for item in items]}
        case OrderedList(items, start):
            return {"type": "orderedList", "attrs": {"order": start}, "content": [_item(item) for item in items]}
        case Table():
            return _table(block)
        case Rule():
            return {"type": "rule"}
        case _:
            assert_never(block)


def _paragraph(content: tuple[Inline, ...]) -> Node:
    return {"type": "paragraph", "content": _inlines(content)}


def _code_block(text: str, language: str) -> Node:
    node: Node = {"type": "codeBlock"}
    if language:
        node["attrs"] = {"language": language}
    if text:
        node["content"] = [{"type": "text", "text": text}]
    return node


def _flat(blocks: Iterable[Block]) -> list[Node]:
    return [_block(block) for block in lowering.flat(blocks)]


def _item(item: ListItem) -> Node:
    content = _flat(item.blocks)
    if not content or content[0]["type"] != "paragraph":
        # Jira's editor wants an item to begin with a paragraph, older schemas demand it.
        content.insert(0, _paragraph(()))
    return {"type": "listItem", "content": content}


def _table(table: Table) -> Node:
    kinds = [*["tableHeader"] * bool(table.header), *["tableCell"] * len(table.rows)]
    rows = filter(None, (table.header, *table.rows))
    return {"type": "table", "content": [_row(kind, row, table.width) for kind, row in zip(kinds, rows, strict=True)]}


def _row(kind: str, row: Row, width: int) -> Node:
    padded = (*row, *[()] * (width - len(row)))
    return {"type": "tableRow", "content": [_cell(kind, cell) for cell in padded]}


def _cell(kind: str, cell: Cell) -> Node:
    return {"type": kind, "content": [_paragraph(cell)]}


def _inlines(content: tuple[Inline, ...]) -> list[Node]:
    return [_run(run) for run in runs.tidy(map(_allowed, addresses.linked(content)))]


def _allowed(run: Run) -> Run:
    return Run(run.leaf, frozenset(), run.href) if isinstance(run.leaf, Code) else run


def _run(run: Run) -> Node:
    match run.leaf:
        case Text(text):
            return _text(text, [{"type": name} for mark, name in _MARKS.items() if mark in run.marks], run.href)
        case Code(text):
            return _text(text, [{"type": "code"}], run.href)
        case HardBreak():
            return {"type": "hardBreak"}
        case Mention(id_, label):
            return {"type": "mention", "attrs": {"id": id_, "text": f"@{label or id_}"}}
        case _:
            assert_never(run.leaf)


def _text(text: str, marks: list[Node], href: str) -> Node:
    if href:
        marks.append({"type": "link", "attrs": {"href": href}})
    return {"type": "text", "text": text, **({"marks": marks} if marks else {})}
