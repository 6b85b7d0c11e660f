"""The tree to wiki markup, as Data Center shows it.

What an agent wrote never becomes a macro, a mention, an image or an icon. A list that does not begin with 1 is written
as numbered lines, for wiki markup counts from 1; headings, quotations and tables in list items are lowered.

Source: "Text Formatting Notation Help" in Jira.
"""

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from jirabot.jira.markup import addresses, limits, lowering, normal, runs
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
    Row,
    Rule,
    Strike,
    Strong,
    Table,
    Text,
)
from jirabot.jira.markup.wiki.escapes import escape, escape_code, guard_line

CHARACTERS = 30_000
"""Characters that a comment may have.

Data Center allows 32,767 a text field unless its administrator says otherwise; a cut slightly below was still refused.
Source: "Configuring advanced settings", `jira.text.field.character.limit`.
"""

LANGUAGES = frozenset({
    "bash", "c", "c++", "c#", "css", "erlang", "go", "groovy", "haskell", "html", "java", "javascript", "json", "lua",
    "perl", "php", "python", "r", "ruby", "scala", "sh", "sql", "swift", "xml", "yaml",
})  # fmt: skip
"""What `{code}` highlights on Data Center 9; it shows an error in place of the code for another."""

_ALIASES = {
    "cpp": "c++", "csharp": "c#", "cs": "c#", "golang": "go", "htm": "html", "js": "javascript", "jsx": "javascript",
    "py": "python", "python3": "python", "rb": "ruby", "shell": "bash", "svg": "xml", "yml": "yaml", "zsh": "bash",
}  # fmt: skip

_EMPTY_ITEM = "\xa0"
_QUOTE_TAG = re.compile(r"(\\.|\{\{quote\}\}(?!\}))|\{(?=quote)", re.DOTALL | re.IGNORECASE)
"""A tag of a quotation; the group is what only looks like one: an escape, and the word as inline code."""


def render(document: Document) -> str:
    """Write *document* as wiki markup, without a newline at the end."""
    return _blocks(normal.document(document).blocks)


def fits(document: Document) -> bool:
    """Say whether Jira will take *document* as one comment."""
    return limits.characters(render(document)) < CHARACTERS


def _blocks(blocks: Iterable[Block]) -> str:
    return "\n\n".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Paragraph(content):
            return _lines(content)
        case Heading(level, content):
            return f"h{level}. {_inlines(content)}"
        case CodeBlock(text, language):
            return _code_block(text, language)
        case Quote(blocks):
            return _quote(_blocks(_without_quotes(blocks)))
        case OrderedList(items, start) if start != 1:
            return _numbered(items, start)
        case BulletList() | OrderedList():
            return "\n".join(_items(block, ""))
        case Table(header, rows):
            heads = [_row("||", header)] if header else []
            return "\n".join([*heads, *(_row("|", row) for row in rows)])
        case Rule():
            return "----"
        case _:
            assert_never(block)


def _without_quotes(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Quote):
            yield from _without_quotes(block.blocks)
        else:
            yield block


def _quote(inside: str) -> str:
    """Write *inside* as a quotation; the first tag in it, though it stand in code, would be its end."""
    broken = _QUOTE_TAG.sub(lambda match: match[1] or "{\u200b", inside)
    note = f"\n\n{_broken_note('quote')}" if broken != inside else ""
    return f"{{quote}}\n{broken}{note}\n{{quote}}"


def _code_block(text: str, language: str) -> str:
    tags = text.lower()
    if "{code" not in tags:
        known = _ALIASES.get(language.lower(), language.lower())
        return f"{{code:{known if known in LANGUAGES else 'none'}}}\n{text}\n{{code}}"
    if "{noformat" not in tags:
        return f"{{noformat}}\n{text}\n{{noformat}}"
    broken = re.sub(r"\{(?=code)", "{\u200b", text, flags=re.IGNORECASE)
    return f"{{code:none}}\n{broken}\n{{code}}\n{_broken_note('code')}"


def _broken_note(name: str) -> str:
    return f"_(In this block a zero-width space stands behind the brace of each \\{{{name}\\}}.)_"


