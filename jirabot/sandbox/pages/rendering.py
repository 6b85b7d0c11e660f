"""Writes the ADF tree as HTML; all text is escaped, and only web addresses become links."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

Node = Mapping[str, Any]

_TAGS: Mapping[str, str] = {
    "bulletList": "ul",
    "listItem": "li",
    "blockquote": "blockquote",
    "tableRow": "tr",
    "tableCell": "td",
    "tableHeader": "th",
    "paragraph": "p",
}
_MARKS: Mapping[str, str] = {"strong": "strong", "em": "em", "strike": "s", "underline": "u", "code": "code"}
_PANELS: Mapping[str, str] = {
    "info": "Info",
    "note": "Note",
    "tip": "Tip",
    "success": "Success",
    "warning": "Warning",
    "error": "Error",
}
_SCHEMES = ("http://", "https://", "mailto:")


class Renderer:
    """Renders documents of one Jira; *name_of* finds the name of a mentioned account."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of

    def render(self, document: Node) -> str:
        """Write a document as HTML."""
        return self._all(document.get("content", ()))

    def _all(self, nodes: Sequence[Node]) -> str:
        return "".join(map(self._node, nodes))

    def _node(self, node: Node) -> str:
        kind, attrs = str(node.get("type")), node.get("attrs") or {}
        if kind == "text":
            return _marked(escape(str(node.get("text", ""))), node.get("marks", ()))
        inside = self._all(node.get("content", ()))
        if kind in _TAGS:
            return f"<{_TAGS[kind]}>{inside}</{_TAGS[kind]}>"
        return _block(kind, attrs, inside) or self._inline(kind, attrs) or inside

    def _inline(self, kind: str, attrs: Node) -> str:
        match kind:
            case "mention":
                name = attrs.get("text") or f"@{self._name_of(str(attrs.get('id')))}"
                return f'<span class="mention">{escape(str(name))}</span>'
            case "status":
                return f'<span class="lozenge">{escape(str(attrs.get("text")))}</span>'
            case "emoji":
                return escape(str(attrs.get("text") or attrs.get("shortName")))
            case "date":
                return f"<time>{_day(str(attrs.get('timestamp')))}</time>"
            case "inlineCard" | "blockCard":
                return _link(str(attrs.get("url")), escape(str(attrs.get("url"))))
            case "media":
                return f"<em>[{escape(str(attrs.get('alt') or attrs.get('url') or 'media'))}]</em>"
            case _:
                return ""


def _block(kind: str, attrs: Node, inside: str) -> str:
    match kind:
        case "heading":
            level = min(int(attrs.get("level", 1)) + 2, 6)
            return f"<h{level}>{inside}</h{level}>"
        case "orderedList":
            return f'<ol start="{int(attrs.get("order", 1))}">{inside}</ol>'
        case "codeBlock":
            return f'<pre data-language="{escape(str(attrs.get("language") or ""))}"><code>{inside}</code></pre>'
        case "table":
            return f'<div class="wide"><table>{inside}</table></div>'
        case "panel":
            panel = str(attrs.get("panelType"))
            return f'<aside class="panel {escape(panel)}" aria-label="{_PANELS.get(panel, "Panel")}">{inside}</aside>'
        case "expand" | "nestedExpand":
            return f"<details><summary>{escape(str(attrs.get('title') or 'More'))}</summary>{inside}</details>"
        case "taskList" | "decisionList":
            return f'<ul class="tasks">{inside}</ul>'
        case "taskItem" | "decisionItem":
            return f"<li>{'☑' if attrs.get('state') == 'DONE' else '☐'} {inside}</li>"
        case _:
            return {"rule": "<hr>", "hardBreak": "<br>"}.get(kind, "")


def _marked(html: str, marks: Sequence[Node]) -> str:
    for mark in marks:
        kind, attrs = str(mark.get("type")), mark.get("attrs") or {}
        if kind in _MARKS:
            html = f"<{_MARKS[kind]}>{html}</{_MARKS[kind]}>"
        elif kind == "subsup":
            tag = "sub" if attrs.get("type") == "sub" else "sup"
            html = f"<{tag}>{html}</{tag}>"
        elif kind == "link":
            html = _link(str(attrs.get("href")), html)
    return html


def _link(href: str, html: str) -> str:
    if not href.lower().startswith(_SCHEMES):
        return html
    return f'<a href="{escape(href)}" rel="noopener noreferrer nofollow">{html}</a>'


def _day(timestamp: str) -> str:
    try:
        return f"{datetime.fromtimestamp(int(timestamp) / 1000, UTC):%d %b %Y}"
    except (ValueError, OverflowError):
        return escape(timestamp)
