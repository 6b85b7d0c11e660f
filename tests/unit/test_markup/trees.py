"""Short ways to write trees down: a string stands for text, a paragraph of it, or an item with that paragraph."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Code,
    CodeBlock,
    Document,
    Inline,
    ListItem,
    Mention,
    OrderedList,
    Paragraph,
    Quote,
    Strong,
    Text,
)


def content(*inlines: Inline | str) -> tuple[Inline, ...]:
    return tuple(Text(inline) if isinstance(inline, str) else inline for inline in inlines)


def para(*inlines: Inline | str) -> Paragraph:
    return Paragraph(content(*inlines))


def bold(*inlines: Inline | str) -> Strong:
    return Strong(content(*inlines))


def blocks(*given: Block | str) -> tuple[Block, ...]:
    return tuple(para(block) if isinstance(block, str) else block for block in given)


def doc(*given: Block | str) -> Document:
    return Document(blocks(*given))


def quote(*given: Block | str) -> Quote:
    return Quote(blocks(*given))


def item(*given: Block | str) -> ListItem:
    return ListItem(blocks(*given))


def bullets(*items: ListItem | str) -> BulletList:
    return BulletList(_items(items))


def numbers(*items: ListItem | str, start: int = 1) -> OrderedList:
    return OrderedList(_items(items), start)


def _items(items: tuple[ListItem | str, ...]) -> tuple[ListItem, ...]:
    return tuple(item(given) if isinstance(given, str) else given for given in items)


def leaves(tree: Any) -> Iterator[str]:
    """Give what is to be read in *tree*: texts, code, and the ids of mentions."""
    match tree:
        case Text(text) | Code(text) | CodeBlock(text):
            yield text
        case Mention(id_):
            yield id_
        case tuple():
            for part in tree:
                yield from leaves(part)
        case _ if is_dataclass(tree):
            for part in fields(tree):
                yield from leaves(getattr(tree, part.name) if part.name != "href" else ())


def bare(text: str) -> str:
    """Take white space out of *text*, and what is put into code where it would end its block."""
    return "".join(text.replace("\u200b", "").split())


def assert_all_is_read(tree: Document, again: Document) -> None:
    """Fail where something in *tree* is not in *again*, in the same order."""
    left = bare("".join(leaves(again)))
    for leaf in filter(None, map(bare, leaves(tree))):
        _, found, left = left.partition(leaf)
        assert found == leaf


def with_mentions(tree: Any, change: Callable[[Mention], Inline]) -> Any:
    """Give *tree* with each of its mentions changed."""
    if isinstance(tree, Mention):
        return change(tree)
    if isinstance(tree, tuple):
        return tuple(with_mentions(part, change) for part in tree)
    if is_dataclass(tree):
        make: Callable[..., object] = type(tree)
        return make(*(with_mentions(getattr(tree, field.name), change) for field in fields(tree)))
    return tree
