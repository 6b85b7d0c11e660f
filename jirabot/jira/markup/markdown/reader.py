"""Markdown to the tree: CommonMark with tables and strikethrough. Total.

HTML is text, but for `<br>`, which agents write for a break in a table cell. An image is a link to it. Only explicit
addresses are links. `[ ]` of a task list stays text, and nothing is ever a mention. `__init__.py` is a name:
CommonMark has it bold.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from jirabot.jira.markup import normal
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

MAX_NESTING = 100
"""How deep blocks and marks may nest, two levels a list. Blocks below are left out, marks and their text are not."""

_MARKS: dict[str, Callable[[tuple[Inline, ...]], Inline]] = {"strong": Strong, "em": Emphasis, "s": Strike}
_ADDRESSES = {"link": "href", "image": "src"}
_BEFORE_NAME = re.compile(r"[./]$")
_BEHIND_NAME = re.compile(r"[./(]\w|\(\)")
_BR = re.compile(r"<br\s*/?>", re.IGNORECASE)


class _Parser(MarkdownIt):
    """Leaves addresses as they are written: each writer decides what it links."""

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link


_PARSER = (
    _Parser("commonmark", {"html": True, "maxNesting": MAX_NESTING})
    .enable(["table", "strikethrough"])
    .disable("html_block")
)


def parse(markdown: str) -> Document:
    """Read *markdown*; the document is in normal form."""
    tokens = _PARSER.parse(normal.clean(markdown))
    for token in tokens:
        token.children = _shallow(token.children)
    return normal.document(Document(tuple(_blocks(SyntaxTreeNode(tokens).children))))


def _shallow(tokens: list[Token] | None) -> list[Token]:
    """Leave out the marks that are nested deeper than they can be followed; the parser limits all but them."""
    kept: list[Token] = []
    depth = 0
    for token in tokens or ():
        token.children = _shallow(token.children)
        depth += min(token.nesting, 0)
        if not token.nesting or depth < MAX_NESTING:
            kept.append(token)
        depth += max(token.nesting, 0)
    return kept


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Block]:
    for node in nodes:
        match node.type:
            case "paragraph":
                yield Paragraph(_content(node))
            case "heading":
                yield Heading(int(node.tag[1:]), _content(node))
            case "fence" | "code_block":
                yield CodeBlock(node.content.removesuffix("\n"), node.info)
            case "blockquote":
                yield Quote(tuple(_blocks(node.children)))
            case "bullet_list":
                yield BulletList(_items(node))
            case "ordered_list":
                yield OrderedList(_items(node), int(node.attrs.get("start", 1)))
            case "table":
                header, *rows = _rows(node)
                yield Table(header, tuple(rows))
            case "hr":
                yield Rule()


def _items(node: SyntaxTreeNode) -> tuple[ListItem, ...]:
    return tuple(ListItem(tuple(_blocks(item.children))) for item in node.children)


def _rows(node: SyntaxTreeNode) -> Iterator[Row]:
    for part in node.children:
        for row in part.children:
            yield tuple(_content(cell) for cell in row.children)


def _content(node: SyntaxTreeNode) -> tuple[Inline, ...]:
    return tuple(inline for child in node.children for inline in _inlines(child.children))


def _inlines(nodes: Iterable[SyntaxTreeNode]) -> Iterator[Inline]:
    for node in nodes:
        match node.type:
            case "strong" | "em" | "s":
                yield _marked(node)
            case "link" | "image":
                yield _link(node)
            case "code_inline":
                yield Code(node.content)
            case "hardbreak":
                yield HardBreak()
            case "html_inline" if _BR.fullmatch(node.content):
                yield HardBreak()
            case "softbreak":
                yield Text(" ")
            case _:
                yield Text(node.content.replace("\n", " "))


def _marked(node: SyntaxTreeNode) -> Inline:
    content = tuple(_inlines(node.children))
    match content:
        case (Text(name),) if node.markup == "__" and _is_name(node):
            return Text(f"__{name}__")
        case _:
            return _MARKS[node.type](content)


def _is_name(node: SyntaxTreeNode) -> bool:
    """Say whether *node* is part of a path or of code: `__init__.py`, `a/__tests__`, `x.__dict__`, `__len__()`."""
    before, behind = node.previous_sibling, node.next_sibling
    return bool(before and _BEFORE_NAME.search(before.content)) or bool(behind and _BEHIND_NAME.match(behind.content))


def _link(node: SyntaxTreeNode) -> Link:
    href = str(node.attrs[_ADDRESSES[node.type]])
    return Link(href, tuple(_inlines(node.children)) or (Text(href),))
