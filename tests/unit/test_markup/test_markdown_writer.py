"""Trees, written as Markdown: what an agent reads. Escaped is only what would be read as something else."""

import pytest

from jirabot.jira.markup import markdown, normal
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


def written(*blocks):
    """The Markdown of *blocks*, which is read back as them."""
    document = doc(*blocks)
    text = markdown.render(document)
    assert markdown.parse(text) == normal.document(document)
    return text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("snake_case 2 * 3 a - b", id="marks within words and between white space"),
        pytest.param("a < b > c && d; e[0] (f) {g} h: i! j? 'k' \"l\"", id="punctuation"),
        pytest.param("[ ] todo [x] done [a] ~b", id="boxes and brackets"),
        pytest.param("PAY-7 #1 @ada a@b.c http://x.y/a_b 1.5 C++", id="keys, names and addresses"),
        pytest.param("h1. a {code} !b.png! ||c||", id="wiki markup"),
    ],
)
def test_text_that_is_no_markup_is_not_escaped(text):
    assert written(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        pytest.param("*a* **b** _c_ __d__ ~~e~~ `f`", r"\*a\* \*\*b\*\* \_c\_ \_\_d\_\_ \~\~e\~\~ \`f\`", id="marks"),
        pytest.param(
            "[a](b) [c][d] ![e](f) <g> </g> <!-- h", r"[a\](b) [c\][d] \![e\](f) \<g> \</g> \<!-- h", id="links"
        ),
        pytest.param("&amp; &#42; a\\b", r"\&amp; \&#42; a\\b", id="references and backslashes"),
        pytest.param("# a", r"\# a", id="a heading"),
        pytest.param("> a", r"\> a", id="a quotation"),
        pytest.param("- a", r"\- a", id="a bullet"),
        pytest.param("+ a", r"\+ a", id="another bullet"),
        pytest.param("* a", r"\* a", id="a bullet that is an asterisk"),
        pytest.param("12. a", r"12\. a", id="a number"),
        pytest.param("1) a", r"1\) a", id="a number with a bracket"),
        pytest.param("---", r"\---", id="a rule"),
        pytest.param("===", r"\===", id="a line under a heading"),
        pytest.param("~~~", r"\~\~\~", id="a fence"),
        pytest.param("| a |", r"\| a |", id="a row"),
        pytest.param("[a]: b", r"[a\]: b", id="a link's definition"),
        pytest.param("a\n# b\n- c", "a\\\n\\# b\\\n\\- c", id="the beginnings of later lines"),
    ],
)
def test_text_that_would_be_markup_is_escaped(text, escaped):
    assert written(text) == escaped


@pytest.mark.parametrize(
    ("inlines", "text"),
    [
        pytest.param(
            [bold("a"), " ", Emphasis(content("b")), " ", Strike(content("c"))], "**a** _b_ ~~c~~", id="marks"
        ),
        pytest.param([bold("a ", Emphasis((Code("b"),)))], "**a _`b`_**", id="marks in marks"),
        pytest.param(["a", bold("b"), "c"], "a**b**c", id="bold within a word"),
        pytest.param(["a", Emphasis(content("b")), "c"], "&#97;_b_&#99;", id="italic within a word"),
        pytest.param(["a", bold("(b)"), "c"], "&#97;**(b)**&#99;", id="bold punctuation within a word"),
        pytest.param(
            ["ab", Strong((*content("c"), Emphasis(content("d")))), "e"],
            "a&#98;**&#99;_d_**&#101;",
            id="bold within a word, that begins with a letter and ends in italic",
        ),
        pytest.param(
            [Emphasis((*content("a_b"), Strike(content("."))))],
            r"_a\_&#98;~~.~~_",
            id="an underscore beside a reference",
        ),
        pytest.param([Code("a`b"), " ", Code("`c``")], "``a`b`` ``` `c`` ```", id="backticks in code"),
        pytest.param(["a", HardBreak(), "b"], "a\\\nb", id="a break"),
        pytest.param([Link("http://x.y/(a)", content("b]"))], r"[b\]](<http://x.y/(a)>)", id="brackets in a link"),
        pytest.param(
            [Link("http://x.y/?a&copy;", content("b"))], "[b](http://x.y/?a&amp;copy;)", id="a reference in one"
        ),
        pytest.param([Link("http://x.y", content("http://x.y"))], "<http://x.y>", id="an address alone"),
        pytest.param([Link("x.y", content("x.y"))], "[x.y](x.y)", id="a relative address alone"),
        pytest.param(["a!", Link("b", content("c"))], r"a\![c](b)", id="a link is no image"),
        pytest.param([Link("b", (Code("]:"),))], "\\\n[`]:`](b)", id="a link is no definition, whatever code is in it"),
    ],
)
def test_inlines(inlines, text):
    assert written(para(*inlines)) == text


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        pytest.param([Heading(3, content("a #")), "b"], "### a \\#\n\nb", id="a heading"),
        pytest.param([Rule()], "***", id="a rule"),
        pytest.param([quote("a", quote("b"))], "> a\n>\n> > b", id="quotations"),
        pytest.param(["a", bullets("b", "c"), "d"], "a\n- b\n- c\n\nd", id="a list close to its paragraph"),
        pytest.param(["a", numbers("b", start=2)], "a\n\n2. b", id="a list that would not end the paragraph"),
        pytest.param([bullets("a"), bullets("b"), bullets("c")], "- a\n\n+ b\n\n- c", id="lists in a row"),
        pytest.param([numbers("a"), numbers("b")], "1. a\n\n1) b", id="numbered lists in a row"),
        pytest.param(
            [numbers("a", item("b", "c"), start=9)], "9. a\n10. b\n\n    c", id="an item is indented by its number"
        ),
        pytest.param([bullets(item(), item(CodeBlock("a\n\nb")))], "-\n- ```\n  a\n\n  b\n  ```", id="code in an item"),
        pytest.param(
            [bullets(item(bullets(item(bullets(item())))))], "-\n  - -", id="empty lists in lists are no rule"
        ),
        pytest.param([CodeBlock("a\n", "c++")], "```c++\na\n\n```", id="code"),
        pytest.param([CodeBlock("```")], "````\n```\n````", id="a fence in code"),
        pytest.param(
            [Table((content("a|b"), (Code("c|d"),)), ((content("e", HardBreak(), "f"),),))],
            "| a\\|b | `c\\|d` |\n| --- | --- |\n| e<br>f |",
            id="a table",
        ),
        pytest.param([Table((), ((content("a"),),))], "|  |\n| --- |\n| a |", id="a table without a head"),
    ],
)
def test_blocks(blocks, text):
    assert written(*blocks) == text


@pytest.mark.parametrize(
    ("inlines", "text"),
    [
        pytest.param([Mention("712020:a-b", "Ada")], "[~712020:a-b]", id="an id"),
        pytest.param(["hi ", Mention("ada"), ", ", Mention("_x_")], r"hi [~ada], [~\_x\_]", id="marks in an id"),
        pytest.param([Mention("ada"), ": (a)"], r"[~ada\]: (a)", id="no definition"),
        pytest.param([Mention("ada"), "(a)"], r"[~ada\](a)", id="no link"),
    ],
)
def test_mentions(inlines, text):
    assert markdown.render(doc(para(*inlines))) == text
