"""Whether a failed step is tried again, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from jirabot.core.retry import DELIVERY_ATTEMPTS, GiveUp, RetryAt, next_attempt, while_away
from jirabot.core.troubles import is_away
from jirabot.errors import (
    BudgetSpent,
    InvalidInput,
    JirabotError,
    JiraBroken,
    JiraRefused,
    JiraRejected,
    JiraUnreachable,
    RateLimited,
    SecretSealed,
)

pytestmark = pytest.mark.fast

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


def wait(error: JirabotError, attempts: int = 1, *, jitter: float = 0.5) -> float:
    """Tell after how many seconds it is tried again."""
    again = next_attempt(error, attempts, NOW, jitter=jitter)
    assert isinstance(again, RetryAt)
    return (again.at - NOW) / timedelta(seconds=1)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (11, 900)])
def test_the_delay_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: float) -> None:
    assert wait(JiraUnreachable("gone"), attempts) == seconds


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 3.5), (1.0, 6.5)])
def test_the_delay_is_spread(jitter: float, seconds: float) -> None:
    assert wait(JiraUnreachable("gone"), jitter=jitter) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        pytest.param(RateLimited("wait", retry_after_seconds=7), 7, id="429"),
        pytest.param(RateLimited("wait", retry_after_seconds=0), 1, id="429 that means no time at all"),
        pytest.param(RateLimited("wait", retry_after_seconds=7200), 7200, id="429 in full, however long"),
        pytest.param(BudgetSpent("spent", retry_after_seconds=3.6), 3.6, id="our own budget"),
        pytest.param(JiraBroken("fails", retry_after_seconds=120), 120, id="503 that says for how long"),
        pytest.param(JiraBroken("fails", retry_after_seconds=7200), 3600, id="503 no longer than an hour"),
        pytest.param(JiraBroken("fails"), 5, id="503 that does not"),
    ],
)
def test_what_jira_asks_for_is_waited(error: JirabotError, seconds: float) -> None:
    assert wait(error) == seconds


def test_who_was_asked_to_wait_never_gives_up() -> None:
    assert wait(RateLimited("wait", retry_after_seconds=7), DELIVERY_ATTEMPTS * 9) == 7


@pytest.mark.parametrize("attempts", [DELIVERY_ATTEMPTS, 10_000])
def test_what_may_take_as_long_as_it_takes_is_never_given_up(attempts: int) -> None:
    again = next_attempt(JiraUnreachable("gone"), attempts, NOW, jitter=0.5, most=None)
    assert again == RetryAt(at=NOW + timedelta(minutes=15))


@pytest.mark.parametrize("error", [JiraRefused("401"), SecretSealed("it does not open")])
def test_a_token_that_is_refused_or_can_not_be_read_may_be_changed(error: JirabotError) -> None:
    assert wait(error) == 5


@pytest.mark.parametrize(
    ("error", "degraded", "away"),
    [
        (SecretSealed("it does not open"), (), True),
        (JiraRefused("401"), ("token-refused",), True),
        (JiraRefused("403"), ("commenting-refused",), False),
        (JiraUnreachable("gone"), (), False),
        (JiraRejected("no", status=400), ("jira-failing",), False),
    ],
)
def test_a_jira_is_away_where_nothing_can_be_asked_of_it(
    error: JirabotError, degraded: tuple[str, ...], away: bool
) -> None:
    assert is_away(error, degraded) is away


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        pytest.param(JiraRejected("no", status=400), 1, id="refused for good"),
        pytest.param(InvalidInput("no"), 1, id="our own mistake"),
        pytest.param(JiraUnreachable("gone"), DELIVERY_ATTEMPTS, id="often enough"),
    ],
)
def test_what_time_does_not_mend_is_given_up(error: JirabotError, attempts: int) -> None:
    assert next_attempt(error, attempts, NOW, jitter=0.5) == GiveUp()


@pytest.mark.parametrize(
    ("waited", "delay"),
    [(timedelta(), 5), (timedelta(seconds=40), 10), (timedelta(minutes=4), 60), (timedelta(hours=9), 300)],
)
def test_a_jira_that_is_away_is_waited_for_by_how_long_that_has_lasted(waited: timedelta, delay: float) -> None:
    assert while_away(NOW, since=NOW - waited, jitter=0.5).at == NOW + timedelta(seconds=delay)
