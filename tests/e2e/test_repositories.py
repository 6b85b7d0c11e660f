"""Which repository and branch: named, asked for, refused, or none at all."""

import shutil

import pytest

from jirabot.core.conversations import State
from jirabot.core.managers.preparation import Preparation
from jirabot.core.people import SHELL

from .gates import Gate
from .stage import Stage, git


@pytest.mark.stage(repositories=2)
async def test_the_bot_asks_which_repository_and_goes_on_with_the_answer(stage: Stage) -> None:
    """No repository fits: the asker's plain answer, the name alone, is enough."""
    await stage.comment("@openhands fix login.py")
    assert "I am on it" in (await stage.says()).text
    question = (await stage.says()).text
    assert "which repository does this belong to? I know these: acme/shop, acme/shop-1." in question
    assert (await stage.conversation()).state is State.CREATED

    await stage.comment("acme/shop, please")

    assert "of acme/shop, to be merged into main" in (await stage.says()).text
    assert (await stage.conversation()).repository_name == "acme/shop"


@pytest.mark.stage(repositories=2)
async def test_what_is_asked_before_the_repository_is_known_is_no_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second request that has a repository's name among its words does not move the work there."""
    gate = Gate(monkeypatch, Preparation, "_repository")
    await stage.comment("@openhands fix login.py repo:acme/shop")
    await stage.says()
    await gate.come.wait()
    await stage.outcome(await stage.comment("@openhands and README.md, as in acme/shop-1"))
    gate.open()

    assert "of acme/shop, to be merged into main" in (await stage.says()).text


@pytest.mark.stage(repositories=2)
async def test_the_answer_stands_when_more_is_asked_after_it(stage: Stage) -> None:
    """Whoever was asked says more before the work begins: the answer is not asked for again."""
    await stage.comment("@openhands fix login.py")
    await stage.says()
    await stage.says()
    await stage.app.pauses.pause(agent="scripted", by=SHELL)
    await stage.outcome(await stage.comment("acme/shop, please"))
    await stage.outcome(await stage.comment("@openhands and README.md"))
    await stage.app.pauses.resume(agent="scripted", by=SHELL)

    assert "of acme/shop, to be merged into main" in (await stage.says()).text


@pytest.mark.stage(repositories=2)
async def test_a_repository_named_in_the_comment_is_taken(stage: Stage) -> None:
    """`repo:NAME` decides, and nothing is asked."""
    await stage.comment("@openhands fix login.py repo:acme/shop-1")

    await stage.says()
    assert "of acme/shop-1, to be merged into main" in (await stage.says()).text


@pytest.mark.stage(repositories=2)
async def test_a_workspace_may_refuse_instead_of_asking(stage: Stage) -> None:
    """`no_repository = "refuse"`: told, and closed."""
    await stage.change_workspace(settings={"no_repository": "refuse"})
    await stage.comment("@openhands fix login.py")

    await stage.says()
    assert "here I don't guess. Name it with repo:NAME" in (await stage.says()).text
    assert (await stage.conversation()).state is State.FAILED


@pytest.mark.stage(repositories=2)
async def test_a_workspace_may_work_in_an_empty_folder(stage: Stage) -> None:
    """`no_repository = "empty"`: the result says that nothing was pushed."""
    await stage.change_workspace(settings={"no_repository": "empty"})
    await stage.comment("@openhands write a haiku")

    await stage.says()
    assert "No repository belongs to this issue, so nothing was pushed." in (await stage.says()).text


@pytest.mark.stage(repositories=2)
async def test_work_that_began_in_an_empty_folder_goes_on_in_a_repository(stage: Stage) -> None:
    """Once it is named: what is told of the work is about that repository, and true."""
    await stage.change_workspace(settings={"no_repository": "empty"})
    await stage.comment("@openhands write a haiku")
    await stage.says()
    await stage.says()

    await stage.comment("@openhands now fix login.py in repo:acme/shop")

    await stage.says()
    result = (await stage.says()).text
    branch = (await stage.conversation()).branch
    assert f"Done. 1 commit on branch {branch} of acme/shop" in result
    assert branch in stage.branches()


@pytest.mark.stage(repositories=0)
async def test_with_no_repository_at_all_the_command_that_adds_one_is_told(stage: Stage) -> None:
    """The person can hand the sentence to an administrator."""
    await stage.comment("@openhands fix login.py")

    await stage.says()
    assert "jirabot repo add acme NAME --url GIT_URL" in (await stage.says()).text


async def test_the_branch_that_is_asked_for_has_to_exist(stage: Stage) -> None:
    """`branch:NAME` of a branch that is not there is asked about; the answer goes on from one that is."""
    git(stage.repository, "branch", "release-2", "main")
    await stage.comment("@openhands fix login.py branch:release-3")
    await stage.says()
    assert "has no branch release-3" in (await stage.says()).text

    await stage.comment("branch:release-2")

    assert "to be merged into release-2" in (await stage.says()).text


async def test_a_push_that_is_refused_is_told_and_the_work_is_kept(stage: Stage) -> None:
    """Done, but not published: the issue says why, and the next turn publishes it."""
    hook = stage.repository / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'the branch is frozen' >&2\nexit 1\n")
    hook.chmod(0o755)
    await stage.comment("@openhands fix login.py")
    await stage.says()
    assert "could not be published" in (await stage.says()).text
    hook.unlink()

    await stage.comment("@openhands and README.md")

    await stage.says()
    assert "Done. 2 commits on branch" in (await stage.says()).text
    stage.expected_errors = {"run.unpublished"}


async def test_a_repository_that_is_gone_is_told(stage: Stage) -> None:
    """The clone can't be made: the person learns it, and what to do."""
    shutil.rmtree(stage.repository)
    await stage.comment("@openhands fix login.py")

    await stage.says()
    failure = (await stage.says()).text
    assert "this did not work out" in failure
    assert str(stage.repository.parent) not in failure
    assert (await stage.conversation()).state is State.FAILED
    stage.expected_errors = {"trouble.begun"}
