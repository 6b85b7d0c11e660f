"""The ADF check agrees with the published JSON schema on what it knows, and wiki markup becomes a valid document."""

import json
from pathlib import Path

import pytest

from jirabot.sandbox import adf, bodies, wiki

pytestmark = pytest.mark.fast


def text(value="Hi", *marks):
    return {"type": "text", "text": value, **({"marks": list(marks)} if marks else {})}


def paragraph(*content):
    return {"type": "paragraph", "content": list(content) or [text()]}


def doc(*content):
    return {"version": 1, "type": "doc", "content": list(content)}


def item(*content):
    return {"type": "bulletList", "content": [{"type": "listItem", "content": list(content)}]}


def table(*cell, kind="tableCell"):
    return {"type": "table", "content": [{"type": "tableRow", "content": [{"type": kind, "content": list(cell)}]}]}


def tasks(item, **attrs):
    return doc({"type": "taskList", **({"attrs": attrs} if attrs else {}), "content": [item]})


HEADING = {"type": "heading", "attrs": {"level": 2}, "content": [text()]}
PANEL = {"type": "panel", "attrs": {"panelType": "info"}, "content": [paragraph()]}
TABLE = {
    "type": "table",
    "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [paragraph()]}]}],
}
QUOTE = {"type": "blockquote", "content": [paragraph()]}
CODE, STRONG = {"type": "code"}, {"type": "strong"}
LINK = {"type": "link", "attrs": {"href": "https://example.com"}}
TASK = {"type": "taskItem", "attrs": {"localId": "2", "state": "TODO"}, "content": [text()]}

VALID = {
    "the least document": doc(paragraph()),
    "a document without content": doc(),
    "an empty paragraph": doc({"type": "paragraph"}),
    "an empty code block": doc({"type": "codeBlock", "attrs": {"language": "python"}}),
    "a link on code": doc(paragraph(text("x", LINK, CODE))),
    "bold and italic together": doc(paragraph(text("x", STRONG, {"type": "em"}))),
    "code in a list": doc(item(paragraph(), {"type": "codeBlock", "content": [text()]})),
    "a heading in a panel": doc({**PANEL, "content": [HEADING]}),
    "a panel in a cell": doc(table(PANEL, kind="tableHeader")),
    "a task list": tasks(TASK, localId="1"),
    "a mention": doc(paragraph({"type": "mention", "attrs": {"id": "712020:1", "text": "@Ada"}})),
    "a status": doc(paragraph({"type": "status", "attrs": {"text": "DONE", "color": "green"}})),
    "an expand": doc({"type": "expand", "attrs": {"title": "More"}, "content": [paragraph()]}),
}
INVALID = {
    "no version": {"type": "doc", "content": []},
    "no content": {"version": 1, "type": "doc"},
    "an unknown property of the document": {**doc(), "title": "x"},
    "an unknown node": doc({"type": "marquee", "content": []}),
    "an unknown property of a node": doc({**paragraph(), "id": "1"}),
    "an unknown attribute": doc({**HEADING, "attrs": {"level": 2, "colour": "red"}}),
    "an empty text": doc(paragraph(text(""))),
    "text outside a paragraph": doc(text()),
    "bold code": doc(paragraph(text("x", CODE, STRONG))),
    "an unknown mark": doc(paragraph(text("x", {"type": "blink"}))),
    "a link without address": doc(paragraph(text("x", {"type": "link", "attrs": {}}))),
    "a heading of level 7": doc({**HEADING, "attrs": {"level": 7}}),
    "a mark in a code block": doc({"type": "codeBlock", "content": [text("x", STRONG)]}),
    "a break in a code block": doc({"type": "codeBlock", "content": [{"type": "hardBreak"}]}),
    "an empty list": doc({"type": "bulletList", "content": []}),
    "a paragraph in a list without item": doc({"type": "bulletList", "content": [paragraph()]}),
    "a heading in a list": doc(item(HEADING)),
    "a table in a list": doc(item(TABLE)),
    "a panel in a list": doc(item(PANEL)),
    "a quote in a list": doc(item(QUOTE)),
    "a heading in a quote": doc({**QUOTE, "content": [HEADING]}),
    "a quote in a quote": doc({**QUOTE, "content": [QUOTE]}),
    "a table in a panel": doc({**PANEL, "content": [TABLE]}),
    "a quote in a panel": doc({**PANEL, "content": [QUOTE]}),
    "a panel of no known type": doc({**PANEL, "attrs": {"panelType": "danger"}}),
    "an empty cell": doc(table()),
    "bare text in a cell": doc(table(text())),
    "a task list without localId": tasks(TASK),
    "a task without localId": tasks({**TASK, "attrs": {"state": "TODO"}}, localId="1"),
    "a paragraph in a task": tasks({**TASK, "content": [paragraph()]}, localId="1"),
    "a mention without id": doc(paragraph({"type": "mention", "attrs": {"text": "@Ada"}})),
    "an expand in a panel": doc({**PANEL, "content": [{"type": "expand", "content": [paragraph()]}]}),
    "a date as a number": doc(paragraph({"type": "date", "attrs": {"timestamp": 1}})),
}


