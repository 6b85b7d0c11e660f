"""What a writer says themself, and what a text says in all."""

import pytest

from jirabot.jira.markup import adf, markdown, reading, wiki
from jirabot.jira.markup.reading import UNSPOKEN
from jirabot.jira.markup.tree import Mention

pytestmark = pytest.mark.fast

BOT = Mention("bot")


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        pytest.param("@openhands fix it", [("@openhands fix it",)], id="text"),
        pytest.param("hi [~bot] fix it", [("hi ", BOT, " fix it")], id="a mention is a piece of its own"),
        pytest.param("[~bot][~bot]", [(BOT, BOT)], id="two mentions"),
        pytest.param("a\nb\n\nc", [("a",), ("b",), ("c",)], id="lines"),
        pytest.param("h1. a\n* b\n** c\n# d", [("a",), ("b",), ("c",), ("d",)], id="headings and items"),
        pytest.param("||a||b||\n|c|d|", [("a",), ("b",), ("c",), ("d",)], id="cells are a line each"),
        pytest.param("{panel:title=a}b{panel}", [("a",), ("b",)], id="a panel is said"),
        pytest.param("*@openhands* _fix_ -it-", [("@openhands fix it",)], id="bold, italic and struck words are said"),
        pytest.param("{color:red}@openhands{color} a", [("@openhands a",)], id="coloured words are said"),
        pytest.param("{code}@openhands a{code}", [], id="code is not"),
        pytest.param("{noformat}@openhands a{noformat}", [], id="noformat is not"),
        pytest.param("{quote}@openhands a{quote}", [], id="a quotation is not"),
        pytest.param("bq. @openhands a", [], id="a quoted line is not"),
        pytest.param(
            "Yes.\n\nAda wrote:\n> @openhands a\n>> [~bot] b\n  > c", [("Yes.",), ("Ada wrote:",)], id="nor mail's"
        ),
        pytest.param("a > b\n-> c", [("a > b",), ("-> c",)], id="a sign within a line is said"),
        pytest.param("{QUOTE}[~bot] a{QUOTE}", [], id="a quotation in capitals is not"),
        pytest.param("{quote}\n* a\n{code}\nb\n{code}\n{quote}\nc", [("c",)], id="what follows a quotation is"),
        pytest.param("{quote}@openhands a", [("{quote}@openhands a",)], id="a quotation without an end is none"),
        pytest.param("* a\n{code}\n@openhands b\n{code}", [("a",)], id="code in an item is not"),
        pytest.param("|{quote}@openhands a{quote}|b|", [("b",)], id="a quotation in a cell is not"),
        pytest.param("@openhands stop {{this}}", [(f"@openhands stop {UNSPOKEN}",)], id="inline code leaves a trace"),
        pytest.param("{{@openhands}}", [], id="inline code alone says nothing"),
        pytest.param("[@openhands|http://x.y] a", [(f"{UNSPOKEN} a",)], id="a link's words leave a trace"),
        pytest.param("see http://x.y/@openhands", [(f"see {UNSPOKEN}",)], id="an address leaves a trace"),
        pytest.param("[^@openhands.txt] !@openhands.png!", [], id="names of files are not said"),
        pytest.param(r"\[~bot] a", [("[~bot] a",)], id="an escaped mention is text"),
        pytest.param("----", [], id="a rule says nothing"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_spoken_in_wiki_markup(markup, lines):
    assert reading.spoken(wiki.parse(markup)) == tuple(lines)


def text(words, *marks):
    return {"type": "text", "text": words, "marks": list(marks)}


def node(type_, *children, **attrs):
    return {"type": type_, "attrs": attrs, "content": list(children)}


def paragraph(*children):
    return node("paragraph", *(text(child) if isinstance(child, str) else child for child in children))


MENTION = node("mention", id="bot", text="@OpenHands")
ADF_BOT = Mention("bot", "OpenHands")
CODE, LINK = {"type": "code"}, {"type": "link", "attrs": {"href": "http://x.y"}}
BREAK = {"type": "hardBreak"}


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        pytest.param(paragraph("hi ", MENTION, " fix it"), [("hi ", ADF_BOT, " fix it")], id="a mention"),
        pytest.param(paragraph("a", BREAK, BREAK, "b"), [("a",), ("b",)], id="lines"),
        pytest.param(
            paragraph(text("@open", {"type": "strong"}), "hands a"), [("@openhands a",)], id="parts of a word"
        ),
        pytest.param(node("panel", paragraph("a"), panelType="info"), [("a",)], id="a panel is said"),
        pytest.param(node("taskList", node("taskItem", text("a"), state="DONE")), [("[x] a",)], id="a task is said"),
        pytest.param(node("blockquote", paragraph(MENTION, " a")), [], id="a quotation is not"),
        pytest.param(node("codeBlock", text("@openhands a")), [], id="code is not"),
        pytest.param(paragraph("a", BREAK, "> ", MENTION, " stop"), [("a",)], id="nor is a quotation as in mail"),
        pytest.param(paragraph("a ", text("b", CODE)), [(f"a {UNSPOKEN}",)], id="inline code leaves a trace"),
        pytest.param(paragraph(text("@openhands", LINK), " a"), [(f"{UNSPOKEN} a",)], id="a link leaves a trace"),
        pytest.param(paragraph(node("inlineCard", url="http://x.y")), [], id="a card says nothing"),
        pytest.param(paragraph(node("mediaInline", alt="@openhands.png")), [], id="a file's name is not said"),
        pytest.param(
            node("table", node("tableRow", node("tableCell", node("blockquote", paragraph("a"))))),
            [],
            id="a quotation in a cell is not",
        ),
    ],
)
def test_spoken_in_adf(block, lines):
    assert reading.spoken(adf.parse(block)) == tuple(lines)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("# **a** `b`\n\nc\\\nd", "a b\n\nc\nd", id="lines without marks"),
        pytest.param("[a](http://x.y) <http://x.y>", "a (http://x.y) http://x.y", id="addresses in brackets, once"),
        pytest.param("- a\n  - b\n\n    c\n- d", "- a\n  - b\n    c\n- d", id="bullets"),
        pytest.param("9. a\n10. b\n    - c", "9. a\n10. b\n    - c", id="numbers"),
        pytest.param("> a\n>\n> > b", "> a\n> \n> > b", id="quotations"),
        pytest.param(
            "| a | b |\n|---|---|\n| c | d |\n\n---\n\n```x\n e\n```", "a | b\nc | d\n\n---\n\n e", id="others"
        ),
    ],
)
def test_plain(source, words):
    assert reading.plain(markdown.parse(source)) == words


def test_a_mention_is_read_by_its_name_or_else_its_id():
    assert reading.plain(adf.parse(paragraph(MENTION, " ", node("mention", id="x")))) == "@OpenHands @x"
