"""The line that names a comment's effect, and texts that say the same."""

import pytest

from jirabot.core import footers
from jirabot.core.texts import load

pytestmark = pytest.mark.fast

EFFECT = "0198c0de0198c0de0198c0de0198c0de"


@pytest.mark.parametrize(
    ("markdown", "mark"),
    [
        pytest.param(f"Done.\n\njirabot {EFFECT}", EFFECT, id="as it is written"),
        pytest.param(f"Done.\n\n*jirabot* `{EFFECT}`\n\n", EFFECT, id="in other marks, and with lines behind it"),
        pytest.param(f"jirabot {EFFECT}", EFFECT, id="alone"),
        pytest.param(f"Done.\n\njirabot {EFFECT}\n\nThanks!", None, id="not the last line"),
        pytest.param(f"See jirabot {EFFECT}", None, id="in a sentence"),
        pytest.param(f"jirabot {EFFECT} failed", None, id="with more behind it"),
        pytest.param("jirabot 2026", None, id="no id"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_last_line_names_the_effect(markdown: str, mark: str | None) -> None:
    assert footers.mark_in(markdown) == mark


def test_the_footer_in_each_language_can_be_read() -> None:
    assert footers.mark_in("Done.\n\n" + load().say("comment.footer", effect=EFFECT)) == EFFECT


@pytest.mark.parametrize(
    ("markdown", "rest"),
    [
        pytest.param(f"Done.\n\njirabot {EFFECT}\n", "Done.", id="a footer"),
        pytest.param("Done.\n\n- jirabot\n", "Done.\n\n- jirabot\n", id="none"),
        pytest.param(f"jirabot {EFFECT}", "", id="nothing else"),
    ],
)
def test_the_footer_is_taken_off(markdown: str, rest: str) -> None:
    assert footers.without_footer(markdown) == rest


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param("**Ada**, I am on it: “x”.", "Ada, I am on it: x", True, id="other marks"),
        pytest.param("a" * 30_000, "a" * 29_000 + "\n\nThe rest was cut.", True, id="one is cut"),
        pytest.param("Done.", "Done. Really.", False, id="more words"),
        pytest.param("", "", False, id="nothing"),
        pytest.param("…", "!", False, id="no words"),
    ],
)
def test_two_texts_say_the_same(one: str, other: str, is_same: bool) -> None:
    assert footers.is_same_text(one, other) is is_same
