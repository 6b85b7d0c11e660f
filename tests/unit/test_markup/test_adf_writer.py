"""Markdown, written as ADF: what Jira Cloud gets."""

import pytest

from jirabot.jira.markup import adf, markdown
from jirabot.jira.markup.tree import Code, CodeBlock, Heading, Mention, Rule, Table
from jirabot.sandbox.adf import is_valid
from tests.unit.test_markup.trees import bold, bullets, content, doc, item, para, quote

pytestmark = pytest.mark.fast


def text(words, *marks, href=None):
    """A text node with marks of the given types, and a link to *href*."""
    written = [{"type": mark} for mark in marks] + ([{"type": "link", "attrs": {"href": href}}] if href else [])
    return {"type": "text", "text": words, **({"marks": written} if written else {})}


def node(type_, *children, **attrs):
    return {"type": type_, **({"attrs": attrs} if attrs else {}), "content": list(children)}


def paragraph(*children):
    return node("paragraph", *(text(child) if isinstance(child, str) else child for child in children))


def list_item(*children):
    return node("listItem", *(paragraph(child) if isinstance(child, str) else child for child in children))


def written(source):
    """The blocks that *source*, Markdown or a document, is written as; they are valid."""
    document = adf.render(markdown.parse(source) if isinstance(source, str) else source)
    assert is_valid(document)
    assert (document["type"], document["version"]) == ("doc", 1)
    return document["content"]


BREAK = {"type": "hardBreak"}


@pytest.mark.parametrize(
    ("source", "blocks"),
    [
        pytest.param("", [paragraph()], id="nothing is an empty paragraph, never an empty text"),
        pytest.param("a\nb\n\nc", [paragraph("a b"), paragraph("c")], id="paragraphs"),
        pytest.param("a\\\nb", [paragraph("a", BREAK, "b")], id="a break is a node, not a newline"),
        pytest.param("### a `b`", [node("heading", text("a "), text("b", "code"), level=3)], id="a heading"),
        pytest.param("---", [{"type": "rule"}], id="a rule"),
        pytest.param(
            "**a *b ~~c~~***",
            [paragraph(text("a ", "strong"), text("b ", "strong", "em"), text("c", "strong", "em", "strike"))],
            id="marks in marks",
        ),
        pytest.param("**a `b`**", [paragraph(text("a", "strong"), " ", text("b", "code"))], id="code is code alone"),
        pytest.param("`{code} [~ada]`", [paragraph(text("{code} [~ada]", "code"))], id="code is letters"),
        pytest.param("__init__.py", [paragraph("__init__.py")], id="a name with underscores"),
        pytest.param(
            "[~ada] @ada !x.png! {html}", [paragraph("[~ada] @ada !x.png! {html}")], id="nothing is a mention"
        ),
    ],
)
def test_blocks_and_marks(source, blocks):
    assert written(source) == blocks


@pytest.mark.parametrize(
    ("source", "inlines"),
    [
        pytest.param("[a](http://x.y/(b))", [text("a", href="http://x.y/(b)")], id="words"),
        pytest.param(
            "[a `b`](http://x.y)",
            [text("a ", href="http://x.y"), text("b", "code", href="http://x.y")],
            id="code may be a link",
        ),
        pytest.param("[a](mailto:a@b.c)", [text("a", href="mailto:a@b.c")], id="mail"),
        pytest.param("![a](http://x.y/i.png)", [text("a", href="http://x.y/i.png")], id="an image is linked to"),
        pytest.param(
            "see http://x.y/a_b, (https://x.y/c).",
            [
                text("see "),
                text("http://x.y/a_b", href="http://x.y/a_b"),
                text(", ("),
                text("https://x.y/c", href="https://x.y/c"),
                text(")."),
            ],
            id="a bare address is linked without what follows it",
        ),
        pytest.param(
            "**at http://x.y**",
            [text("at", "strong"), text(" "), text("http://x.y", "strong", href="http://x.y")],
            id="a bare address in bold is linked",
        ),
        pytest.param("`http://x.y`", [text("http://x.y", "code")], id="an address in code is not linked"),
        pytest.param("[a](../b.md)", [text("a (../b.md)")], id="a relative address is shown"),
        pytest.param("[a](javascript:b)", [text("a (javascript:b)")], id="an unsafe address is shown"),
        pytest.param("[b.md](b.md)", [text("b.md")], id="an address that is shown already is shown once"),
    ],
)
def test_links(source, inlines):
    assert written(source) == [paragraph(*inlines)]


