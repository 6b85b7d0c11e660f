"""Wiki markup, read into an ADF tree: what people type on Data Center, and what REST v2 takes on both.

It reads what Jira's own renderer would show; what is no markup stays text, so that no string is refused.
Source: "Text Formatting Notation Help", part of every Jira (`/secure/WikiRendererHelpAction.jspa?section=all`).
"""

import re
from itertools import groupby
from typing import Any

Node = dict[str, Any]

_MACRO = re.compile(
    r"(?<!\\)\{(?P<name>code|noformat|quote|panel|info|note|tip|warning)(?::(?P<options>[^}\n]*))?\}"
    r"(?P<inside>[\s\S]*?)(?<!\\)\{(?P=name)\}"
)
_HEADING = re.compile(r"\s*h(?P<level>[1-6])\.\s+(?P<text>.*)")
_QUOTE_LINE = re.compile(r"\s*bq\.\s+(?P<text>.*)")
_RULE = re.compile(r"\s*-{4,}\s*$")
_ITEM = re.compile(r"\s*(?P<marker>[*#]+|-)\s+(?P<text>.*)")
_CELL = re.compile(r"(?P<sign>\|\|?)(?P<text>(?:\[[^\]\n]*\]|\\.|[^|\n\\])*)")
_ESCAPED = re.compile(r"\\([^A-Za-z0-9\s])")
_INLINE = re.compile(
    r"(?P<break>\\\\[ \t]*\n?|\n)"
    r"|\\(?P<escaped>[^A-Za-z0-9\s])"
    r"|\{\{(?P<code>.+?)\}\}"
    r"|\[~(?:[Aa]ccount[Ii]d:)?(?P<mention>[^\]\s]+)\]"
    r"|\[(?:(?P<label>[^\]|\n]+)\|)?(?P<href>(?:https?://|mailto:|#|/)[^\]\s|]+)(?:\|[^\]\n]*)?\]"
    r"|\{color:(?P<color>[^}\n]+)\}(?P<coloured>[\s\S]*?)\{color\}"
    r"|(?P<url>https?://[^\s\]|}<>\"]*[^\s\]|}<>\".,;:!?)])"
    r"|(?<![\w\\])(?P<sign>[*_\-+^~])(?=\S)(?P<inside>.+?)(?<=[^\s\\])(?P=sign)(?!\w)"
)
_SIGNS: dict[str, Node] = {
    "*": {"type": "strong"},
    "_": {"type": "em"},
    "-": {"type": "strike"},
    "+": {"type": "underline"},
    "^": {"type": "subsup", "attrs": {"type": "sup"}},
    "~": {"type": "subsup", "attrs": {"type": "sub"}},
}
_PANELS = {"info": "info", "note": "note", "tip": "success", "warning": "warning", "panel": "info"}


def parse(text: str) -> Node:
    """Read wiki markup into an ADF document."""
    return {"version": 1, "type": "doc", "content": _blocks(text.replace("\r\n", "\n"))}


def escape(text: str) -> str:
    """Write plain text so that it opens no macro and no link."""
    return re.sub(r"([{}\[\]])", r"\\\1", text)


def _blocks(text: str) -> list[Node]:
    nodes: list[Node] = []
    end = 0
    for macro in _MACRO.finditer(text):
        nodes += _prose(text[end : macro.start()])
        nodes.append(_macro(macro))
        end = macro.end()
    return nodes + _prose(text[end:])


def _macro(macro: re.Match[str]) -> Node:
    inside, options = macro["inside"], macro["options"] or ""
    if macro["name"] in ("code", "noformat"):
        language = next((word for word in options.split("|") if word and "=" not in word), "")
        attrs = {"attrs": {"language": language}} if language and macro["name"] == "code" else {}
        code = inside.removeprefix("\n").removesuffix("\n")
        return {"type": "codeBlock", **attrs, "content": [{"type": "text", "text": code}] if code else []}
    content = _blocks(inside) or [{"type": "paragraph", "content": []}]
    if macro["name"] == "quote":
        return {"type": "blockquote", "content": content}
    title = re.search(r"title=([^|]*)", options)
    if title:
        content.insert(0, {"type": "paragraph", "content": [_text(title[1], [{"type": "strong"}])]})
    return {"type": "panel", "attrs": {"panelType": _PANELS[macro["name"]]}, "content": content}


def _prose(text: str) -> list[Node]:
    nodes: list[Node] = []
    for kind, lines in groupby(_joined(text.split("\n")), key=_kind):
        match kind:
            case "list":
                nodes += _lists([(m["marker"], m["text"]) for line in lines if (m := _item(line))], 0)
            case "table":
                nodes.append({"type": "table", "content": [_row(line) for line in lines]})
            case "line":
                nodes += [_line(line) for line in lines]
            case "paragraph":
                nodes.append({"type": "paragraph", "content": _inline("\n".join(line.strip() for line in lines))})
            case _:
                continue
    return nodes


