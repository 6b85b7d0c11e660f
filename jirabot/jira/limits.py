"""How often one workspace's Jira may be called: what Jira asked for last, its limit of writes an issue, our own budget.

Knows no HTTP and waits for nothing: it lets a call through, or says how long it has to wait.

Source: "Rate limiting", developer.atlassian.com; "Improving instance stability with rate limiting",
confluence.atlassian.com.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jirabot.core import budgets
from jirabot.core.budgets import Bucket, Limit, Urgency
from jirabot.core.ids import IssueId
from jirabot.core.issues import LimitsSeen
from jirabot.errors import BudgetSpent, RateLimited

OF_AN_ISSUE = "jira-per-issue-on-write"
OF_A_METHOD = "jira-burst-based"

CALLS_OF_A_STEP = 8.0
"""How many calls who reads is asked to wait for: to prepare a run takes several, and who comes back for one of them
would spend it, lack the next, and never get to the end."""

EVERYTHING = ""
"""The key of what holds back calls of every method."""

ISSUES_REMEMBERED = 1000
"""How many issues' writes are counted; the oldest counts are full again by far."""


class Limits:
    """Counts the calls to one workspace's Jira."""

    def __init__(self, *, issue_writes: Sequence[Limit]) -> None:
        self.budget: Bucket | None = None
        """What is left of the hourly budget; None: nothing was taken yet."""
        self.seen: LimitsSeen | None = None
        """What Jira last told of its own limits; None: nothing yet."""
        self._issue_writes = issue_writes
        self._issues: dict[IssueId, Sequence[Bucket]] = {}
        self._held: dict[str, datetime] = {}

    def admit(self, method: str, *, issue_id: IssueId | None, calls: Limit, urgency: Urgency, now: datetime) -> None:
        """Count a call that is about to be made; *issue_id*: the issue that it writes to, *calls*: our own budget.

        Raises:
            RateLimited: Jira asked to be left alone, or would.
            BudgetSpent: our own budget has nothing left for such a call.
        """
        self._check_held(method, now)
        writes = self._writes(issue_id, now) if issue_id is not None else None
        if calls.count:
            self.budget = self._spend(calls, urgency, now)
        if issue_id is not None and writes is not None:
            self._remember(issue_id, writes)

    def heed(self, method: str, error: RateLimited, *, now: datetime) -> None:
        """Hold back what Jira asks to be spared: calls of a method, or all; of one issue only the one effect waits."""
        if error.reason == OF_AN_ISSUE:
            return
        key = method if error.reason == OF_A_METHOD else EVERYTHING
        until = now + timedelta(seconds=error.retry_after_seconds)
        self._held[key] = max(until, self._held.get(key, until))

    def _check_held(self, method: str, now: datetime) -> None:
        until = max((self._held[key] for key in (method, EVERYTHING) if key in self._held), default=now)
        if until > now:
            wait = (until - now).total_seconds()
            raise RateLimited(f"Jira has asked to wait, {wait:.0f} s more", retry_after_seconds=wait)

    def _spend(self, calls: Limit, urgency: Urgency, now: datetime) -> Bucket:
        keep = 0.0 if urgency is Urgency.KEPT else calls.kept
        present = self.budget or budgets.full(calls, now)
        left = budgets.take(present, calls, now, keep=keep)
        if isinstance(left, Bucket):
            return left
        if urgency is not Urgency.KEPT:
            left = budgets.time_until(present, calls, now, count=CALLS_OF_A_STEP, keep=keep)
        raise BudgetSpent(
            f"the budget of {calls.count} calls an hour to this Jira is spent",
            retry_after_seconds=left.total_seconds(),
            hint="raise `api_calls_per_hour`, by `jirabot workspace update NAME --set` or for all workspaces",
        )

    def _writes(self, issue_id: IssueId, now: datetime) -> Sequence[Bucket]:
        """Take from each of an issue's buckets, where all have something left.

        Raises:
            RateLimited: one has nothing.
        """
        present = self._issues.get(issue_id) or [budgets.full(limit, now) for limit in self._issue_writes]
        taken = [budgets.take(bucket, limit, now) for bucket, limit in zip(present, self._issue_writes, strict=True)]
        waits = [wait for wait in taken if isinstance(wait, timedelta)]
        if waits:
            wait = max(waits).total_seconds()
            raise RateLimited("the issue was written to as often as Jira allows", retry_after_seconds=wait)
        return [bucket for bucket in taken if isinstance(bucket, Bucket)]

    def _remember(self, issue_id: IssueId, writes: Sequence[Bucket]) -> None:
        self._issues.pop(issue_id, None)
        self._issues[issue_id] = writes
        if len(self._issues) > ISSUES_REMEMBERED:
            del self._issues[next(iter(self._issues))]
