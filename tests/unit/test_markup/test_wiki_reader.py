r"""What wiki markup says, as a tree: people's comments on Data Center, and on Cloud in webhooks."""

import pytest

from jirabot.jira.markup import markdown, wiki
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


@pytest.mark.parametrize(
    ("markup", "inlines"),
    [
        pytest.param(
            "*a* _b_ -c- ??d??",
            [bold("a"), " ", Emphasis(content("b")), " ", Strike(content("c")), " ", Emphasis(content("d"))],
            id="marks",
        ),
        pytest.param("+a+ ^b^ ~c~ {color:red}d{color}", ["a b c d"], id="looks without a mark of ours are text"),
        pytest.param("*_a_ b*", [Strong((Emphasis(content("a")), *content(" b")))], id="marks in marks"),
        pytest.param("a{*}b{*}c", ["a", bold("b"), "c"], id="a mark within a word, in braces"),
        pytest.param("a*b*c snake_case_name x-y-z", ["a*b*c snake_case_name x-y-z"], id="none without braces"),
        pytest.param("2 * 3 * 4 - 1 - 2", ["2 * 3 * 4 - 1 - 2"], id="none beside white space"),
        pytest.param("*a b", ["*a b"], id="none without an end"),
        pytest.param("-- a **b** --c-- {*}{*}", ["-- a **b** --c-- {*}{*}"], id="none beside another"),
        pytest.param(r"*a\**", [bold("a*")], id="but beside an escaped one"),
        pytest.param("(*a*), {{b}}*c*", ["(", bold("a"), "), ", Code("b"), bold("c")], id="marks beside punctuation"),
        pytest.param("*a\nb*", ["*a", HardBreak(), "b*"], id="no mark spans a line"),
        pytest.param("{{a_b_ \\{x\\} &#42;}}", [Code("a_b_ {x} *")], id="code is letters, but for escapes"),
        pytest.param("a{{{}b{}}}c", ["a", Code("b"), "c"], id="code within a word"),
        pytest.param("{{a", ["{{a"], id="code without an end"),
        pytest.param(r"\*a\* \{code\} \[~ada] \!x.png! \\", ["*a* {code} [~ada] !x.png!"], id="escapes"),
        pytest.param(r"C:\Users\.ssh \\srv\x \d+\.\d", [r"C:\Users\.ssh \\srv\x \d+\.\d"], id="other backslashes show"),
        pytest.param(r"a\\b \\ c", ["a", HardBreak(), "b", HardBreak(), "c"], id="two backslashes break"),
        pytest.param("&lt;a&gt; &#42;b&#42; &nope;", ["<a> *b* &nope;"], id="character references"),
        pytest.param(
            "{html}<b>a</b>{html} {anchor:x}", ["{html}<b>a</b>{html} {anchor:x}"], id="other macros are text"
        ),
        pytest.param("__init__.py", ["__init__.py"], id="a name with two underscores"),
    ],
)
def test_phrases(markup, inlines):
    assert wiki.parse(markup) == doc(para(*inlines))


def link(href, *words):
    return Link(href, content(*words or (href,)))


@pytest.mark.parametrize(
    ("markup", "inlines"),
    [
        pytest.param("[~ada] [~accountid:712020:a-b]", [Mention("ada"), " ", Mention("712020:a-b")], id="mentions"),
        pytest.param("[Ada L.|~accountid:712020:a]", [Mention("712020:a", "Ada L.")], id="a mention with its name"),
        pytest.param("hi[~ada],", ["hi", Mention("ada"), ","], id="a mention within text"),
        pytest.param("[~] a", ["[~] a"], id="a mention of nobody"),
        pytest.param("[http://x.y] [a|http://x.y]", [link("http://x.y"), " ", link("http://x.y", "a")], id="links"),
        pytest.param("[a (b)|http://x.y/(c)]", [link("http://x.y/(c)", "a (b)")], id="brackets in a link"),
        pytest.param(r"[a\|b|http://x.y]", [link("http://x.y", "a|b")], id="an escaped bar in a link"),
        pytest.param("[http://a/&#42;|http://x.y]", [link("http://x.y", "http://a/*")], id="an address as words"),
        pytest.param("[*a* {{b}}|http://x.y]", [link("http://x.y", bold("a"), " ", Code("b"))], id="marks in a link"),
        pytest.param("[http://x.y/a|http://x.y|smart-link]", [link("http://x.y", "http://x.y/a")], id="a smart link"),
        pytest.param("[a@b.c|mailto:a@b.c]", [link("mailto:a@b.c", "a@b.c")], id="a mail address"),
        pytest.param("[top|#top]", [link("#top", "top")], id="an anchor"),
        pytest.param("at http://x.y/a_b_c, or", ["at ", link("http://x.y/a_b_c"), ", or"], id="a bare address"),
        pytest.param("[a|b] [c] []", ["[a|b] [c] []"], id="square brackets with no address"),
        pytest.param("[^a.png]", [Code("a.png")], id="an attachment is its name"),
        pytest.param("!a b.png! !c.png|width=3!", [Code("a b.png"), " ", Code("c.png")], id="an image is its name"),
        pytest.param("!http://x.y/a.png|thumbnail!", [link("http://x.y/a.png")], id="a remote image is a link"),
        pytest.param("Hi!a.png! no!way!", ["Hi!a.png! no!way!"], id="exclamation marks within words"),
    ],
)
def test_links_and_mentions(markup, inlines):
    assert wiki.parse(markup) == doc(para(*inlines))


