"""What Markdown says, as a tree."""

import pytest

from jirabot.jira.markup import markdown, reading
from jirabot.jira.markup.tree import (
    Code,
    CodeBlock,
    Document,
    Emphasis,
    HardBreak,
    Heading,
    Link,
    Rule,
    Strike,
    Strong,
    Table,
    Text,
)
from tests.unit.test_markup.trees import bold, bullets, content, doc, item, numbers, para, quote

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("", doc(), id="nothing is an empty document"),
        pytest.param(" \n\t\n", doc(), id="white space is nothing"),
        pytest.param("one\ntwo\n\nthree", doc("one two", "three"), id="a wrapped line goes on, a blank one ends"),
        pytest.param("a  \nb\\\nc", doc(para("a", HardBreak(), "b", HardBreak(), "c")), id="both hard breaks"),
        pytest.param(
            "# A\n\n###### F ##\n\nB\n-",
            doc(Heading(1, content("A")), Heading(6, content("F")), Heading(2, content("B"))),
            id="headings of both kinds",
        ),
        pytest.param("a\n\n---\n\nb", doc("a", Rule(), "b"), id="a rule"),
        pytest.param("> a\n> > b\n\nc", doc(quote("a", quote("b")), "c"), id="a quotation in a quotation"),
        pytest.param("<b>x</b> <!-- y --> <script>", doc("<b>x</b> <!-- y --> <script>"), id="HTML is text"),
        pytest.param("<details>\n<p>x", doc("<details> <p>x"), id="a block of HTML is text"),
        pytest.param("a<br>b<BR />c<br/>", doc(para("a", HardBreak(), "b", HardBreak(), "c")), id="br is a break"),
        pytest.param("&lt;a&gt; &amp;copy; &copy; &nope;", doc("<a> &copy; © &nope;"), id="entities are characters"),
        pytest.param("a\x00b\x1b[0mc\r\nd\u2028e\ud800", doc("ab[0mc d e\ufffd"), id="what can't be stored is gone"),
    ],
)
def test_blocks(text, tree):
    assert markdown.parse(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param(
            "**a** __B__ *c* _d_ ~~e~~",
            para(
                bold("a"),
                " ",
                bold("B"),
                " ",
                Emphasis(content("c")),
                " ",
                Emphasis(content("d")),
                " ",
                Strike(content("e")),
            ),
            id="marks",
        ),
        pytest.param(
            "~~*__a b__*~~", para(Strong((Emphasis((Strike(content("a b")),)),))), id="marks nest in one order"
        ),
        pytest.param("a**b**c", para("a", bold("b"), "c"), id="bold within a word"),
        pytest.param("snake_case_name 2 * 3 * 4", para("snake_case_name 2 * 3 * 4"), id="no marks within words"),
        pytest.param("__init__.py `__init__`", para("__init__.py ", Code("__init__")), id="a file with underscores"),
        pytest.param(
            "a/__tests__ and __len__() of **x.__dict__**",
            para("a/__tests__ and __len__() of ", bold("x.__dict__")),
            id="other names with underscores",
        ),
        pytest.param(
            "__a__ (__b c__). __d__.",
            para(bold("a"), " (", bold("b c"), "). ", bold("d"), "."),
            id="bold with underscores",
        ),
        pytest.param("`a * b` ``c`d`` ` e `", para(Code("a * b"), " ", Code("c`d"), " ", Code("e")), id="inline code"),
        pytest.param(
            "{code} {html} [~ada] !x.png! h1. bq. ||a||",
            para("{code} {html} [~ada] !x.png! h1. bq. ||a||"),
            id="wiki markup is text",
        ),
        pytest.param(
            "@openhands https://x.y a@b.c", para("@openhands https://x.y a@b.c"), id="names and bare addresses are text"
        ),
        pytest.param(r"\*a\* \[b\] \`c\`", para("*a* [b] `c`"), id="escaped marks are text"),
    ],
)
def test_phrases(text, tree):
    assert markdown.parse(text) == Document((tree,))


