"""Arbitrary trees, texts and JSON, made of what is likely to be taken for markup."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from jirabot.jira.markup.tree import (
    Block,
    BulletList,
    Code,
    CodeBlock,
    Document,
    Emphasis,
    HardBreak,
    Heading,
    Inline,
    Link,
    ListItem,
    Mention,
    OrderedList,
    Paragraph,
    Quote,
    Rule,
    Strike,
    Strong,
    Table,
    Text,
)

_SNIPPETS = (
    "word", "a", "Z", "é", "9", "1. ", "12) ", " ", "  ", "\n", "\t", "\xa0", "\u200b", "🙂", ".", ",", ";", "@bot",
    "*", "**", "_", "__", "-", "--", "---", "----", "+", "^", "~", "~~", "??", "?", "`", "```", "|", "||", "!", "#",
    "##", "=", "==", ">", "<", "<br>", "<b>", "</b>", "<!-- x -->", "&", "&amp;", "&#42;", "&nbsp;", "\\", "\\\\", ":",
    "(", ")", "[", "]", "[x]", "[ ] ", "](", "][", "]: ", "[~ada]", "[^a.png]", "!a.png!", "{", "}", "{{", "}}", "{}",
    "{code}", "{code:python}", "{noformat}", "{quote}", "{panel:title=T}", "{color:red}", "{html}", "{*}", "{_}", "{-}",
    "h1. ", "bq. ", ":)", ":D", ";-)", "(/)", "(x)", "(*r)", "http://x.y/a_b", "https://x.y/(z)?q=1&r=*",
    "mailto:a@b.c", "\x00", "\x1b", "\r\n", "\u2028", "\ud800", "\ufffe",
)  # fmt: skip

_words = st.lists(st.sampled_from(_SNIPPETS), min_size=1, max_size=4).map("".join) | st.text(max_size=6)
_code = _words.filter(lambda text: "{" not in text)
_web = st.sampled_from(
    ["https://x.y", "http://x.y/a(b)c", "https://x.y/?q=a|b&amp;c=d", "mailto:a@b.c", "HTTPS://X/\\*"]
)
_hrefs = (
    st.sampled_from(
        ["javascript:alert(1)", "../a", "#b", "https://x.y/a b]", "", " ", "<http://x.y>", "~ada", "^a.png"]
    )
    | _web
    | _words
)
_languages = st.sampled_from(["", "python", "c++", "ts-x", "brainfuck", "py}{html}", "a b", "`", "{code}"])

texts = st.lists(st.sampled_from(_SNIPPETS), max_size=30).map("".join) | st.text(max_size=100)
"""Any string, most often one that bristles with markup."""


def _contents(hrefs: SearchStrategy[str]) -> SearchStrategy[tuple[Inline, ...]]:
    def marked(inner: SearchStrategy[Inline]) -> SearchStrategy[Inline]:
        content = st.lists(inner, max_size=3).map(tuple)
        marks = st.builds(Strong, content) | st.builds(Emphasis, content) | st.builds(Strike, content)
        return st.one_of(marks, st.builds(Link, hrefs, content))

    text = st.builds(Text, _words)
    leaves: SearchStrategy[Inline] = st.one_of(
        text, text, st.builds(Code, _words), st.just(HardBreak()), st.builds(Mention, _words, _words)
    )
    return st.lists(st.recursive(leaves, marked, max_leaves=4), max_size=4).map(tuple)


def _flat(content: SearchStrategy[tuple[Inline, ...]], code: SearchStrategy[str]) -> SearchStrategy[Block]:
    rows = st.lists(content, max_size=3).map(tuple)
    paragraph = st.builds(Paragraph, content)
    return (
        paragraph
        | paragraph
        | st.builds(Heading, st.integers(-1, 8), content)
        | st.builds(CodeBlock, code, _languages)
        | st.builds(Table, rows, st.lists(rows, max_size=2).map(tuple))
        | st.just(Rule())
    )


def _nested(inner: SearchStrategy[Block]) -> SearchStrategy[Block]:
    blocks = st.lists(inner, max_size=3).map(tuple)
    items = st.lists(st.builds(ListItem, blocks), max_size=3).map(tuple)
    starts = st.sampled_from([1, 1, 1, 0, 7, -3, 999_999_999, 10**12])
    return st.builds(Quote, blocks) | st.builds(BulletList, items) | st.builds(OrderedList, items, starts)


def _documents(blocks: SearchStrategy[Block]) -> SearchStrategy[Document]:
    return st.lists(blocks, max_size=4).map(lambda some: Document(tuple(some)))


documents = _documents(st.recursive(_flat(_contents(_hrefs), _words), _nested, max_leaves=5))
"""Any tree."""

_wiki_flat = _flat(_contents(_web), _code)
wiki_documents = _documents(_wiki_flat | st.lists(_wiki_flat, max_size=3).map(lambda some: Quote(tuple(some))))
"""Trees that wiki markup need not lower: web links, no lists, no quotations in quotations, no macros in code."""

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _words
_types = st.sampled_from([
    "doc", "paragraph", "heading", "codeBlock", "blockquote", "panel", "expand", "nestedExpand", "table", "tableRow",
    "tableCell", "tableHeader", "bulletList", "orderedList", "listItem", "taskList", "taskItem", "decisionList",
    "decisionItem", "mediaSingle", "mediaGroup", "caption", "layoutSection", "newThing",
])  # fmt: skip
_leaf_types = st.sampled_from(
    ["text", "mention", "emoji", "date", "status", "inlineCard", "media", "hardBreak", "rule"]
)


def _values(inner: SearchStrategy[object]) -> SearchStrategy[object]:
    attributes = st.dictionaries(
        st.sampled_from(["id", "text", "url", "alt", "title", "level", "order", "href", "state", "timestamp"]), inner
    )
    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_words, inner, max_size=2),
        st.fixed_dictionaries(
            {"type": _types | _leaf_types},
            optional={"content": st.lists(inner, max_size=4), "text": inner, "attrs": attributes, "marks": inner},
        ),
    )


values: SearchStrategy[object] = st.recursive(_scalars, _values, max_leaves=12)
"""Any JSON value, most often one that looks like ADF."""

Node = dict[str, object]


def _text_node(number: int) -> Node:
    return {"type": "text", "text": f"w{number}w"}


nodes: SearchStrategy[Node] = st.recursive(
    st.builds(_text_node, st.integers(0, 10**6)),
    lambda inner: st.builds(lambda type_, some: {"type": type_, "content": some}, _types, st.lists(inner, max_size=4)),
    max_leaves=12,
)
"""ADF nodes that hold text, in any order, also where Jira's editor would never put one into another."""
