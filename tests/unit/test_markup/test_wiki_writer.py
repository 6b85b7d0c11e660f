r"""Markdown, written as wiki markup: what Jira Data Center gets. Nothing in a text ever becomes markup."""

import pytest

from jirabot.jira.markup import markdown, wiki
from jirabot.jira.markup.tree import Code, CodeBlock, Emphasis, Heading, Mention, Rule, Strong, Table, Text
from tests.unit.test_markup.trees import bold, bullets, content, doc, item, numbers, para, quote

pytestmark = pytest.mark.fast


def written(text):
    return wiki.render(markdown.parse(text))


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("* a\n* b", "* a\n* b", id="bullets stay bullets"),
        pytest.param("```sh\n# comment\n```", "{code:sh}\n# comment\n{code}", id="a comment in code is no heading"),
        pytest.param("```\na * b * c\n```", "{code:none}\na * b * c\n{code}", id="asterisks in a code block"),
        pytest.param("`a * b * c`", r"{{a \* b \* c}}", id="asterisks in inline code"),
        pytest.param("see __init__.py", r"see \_\_init\_\_.py", id="a name with two underscores"),
        pytest.param("```c++\na\n```", "{code:c++}\na\n{code}", id="c++"),
        pytest.param("```ts-x\na\n```", "{code:none}\na\n{code}", id="ts-x"),
        pytest.param("- a\n  - b\n    1. c\n- d", "* a\n** b\n**# c\n* d", id="nested lists stay nested"),
        pytest.param("[a](http://x.y/(b))", "[a|http://x.y/(b)]", id="a bracket in an address"),
        pytest.param("[a](<http://x.y/b)c>)", "[a|http://x.y/b)c]", id="a lone bracket in an address"),
        pytest.param("write {code} here", r"write \{code\} here", id="a macro's name"),
        pytest.param("ask [~ada] now", r"ask \[\~ada\] now", id="a mention"),
        pytest.param("see !x.png!", r"see \!x.png\!", id="an image"),
        pytest.param(
            "!http://x.y/z.png! it", r"\![http://x.y/z.png]! it", id="a remote image is a link and loads nothing"
        ),
    ],
)
def test_what_others_damage_is_kept(text, markup):
    """The cases of F43."""
    assert written(text) == markup


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("{html}<b>{html}", r"\{html\}<b>\{html\}", id="braces"),
        pytest.param("[a] [b|c] ]", r"\[a\] \[b\|c\] \]", id="brackets and bars"),
        pytest.param("\\*a\\* \\_b\\_ -c- +d+ ^e^ ~f~", r"\*a\* \_b\_ \-c\- \+d\+ \^e\^ \~f\~", id="marks"),
        pytest.param("a - b -c d-e", r"a \- b \-c d-e", id="hyphens, but within words"),
        pytest.param("a -- b --- c", r"a \-\- b \-\-\- c", id="dashes"),
        pytest.param("snake_case a*b 2^3", "snake_case a*b 2^3", id="within words nothing is a mark"),
        pytest.param("why? why?? ???", r"why? why\?\? \?\?\?", id="question marks in a row"),
        pytest.param("no! a !b! c", r"no! a \!b! c", id="exclamation marks, but before white space"),
        pytest.param("a. b, c; d: e", "a. b, c; d: e", id="full stops and commas are not escaped"),
        pytest.param("C:\\new \\\\srv\\x", r"C:\new \srv\x", id="backslashes before letters"),
        pytest.param("\\\\\\\\srv \\\\ a\\\\[b] \\\\", r"&#92;\srv \ a&#92;\[b\] &#92;", id="other backslashes"),
        pytest.param(":) :-( ;) ;-)", r":\) :\-\( ;\) ;\-\)", id="smileys"),
        pytest.param(":D :P :-D ;p a:D :Day", "&#58;D &#58;P &#58;\\-D &#59;p a&#58;D :Day", id="smileys of letters"),
        pytest.param("(/) (x) (!) (y) (i) (on) (z)", r"\(/) \(x) \(\!) \(y) \(i) \(on) (z)", id="icons"),
        pytest.param("(\\*) (\\*r) (flag) (+) (-)", r"\(\*) \(\*r) \(flag) \(\+) \(\-)", id="more icons"),
        pytest.param("&amp;lt; &amp;#42; & b", "&#38;lt; &#38;#42; & b", id="references, but a lone ampersand"),
        pytest.param("h1. a", "&#104;1. a", id="a heading's beginning"),
        pytest.param("bq. a", "&#98;q. a", id="a quotation's beginning"),
        pytest.param("\\# a", "&#35; a", id="a number's beginning"),
        pytest.param("\\#a h7. h1", "#a h7. h1", id="what begins nothing"),
        pytest.param("\\* a", r"\* a", id="a bullet's beginning"),
        pytest.param("\\- a", r"\- a", id="a dash's beginning"),
        pytest.param("\\----", r"\-\-\-\-", id="a rule"),
        pytest.param("|a|b|", r"\|a\|b\|", id="a row"),
        pytest.param("a\\\nh1. b\\\n\\# c", "a\n&#104;1. b\n&#35; c", id="the beginnings of later lines"),
        pytest.param("**#** a", "*&#35;* a", id="a mark and what is in it are no bullets"),
        pytest.param("{quote}a{panel:title=b}{color:red}", r"\{quote\}a\{panel:title=b\}\{color:red\}", id="macros"),
        pytest.param("[^a.png] [#a] [a|mailto:b]", r"\[\^a.png\] \[#a\] \[a\|mailto:b\]", id="other links"),
    ],
)
def test_text_is_escaped(text, markup):
    """The rules of section 9.2, and what Jira's renderer takes for markup beyond them."""
    assert written(text) == markup


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("**a** *b* ~~c~~ `d`", "*a* _b_ -c- {{d}}", id="marks"),
        pytest.param("***a~~b~~***", "*_a{-}b{-}_*", id="marks in marks"),
        pytest.param("a**b**c", "a{*}b{*}c", id="braces within a word"),
        pytest.param("a`b`c", "a{{{}b{}}}c", id="braces around code within a word"),
        pytest.param("**a***b*", "{*}a{*}{_}b{_}", id="marks side by side"),
        pytest.param("`a`**b**", "{{{}a{}}}{*}b{*}", id="a mark behind code"),
        pytest.param("**a** (**b**)", "*a* (*b*)", id="punctuation needs no braces"),
        pytest.param("`{code}` `a}}b`", "{{&#123;code&#125;}} {{a&#125;&#125;b}}", id="braces in code"),
        pytest.param("`[~ada]` `!a!` `:D`", r"{{\[\~ada\]}} {{\!a\!}} {{&#58;D}}", id="code is escaped too"),
        pytest.param("a  b", "a  b", id="white space"),
        pytest.param("<b>a</b><br>b", "<b>a</b>\nb", id="HTML is shown, a break breaks"),
    ],
)
def test_marks(text, markup):
    assert written(text) == markup


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("[a b](http://x.y)", "[a b|http://x.y]", id="words"),
        pytest.param("[a|b](http://x.y/p|q)", r"[a\|b|http://x.y/p%7Cq]", id="bars"),
        pytest.param("[\\[a\\]](http://[::1]/)", r"[\[a\]|http://%5B::1%5D/]", id="square brackets"),
        pytest.param("<http://x.example/a[>", r"[http://x.example/a\[|http://x.example/a%5B]", id="in its own words"),
        pytest.param("[**a** `b`](http://x.y)", "[*a* {{b}}|http://x.y]", id="marks in the words"),
        pytest.param("[~ada](http://x.y)", r"[\~ada|http://x.y]", id="words like a mention"),
        pytest.param("[http://a.b/c_d](http://x.y)", "[http://a.b/c_d|http://x.y]", id="words like another address"),
        pytest.param("<http://x.y>", "[http://x.y]", id="the address alone"),
        pytest.param("at http://x.y/a_b_, or", r"at [http://x.y/a_b]\_, or", id="a bare address"),
        pytest.param("**http://x.y**", "[*http://x.y*|http://x.y]", id="a bare address in bold"),
        pytest.param("[a](../b.md)", "a (../b.md)", id="a relative address is shown"),
        pytest.param("[a](javascript:b[0])", r"a (javascript:b\[0\])", id="an unsafe address is shown"),
        pytest.param("[a](~ada)", r"a (\~ada)", id="an address like a mention is shown"),
        pytest.param("![a](http://x.y/i.png)", "[a|http://x.y/i.png]", id="an image is linked to"),
    ],
)
def test_links(text, markup):
    assert written(text) == markup