@pytest.mark.parametrize(
    ("text", "href", "words"),
    [
        pytest.param("[a](http://x.y/(b))", "http://x.y/(b)", "a", id="balanced brackets in the address"),
        pytest.param("[a](<http://x.y/b)c>)", "http://x.y/b)c", "a", id="a lone bracket in the address"),
        pytest.param("[a](http://x.y/b\\)c)", "http://x.y/b)c", "a", id="an escaped bracket in the address"),
        pytest.param("[a|b](http://x.y/p|q)", "http://x.y/p%7Cq", "a|b", id="a bar, encoded in the address"),
        pytest.param("[a](<http://x.y/b c>)", "http://x.y/b%20c", "a", id="a space, encoded in the address"),
        pytest.param('[a](http://x.y "title")', "http://x.y", "a", id="a title, which is dropped"),
        pytest.param("[a][1]\n\n[1]: http://x.y", "http://x.y", "a", id="a reference"),
        pytest.param("<http://x.y>", "http://x.y", "http://x.y", id="an address in angle brackets"),
        pytest.param("<a@b.c>", "mailto:a@b.c", "a@b.c", id="a mail address in angle brackets"),
        pytest.param("![a](http://x.y/i.png)", "http://x.y/i.png", "a", id="an image"),
        pytest.param("![](http://x.y/i.png)", "http://x.y/i.png", "http://x.y/i.png", id="an image without words"),
        pytest.param("[](http://x.y)", "http://x.y", "http://x.y", id="a link without words"),
        pytest.param("[![a](http://x.y/i.png)](http://x.y)", "http://x.y", "a", id="an image in a link"),
        pytest.param("[a](../b.md)", "../b.md", "a", id="a relative address"),
        pytest.param("[a](javascript:b)", "javascript:b", "a", id="any scheme"),
    ],
)
def test_links(text, href, words):
    assert markdown.parse(text) == doc(para(Link(href, (Text(words),))))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("```python\na\n```", CodeBlock("a", "python"), id="a language"),
        pytest.param("```c++\na\n```", CodeBlock("a", "c++"), id="c++"),
        pytest.param("~~~ts-x title=y\na\n~~~", CodeBlock("a", "ts-x"), id="ts-x, and what follows the language"),
        pytest.param("```{.py}\na\n```", CodeBlock("a", ""), id="no name of a language"),
        pytest.param("```\n# comment\n* a * b\n```", CodeBlock("# comment\n* a * b", ""), id="marks in it are letters"),
        pytest.param("```\n\n  a\n\n\n```", CodeBlock("\n  a\n\n", ""), id="blank lines and indents are kept"),
        pytest.param("````\n```\na\n```\n````", CodeBlock("```\na\n```", ""), id="a fence in it"),
        pytest.param("```\na", CodeBlock("a", ""), id="a fence without an end"),
        pytest.param("```\n```", CodeBlock("", ""), id="an empty block"),
        pytest.param("    a\n     b", CodeBlock("a\n b", ""), id="indented code"),
    ],
)
def test_code_blocks(text, code):
    assert markdown.parse(text) == doc(code)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        pytest.param("* a\n* b", bullets("a", "b"), id="asterisks are bullets, not emphasis"),
        pytest.param(
            "- a\n  - b\n    1. c\n- d",
            bullets(item("a", bullets(item("b", numbers("c")))), "d"),
            id="three levels of two kinds",
        ),
        pytest.param("3. a\n4. b", numbers("a", "b", start=3), id="a list that begins with 3"),
        pytest.param("- [ ] a\n- [x] b", bullets("[ ] a", "[x] b"), id="tasks are items with their box"),
        pytest.param(
            "- a\n\n  b\n\n  ```\n  c\n  ```", bullets(item("a", "b", CodeBlock("c"))), id="blocks in an item"
        ),
        pytest.param("-\n- a", bullets(item(), "a"), id="an empty item"),
        pytest.param(
            "- # a\n- > b",
            bullets(item(Heading(1, content("a"))), item(quote("b"))),
            id="a heading and a quotation in items",
        ),
    ],
)
def test_lists(text, tree):
    assert markdown.parse(text) == Document((tree,))


@pytest.mark.parametrize(
    ("text", "table"),
    [
        pytest.param(
            "| a | **b** |\n|---|:-:|\n| c | d |",
            Table((content("a"), (bold("b"),)), ((content("c"), content("d")),)),
            id="head and row",
        ),
        pytest.param(
            "a|b\n-|-\nc\nd|e|f",
            Table((content("a"), content("b")), ((content("c"),), (content("d"), content("e")))),
            id="rows may be short, and end with the head",
        ),
        pytest.param("| |\n|-|\n| a |", Table((), ((content("a"),),)), id="an empty head is none"),
        pytest.param("| `a\\|b` | c\\|d |\n|-|-|", Table(((Code("a|b"),), content("c|d")), ()), id="bars in cells"),
        pytest.param(
            "| a |\n|-|\n| b<br>c |",
            Table((content("a"),), ((content("b", HardBreak(), "c"),),)),
            id="a break in a cell",
        ),
    ],
)
def test_tables(text, table):
    assert markdown.parse(text) == doc(table)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("*a **b " * 1500 + "word" + "** *" * 1500, id="marks"),
        pytest.param("![" * 9 + "*a " * 1500 + "word" + "* " * 1500 + "](b)" * 9, id="marks in images"),
        pytest.param("> " * 90 + "word", id="quotations"),
    ],
)
def test_text_nested_deeper_than_calls_can_be_is_read(text):
    assert "word" in reading.plain(markdown.parse(text))


def test_blocks_nested_deeper_than_the_limit_are_left_out():
    assert markdown.parse("> " * 200 + "word") == markdown.parse("> " * 101)
