"""Checks ADF documents as strictly as Jira Cloud does: it refuses a whole comment for one wrong node.

The grammar is that of the public schema, without the nodes that comments have no use for (layouts, synchronised
blocks, extensions with a body), which are refused.
Source: "Atlassian Document Format", developer.atlassian.com, and its JSON schema (adf-schema 57).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jirabot.sandbox.refusals import Refusal

Test = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Accept any string."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Accept true and false."""
    return isinstance(value, bool)


def is_anything(value: Any) -> bool:
    """Accept any JSON value."""
    return True


def number(least: float = float("-inf"), most: float = float("inf")) -> Test:
    """Accept a number within bounds."""
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and least <= v <= most


def one_of(*values: str) -> Test:
    """Accept one of some words."""
    return lambda value: isinstance(value, str) and value in values


def like(pattern: str) -> Test:
    """Accept a string that a pattern matches as a whole."""
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.DOTALL) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attrs:
    """What stands in a node's or a mark's `attrs`; nothing else may."""

    required: Mapping[str, Test] = field(default_factory=dict)
    optional: Mapping[str, Test] = field(default_factory=dict)
    needed: bool | None = None
    """Whether `attrs` must be there; None: where it holds something required."""

    def accepts(self, value: Any) -> bool:
        """Say whether *value*, None for absent, is right."""
        if value is None:
            return not (bool(self.required) if self.needed is None else self.needed)
        if not isinstance(value, dict) or not self.required.keys() <= value.keys():
            return False
        tests = {**self.optional, **self.required}
        return all(key in tests and tests[key](item) for key, item in value.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a node of one type may hold."""

    attrs: tuple[Attrs, ...] = (Attrs(optional={"localId": is_text}),)
    """The shapes of `attrs`, one of which it must have."""
    children: frozenset[str] | None = None
    """The types of its content; None: it has no `content`."""
    least: int | None = None
    """How many children there must be at least; None: `content` may be absent."""
    marks: frozenset[str] | None = None
    """Its marks; None: it has no `marks`. The empty set: there may be an empty list."""


_COLOUR = r"#[0-9a-fA-F]{6}"
_ID = {"localId": is_text}
_NO_ATTRS = (Attrs(),)

_MARKS: Mapping[str, Attrs | None] = {
    "strong": None,
    "em": None,
    "strike": None,
    "underline": None,
    "code": None,
    "subsup": Attrs(required={"type": one_of("sub", "sup")}),
    "textColor": Attrs(required={"color": like(_COLOUR)}),
    "backgroundColor": Attrs(required={"color": like(_COLOUR)}),
    "link": Attrs(
        required={"href": is_text},
        optional={"title": is_text, "id": is_text, "collection": is_text, "occurrenceKey": is_text},
    ),
    "annotation": Attrs(required={"id": is_text, "annotationType": one_of("inlineComment")}),
    "alignment": Attrs(required={"align": one_of("center", "end")}),
    "indentation": Attrs(required={"level": number(1, 6)}),
    "fontSize": Attrs(required={"fontSize": one_of("small")}),
}

_FORMATTED = frozenset(
    {"link", "em", "strong", "strike", "subsup", "underline", "textColor", "annotation", "backgroundColor"}
)
_CODE = frozenset({"code", "link", "annotation"})
_INLINE = frozenset({"text", "date", "emoji", "hardBreak", "inlineCard", "mention", "status"})
_MEDIA = frozenset({"mediaSingle", "mediaGroup"})
_LISTS = frozenset({"bulletList", "orderedList"})
_BLOCKS = _LISTS | _MEDIA | {"paragraph", "codeBlock", "taskList", "decisionList", "heading", "rule"}
_CELL = _BLOCKS | {"panel", "blockquote", "blockCard", "extension", "nestedExpand"}
_PANEL_TYPES = ("info", "note", "tip", "warning", "error", "success", "custom")
_PANEL_EXTRAS = ("panelIcon", "panelIconId", "panelIconText", "panelColor")
_LAYOUTS = ("wide", "full-width", "center", "wrap-right", "wrap-left", "align-end", "align-start")
_SIZE = {"width": number(), "height": number()}
_CELL_KIND = Kind(
    attrs=(
        Attrs(
            optional={
                "colspan": number(),
                "rowspan": number(),
                "colwidth": lambda value: isinstance(value, list) and all(map(number(), value)),
                "background": is_text,
                "valign": one_of("top", "middle", "bottom"),
                **_ID,
            }
        ),
    ),
    children=_CELL,
    least=1,
)

_KINDS: Mapping[str, Kind] = {
    "doc": Kind(
        attrs=_NO_ATTRS,
        children=_BLOCKS | {"panel", "blockquote", "table", "expand", "blockCard", "extension"},
        least=0,
    ),
    "paragraph": Kind(children=_INLINE, marks=frozenset({"alignment", "indentation", "fontSize"})),
    "heading": Kind(
        attrs=(Attrs(required={"level": number(1, 6)}, optional=_ID),),
        children=_INLINE,
        marks=frozenset({"alignment", "indentation"}),
    ),
    "codeBlock": Kind(
        attrs=(
            Attrs(
                optional={
                    "language": is_text,
                    "uniqueId": is_text,
                    "wrap": is_flag,
                    "hideLineNumbers": is_flag,
                    **_ID,
                }
            ),
        ),
        children=frozenset({"text"}),
        marks=frozenset(),
    ),
    "bulletList": Kind(children=frozenset({"listItem"}), least=1),
    "orderedList": Kind(
        attrs=(Attrs(optional={"order": number(0), **_ID}),), children=frozenset({"listItem"}), least=1
    ),
    "listItem": Kind(
        children=_LISTS | {"paragraph", "taskList", "mediaSingle", "codeBlock", "extension"},
        least=1,
    ),
    "blockquote": Kind(children=_LISTS | _MEDIA | {"paragraph", "codeBlock", "extension"}, least=1),
    "panel": Kind(
        attrs=(
            Attrs(
                required={"panelType": one_of(*_PANEL_TYPES)},
                optional=dict.fromkeys((*_PANEL_EXTRAS, "localId"), is_text),
            ),
        ),
        children=_BLOCKS | {"blockCard", "extension"},
        least=1,
    ),
    "expand": Kind(
        attrs=(Attrs(optional={"title": is_text, **_ID}),),
        children=_BLOCKS | {"panel", "blockquote", "table", "blockCard", "extension", "nestedExpand"},
        least=1,
        marks=frozenset(),
    ),
    "nestedExpand": Kind(
        attrs=(Attrs(optional={"title": is_text, **_ID}, needed=True),),
        children=_BLOCKS | {"panel", "blockquote", "extension"},
        least=1,
        marks=frozenset(),
    ),
    "table": Kind(
        attrs=(
            Attrs(
                optional={
                    "displayMode": one_of("default", "fixed"),
                    "isNumberColumnEnabled": is_flag,
                    "layout": one_of("wide", "full-width", "center", "align-end", "align-start", "default"),
                    "localId": like(".+"),
                    "width": number(),
                }
            ),
        ),
        children=frozenset({"tableRow"}),
        least=1,
        marks=frozenset(),
    ),
    "tableRow": Kind(children=frozenset({"tableCell", "tableHeader"}), least=0),
    "tableCell": _CELL_KIND,
    "tableHeader": _CELL_KIND,
    "taskList": Kind(attrs=(Attrs(required=_ID),), children=frozenset({"taskItem", "taskList"}), least=1),
    "taskItem": Kind(attrs=(Attrs(required={"state": one_of("TODO", "DONE"), **_ID}),), children=_INLINE),
    "decisionList": Kind(attrs=(Attrs(required=_ID),), children=frozenset({"decisionItem"}), least=1),
    "decisionItem": Kind(attrs=(Attrs(required={"state": is_text, **_ID}),), children=_INLINE),
    "rule": Kind(),
    "hardBreak": Kind(attrs=(Attrs(optional={"text": one_of("\n"), **_ID}),)),
    "mention": Kind(
        attrs=(
            Attrs(
                required={"id": is_text},
                optional={
                    "text": is_text,
                    "accessLevel": is_text,
                    "userType": one_of("DEFAULT", "SPECIAL", "APP"),
                    **_ID,
                },
            ),
        )
    ),
    "emoji": Kind(attrs=(Attrs(required={"shortName": is_text}, optional={"id": is_text, "text": is_text, **_ID}),)),
    "date": Kind(attrs=(Attrs(required={"timestamp": like(".+")}, optional=_ID),)),
    "status": Kind(
        attrs=(
            Attrs(
                required={
                    "text": like(".+"),
                    "color": like(rf"neutral|purple|blue|red|yellow|green|{_COLOUR}"),
                },
                optional={"style": is_text, **_ID},
            ),
        )
    ),
    "inlineCard": Kind(
        attrs=(Attrs(required={"url": is_text}, optional=_ID), Attrs(required={"data": is_anything}, optional=_ID))
    ),
    "blockCard": Kind(
        attrs=(Attrs(required={"url": is_text}, optional=_ID), Attrs(required={"data": is_anything}, optional=_ID))
    ),
    "mediaSingle": Kind(
        attrs=(
            Attrs(
                required={"layout": one_of(*_LAYOUTS)},
                optional={"width": number(0), "widthType": one_of("percentage", "pixel"), **_ID},
                needed=False,
            ),
        ),
        children=frozenset({"media"}),
        least=1,
        marks=frozenset({"link"}),
    ),
    "mediaGroup": Kind(children=frozenset({"media"}), least=1),
    "media": Kind(
        attrs=(
            Attrs(
                required={"type": one_of("link", "file"), "id": like(".+"), "collection": is_text},
                optional={"alt": is_text, "occurrenceKey": like(".+"), **_SIZE, **_ID},
            ),
            Attrs(required={"type": one_of("external"), "url": is_text}, optional={"alt": is_text, **_SIZE, **_ID}),
        )
    ),
    "extension": Kind(
        attrs=(
            Attrs(
                required={"extensionKey": like(".+"), "extensionType": like(".+")},
                optional={"parameters": is_anything, "text": is_text, "layout": is_text, "localId": like(".+")},
            ),
        )
    ),
}


def check(document: Any) -> None:
    """Accept a document, or refuse it as Jira does: with one word, saying neither what is wrong nor where.

    Raises:
        Refusal: 400 INVALID_INPUT.
    """
    if not is_valid(document):
        raise Refusal(400, "INVALID_INPUT")


def is_valid(document: Any) -> bool:
    """Say whether a document keeps to the grammar."""
    if not isinstance(document, dict) or document.get("type") != "doc" or document.get("version") != 1:
        return False
    return _is_node({key: value for key, value in document.items() if key != "version"}, inside="")


def _is_node(node: Any, *, inside: str) -> bool:
    if not isinstance(node, dict):
        return False
    if node.get("type") == "text":
        return _is_text_node(node, inside=inside)
    kind = _KINDS.get(str(node.get("type")))
    if kind is None or not node.keys() <= {"type", "attrs", "content", "marks"}:
        return False
    if not any(shape.accepts(node.get("attrs")) for shape in kind.attrs):
        return False
    return _are_children(node, kind) and _are_marks_of_block(node, kind, inside=inside)


def _are_children(node: dict[str, Any], kind: Kind) -> bool:
    if kind.children is None:
        return "content" not in node
    if "content" not in node:
        return kind.least is None
    content = node["content"]
    if not isinstance(content, list) or len(content) < (kind.least or 0):
        return False
    return all(
        isinstance(child, dict) and child.get("type") in kind.children and _is_node(child, inside=node["type"])
        for child in content
    )


def _are_marks_of_block(node: dict[str, Any], kind: Kind, *, inside: str) -> bool:
    if "marks" not in node:
        return True
    marks = node["marks"]
    if kind.marks is None or not isinstance(marks, list) or not all(map(_is_mark, marks)):
        return False
    names = {mark["type"] for mark in marks}
    if node["type"] in ("paragraph", "heading") and inside not in ("doc", "tableCell", "tableHeader"):
        return not names
    return names <= kind.marks and not {"alignment", "indentation"} <= names


def _is_text_node(node: dict[str, Any], *, inside: str) -> bool:
    if not node.keys() <= {"type", "text", "marks"} or not isinstance(node.get("text"), str) or not node["text"]:
        return False
    marks = node.get("marks", [])
    if not isinstance(marks, list) or not all(map(_is_mark, marks)):
        return False
    names = {mark["type"] for mark in marks}
    return not names if inside == "codeBlock" else names <= _FORMATTED or names <= _CODE


def _is_mark(mark: Any) -> bool:
    if not isinstance(mark, dict) or mark.get("type") not in _MARKS or not mark.keys() <= {"type", "attrs"}:
        return False
    attrs = _MARKS[mark["type"]]
    return "attrs" not in mark if attrs is None else attrs.accepts(mark.get("attrs"))