BROKEN = "_(In this block a zero-width space stands behind the brace of each \\{%s\\}.)_"


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("```\n\n```", "{code:none}\n\n{code}", id="no language is none"),
        pytest.param("```brainfuck\na\n```", "{code:none}\na\n{code}", id="an unknown language is none"),
        pytest.param("```Python\na\n```", "{code:python}\na\n{code}", id="a language in capitals"),
        pytest.param("```js\na\n```", "{code:javascript}\na\n{code}", id="a language's other name"),
        pytest.param("```\n[~ada] !x! :) &amp; \\\n```", "{code:none}\n[~ada] !x! :) &amp; \\\n{code}", id="letters"),
        pytest.param(
            "```java\n{code:java}\na\n{code}\n```",
            "{noformat}\n{code:java}\na\n{code}\n{noformat}",
            id="code in code is noformat",
        ),
        pytest.param("```\n{noformat}\n```", "{code:none}\n{noformat}\n{code}", id="noformat in code"),
        pytest.param(
            "```\n{code}{noformat}{CODE}\n```",
            "{code:none}\n{\u200bcode}{noformat}{\u200bCODE}\n{code}\n" + BROKEN % "code",
            id="where both stand in it, one is broken and it is said",
        ),
        pytest.param(
            "> ```\n> {quote}\n> [~ada]\n> ```",
            "{quote}\n{code:none}\n{\u200bquote}\n[~ada]\n{code}\n\n" + BROKEN % "quote" + "\n{quote}",
            id="code does not end the quotation that it stands in",
        ),
        pytest.param("> {quote}", "{quote}\n\\{quote\\}\n{quote}", id="text in a quotation is escaped as ever"),
        pytest.param("> `quote`", "{quote}\n{{quote}}\n{quote}", id="the word as inline code ends no quotation"),
        pytest.param("```\n{quote}\n```", "{code:none}\n{quote}\n{code}", id="elsewhere it may name it"),
    ],
)
def test_code_blocks(text, markup):
    assert written(text) == markup


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("a\nb\n\nc", "a b\n\nc", id="paragraphs"),
        pytest.param("# a\n###### b `c`", "h1. a\n\nh6. b {{c}}", id="headings"),
        pytest.param("a\n\n***\n\nb", "a\n\n----\n\nb", id="a rule"),
        pytest.param("> a\n>\n> > b\n>\n> - c", "{quote}\na\n\nb\n\n* c\n{quote}", id="quotations do not nest"),
        pytest.param("- [ ] a\n- [x] b", "* \\[ \\] a\n* \\[x\\] b", id="tasks"),
        pytest.param("1. a\n2. b", "# a\n# b", id="numbers"),
        pytest.param("5. a\n6. b", "5. a\n\n6. b", id="numbers from 5 are text"),
        pytest.param("- a\n\n  5. b\n  6. c", "* a\n** 5. b\n** 6. c", id="numbers from 5 in an item keep them"),
        pytest.param("- a\\\n  b\n\n  c", "* a\nb\nc", id="the lines of an item"),
        pytest.param("-\n- a", "* \xa0\n* a", id="an empty item"),
        pytest.param("- - a", "* \xa0\n** a", id="an item that is a list"),
        pytest.param(
            "1. a\n   ```sh\n   b\n   ```\n2. c", "# a\n{code:sh}\nb\n{code}\n# c", id="code in an item ends no list"
        ),
        pytest.param("- ```\n  a\n  ```", "* \xa0\n{code:none}\na\n{code}", id="a macro begins a line"),
        pytest.param(
            "| a | **b** |\n|---|---|\n| c\\|d | `e` |", "|| a || *b* ||\n| c\\|d | {{e}} |", id="a table with a head"
        ),
        pytest.param("| |\n|-|\n| a |", "| a |", id="a table without a head"),
        pytest.param("| a |\n|-|\n| b<br>- c |", "|| a ||\n| b\\\\ \\- c |", id="lines in a cell"),
    ],
)
def test_blocks(text, markup):
    assert written(text) == markup


