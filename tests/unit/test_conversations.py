"""The states of a conversation."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jirabot.core.conversations import OPEN, TRANSITIONS, Happening, RunState, State, advance
from jirabot.errors import Conflict
from tests.contract.test_stores.values import run

from .values import LATER, NOW, conversation

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("happenings", "end"),
    [
        pytest.param("repository-known run-started run-finished", State.COMPLETED, id="the straight way"),
        pytest.param(
            "repository-asked triggered repository-known run-started run-finished",
            State.COMPLETED,
            id="a repository that had to be asked",
        ),
        pytest.param(
            "repository-known run-started run-asked triggered run-started run-finished",
            State.COMPLETED,
            id="a question and its answer",
        ),
        pytest.param(
            "repository-known run-started repository-asked triggered repository-known run-started run-finished",
            State.COMPLETED,
            id="a repository that has to be asked after a restart",
        ),
        pytest.param("repository-known run-started run-failed", State.FAILED, id="a failure"),
        pytest.param("repository-known run-started run-interrupted run-started", State.IN_PROGRESS, id="a restart"),
        pytest.param("repository-known stop-asked", State.STOPPED, id="a stop while it waits"),
        pytest.param("repository-known run-started stop-asked", State.STOPPED, id="a stop while it works"),
        pytest.param("repository-known run-started run-asked session-over", State.EXPIRED, id="nobody answered"),
        pytest.param(
            "repository-known run-started run-finished triggered run-started", State.IN_PROGRESS, id="taken up again"
        ),
    ],
)
def test_walks(happenings: str, end: State) -> None:
    walked = conversation(State.CREATED)
    for happening in happenings.split():
        walked = advance(walked, Happening(happening), now=LATER)

    assert walked.state is end
    assert walked.updated_at == LATER


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.STOPPED, State.EXPIRED])
def test_a_closed_conversation_only_knows_being_taken_up_again(state: State) -> None:
    for happening in set(Happening) - {Happening.TRIGGERED}:
        with pytest.raises(Conflict):
            advance(conversation(state), happening, now=LATER)


@given(st.lists(st.sampled_from(Happening), max_size=12))
def test_every_open_conversation_can_be_stopped(happenings: list[Happening]) -> None:
    """Whatever happened before, a stop leads to `stopped`."""
    walked = conversation(State.CREATED)
    for happening in happenings:
        if (walked.state, happening) in TRANSITIONS:
            walked = advance(walked, happening, now=LATER)

    if walked.state in OPEN:
        assert advance(walked, Happening.STOP_ASKED, now=LATER).state is State.STOPPED
    else:
        assert advance(walked, Happening.TRIGGERED, now=LATER).state is State.ACTIVE


@pytest.mark.parametrize(
    ("left_seconds", "daemon_runs", "owner_lives", "interrupted"),
    [
        pytest.param(40, True, True, False, id="a daemon works on it"),
        pytest.param(40, True, False, False, id="another process's, which a daemon takes over when its lease is out"),
        pytest.param(40, False, True, False, id="a command works on it"),
        pytest.param(40, False, False, True, id="its daemon is gone"),
        pytest.param(0, False, True, True, id="its process does nothing, and no daemon runs"),
        pytest.param(-60, True, True, False, id="a daemon is late"),
        pytest.param(-120, True, True, True, id="a daemon does not take it over"),
        pytest.param(None, True, False, True, id="given back, and not taken up yet"),
    ],
)
def test_a_run_is_interrupted_where_nobody_works_on_it(
    left_seconds: int | None, daemon_runs: bool, owner_lives: bool, interrupted: bool
) -> None:
    until = None if left_seconds is None else NOW + timedelta(seconds=left_seconds)
    begun = run(state=RunState.RUNNING, lease_until=until)

    assert begun.is_interrupted(now=NOW, daemon_runs=daemon_runs, owner_lives=owner_lives) is interrupted


@pytest.mark.parametrize("state", sorted(set(RunState) - {RunState.RUNNING}))
def test_what_has_not_begun_or_has_ended_is_not_interrupted(state: RunState) -> None:
    assert not run(state=state).is_interrupted(now=NOW, daemon_runs=False, owner_lives=False)
