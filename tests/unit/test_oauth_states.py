"""How a visit to a consent page is known again."""

from datetime import UTC, datetime

import pytest

from jirabot.core.ids import WorkspaceId
from jirabot.core.oauth_states import CODE_LETTERS, OAuthState, Purpose, hash_of, shown
from jirabot.core.people import Role
from jirabot.daemon.pages.rendering import with_code

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def visit(*, cookie: str = "", code: str = "") -> OAuthState:
    return OAuthState(
        hash=hash_of("state"),
        workspace_id=WorkspaceId("ws"),
        purpose=Purpose.LINK,
        user_name="ada",
        role=Role.USER,
        browser_hash=hash_of(cookie) if cookie else "",
        created_at=NOW,
        expires_at=NOW,
        code_hash=hash_of(code) if code else "",
    )


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("BCDF-GHJK", True),
        ("bcdfghjk", True),
        ("  bcdf ghjk\n", True),
        ("BCDF\u2013GHJK", True),
        ("BCDF-GHJ", False),
        ("BCDF-GHJKK", False),
        ("", False),
        ("\ud800", False),
    ],
)
def test_a_code_as_people_type_it(typed: str, taken: bool):
    assert visit(code="BCDFGHJK").takes(typed) is taken


def test_before_there_is_a_code_nothing_is_one():
    assert not visit().takes("")


@pytest.mark.parametrize(("cookie", "same"), [("mine", True), ("yours", False), ("", False), ("\xff\ud800", False)])
def test_a_browser_is_known_by_its_cookie(cookie: str, same: bool):
    assert visit(cookie="mine").began_in(cookie) is same
    assert not visit(cookie="mine").is_of_shell


def test_a_shell_has_no_browser():
    assert visit().is_of_shell
    assert not visit().began_in("")


def test_a_code_is_shown_in_halves_of_letters_that_are_not_mistaken():
    assert shown("BCDFGHJK") == "BCDF-GHJK"
    assert set("01OIAEU").isdisjoint(CODE_LETTERS)


def test_nothing_of_it_shows_what_it_is_known_by():
    assert hash_of("mine") not in repr(visit(cookie="mine", code="BCDFGHJK"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("run `jirabot serve`, then", "run <code>jirabot serve</code>, then"),
        ("<b> `<i>`", "&lt;b&gt; <code>&lt;i&gt;</code>"),
        ("a ` too many", "a ` too many"),
        ("`a` and ` more", "<code>a</code> and ` more"),
        ("", ""),
    ],
)
def test_what_stands_in_backticks_is_code_on_a_page(text: str, written: str):
    assert str(with_code(text)) == written
