"""What a turn's end means, and how it is said."""

from datetime import timedelta
from typing import Any

import pytest

from jirabot.core.agents import Ending, Failed, FailureKind, Finished, Question, Stopped
from jirabot.core.checkouts import Published
from jirabot.core.conversations import Happening, RunState
from jirabot.core.effects import EffectKind
from jirabot.core.reports import conclude, settle
from jirabot.core.texts import load

from .values import ADA, conversation

pytestmark = pytest.mark.fast

TEXTS = load()


@pytest.mark.parametrize(
    ("ending", "commits", "settled"),
    [
        pytest.param(Finished(summary="Done it."), 1, Finished(summary="Done it."), id="finished stays finished"),
        pytest.param(
            Finished(summary="Done it.\n\nJIRABOT: DONE\n", explicit=False),
            0,
            Finished(summary="Done it.", explicit=False),
            id="the DONE line is taken off",
        ),
        pytest.param(
            Finished(summary="Which colour?\nJIRABOT: QUESTION"),
            2,
            Question(text="Which colour?"),
            id="the QUESTION line makes it a question",
        ),
        pytest.param(
            Finished(summary="Which colour?", explicit=False),
            0,
            Question(text="Which colour?"),
            id="a question mark and no commit is a question",
        ),
        pytest.param(
            Finished(summary="Is that all?", explicit=False),
            1,
            Finished(summary="Is that all?", explicit=False),
            id="a question mark with a commit is none",
        ),
        pytest.param(
            Finished(summary="Is that all?"), 0, Finished(summary="Is that all?"), id="what was said explicitly stands"
        ),
        pytest.param(
            Question(text="Which?\n**JIRABOT: QUESTION**"), 0, Question(text="Which?"), id="emphasis is no hindrance"
        ),
        pytest.param(
            Finished(summary="The line `JIRABOT: DONE` ends a turn."),
            0,
            Finished(summary="The line `JIRABOT: DONE` ends a turn."),
            id="the words in a sentence are no mark",
        ),
    ],
)
def test_settle(ending: Ending, commits: int, settled: Ending) -> None:
    assert settle(ending, commits_count=commits) == settled


PUBLISHED = Published(
    branch="jirabot/PAY-7-0001", base="main", commits_count=2, pushed=True, diff_stat=" login.py | 2 +-\n"
)
NOTHING = Published(branch="jirabot/PAY-7-0001", base="main", commits_count=0, pushed=False)


def concluded(
    ending: Ending, published: Published | None = PUBLISHED, *, stopped_by: str = "Grace Hopper", **changes: Any
) -> Any:
    return conclude(
        TEXTS,
        conversation(**changes),
        ending,
        published,
        asked=ADA,
        stopped_by=stopped_by,
        session=timedelta(hours=24),
        spent="3 min",
    )


def test_a_result_says_what_git_says() -> None:
    said = concluded(Finished(summary="The button works."))

    assert (said.happening, said.run_state, said.kind) == (
        Happening.RUN_FINISHED,
        RunState.FINISHED,
        EffectKind.RESULT,
    )
    assert said.text == (
        "**Done.** 2 commits on branch `jirabot/PAY-7-0001` of `acme/shop`, to be merged into `main`.\n\n"
        "The button works.\n\nChanged files:\n\n```\n login.py | 2 +-\n```"
    )


def test_a_result_without_commits_claims_none() -> None:
    said = concluded(Finished(summary="I pushed everything!"), NOTHING)

    assert said.text.startswith("**Done.** No change was made in `acme/shop`.")


def test_a_question_is_put_to_the_person() -> None:
    said = concluded(Question(text="Which colour?"))

    assert (said.happening, said.kind) == (Happening.RUN_ASKED, EffectKind.QUESTION)
    assert said.text.startswith("**Ada Lovelace**, a question:\n\nWhich colour?")


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_failure_says_what_to_do(kind: FailureKind) -> None:
    said = concluded(Failed(kind=kind))

    assert said.happening is Happening.RUN_FAILED
    assert said.failure == kind.value
    assert "mention me again" in said.text.lower() or "administrator" in said.text


def test_a_failure_tells_what_there_is_of_the_work() -> None:
    said = concluded(Failed(kind=FailureKind.CRASH))

    assert "on branch `jirabot/PAY-7-0001` of `acme/shop` (2 commits)" in said.text


def test_a_stop_says_who_asked() -> None:
    said = concluded(Stopped(), NOTHING)

    assert said.text == "**Stopped**, as Grace Hopper asked."


@pytest.mark.parametrize(
    ("published", "words"),
    [
        pytest.param(NOTHING, "ended this work. Mention me", id="nothing done"),
        pytest.param(None, "ended this work. Mention me", id="no repository"),
        pytest.param(PUBLISHED, "on branch `jirabot/PAY-7-0001` of `acme/shop` (2 commits). Mention me", id="work"),
    ],
)
def test_a_run_that_nobody_stopped_has_outlived_its_session(published: Published | None, words: str) -> None:
    said = concluded(Stopped(), published, stopped_by="")

    assert (said.happening, said.run_state) == (Happening.SESSION_OVER, RunState.EXPIRED)
    assert said.text.startswith("**Ada Lovelace**, nothing has happened here for 24 h, so")
    assert words in said.text
