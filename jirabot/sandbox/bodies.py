"""The two ways in which Jira keeps a text: wiki markup (a string) and the Atlassian Document Format (a mapping).

What was written is kept as it was; each other form is made from the ADF tree when somebody asks for it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jirabot.sandbox import wiki

Body = str | dict[str, Any]
"""Wiki markup, or an ADF document."""

_WIKI_SIGNS: Mapping[str, tuple[str, str]] = {
    "strong": ("*", "*"),
    "em": ("_", "_"),
    "strike": ("-", "-"),
    "underline": ("+", "+"),
    "code": ("{{", "}}"),
}
_BLOCKS_APART = "\n\n"


def to_adf(body: Body) -> dict[str, Any]:
    """Give a body as an ADF document."""
    return wiki.parse(body) if isinstance(body, str) else body


def to_wiki(body: Body) -> str:
    """Give a body as wiki markup; a string is given as it was written."""
    return body if isinstance(body, str) else _wiki_blocks(body.get("content", ()), _BLOCKS_APART)


def to_text(body: Body) -> str:
    """Give a body as text that people read, without markup."""
    return _text_blocks(to_adf(body).get("content", ()), _BLOCKS_APART)


def _text_blocks(nodes: Sequence[dict[str, Any]], apart: str) -> str:
    return apart.join(text for node in nodes if (text := _text_block(node)))


def _text_block(node: dict[str, Any]) -> str:
    content = node.get("content", ())
    match node.get("type"):
        case "bulletList" | "orderedList" | "taskList" | "decisionList" as kind:
            return _items(node, "1. " if kind == "orderedList" else "- ", _text_item)
        case "table":
            return "\n".join(_text_block(row) for row in content)
        case "tableRow":
            return " | ".join(_text_blocks(cell.get("content", ()), " ") for cell in content)
        case "rule":
            return "---"
        case "blockquote" | "panel" | "expand" | "nestedExpand":
            return _text_blocks(content, _BLOCKS_APART)
        case "mediaSingle" | "mediaGroup":
            return _text_blocks(content, "\n")
        case _:
            return "".join(map(_text_inline, content)) or _text_inline(node)


def _text_item(item: dict[str, Any]) -> str:
    if item.get("type") == "listItem":
        return _text_blocks(item.get("content", ()), "\n")
    return "".join(map(_text_inline, item.get("content", ())))


def _text_inline(node: dict[str, Any]) -> str:
    attrs = node.get("attrs") or {}
    match node.get("type"):
        case "text":
            text = str(node["text"])
            links = [m["attrs"]["href"] for m in node.get("marks", ()) if m.get("type") == "link"]
            return f"{text} ({links[0]})" if links and links[0] != text else text
        case "hardBreak":
            return "\n"
        case "mention":
            return str(attrs.get("text") or f"@{attrs.get('id')}")
        case "emoji":
            return str(attrs.get("text") or attrs.get("shortName"))
        case _:
            return str(attrs.get("text") or attrs.get("url") or attrs.get("alt") or "")


def _wiki_blocks(nodes: Sequence[dict[str, Any]], apart: str) -> str:
    return apart.join(_wiki_block(node) for node in nodes)


def _wiki_block(node: dict[str, Any]) -> str:
    content = node.get("content", ())
    attrs = node.get("attrs") or {}
    match node.get("type"):
        case "heading":
            return f"h{attrs['level']}. {_wiki_inlines(content)}"
        case "codeBlock":
            language = f":{attrs['language']}" if attrs.get("language") else ""
            return f"{{code{language}}}\n{''.join(n['text'] for n in content)}\n{{code}}"
        case "bulletList" | "orderedList" | "taskList" | "decisionList":
            return _wiki_list(node, "")
        case "blockquote":
            return f"{{quote}}\n{_wiki_blocks(content, _BLOCKS_APART)}\n{{quote}}"
        case "panel" | "expand" | "nestedExpand":
            return f"{{panel}}\n{_wiki_blocks(content, _BLOCKS_APART)}\n{{panel}}"
        case "table":
            return "\n".join(_wiki_row(row) for row in content)
        case "rule":
            return "----"
        case _:
            return _wiki_inlines(content)


def _wiki_list(node: dict[str, Any], marker: str) -> str:
    marker += "#" if node["type"] == "orderedList" else "*"
    lines = []
    for item in node.get("content", ()):
        blocks = item.get("content", ()) if item.get("type") == "listItem" else [{"content": item.get("content", ())}]
        for number, block in enumerate(blocks):
            if str(block.get("type")).endswith("List"):
                lines.append(_wiki_list(block, marker))
            else:
                lines.append((f"{marker} " if number == 0 else "") + _wiki_block(block))
    return "\n".join(lines)


def _wiki_row(row: dict[str, Any]) -> str:
    cells = [
        ("||" if cell["type"] == "tableHeader" else "|") + (_wiki_blocks(cell.get("content", ()), " ") or " ")
        for cell in row.get("content", ())
    ]
    is_header = bool(cells) and cells[-1].startswith("||")
    return "".join(cells) + ("||" if is_header else "|")


def _wiki_inlines(nodes: Sequence[dict[str, Any]]) -> str:
    return "".join(map(_wiki_inline, nodes))


def _wiki_inline(node: dict[str, Any]) -> str:
    attrs = node.get("attrs") or {}
    match node.get("type"):
        case "text":
            return _wiki_marked(node)
        case "mention":
            return f"[~accountid:{attrs['id']}]"
        case "inlineCard" | "blockCard":
            return f"[{attrs.get('url')}]"
        case _:
            return _text_inline(node)


def _wiki_marked(node: dict[str, Any]) -> str:
    text = wiki.escape(str(node["text"]))
    for mark in node.get("marks", ()):
        if mark["type"] in _WIKI_SIGNS:
            opening, closing = _WIKI_SIGNS[mark["type"]]
            text = f"{opening}{text}{closing}"
    links = [mark["attrs"]["href"] for mark in node.get("marks", ()) if mark["type"] == "link"]
    return f"[{text}|{links[0]}]" if links else text


def _items(node: dict[str, Any], sign: str, write: Callable[[dict[str, Any]], str]) -> str:
    lines = []
    for number, item in enumerate(node.get("content", ()), start=(node.get("attrs") or {}).get("order", 1)):
        first = f"{number}. " if sign == "1. " else sign
        body = write(item) if item.get("type") != "taskList" else _text_block(item)
        lines.append(first + body.replace("\n", "\n" + " " * len(first)))
    return "\n".join(lines)
