r"""The block macros of wiki markup, found before anything else: `{code}`, `{noformat}`, `{quote}`, `{panel}`. Pure.

Jira looks for them anywhere in a line, whatever their case. One ends at the next tag of its name that has no parameters
and no backslash before it, even where that stands in another macro. Each is taken out of the text and a placeholder put
in its place, so that lists and tables can be read line by line with whole blocks inside them.

Source: "Text Formatting Notation Help" in Jira, section "Advanced Formatting", and `WikiMarkupParser` of Atlassian's
renderer.
"""

import re
from collections.abc import Callable

from jirabot.jira.markup.tree import Block, CodeBlock, Paragraph, Quote, Strong, Text

Found = list[tuple[Block, ...]]
"""The blocks of each macro found so far; the placeholders are their places in it."""

ParseBlocks = Callable[[str, Found], tuple[Block, ...]]

_TAG = re.compile(
    r"\\.|(?<!\{)\{(?P<name>code|noformat|quote|panel|color)(?::(?P<parameters>[^{}\n]*))?\}",
    re.DOTALL | re.IGNORECASE,
)
_PLACEHOLDER = re.compile("\x00([0-9]+)\x00")


def split(text: str, found: Found) -> list[str | tuple[Block, ...]]:
    """Take *text* apart at its placeholders: text, the blocks of a macro, text, and so on."""
    parts = _PLACEHOLDER.split(text)
    return [found[int(part)] if index % 2 else part for index, part in enumerate(parts)]


def fold(text: str, found: Found, parse_blocks: ParseBlocks) -> str:
    """Put a placeholder for each macro into clean *text*, which holds no NUL, and its blocks behind those *found*.

    A tag without an end is text; a colour is dropped. Quotations and panels nest no deeper than in each other, and what
    has no end is looked for once, so that the time grows with the length.
    """
    pieces: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while tag := _TAG.search(text, position):
        pieces.append(text[position : tag.start()])
        position = tag.end()
        name = (tag["name"] or "").lower()
        if name == "color":
            continue
        end = _find_end(text, name, position) if name and name not in unclosed else None
        if end is None:
            unclosed.add(name)
            pieces.append(tag[0])
        else:
            blocks = _blocks(name, tag["parameters"] or "", text[position : end.start()], found, parse_blocks)
            pieces.append(f"\x00{len(found)}\x00")
            found.append(blocks)
            position = end.end()
    return "".join((*pieces, text[position:]))


def _find_end(text: str, name: str, position: int) -> re.Match[str] | None:
    tags = _TAG.finditer(text, position)
    return next((tag for tag in tags if (tag["name"] or "").lower() == name and tag["parameters"] is None), None)


def _blocks(name: str, parameters: str, inside: str, found: Found, parse_blocks: ParseBlocks) -> tuple[Block, ...]:
    match name:
        case "code" | "noformat":
            language = _language(parameters) if name == "code" else ""
            code = CodeBlock(inside.removeprefix("\n").removesuffix("\n"), language)
            return (*_title(parameters), code)
        case "quote":
            return (Quote(parse_blocks(inside, found)),)
        case _:
            return (*_title(parameters), *parse_blocks(inside, found))


def _language(parameters: str) -> str:
    for parameter in parameters.split("|"):
        key, is_named, value = parameter.partition("=")
        if not is_named or key.strip() in ("language", "lang"):
            language = (value if is_named else key).strip()
            return "" if language == "none" else language
    return ""


def _title(parameters: str) -> tuple[Block, ...]:
    for parameter in parameters.split("|"):
        key, _, title = parameter.partition("=")
        if key.strip() == "title" and title.strip():
            return (Paragraph((Strong((Text(title.strip()),)),)),)
    return ()