def _numbered(items: tuple[ListItem, ...], start: int) -> str:
    numbered = ("\n".join(map(_block, lowering.flat(item.blocks))) for item in _with_numbers(items, start))
    return "\n\n".join(numbered)


def _with_numbers(items: tuple[ListItem, ...], start: int) -> tuple[ListItem, ...]:
    """Put its number before the text of each of *items*."""
    numbered: list[ListItem] = []
    for number, item in enumerate(items, start):
        match item.blocks:
            case (Paragraph(content), *rest):
                numbered.append(ListItem((Paragraph(normal.inlines((Text(f"{number}. "), *content))), *rest)))
            case _:
                numbered.append(ListItem((Paragraph((Text(f"{number}."),)), *item.blocks)))
    return tuple(numbered)


def _items(block: BulletList | OrderedList, bullets: str) -> Iterator[str]:
    if isinstance(block, OrderedList) and block.start != 1:
        block = BulletList(_with_numbers(block.items, block.start))
    bullets += "#" if isinstance(block, OrderedList) else "*"
    for item in block.items:
        blocks = list(lowering.flat(item.blocks))
        # A macro must begin a line, and a list below an item needs the item.
        first = _block(blocks.pop(0)) if blocks and isinstance(blocks[0], Paragraph) else _EMPTY_ITEM
        yield f"{bullets} {first}"
        for inner in blocks:
            if isinstance(inner, BulletList | OrderedList):
                yield from _items(inner, bullets)
            else:
                yield _block(inner)


def _row(bar: str, row: Row) -> str:
    return f"{bar} " + f" {bar} ".join(_cell(cell) for cell in row) + f" {bar}"


def _cell(cell: Cell) -> str:
    return _lines(cell).replace("\n", "\\\\ ")


def _lines(content: tuple[Inline, ...]) -> str:
    return "\n".join(map(guard_line, _inlines(content).split("\n")))


def _inlines(content: tuple[Inline, ...]) -> str:
    return _phrases(runs.nest(runs.tidy(addresses.linked(content))), before="", after="")


def _phrases(content: tuple[Inline, ...], *, before: str, after: str) -> str:
    """Write *content* between the strings *before* and *after*, which decide how its marks must stand."""
    output = ""
    for inline, following in zip(content, [*map(_begin, content[1:]), after], strict=False):
        match inline:
            case Text(text):
                output += escape(text)
            case HardBreak():
                output += "\n"
            case Mention(id_):
                output += f"[~{id_}]"
            case Link(href, words):
                output += _link(href, words)
            case Code() | Strong() | Emphasis() | Strike():
                is_braced = _needs_braces(output or before, following)
                output += _marked(inline, is_braced=is_braced)
            case _:
                assert_never(inline)
    return output


def _marked(inline: Code | Strong | Emphasis | Strike, *, is_braced: bool) -> str:
    match inline:
        case Code(text):
            return f"{{{{{{}}{escape_code(text)}{{}}}}}}" if is_braced else f"{{{{{escape_code(text)}}}}}"
        case Strong(inner):
            mark = "*"
        case Emphasis(inner):
            mark = "_"
        case Strike(inner):
            mark = "-"
        case _:
            assert_never(inline)
    mark = f"{{{mark}}}" if is_braced else mark
    return mark + _phrases(inner, before=mark, after=mark) + mark


def _needs_braces(before: str, after: str) -> bool:
    """Say whether a mark between *before* and *after* must be written `{*}`: words and braces keep it from standing."""
    left, right = before[-1:], after[:1]
    return left.isalnum() or left in ("}", "\\") or right.isalnum() or right == "{"


def _begin(inline: Inline) -> str:
    """Give what *inline* begins with, or may."""
    match inline:
        case Text(text):
            return escape(text)
        case HardBreak():
            return "\n"
        case Mention() | Link():
            return "["
        case Code() | Strong() | Emphasis() | Strike():
            return "{"
        case _:
            assert_never(inline)


def _link(href: str, words: tuple[Inline, ...]) -> str:
    target = href.replace("[", "%5B").replace("]", "%5D")
    if words == (Text(target),):
        return f"[{target}]"
    return f"[{_phrases(words, before='[', after='|')}|{target}]"
