"""What a turn's end says of its agent, and how long an open breaker keeps runs from it."""

from datetime import timedelta

import pytest

from jirabot.core.agents import Ending, Failed, FailureKind, Finished, Question, Stopped
from jirabot.core.breakers import Health, health, opened, prolonged
from jirabot.core.ids import BackendName

from .values import NOW

pytestmark = pytest.mark.fast

LOCAL = BackendName("local")


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (Finished(summary=""), Health.WELL),
        (Question(text="?"), Health.WELL),
        (Stopped(), Health.UNKNOWN),
        *[(Failed(kind=FailureKind(kind)), Health.ILL) for kind in ("auth", "rate", "backend")],
        *[(Failed(kind=FailureKind(kind)), Health.WELL) for kind in ("context", "limit", "stuck", "refused")],
        *[(Failed(kind=FailureKind(kind)), Health.UNKNOWN) for kind in ("crash", "stalled", "lost", "config")],
    ],
    ids=str,
)
def test_health(ending: Ending, said: Health) -> None:
    assert health(ending) is said


def test_a_breaker_opens_for_a_minute() -> None:
    breaker = opened(LOCAL, now=NOW)

    assert (breaker.opened_at, breaker.due_at, breaker.probe_run_id) == (NOW, NOW + timedelta(minutes=1), None)


@pytest.mark.parametrize(("open_for", "minutes"), [(0.5, 1), (1, 1), (2, 2), (8, 8), (29, 29), (300, 30)])
def test_each_failed_try_doubles_how_long_it_is_open_up_to_half_an_hour(open_for: float, minutes: float) -> None:
    now = NOW + timedelta(minutes=open_for)

    breaker = prolonged(opened(LOCAL, now=NOW), now=now)

    assert (breaker.opened_at, breaker.due_at) == (NOW, now + timedelta(minutes=minutes))
