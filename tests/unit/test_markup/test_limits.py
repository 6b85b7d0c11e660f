"""Too long a document keeps its beginning, says that there was more, and fits."""

import pytest
from hypothesis import given, settings

from jirabot.jira.markup import limits, markdown, normal
from jirabot.jira.markup.tree import Document, Text
from tests.unit.test_markup.strategies import documents
from tests.unit.test_markup.trees import bare, leaves, with_mentions

pytestmark = pytest.mark.fast

NOTICE = markdown.parse("*cut*")


def at_most(size):
    """Say whether a document, as Markdown, has at most *size* characters."""
    return lambda document: len(markdown.render(document)) <= size


@pytest.mark.parametrize(
    ("text", "short"),
    [
        pytest.param("one\n\ntwo\n\n# threefour", "one\n\ntwo\n\n_cut_", id="between blocks"),
        pytest.param("one\n\n***\n\ntwo three", "one\n\n_cut_", id="before a rule"),
        pytest.param("one two three four", "one two…\n\n_cut_", id="between words"),
        pytest.param("one **two three four** five", "one **two three**…\n\n_cut_", id="behind bold words"),
        pytest.param("[one two three](http://x.y)", "[one](http://x.y)…\n\n_cut_", id="within a link"),
        pytest.param("abcdefghij klm", "abcd…\n\n_cut_", id="within a word that is all there is"),
        pytest.param("`abcdefghij klm`", "abcd…\n\n_cut_", id="within code that is all there is"),
        pytest.param("- one\n- two\n- three four", "- one\n- two\n\n_cut_", id="between items"),
        pytest.param("- one\n- two three four", "- one\n- two…\n\n_cut_", id="within an item"),
        pytest.param("7. one\n8. two\n9. three four", "7. one\n8. two\n\n_cut_", id="between numbered items"),
        pytest.param("- one\n  - two\n  - threefour", "- one\n  - two\n\n_cut_", id="within a nested list"),
        pytest.param("> one\n>\n> two three four", "> one\n>\n> two…\n\n_cut_", id="within a quotation"),
        pytest.param("| a |\n|---|\n| b |\n| cdefghi |", "| a |\n| --- |\n| b |\n\n_cut_", id="between rows"),
        pytest.param("```x\none\ntwo\nthreefour\n```", "```x\none\ntwo\n```\n\n_cut_", id="between lines of code"),
        pytest.param("```\nabcdefghijklmn\n```", "```\nabcd\n```\n\n_cut_", id="within a line of code"),
        pytest.param("one two", "_cut_", id="before everything"),
    ],
)
def test_a_document_is_cut_to_what_fits(text, short):
    """The expected text is as long as it may be."""
    document = markdown.parse(text)

    assert markdown.render(limits.shorten(document, at_most(len(short)), NOTICE)) == short


def test_the_notice_stands_even_where_it_does_not_fit():
    assert limits.shorten(markdown.parse("one two"), at_most(2), NOTICE) == NOTICE


@pytest.mark.parametrize("size", [7, 8, 1_000])
def test_what_fits_is_left_as_it_is(size):
    document = markdown.parse("one two")

    assert limits.shorten(document, at_most(size), NOTICE) is document


def test_characters_are_counted_as_utf_16_does():
    assert limits.characters("aé\uffff🙂👩‍💻") == 3 + 2 + 5


@settings(max_examples=40, deadline=None, database=None)
@given(documents)
def test_any_document_fits_once_it_is_cut(document):
    for size in (10, 30, 100):
        short = limits.shorten(document, at_most(size), NOTICE)

        assert at_most(size)(short)
        assert short == document or short.blocks[-1:] == NOTICE.blocks


@settings(max_examples=40, deadline=None, database=None)
@given(documents)
def test_what_is_kept_is_how_the_document_begins(document):
    whole = normal.document(with_mentions(document, lambda mention: Text(mention.id)))
    short = limits.shorten(whole, at_most(60), NOTICE)
    kept = short if short == whole else Document(short.blocks[:-1])

    assert bare("".join(leaves(whole))).startswith(bare("".join(leaves(kept))).removesuffix("…"))
