"""Which repository an issue belongs to."""

from typing import Any

import pytest

from jirabot.core.ids import RepositoryId
from jirabot.core.repositories import IssueFacts, Repository, Resolved, Said, Unresolved, answer, base_branch, resolve

from .values import NOW, WS

pytestmark = pytest.mark.fast


def repository(name: str, url: str = "", **ties: Any) -> Repository:
    return Repository(
        id=RepositoryId(name),
        workspace_id=WS,
        name=name,
        url=url or f"https://git.acme.example/{name}.git",
        created_at=NOW,
        **ties,
    )


SHOP = repository("acme/shop", projects=("PAY",))
WEB = repository("acme/web", components=("Frontend",), labels=("web",))
LEGACY = repository("acme/web-legacy", is_default=True)
KNOWN = (SHOP, WEB, LEGACY)


def facts(**changes: Any) -> IssueFacts:
    given: dict[str, Any] = {"description": "", "project_key": "OPS", "components": (), "labels": ()}
    return IssueFacts(**{**given, **changes})


@pytest.mark.parametrize(
    ("comments", "issue", "name", "by"),
    [
        pytest.param(["fix it repo:acme/web"], facts(), "acme/web", "comment", id="repo: in the comment"),
        pytest.param(["fix it repo:ACME/Web."], facts(), "acme/web", "comment", id="in any case, before a full stop"),
        pytest.param(["Repository: acme/web"], facts(), "acme/web", "comment", id="a Repository: line"),
        pytest.param(
            ["see https://git.acme.example/acme/web/issues/3"], facts(), "acme/web", "comment", id="an address in it"
        ),
        pytest.param(
            ["git@git.acme.example:acme/shop.git"], facts(), "acme/shop", "comment", id="the ssh form of an address"
        ),
        pytest.param(
            ["go"], facts(description="Repository: acme/shop"), "acme/shop", "description", id="the description"
        ),
        pytest.param(
            ["repo:acme/web"],
            facts(description="Repository: acme/shop"),
            "acme/web",
            "comment",
            id="the comment goes before the description",
        ),
        pytest.param(
            ["go"], facts(links=("https://git.acme.example/acme/web",)), "acme/web", "web link", id="a web link"
        ),
        pytest.param(["go"], facts(components=("frontend",)), "acme/web", "component", id="a component"),
        pytest.param(["go"], facts(labels=("web",)), "acme/web", "label", id="a label"),
        pytest.param(["go"], facts(project_key="PAY"), "acme/shop", "project", id="the project"),
        pytest.param(
            ["go"], facts(project_key="PAY", labels=("web",)), "acme/web", "label", id="a label goes before the project"
        ),
        pytest.param(["go"], facts(), "acme/web-legacy", "default", id="the default"),
        pytest.param(
            ["the client/server and src/utils of TCP/IP"],
            facts(),
            "acme/web-legacy",
            "default",
            id="words that are no repository are ignored",
        ),
        pytest.param(["repo:acme/we"], facts(), "acme/web-legacy", "default", id="a part of a name is no name"),
    ],
)
def test_resolve(comments: list[str], issue: IssueFacts, name: str, by: str) -> None:
    resolved = resolve(KNOWN, [Said(text=text) for text in comments], issue)

    assert isinstance(resolved, Resolved)
    assert (resolved.repository.name, resolved.by) == (name, by)


@pytest.mark.parametrize(
    ("comments", "name"),
    [
        pytest.param([Said(text="and acme/web, too")], "acme/web-legacy", id="a name in a request is prose"),
        pytest.param([Said(text="acme/web", is_answer=True)], "acme/web", id="a name in an answer is enough"),
        pytest.param(
            [Said(text="and be quick"), Said(text="acme/web", is_answer=True)],
            "acme/web",
            id="what is asked after the answer lets it stand",
        ),
        pytest.param(
            [Said(text="repo:acme/shop"), Said(text="acme/web", is_answer=True)],
            "acme/shop",
            id="a repository that is named after the answer goes before it",
        ),
    ],
)
def test_answers(comments: list[Said], name: str) -> None:
    resolved = resolve(KNOWN, comments, facts())

    assert isinstance(resolved, Resolved)
    assert resolved.repository.name == name


def test_several_that_fit_are_not_guessed_among() -> None:
    resolved = resolve(KNOWN, [Said(text="repo:acme/web or repo:acme/shop")], facts())

    assert resolved == Unresolved(candidates=(SHOP, WEB), ambiguous=True)


def test_with_no_default_and_no_tie_all_are_offered() -> None:
    assert resolve((SHOP, WEB), [Said(text="go")], facts()) == Unresolved(candidates=(SHOP, WEB), ambiguous=False)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("acme/web", "acme/web", id="the name alone"),
        pytest.param("It is `acme/web`, thanks.", "acme/web", id="the name in a sentence"),
        pytest.param("repo:acme/shop", "acme/shop", id="the word of a comment"),
        pytest.param("acme/web and acme/shop", None, id="two names are no answer"),
        pytest.param("the web one", None, id="a part of a name is no answer"),
    ],
)
def test_answer(text: str, name: str | None) -> None:
    found = answer(KNOWN, text)

    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("comments", "description", "branch"),
    [
        pytest.param(["fix it branch:release/2.1"], "", "release/2.1", id="in the comment"),
        pytest.param(["fix it branch:dev."], "Branch: main", "dev", id="the comment goes first"),
        pytest.param(["fix it"], "Text\nBranch: stable\nmore", "stable", id="a line of the description"),
        pytest.param(["a branch: of the tree"], "no branch here", "", id="prose names no branch"),
    ],
)
def test_base_branch(comments: list[str], description: str, branch: str) -> None:
    assert base_branch(comments, description) == branch