@pytest.mark.parametrize("document", [pytest.param(value, id=name) for name, value in VALID.items()])
def test_takes(document):
    assert adf.is_valid(document)


@pytest.mark.parametrize("document", [pytest.param(value, id=name) for name, value in INVALID.items()])
def test_refuses(document):
    assert not adf.is_valid(document)


@pytest.mark.parametrize("name", [*VALID, *INVALID])
def test_the_published_schema_says_the_same(schema, name):
    assert schema.is_valid({**VALID, **INVALID}[name]) is (name in VALID)


def test_agrees_with_the_schema_on_what_other_converters_make(schema):
    path = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "markup" / "adf-markdown.jsonl"
    if not path.is_file():
        pytest.skip("the markup pairs are not here")
    documents = [json.loads(line)["adf"] for line in path.read_text().splitlines()]
    assert len(documents) > 50
    assert [d for d in documents if adf.is_valid(d) is not schema.is_valid(d)] == []


def test_wiki_markup_of_other_converters_becomes_valid_documents(schema):
    path = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "markup" / "wiki-markdown.jsonl"
    if not path.is_file():
        pytest.skip("the markup pairs are not here")
    for line in path.read_text().splitlines():
        document = wiki.parse(json.loads(line)["wiki"])
        assert schema.is_valid(document), line
        assert isinstance(bodies.to_text(document), str)
        assert schema.is_valid(wiki.parse(bodies.to_wiki(document))), line


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        pytest.param("*bold* _it_ {{x_y}}", "bold it x_y", id="marks are no part of the text"),
        pytest.param("h2. Title\nbody", "Title\n\nbody", id="a heading is a block of its own"),
        pytest.param("* a\n** b\n* c", "- a\n  - b\n- c", id="lists nest"),
        pytest.param("{code:python}\nx = *1*\n{code}", "x = *1*", id="code is verbatim"),
        pytest.param("[docs|https://e.org]", "docs (https://e.org)", id="a link tells its address"),
        pytest.param("[~ada] hi", "@ada hi", id="a mention names the account"),
        pytest.param("a - b - c, x*y*z", "a - b - c, x*y*z", id="signs within words and spaces are text"),
        pytest.param("\\{code\\} \\*x\\*", "{code} *x*", id="a backslash takes a sign's meaning"),
        pytest.param("||h||i||\n|1|2|", "h | i\n1 | 2", id="tables become lines"),
    ],
)
def test_wiki_markup_reads_as(markup, shown):
    assert bodies.to_text(markup) == shown


def test_an_adf_text_is_escaped_in_wiki_markup():
    assert bodies.to_wiki(doc(paragraph(text("{code} [x]")))) == "\\{code\\} \\[x\\]"
