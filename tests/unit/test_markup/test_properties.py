"""What holds for any tree, any text and any JSON value."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from jirabot.jira.markup import adf, limits, markdown, normal, reading, wiki
from jirabot.jira.markup.tree import Code, CodeBlock, Document, HardBreak, Link, Mention, Paragraph, Quote, Text
from jirabot.sandbox import wiki as sandbox_wiki
from jirabot.sandbox.adf import is_valid
from tests.adf_schema import AdfSchema
from tests.unit.test_markup.strategies import documents, nodes, texts, values, wiki_documents
from tests.unit.test_markup.trees import assert_all_is_read, bare, with_mentions


def normal_form_is_final(document: Document) -> None:
    once = normal.document(document)

    assert normal.document(once) == once


def adf_is_valid(document: Document) -> None:
    assert is_valid(adf.render(document))


def adf_says_all(document: Document) -> None:
    assert_all_is_read(normal.document(document), adf.parse(adf.render(document)))


def wiki_says_all(document: Document) -> None:
    assert_all_is_read(normal.document(document), wiki.parse(wiki.render(document)))


def wiki_read_back_is_the_same_text(document: Document) -> None:
    tree = with_mentions(normal.document(document), lambda mention: Mention(mention.id))

    assert bare(reading.plain(wiki.parse(wiki.render(tree)))) == bare(reading.plain(tree))


def markdown_read_back_is_the_same_tree(document: Document) -> None:
    """But that a mention is the text `[~id]`, since Markdown has none."""
    tree = normal.document(with_mentions(normal.document(document), lambda mention: Text(f"[~{mention.id}]")))

    assert markdown.parse(markdown.render(document)) == tree


def _readers_give_normal_form(document: Document) -> None:
    assert normal.document(document) == document
    assert is_valid(adf.render(document))
    markdown_read_back_is_the_same_tree(document)
    assert_all_is_read(document, wiki.parse(wiki.render(document)))
    assert all(piece for line in reading.spoken(document) for piece in line)


def markdown_is_read_whatever_it_is(text: str) -> None:
    _readers_give_normal_form(markdown.parse(text))


def wiki_markup_is_read_whatever_it_is(text: str) -> None:
    _readers_give_normal_form(wiki.parse(text))


def adf_is_read_whatever_it_is(value: object) -> None:
    _readers_give_normal_form(adf.parse(value))


def no_text_in_adf_is_lost(node: object) -> None:
    def texts_of(node: Any) -> Iterator[str]:
        if node["type"] == "text":
            yield node["text"]
        for child in node.get("content", ()):
            yield from texts_of(child)

    said = reading.plain(adf.parse(node))
    for text in texts_of(node):
        _, found, said = said.partition(text)
        assert found == text


def text_is_never_markup(text: str) -> None:
    """What an agent wrote makes links at most: no mention, no picture, no macro, no list."""
    markup = wiki.render(Document((Paragraph((Text(text),)),)))

    for block in wiki.parse(markup).blocks:
        assert isinstance(block, Paragraph)
        for inline in block.content:
            assert isinstance(inline, Text | HardBreak | Link)
            assert not isinstance(inline, Link) or inline.content == (Text(inline.href),)
    assert '"mention"' not in json.dumps(sandbox_wiki.parse(markup))


def code_is_never_markup(text: str) -> None:
    markup = wiki.render(Document((Paragraph((Code(text),)), Quote((CodeBlock(text),)))))

    assert not any(isinstance(piece, Mention) for line in reading.spoken(wiki.parse(markup)) for piece in line)
    assert '"mention"' not in json.dumps(sandbox_wiki.parse(markup))


PROPERTIES = [
    pytest.param(check, given_, id=check.__name__)
    for check, given_ in (
        (normal_form_is_final, documents),
        (adf_is_valid, documents),
        (adf_says_all, documents),
        (wiki_says_all, documents),
        (wiki_read_back_is_the_same_text, wiki_documents),
        (markdown_read_back_is_the_same_tree, documents),
        (markdown_is_read_whatever_it_is, texts),
        (wiki_markup_is_read_whatever_it_is, texts),
        (adf_is_read_whatever_it_is, values),
        (no_text_in_adf_is_lost, nodes),
        (text_is_never_markup, texts),
        (code_is_never_markup, texts),
    )
]


@pytest.mark.fast
@pytest.mark.parametrize(("check", "some"), PROPERTIES)
def test_holds_for_some(check: Callable[[Any], None], some: SearchStrategy[Any]) -> None:
    settings(max_examples=100, deadline=None, database=None)(given(some)(check))()


@pytest.mark.slow
@pytest.mark.parametrize(("check", "some"), PROPERTIES)
def test_holds_for_many(check: Callable[[Any], None], some: SearchStrategy[Any]) -> None:
    settings(max_examples=1_000, deadline=None, database=None)(given(some)(check))()


@pytest.mark.fast
def test_any_tree_is_valid_adf_by_the_schema(schema: AdfSchema) -> None:
    @settings(max_examples=20, deadline=None, database=None)
    @given(documents)
    def check(document: Document) -> None:
        schema.validate(adf.render(document))

    check()


@pytest.mark.slow
def test_very_many_trees_are_valid_adf_by_the_schema(schema: AdfSchema) -> None:
    @settings(max_examples=300, deadline=None, database=None)
    @given(documents)
    def check(document: Document) -> None:
        schema.validate(adf.render(document))

    check()


@pytest.mark.slow
@pytest.mark.parametrize("notation", [adf, wiki], ids=["adf", "wiki"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("word " * 20_000, id="one paragraph"),
        pytest.param("x" * 50_000, id="one word"),
        pytest.param("🙂" * 20_000, id="emoji"),
        pytest.param("- item\n" * 10_000, id="one list"),
        pytest.param("```\n" + "line\n" * 10_000 + "```", id="one block of code"),
        pytest.param("a\n\n" * 20_000, id="many paragraphs"),
        pytest.param("| a |\n|---|\n" + "| [b](http://x.y) |\n" * 5_000, id="one table"),
    ],
)
def test_a_very_long_comment_is_cut_to_what_jira_takes_and_not_to_much_less(notation: Any, text: str) -> None:
    notice = markdown.parse("*cut*")
    short = limits.shorten(markdown.parse(text), notation.fits, notice)

    assert notation.fits(short)
    assert short.blocks[-1:] == notice.blocks
    assert len(json.dumps(notation.render(short), ensure_ascii=False).encode("utf-16-le")) // 2 > 25_000