def test_what_an_item_can_not_hold_is_lowered():
    table = Table((content("a"), content("b")), ((content("c"),),))
    document = doc(bullets(item("x", Heading(1, content("t")), quote("q", quote("r")), table, Rule())))

    assert wiki.render(document) == "* x\n*t*\nq\nr\na \\| b\nc\n\\-\\-\\-"


def test_a_list_in_an_item_that_is_numbered_from_7_keeps_its_numbers():
    document = doc(numbers(item("a", numbers(item(CodeBlock("b")), "c", start=7))))

    assert wiki.render(document) == "# a\n#* 7.\n{code:none}\nb\n{code}\n#* 8. c"


def test_a_mention_in_the_tree_is_one():
    assert wiki.render(doc(para("hi ", bold(Mention("ada", "Ada")), "."))) == "hi [~ada]."


def test_a_mention_that_brackets_can_not_hold_is_text():
    assert wiki.render(doc(para(Mention("a]|http://x", "Ada")))) == "@Ada"


def test_a_mark_within_a_mark_is_braced_where_the_outer_is():
    document = doc(para("a", Strong((Emphasis((Text("b"),)),)), "c ", Code("d"), Code("e")))

    assert wiki.render(document) == "a{*}{_}b{_}{*}c {{de}}"


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        pytest.param(doc("a" * 29_999), True, id="just below the limit"),
        pytest.param(doc("a" * 30_000), False, id="at the limit"),
        pytest.param(doc("[" * 15_000), False, id="escapes count"),
        pytest.param(doc("🙂" * 15_000), False, id="an emoji counts twice, as in Java"),
    ],
)
def test_fits(document, fits):
    assert wiki.fits(document) is fits