@pytest.mark.parametrize(
    ("markup", "blocks"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a\r\nb\r\n\r\nc", [para("a", HardBreak(), "b"), "c"], id="a line's end is a break"),
        pytest.param(
            " h1. *a*\nh6. b\nh7. c", [Heading(1, (bold("a"),)), Heading(6, content("b")), "h7. c"], id="titles"
        ),
        pytest.param("a\n----\nb", ["a", Rule(), "b"], id="a rule"),
        pytest.param("bq. a *b*\nc", [quote(para("a ", bold("b"))), "c"], id="a line that is a quotation"),
        pytest.param("a\n{quote}\nb\n\nc\n{quote}\nd", ["a", quote("b", "c"), "d"], id="a quotation"),
        pytest.param("a {quote}b{quote} c", ["a", quote("b"), "c"], id="a quotation within a line"),
        pytest.param("{QUOTE}a{QUOTE}{Code}b{Code}", [quote("a"), CodeBlock("b")], id="macros in capitals"),
        pytest.param("{quote}a", ["{quote}a"], id="a macro without an end is text"),
        pytest.param(r"{quote}a\{quote}b{quote}", [quote("a{quote}b")], id="an escaped tag ends nothing"),
        pytest.param(
            "{panel:title=T|bgColor=#fff}\na\n* b\n{panel}", [para(bold("T")), "a", bullets("b")], id="a panel is text"
        ),
        pytest.param("{panel}{quote}a{quote}b{panel}", [quote("a"), "b"], id="a quotation in a panel"),
        pytest.param("{quote}a{panel}b{quote}c{panel}", [quote("a{panel}b"), "c{panel}"], id="macros that overlap"),
        pytest.param(
            "{quote}\n{code}\n{quote}\na", [quote(para("{code}")), "a"], id="a tag in code ends a quotation, as in Jira"
        ),
    ],
)
def test_blocks(markup, blocks):
    assert wiki.parse(markup) == doc(*blocks)


@pytest.mark.parametrize(
    ("markup", "blocks"),
    [
        pytest.param("{code:python}\na\n  b\n{code}", [CodeBlock("a\n  b", "python")], id="a language"),
        pytest.param(
            "{code:title=A.java|language=java}a{code}", [para(bold("A.java")), CodeBlock("a", "java")], id="title"
        ),
        pytest.param("{code:none}a{code}", [CodeBlock("a")], id="none is no language"),
        pytest.param("{noformat}\n*a* {code} [~ada]\n{noformat}", [CodeBlock("*a* {code} [~ada]")], id="noformat"),
        pytest.param("{code}{noformat}a{noformat}{code}", [CodeBlock("{noformat}a{noformat}")], id="noformat in code"),
        pytest.param("{code}\n\na\n\n{code}", [CodeBlock("\na\n")], id="blank lines are kept"),
        pytest.param("{code}{code}", [CodeBlock("")], id="empty code"),
        pytest.param("{code}a{code:x}b{code}", [CodeBlock("a{code:x}b")], id="a tag with parameters ends nothing"),
        pytest.param("{code}a", ["{code}a"], id="code without an end is text"),
        pytest.param(
            "{{code}} a {{code}}", [para(Code("code"), " a ", Code("code"))], id="the word in code is no macro"
        ),
    ],
)
def test_code_blocks(markup, blocks):
    assert wiki.parse(markup) == doc(*blocks)


