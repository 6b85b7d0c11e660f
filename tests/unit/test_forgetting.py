"""By which words somebody is known: whole ones, in any case, however a payload writes their letters."""

import json

import pytest

from jirabot.core.forgetting import Words, pseudonym
from jirabot.core.ids import AccountId
from jirabot.core.people import Account

pytestmark = pytest.mark.fast

ADA = Account(id=AccountId("5b10:ada-1"), name="ada", display_name="Ada Łovelace", email="ada@acme.example")
WORDS = Words(ADA.id, [ADA], instead=pseudonym(7))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("Ada Łovelace asked", "forgotten-7 asked", id="display name"),
        pytest.param("ADA ŁOVELACE's work", "forgotten-7's work", id="in capitals"),
        pytest.param("by ada@acme.example, ada", "by forgotten-7, forgotten-7", id="e-mail and user name"),
        pytest.param("[~accountid:5b10:ada-1]", "[~accountid:forgotten-7]", id="account id"),
        pytest.param("adaptive, Canada, ada_2", "adaptive, Canada, ada_2", id="within another word"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_they_are_taken_out_of_a_text(text, cleaned):
    assert WORDS.taken_out(text) == cleaned


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("word", [ADA.id, ADA.name, ADA.display_name, ADA.email])
def test_they_are_found_in_a_payload(word, ascii_only):
    assert WORDS.are_in(json.dumps({"who": word}, ensure_ascii=ascii_only).encode())


def test_they_are_not_found_in_anothers():
    assert not WORDS.are_in(json.dumps({"who": "Grace Hopper", "adapter": "Canada"}).encode())


def test_a_name_as_short_as_a_word_of_every_text_is_left():
    words = Words("id-9", [Account(id=AccountId("id-9"), display_name="Li")], instead="forgotten-9")
    assert words.taken_out("Li and id-9") == "Li and forgotten-9"
