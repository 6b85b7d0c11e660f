"""Pairs from the test suites of other converters: read on both sides they say the same, and what we write is valid.

The makers' conventions differ and are partly wrong, so that pairs are compared by their letters and their blocks. Where
we differ on purpose the line of the file is named here, with the reason.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jirabot.jira.markup import adf, markdown, wiki
from jirabot.jira.markup.tree import Block, BulletList, Document, OrderedList, Quote, Table
from jirabot.sandbox.adf import is_valid
from tests.adf_schema import AdfSchema
from tests.unit.test_markup.trees import assert_all_is_read, leaves

pytestmark = pytest.mark.fast

FILES = {"adf-markdown": ("adf", adf), "wiki-markdown": ("wiki", wiki)}

OTHER_LETTERS = {
    "adf-markdown": {
        8: "our Markdown has no ADF in it",
        9: "our Markdown has no ADF in it",
        10: "HTML is shown, not dropped",
        12: "1234 begins no list behind a paragraph",
    },
    "wiki-markdown": {
        6: "the title of code is shown",
        69: "their Markdown indents by too little for CommonMark",
        153: "the title of code is shown",
        158: "their Markdown indents by too little for CommonMark",
        167: "an image's own words are not in wiki markup",
        171: "their Markdown indents by too little for CommonMark",
        191: "a quotation without an end is text",
        198: "a number with a full stop begins no list in wiki markup",
        204: "a panel and an escaped code block in Markdown are text",
        205: "their panel is a table with a head",
    },
}
_PANEL = "a panel is what it holds, not a quotation, table or rules"
_LEVEL = "a list may begin at a deeper level"
_HEAD = "a table without a head has none"
OTHER_BLOCKS = {
    "adf-markdown": {
        18: "they have no lists in quotations",
        32: "a line under a paragraph makes a heading of it",
    },
    "wiki-markdown": {
        **dict.fromkeys((7, 8, 9, 62, 66, 67, 193, 194), _PANEL),
        **dict.fromkeys((37, 41, 45, 47, 48), _LEVEL),
        **dict.fromkeys((60, 61, 73, 75, 76, 78, 79, 80), _HEAD),
        43: "bullets without text are text",
        65: "nine hyphens are no rule in wiki markup",
        68: "a blank line ends a list, even in colour",
        144: "their Markdown is indented code",
        183: "their Markdown has bullets for numbers",
        184: "bullets without text are text",
        201: "their Markdown is no table",
    },
}
_STYLES = re.compile(r"</?(?:u|q|sup|sub|font|ins)\b[^>]*>|\{width=\d+\}")
"""What two of the makers write into Markdown for looks that it does not have."""


def pairs(shared: Path, name: str) -> Iterator[tuple[int, Document, Document]]:
    """Give of each line its number, and the trees of Jira's side and of Markdown's."""
    key, notation = FILES[name]
    for number, line in enumerate((shared / "markup" / f"{name}.jsonl").read_text().splitlines(), 1):
        pair = json.loads(line)
        yield number, notation.parse(pair[key]), markdown.parse(_STYLES.sub("", pair["markdown"]))


def letters(document: Document) -> str:
    """Give what is read, without white space and punctuation."""
    return re.sub(r"[\W_]", "", "".join(leaves(document)))


def shape(blocks: tuple[Block, ...]) -> list[Any]:
    """Give the kinds of *blocks*, with what is in them."""
    shapes: list[Any] = []
    for block in blocks:
        match block:
            case Quote(inner):
                shapes.append(["quote", *shape(inner)])
            case BulletList(items) | OrderedList(items):
                shapes.append([type(block).__name__, *(shape(item.blocks) for item in items)])
            case Table(_, rows):
                shapes.append(["table", block.width, len(rows)])
            case _:
                shapes.append(type(block).__name__)
    return shapes


@pytest.mark.parametrize("name", FILES)
def test_both_sides_say_the_same(shared, name):
    others = {number for number, jira, text in pairs(shared, name) if letters(jira) != letters(text)}

    assert others == set(OTHER_LETTERS[name])


@pytest.mark.parametrize("name", FILES)
def test_both_sides_have_the_same_blocks(shared, name):
    others = {number for number, jira, text in pairs(shared, name) if shape(jira.blocks) != shape(text.blocks)}

    assert others - set(OTHER_LETTERS[name]) == set(OTHER_BLOCKS[name])


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_as_adf_is_valid_by_the_schema(shared, schema: AdfSchema, name):
    written = {json.dumps(adf.render(tree)) for _, *trees in pairs(shared, name) for tree in trees}

    for document in map(json.loads, written):
        schema.validate(document)
        assert is_valid(document)


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_says_all_when_it_is_read(shared, name):
    for _, *trees in pairs(shared, name):
        for tree in trees:
            assert_all_is_read(tree, adf.parse(adf.render(tree)))
            assert_all_is_read(tree, wiki.parse(wiki.render(tree)))


def test_adf_of_others_is_the_same_tree_once_it_is_written_as_markdown(shared):
    for number, tree, _ in pairs(shared, "adf-markdown"):
        assert markdown.parse(markdown.render(tree)) == tree, number