@pytest.mark.parametrize(
    ("markup", "blocks"),
    [
        pytest.param("* a\n* b", [bullets("a", "b")], id="bullets"),
        pytest.param("- a\n- b", [bullets("a", "b")], id="dashes"),
        pytest.param("# a\n## b\n##* c\n# d", [numbers(item("a", numbers(item("b", bullets("c")))), "d")], id="levels"),
        pytest.param("* a\n# b", [bullets("a"), numbers("b")], id="another kind is another list"),
        pytest.param("*** a", [bullets(item(bullets(item(bullets("a")))))], id="a level that was left out"),
        pytest.param("* a\nb\n\nc", [bullets(item(para("a", HardBreak(), "b"))), "c"], id="an item's lines"),
        pytest.param("* a\n{code}\nb\n{code}\n* c", [bullets(item("a", CodeBlock("b")), "c")], id="code in an item"),
        pytest.param("* a\nbq. b", [bullets("a"), quote("b")], id="a quotation ends a list"),
        pytest.param(
            "*a* b\n-c- d\n#e",
            [para(bold("a"), " b", HardBreak(), Strike(content("c")), " d", HardBreak(), "#e")],
            id="a mark is no bullet",
        ),
        pytest.param("-- a\n--- b", [para("-- a", HardBreak(), "--- b")], id="a row of hyphens is a dash"),
        pytest.param("* \xa0\n* a", [bullets(item(), "a")], id="an empty item"),
        pytest.param("* " + "*" * 30 + " a", [bullets("*" * 30 + " a")], id="bullets in an item are text"),
    ],
)
def test_lists(markup, blocks):
    assert wiki.parse(markup) == doc(*blocks)


HEAD, ROW = (content("a"), content("b")), (content("c"), content("d"))


@pytest.mark.parametrize(
    ("markup", "table"),
    [
        pytest.param("||a||b||\n|c|d|", Table(HEAD, (ROW,)), id="a head and a row"),
        pytest.param("|a|b|\n|c|d", Table((), (HEAD, ROW)), id="rows, the last without an end"),
        pytest.param(
            "|| a |c |\n|b| |", Table((content("a"), content("c")), ((content("b"),),)), id="a head to the left"
        ),
        pytest.param("|a\nb|c|", Table((), ((content("a", HardBreak(), "b"), content("c")),)), id="lines in a cell"),
        pytest.param(r"|a\\b|", Table((), ((content("a", HardBreak(), "b"),),)), id="a break in a cell"),
        pytest.param(
            r"|[a|http://x.y]|\||{{a|b}}|[\[a|http://x.y]|",
            Table((), (((link("http://x.y", "a"),), content("|"), (Code("a|b"),), (link("http://x.y", "[a"),)),)),
            id="bars in links, code and escapes",
        ),
        pytest.param('|!a.png|width=3,alt="b.png"!|', Table((), (((Code("a.png"),),),)), id="an image in a cell"),
        pytest.param("|{code}a{code}|* b|", Table((), (((Code("a"),), content("* b")),)), id="code in a cell"),
        pytest.param("|{quote}a{quote}|", Table((), (((Code("a"),),),)), id="a quotation in a cell stays apart"),
    ],
)
def test_tables(markup, table):
    assert wiki.parse(markup) == doc(table)


def test_what_follows_a_table_or_list_is_a_block_of_its_own():
    assert wiki.parse("a\n|b|\nc\n* d\n|e|\n* f") == doc(
        "a", Table((), ((content("b"),),)), "c", bullets("d"), Table((), ((content("e"),),)), bullets("f")
    )


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        pytest.param("h2. *T*\n\n* a\n** {{b}}\n# c", "## **T**\n\n- a\n  - `b`\n\n1. c", id="lists and titles"),
        pytest.param(
            "{quote}\na\n{code:sh}\n# b\n{code}\n{quote}", "> a\n>\n> ```sh\n> # b\n> ```", id="code in a quotation"
        ),
        pytest.param(
            "[~ada] see [a (b)|http://x.y/(c)]", "[~ada] see [a (b)](<http://x.y/(c)>)", id="mention and link"
        ),
        pytest.param("||a||b||\n|c|d\\|e|", "| a | b |\n| --- | --- |\n| c | d\\|e |", id="a table"),
        pytest.param("a\nb\n-c-", "a\\\nb\\\n~~c~~", id="lines"),
        pytest.param("__init__.py <b> # 1", "\\_\\_init\\_\\_.py \\<b> # 1", id="letters"),
    ],
)
def test_the_agent_reads_it_as_markdown(markup, text):
    assert markdown.render(wiki.parse(markup)) == text