def _joined(lines: list[str]) -> list[str]:
    """Join the lines that go on with a list's item to it."""
    joined: list[str] = []
    for line in lines:
        if joined and _kind(joined[-1].partition("\n")[0]) == "list" and _kind(line) == "paragraph":
            joined[-1] += "\n" + line.strip()
        else:
            joined.append(line)
    return joined


def _kind(line: str) -> str:
    first = line.partition("\n")[0]
    if not first.strip():
        return "blank"
    if _HEADING.match(first) or _QUOTE_LINE.match(first) or _RULE.match(first):
        return "line"
    if _ITEM.match(first):
        return "list"
    return "table" if first.lstrip().startswith("|") else "paragraph"


def _item(line: str) -> re.Match[str] | None:
    return re.compile(_ITEM.pattern, re.DOTALL).match(line)


def _line(line: str) -> Node:
    if heading := _HEADING.match(line):
        return {"type": "heading", "attrs": {"level": int(heading["level"])}, "content": _inline(heading["text"])}
    if quote := _QUOTE_LINE.match(line):
        return {"type": "blockquote", "content": [{"type": "paragraph", "content": _inline(quote["text"])}]}
    return {"type": "rule"}


def _lists(items: list[tuple[str, str]], depth: int) -> list[Node]:
    nodes: list[Node] = []
    for sign, group in groupby(items, key=lambda item: item[0][depth]):
        entries: list[Node] = []
        for is_deeper, run in groupby(group, key=lambda item: len(item[0]) > depth + 1):
            if is_deeper:
                entries = entries or [{"type": "listItem", "content": [{"type": "paragraph", "content": []}]}]
                entries[-1]["content"] += _lists(list(run), depth + 1)
            else:
                paragraphs = ({"type": "paragraph", "content": _inline(text)} for _, text in run)
                entries += [{"type": "listItem", "content": [paragraph]} for paragraph in paragraphs]
        nodes.append({"type": "orderedList" if sign == "#" else "bulletList", "content": entries})
    return nodes


def _row(line: str) -> Node:
    cells = [cell for cell in _CELL.finditer(line.strip()) if cell.end() < len(line.strip()) or cell["text"].strip()]
    return {
        "type": "tableRow",
        "content": [
            {
                "type": "tableHeader" if cell["sign"] == "||" else "tableCell",
                "content": [{"type": "paragraph", "content": _inline(cell["text"].strip())}],
            }
            for cell in cells
        ],
    }


def _inline(text: str, marks: list[Node] | None = None) -> list[Node]:
    marks = marks or []
    nodes: list[Node] = []
    end = 0
    for found in _INLINE.finditer(text):
        nodes += _plain(text[end : found.start()], marks)
        nodes += _span(found, marks)
        end = found.end()
    return _merged(nodes + _plain(text[end:], marks))


def _span(found: re.Match[str], marks: list[Node]) -> list[Node]:
    if found["break"] is not None:
        return [{"type": "hardBreak"}]
    if found["escaped"]:
        return _plain(found["escaped"], marks)
    if found["code"]:
        return _plain(_ESCAPED.sub(r"\1", found["code"]), [{"type": "code"}])
    if found["mention"]:
        return [{"type": "mention", "attrs": {"id": found["mention"]}}]
    if found["href"] or found["url"]:
        href = found["href"] or found["url"]
        return _inline_of_link(found["label"] or href, [*marks, {"type": "link", "attrs": {"href": href}}])
    if found["color"]:
        return _inline(found["coloured"], marks)
    return _inline(found["inside"], [*marks, _SIGNS[found["sign"]]])


def _inline_of_link(label: str, marks: list[Node]) -> list[Node]:
    return _plain(_ESCAPED.sub(r"\1", label), marks)


def _plain(text: str, marks: list[Node]) -> list[Node]:
    return [_text(text, marks)] if text else []


def _text(text: str, marks: list[Node]) -> Node:
    return {"type": "text", "text": text, **({"marks": marks} if marks else {})}


def _merged(nodes: list[Node]) -> list[Node]:
    """Join neighbouring texts of the same marks, as they are after an escape."""
    merged: list[Node] = []
    for node in nodes:
        last = merged[-1] if merged else {}
        if node["type"] == last.get("type") == "text" and node.get("marks") == last.get("marks"):
            last["text"] += node["text"]
        else:
            merged.append(node)
    return merged
