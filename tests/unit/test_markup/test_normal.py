"""The one form of a tree that every notation can express."""

import pytest

from jirabot.jira.markup import normal
from jirabot.jira.markup.tree import (
    BulletList,
    Code,
    CodeBlock,
    Emphasis,
    HardBreak,
    Heading,
    Link,
    Mention,
    Paragraph,
    Quote,
    Strike,
    Strong,
    Table,
    Text,
)
from tests.unit.test_markup.trees import blocks, bold, bullets, content, item, numbers, para, quote

pytestmark = pytest.mark.fast

BREAK = HardBreak()


@pytest.mark.parametrize(
    ("given", "tidy"),
    [
        pytest.param(["a", "b"], ["ab"], id="neighbours of a look are one"),
        pytest.param([bold("a"), bold("b")], [bold("ab")], id="marked neighbours are one"),
        pytest.param([Emphasis((bold("a"),))], [Strong((Emphasis(content("a")),))], id="marks have one order"),
        pytest.param([Strong((bold("a"),))], [bold("a")], id="a mark in itself is one"),
        pytest.param(
            [" a ", bold(" b "), " c "], ["a  ", bold("b"), "  c"], id="marks hold no white space at their ends"
        ),
        pytest.param([bold("a "), bold("b")], [bold("a b")], id="but between what they share"),
        pytest.param([bold("a"), " ", bold("b")], [bold("a"), " ", bold("b")], id="marks do not grow over white space"),
        pytest.param([bold("  ")], [], id="marks of white space are nothing"),
        pytest.param([bold()], [], id="marks of nothing are nothing"),
        pytest.param([BREAK, "a ", BREAK, " ", BREAK, "b", BREAK], ["a", BREAK, "b"], id="no breaks without text"),
        pytest.param([bold("a\nb")], [bold("a"), BREAK, bold("b")], id="marks end at a line's end"),
        pytest.param([bold("a", Mention("x"))], [bold("a"), Mention("x")], id="a mention has no marks"),
        pytest.param([Code(" a\nb ")], [Code("a b")], id="inline code is a line"),
        pytest.param(
            [Link("http://x", (Text("a "), Link("http://y", content("b"))))],
            [Link("http://x", content("a b"))],
            id="in a link in a link the outer one counts",
        ),
        pytest.param(
            [Strike((Link("http://x", content("a")),))],
            [Link("http://x", (Strike(content("a")),))],
            id="links stand outside of marks",
        ),
        pytest.param([Link("", content("a"))], ["a"], id="a link to nowhere is text"),
        pytest.param(
            [Link(' http://x/a b|"c\\{d}^`', content("a"))],
            [Link("http://x/a%20b%7C%22c%5C%7Bd%7D%5E%60", content("a"))],
            id="addresses are encoded",
        ),
        pytest.param(
            ["a\x00\x1b[1mb\ud800\x85c\ufffe"], ["a[1mb\ufffd", BREAK, "c"], id="no characters that can't be kept"
        ),
        pytest.param([Mention(" x\x00 ", " Ada\n L. ")], [Mention("x", "Ada L.")], id="mentions are clean"),
        pytest.param([Mention("a|b", "Ada"), Mention("a]b"), Mention("")], ["@Ada@a]b"], id="others are text"),
        pytest.param(
            [Mention("DOMAIN\\ada"), Mention("ada l")],
            [Mention("DOMAIN\\ada"), Mention("ada l")],
            id="names of a directory are mentions",
        ),
    ],
)
def test_inlines(given, tidy):
    assert normal.inlines(content(*given)) == content(*tidy)


@pytest.mark.parametrize(
    ("given", "tidy"),
    [
        pytest.param(Paragraph(()), [], id="an empty paragraph"),
        pytest.param(Heading(2, content(" ")), [], id="an empty heading"),
        pytest.param(Quote((Quote(()),)), [], id="an empty quotation"),
        pytest.param(BulletList(()), [], id="an empty list"),
        pytest.param(Table(((),), ((), (content(" "),))), [], id="an empty table"),
        pytest.param(CodeBlock(""), [CodeBlock("")], id="empty code stays"),
        pytest.param(bullets(item(para()), "a"), [bullets(item(), "a")], id="an empty item stays"),
        pytest.param(
            Heading(9, content("a\nb")), [Heading(6, content("a b"))], id="a heading is a line of level 1 to 6"
        ),
        pytest.param(Heading(0, content("a")), [Heading(1, content("a"))], id="a heading has a level"),
        pytest.param(CodeBlock("a\r\nb\x00", " c++ x "), [CodeBlock("a\nb", "c++")], id="code and language are clean"),
        pytest.param(CodeBlock("a", "{x}"), [CodeBlock("a")], id="no language that is no name"),
        pytest.param(numbers("a", start=-3), [numbers("a", start=0)], id="numbers from 0"),
        pytest.param(numbers("a", start=10**12), [numbers("a", start=999_999_999)], id="up to what CommonMark reads"),
        pytest.param(quote("a", para()), [quote("a")], id="blocks in blocks"),
        pytest.param(
            Table((content("a"), (), ()), (((), content("b"), ()), (), (content("c"),))),
            [Table((content("a"),), (((), content("b")), (content("c"),)))],
            id="rows end with their last text",
        ),
        pytest.param(
            Table((), (tuple(content(str(number)) for number in range(102)),)),
            [Table((), ((*(content(str(number)) for number in range(99)), content("99 100 101")),))],
            id="what is beyond the last column goes into it",
        ),
    ],
)
def test_blocks(given, tidy):
    assert normal.blocks((given,)) == blocks(*tidy)
