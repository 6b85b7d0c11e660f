"""What ADF says, as a tree and as Markdown: people's comments on Jira Cloud."""

import pytest

from jirabot.jira.markup import adf, markdown
from jirabot.jira.markup.tree import (
    Code,
    CodeBlock,
    Emphasis,
    HardBreak,
    Heading,
    Link,
    Mention,
    Rule,
    Strike,
    Strong,
    Table,
)
from tests.unit.test_markup.trees import bold, bullets, content, doc, item, numbers, para, quote

pytestmark = pytest.mark.fast


def text(words, *marks, href=None):
    written = [{"type": mark} for mark in marks] + ([{"type": "link", "attrs": {"href": href}}] if href else [])
    return {"type": "text", "text": words, "marks": written}


def node(type_, *children, **attrs):
    return {"type": type_, "attrs": attrs, "content": [text(c) if isinstance(c, str) else c for c in children]}


def paragraph(*children):
    return node("paragraph", *children)


def read(*nodes):
    return adf.parse({"version": 1, "type": "doc", "content": list(nodes)})


@pytest.mark.parametrize(
    ("child", "inlines"),
    [
        pytest.param(text("a", "strong"), [bold("a")], id="bold"),
        pytest.param(text("a", "em", "strong"), [Strong((Emphasis(content("a")),))], id="marks in our order"),
        pytest.param(text("a", "strike"), [Strike(content("a"))], id="struck"),
        pytest.param(text("a", "underline", "textColor", "subsup"), ["a"], id="other marks are text"),
        pytest.param(text("a_*b", "code"), [Code("a_*b")], id="code"),
        pytest.param(
            text("a", "code", href="http://x.y"), [Link("http://x.y", (Code("a"),))], id="code that is a link"
        ),
        pytest.param(text("a", href="/browse/PAY-1"), [Link("/browse/PAY-1", content("a"))], id="any link"),
        pytest.param({"type": "hardBreak"}, [], id="a break alone"),
        pytest.param(node("mention", id="712020:a", text="@Ada L."), [Mention("712020:a", "Ada L.")], id="a mention"),
        pytest.param(node("mention", id="712020:a"), [Mention("712020:a")], id="a mention without a name"),
        pytest.param(node("mention", text="@Ada"), ["@Ada"], id="a mention without an id"),
        pytest.param(node("mention", id="a]\n(b)", text="@Ada"), ["@Ada"], id="a mention that is no id"),
        pytest.param(node("emoji", shortName=":tada:", text="🎉"), ["🎉"], id="an emoji"),
        pytest.param(node("emoji", shortName=":custom:"), [":custom:"], id="an emoji of the site"),
        pytest.param(node("date", timestamp="1735689600000"), ["2025-01-01"], id="a date"),
        pytest.param(node("date", timestamp="soon"), ["soon"], id="no date"),
        pytest.param(node("date", timestamp="9" * 30), ["9" * 30], id="a date after all dates"),
        pytest.param(node("status", text="In review", color="blue"), ["In review"], id="a status"),
        pytest.param(node("inlineCard", url="http://x.y"), [Link("http://x.y", content("http://x.y"))], id="a card"),
        pytest.param(node("mediaInline", id="m", alt="a.png"), [Code("a.png")], id="a file in a line"),
        pytest.param(node("newThing", "a"), ["a"], id="what is unknown, with content"),
        pytest.param(node("newThing", text="a"), ["a"], id="what is unknown, with a text"),
        pytest.param(node("newThing"), [], id="what is unknown, with nothing"),
        pytest.param(text("a\nb"), ["a", HardBreak(), "b"], id="a newline in a text"),
    ],
)
def test_inlines(child, inlines):
    assert read(paragraph(child)) == (doc(para(*inlines)) if inlines else doc())


