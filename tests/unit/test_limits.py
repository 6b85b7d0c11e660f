"""When a call to Jira is let through, and how long it has to wait else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jirabot.core.budgets import Bucket, Limit, Urgency
from jirabot.core.ids import IssueId
from jirabot.errors import BudgetSpent, RateLimited
from jirabot.jira.deployments import ISSUE_WRITES
from jirabot.jira.limits import ISSUES_REMEMBERED, OF_A_METHOD, OF_AN_ISSUE, Limits

pytestmark = pytest.mark.fast

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TEN = Limit(count=10, per=timedelta(hours=1))
NONE = Limit(count=0, per=timedelta(hours=1))
ISSUE, OTHER = IssueId("10000"), IssueId("10001")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def admit(limits: Limits, method: str = "GET", *, seconds: float = 0, **how: Any) -> float | None:
    """Make a call; None where it is let through, else the seconds that it has to wait."""
    asked = {"issue_id": None, "calls": NONE, "urgency": Urgency.KEPT, **how}
    try:
        limits.admit(method, now=at(seconds), **asked)
    except RateLimited as error:
        return error.retry_after_seconds
    return None


def asked_to_wait(limits: Limits, method: str, reason: str = "", *, wait: float = 60) -> None:
    limits.heed(method, RateLimited("wait", retry_after_seconds=wait, reason=reason), now=NOW)


@pytest.fixture
def limits() -> Limits:
    return Limits(issue_writes=ISSUE_WRITES)


def test_who_reads_waits_for_as_many_calls_as_a_step_takes(limits: Limits) -> None:
    """Coming back for one call, it would spend that, lack the next, and never prepare a run."""
    hourly = Limit(count=100, per=timedelta(hours=1))
    routine: dict[str, Any] = {"calls": hourly, "urgency": Urgency.ROUTINE}
    assert [admit(limits, **routine) for _ in range(80)] == [None] * 80
    wait = admit(limits, **routine)
    assert wait == 8 * 36
    assert [admit(limits, seconds=wait, **routine) for _ in range(8)] == [None] * 8
    assert admit(limits, seconds=wait, **routine) is not None


def test_what_is_urgent_may_take_all_of_the_budget_and_the_rest_leaves_a_fifth(limits: Limits) -> None:
    routine = [admit(limits, calls=TEN, urgency=Urgency.ROUTINE) for _ in range(9)]
    kept = [admit(limits, calls=TEN) for _ in range(3)]

    assert routine == [None] * 8 + [8 * 360]
    assert kept == [None, None, 360]


def test_a_spent_budget_says_what_can_be_done(limits: Limits) -> None:
    limits.budget = Bucket(level=0, at=NOW)
    with pytest.raises(BudgetSpent, match="10 calls an hour") as caught:
        limits.admit("GET", issue_id=None, calls=TEN, urgency=Urgency.KEPT, now=NOW)

    assert "api_calls_per_hour" in caught.value.hint


def test_a_refused_call_costs_nothing(limits: Limits) -> None:
    limits.budget = Bucket(level=0, at=NOW)
    for _ in range(5):
        assert admit(limits, calls=TEN) == 360

    assert admit(limits, calls=TEN, seconds=361) is None


def test_without_a_budget_nothing_is_counted(limits: Limits) -> None:
    assert [admit(limits) for _ in range(5000)] == [None] * 5000
    assert limits.budget is None


def test_an_issue_is_written_to_no_more_than_jira_takes_in_any_time(limits: Limits) -> None:
    written: list[float] = []
    for tick in range(1200):
        if admit(limits, "POST", issue_id=ISSUE, seconds=tick / 20) is None:
            written.append(tick / 20)

    for seconds, most in ((2, 20), (30, 100)):
        assert max(sum(start <= each < start + seconds for each in written) for start in written) <= most
    assert len(written) > 130


def test_issues_do_not_wait_for_each_other(limits: Limits) -> None:
    first = [admit(limits, "POST", issue_id=ISSUE) for _ in range(11)]

    assert first[:10] == [None] * 10
    assert first[10] == pytest.approx(0.2)
    assert admit(limits, "POST", issue_id=OTHER) is None


def test_a_write_that_an_issue_has_no_room_for_costs_no_budget(limits: Limits) -> None:
    calls = Limit(count=100, per=timedelta(hours=1))
    for _ in range(20):
        admit(limits, "POST", issue_id=ISSUE, calls=calls)

    assert limits.budget == Bucket(level=90, at=NOW)


def test_no_more_issues_are_remembered_than_needed(limits: Limits) -> None:
    for number in range(ISSUES_REMEMBERED + 1):
        admit(limits, "POST", issue_id=IssueId(str(number)))
    for _ in range(9):
        admit(limits, "POST", issue_id=IssueId("1"))

    assert admit(limits, "POST", issue_id=IssueId("1")) == pytest.approx(0.2)
    assert [admit(limits, "POST", issue_id=IssueId("0")) for _ in range(10)] == [None] * 10


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        pytest.param("", ["POST", "PUT", "GET"], id="no reason, as from Data Center"),
        pytest.param("jira-quota-global-based", ["POST", "PUT", "GET"], id="the quota of points"),
        pytest.param(OF_A_METHOD, ["POST"], id="a burst of one method"),
        pytest.param(OF_AN_ISSUE, [], id="writes to one issue: only its effect waits"),
    ],
)
def test_what_jira_was_asked_too_often_is_held_back(limits: Limits, reason: str, held: list[str]) -> None:
    asked_to_wait(limits, "POST", reason)

    assert [method for method in ("POST", "PUT", "GET") if admit(limits, method, seconds=20) == 40] == held
    assert [admit(limits, method, seconds=60) for method in ("POST", "PUT", "GET")] == [None] * 3


def test_a_shorter_wait_that_is_asked_later_does_not_end_the_longer(limits: Limits) -> None:
    asked_to_wait(limits, "POST", wait=60)
    asked_to_wait(limits, "GET", wait=5)

    assert admit(limits, seconds=10) == 50