@pytest.mark.parametrize(
    ("source", "block"),
    [
        pytest.param("```c++\na\n```", {**node("codeBlock", text("a")), "attrs": {"language": "c++"}}, id="a language"),
        pytest.param("```\n# a\n**b**\n```", node("codeBlock", text("# a\n**b**")), id="letters and lines as they are"),
        pytest.param("```\n```", {"type": "codeBlock"}, id="empty code has no content"),
    ],
)
def test_code_blocks(source, block):
    assert written(source) == [block]


@pytest.mark.parametrize(
    ("source", "block"),
    [
        pytest.param("* a\n* b", node("bulletList", list_item("a"), list_item("b")), id="bullets"),
        pytest.param(
            "3. a\n   - b\n     1. c",
            node(
                "orderedList",
                list_item("a", node("bulletList", list_item("b", node("orderedList", list_item("c"), order=1)))),
                order=3,
            ),
            id="nested lists, one of them from 3",
        ),
        pytest.param(
            "- [ ] a\n- [x] b", node("bulletList", list_item("[ ] a"), list_item("[x] b")), id="tasks keep their box"
        ),
        pytest.param(
            "- ```\n  a\n  ```",
            node("bulletList", list_item(paragraph(), node("codeBlock", text("a")))),
            id="an item begins with a paragraph",
        ),
        pytest.param("-", node("bulletList", list_item(paragraph())), id="an empty item"),
        pytest.param(
            "> a\n>\n> - b", node("blockquote", paragraph("a"), node("bulletList", list_item("b"))), id="quote"
        ),
    ],
)
def test_lists_and_quotations(source, block):
    assert written(source) == [block]


LOWERED = [
    pytest.param(Heading(2, content("a")), [paragraph(text("a", "strong"))], id="a heading is a bold line"),
    pytest.param(quote("a", quote("b")), [paragraph("a"), paragraph("b")], id="a quotation is its blocks"),
    pytest.param(Rule(), [paragraph("---")], id="a rule is hyphens"),
    pytest.param(
        Table(content_row := (content("a"), content("b")), (content_row,)),
        [paragraph("a | b", BREAK, "a | b")],
        id="a table is a line a row",
    ),
]


@pytest.mark.parametrize(("block", "lowered"), LOWERED)
def test_what_an_item_can_not_hold_is_lowered(block, lowered):
    assert written(doc(bullets(item("x", block)))) == [node("bulletList", list_item("x", *lowered))]


@pytest.mark.parametrize(("block", "lowered"), LOWERED)
def test_what_a_quotation_can_not_hold_is_lowered(block, lowered):
    assert written(doc(quote("x", block))) == [node("blockquote", paragraph("x"), *lowered)]


def test_rows_of_a_table_are_equally_long_and_cells_hold_paragraphs():
    head = node("tableRow", node("tableHeader", paragraph("a")), node("tableHeader", paragraph(text("b", "strong"))))
    row = node("tableRow", node("tableCell", paragraph("c", BREAK, "d")), node("tableCell", paragraph()))

    assert written("| a | **b** |\n|---|---|\n| c<br>d |") == [node("table", head, row)]


def test_a_table_without_a_head_has_cells_only():
    assert written("| |\n|-|\n| a |") == [node("table", node("tableRow", node("tableCell", paragraph("a"))))]


def test_a_mention_has_an_id_a_text_and_no_marks():
    document = doc(para(bold("hi ", Mention("712020:a", "Ada")), Mention("712020:b")))

    assert written(document) == [
        paragraph(
            text("hi", "strong"),
            " ",
            {"type": "mention", "attrs": {"id": "712020:a", "text": "@Ada"}},
            {"type": "mention", "attrs": {"id": "712020:b", "text": "@712020:b"}},
        )
    ]


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        pytest.param(doc("a" * 29_900), True, id="just below the limit"),
        pytest.param(doc("a" * 30_000), False, id="text at the limit"),
        pytest.param(doc(*["a"] * 1_000), False, id="little text in much JSON"),
        pytest.param(doc("🙂" * 15_000), False, id="an emoji counts twice, as in Java"),
        pytest.param(doc(CodeBlock("é" * 29_800), para(Code("a"))), True, id="other letters count once"),
    ],
)
def test_fits(document, fits):
    assert adf.fits(document) is fits