@pytest.mark.parametrize(
    ("block", "blocks"),
    [
        pytest.param(paragraph("a", {"type": "hardBreak"}, "b"), [para("a", HardBreak(), "b")], id="a paragraph"),
        pytest.param({"type": "paragraph"}, [], id="an empty paragraph"),
        pytest.param(node("heading", "a", level=3), [Heading(3, content("a"))], id="a heading"),
        pytest.param(node("heading", "a", level="x"), [Heading(1, content("a"))], id="a heading without a level"),
        pytest.param(node("codeBlock", "a\n", "b", language="python"), [CodeBlock("a\nb", "python")], id="code"),
        pytest.param({"type": "codeBlock"}, [CodeBlock("")], id="empty code"),
        pytest.param(node("codeBlock", "a", {"type": "hardBreak"}, "b"), [CodeBlock("a\nb")], id="a break in code"),
        pytest.param(node("blockquote", paragraph("a"), paragraph("b")), [quote("a", "b")], id="a quotation"),
        pytest.param({"type": "rule"}, [Rule()], id="a rule"),
        pytest.param(
            node("panel", node("heading", "a", level=2), paragraph("b"), panelType="info"),
            [Heading(2, content("a")), "b"],
            id="a panel is what it holds",
        ),
        pytest.param(
            node("expand", paragraph("a"), title="More"), [para(bold("More")), "a"], id="an expand has a title"
        ),
        pytest.param(
            node("layoutSection", node("layoutColumn", paragraph("a")), node("layoutColumn", paragraph("b"))),
            ["a", "b"],
            id="columns are blocks",
        ),
        pytest.param(
            node("mediaSingle", node("media", id="m", alt="a.png"), node("caption", "b")),
            [para(Code("a.png")), "b"],
            id="an image with a caption",
        ),
        pytest.param(
            node("mediaGroup", node("media", alt="a.png"), node("media", id="m")),
            [para(Code("a.png"), " ", Code("attachment"))],
            id="files keep their names apart",
        ),
        pytest.param(
            node("mediaSingle", node("media", type="external", url="http://x.y/a.png")),
            [para(Link("http://x.y/a.png", content("http://x.y/a.png")))],
            id="an external image",
        ),
        pytest.param(
            node("blockCard", url="http://x.y"), [para(Link("http://x.y", content("http://x.y")))], id="a card"
        ),
        pytest.param(node("newBlock", paragraph("a")), ["a"], id="what is unknown"),
        pytest.param(text("a"), ["a"], id="text without a paragraph"),
    ],
)
def test_blocks(block, blocks):
    assert read(block) == doc(*blocks)


def entry(*children, type_="listItem", **attrs):
    return node(type_, *(paragraph(child) if isinstance(child, str) else child for child in children), **attrs)


def task(words, state):
    return node("taskItem", words, localId="i", state=state)


@pytest.mark.parametrize(
    ("block", "list_"),
    [
        pytest.param(
            node("bulletList", entry("a", node("orderedList", entry("b"), order=3)), entry("c")),
            bullets(item("a", numbers("b", start=3)), "c"),
            id="lists in lists",
        ),
        pytest.param(
            node("orderedList", entry(node("codeBlock", "a"))), numbers(item(CodeBlock("a"))), id="code in one"
        ),
        pytest.param(node("bulletList", {"type": "listItem"}), bullets(item()), id="an empty item"),
        pytest.param(
            node("taskList", task("a", "TODO"), task("b", "DONE"), localId="l"), bullets("[ ] a", "[x] b"), id="tasks"
        ),
        pytest.param(
            node("taskList", task("a", "TODO"), node("taskList", task("b", "DONE")), localId="l"),
            bullets(item("[ ] a", bullets("[x] b"))),
            id="tasks below a task",
        ),
        pytest.param(node("decisionList", node("decisionItem", "a", state="DECIDED")), bullets("a"), id="decisions"),
        pytest.param(node("bulletList", text("a")), bullets("a"), id="text without an item"),
    ],
)
def test_lists(block, list_):
    assert read(block) == doc(list_)


def row(kind, *cells):
    return node("tableRow", *(node(kind, *([cell] if isinstance(cell, dict) else [paragraph(cell)])) for cell in cells))


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        pytest.param(
            [row("tableHeader", "a", "b"), row("tableCell", "c", "d")],
            Table((content("a"), content("b")), ((content("c"), content("d")),)),
            id="a head and a row",
        ),
        pytest.param(
            [row("tableCell", "a"), row("tableCell", "b")], Table((), ((content("a"),), (content("b"),))), id="no head"
        ),
        pytest.param(
            [node("tableRow", node("tableHeader", paragraph("a")), node("tableCell", paragraph("b")))],
            Table((), ((content("a"), content("b")),)),
            id="a head to the left is none",
        ),
        pytest.param(
            [row("tableCell", node("codeBlock", "a\nb"))],
            Table((), (((Code("a"), HardBreak(), Code("b")),),)),
            id="code in a cell stays code",
        ),
        pytest.param(
            [row("tableCell", node("blockquote", paragraph("a")))],
            Table((), (((Code("a"),),),)),
            id="a quotation in a cell stays apart",
        ),
        pytest.param(
            [row("tableCell", node("bulletList", entry("a"), entry("b")))],
            Table((), ((content("- a", HardBreak(), "- b"),),)),
            id="a list in a cell is lines",
        ),
        pytest.param([node("tableRow", text("a"))], Table((), ((content("a"),),)), id="text without a cell"),
    ],
)
def test_tables(rows, table):
    assert read(node("table", *rows)) == doc(table)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        0.5,
        "a",
        [],
        [text("a")],
        {},
        {"type": 7},
        {"type": "doc", "content": {"type": "text"}},
        {"type": "paragraph", "content": [None, 7, "a", []]},
        {"type": "text", "text": ["a"]},
        {"type": "text", "text": "", "marks": 7},
        {"type": "rule_", "attrs": ["title"]},
    ],
    ids=repr,
)
def test_what_is_no_document_says_nothing(value):
    assert adf.parse(value) == doc()


def test_any_node_may_be_read_alone():
    assert adf.parse(paragraph("a")) == doc("a")


def test_nodes_below_the_limit_are_left_out():
    deep = shallow = paragraph("a")
    for _ in range(60):
        shallow = node("blockquote", shallow)
    for _ in range(2_000):
        deep = node("blockquote", deep)

    assert adf.parse(deep) == doc()
    assert adf.parse(shallow) != doc()


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        pytest.param(
            [paragraph(node("mention", id="712020:a-b", text="@Ada"), " fix __init__.py")],
            "[~712020:a-b] fix \\_\\_init\\_\\_.py",
            id="mention and name",
        ),
        pytest.param(
            [paragraph(text("a ", "strong"), text("b", "strong", "em"), text(" c"))], "**a _b_** c", id="marks"
        ),
        pytest.param([paragraph(text("a)b", href="http://x.y/(z)"))], "[a)b](<http://x.y/(z)>)", id="a link"),
        pytest.param([node("taskList", task("a", "TODO"), task("b", "DONE"))], "- [ ] a\n- [x] b", id="tasks"),
        pytest.param([node("codeBlock", "```", language="md")], "````md\n```\n````", id="a fence in code"),
        pytest.param([paragraph(text("a|`b", "code"))], "``a|`b``", id="a backtick in code"),
        pytest.param(
            [paragraph("# a"), paragraph("- b"), paragraph("1. c"), paragraph("> d")],
            "\\# a\n\n\\- b\n\n1\\. c\n\n\\> d",
            id="text like blocks",
        ),
        pytest.param(
            [node("blockquote", node("bulletList", entry("a", "b")))], "> - a\n>\n>   b", id="blocks in blocks"
        ),
    ],
)
def test_the_agent_reads_it_as_markdown(nodes, words):
    assert markdown.render(read(*nodes)) == words
