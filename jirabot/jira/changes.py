"""Looks through a Jira for what has changed: a search, then the comments and the changelog of each issue it finds.

Times in JQL are relative: absolute ones are read in the time zone of who asks (JRACLOUD-74279). Pages are asked for the
newest first, though told oldest first: an issue that changes meanwhile moves to the front and pushes others back, which
shows them twice; the other way round it would move behind, and others would slip through between two pages.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from jirabot.core.catching_up import ChangedIssue, Span
from jirabot.core.ids import IssueId
from jirabot.core.tasks import together
from jirabot.errors import JiraGone
from jirabot.jira.deployments import Deployment
from jirabot.jira.news import FIELDS, news_of
from jirabot.jira.shapes import instant, objects

T = TypeVar("T")

AT_ONCE = 8
"""So many issues are read at the same time."""

COMMENTS_A_PAGE = 100

Get = Callable[[str, Mapping[str, str] | None], Awaitable[Any]]
Post = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Changes:
    """Finds what changed, through *get* and *post*, which ask Jira."""

    def __init__(self, deployment: Deployment, *, get: Get, post: Post) -> None:
        self._deployment, self._get, self._post = deployment, get, post

    async def find(
        self,
        span: Span,
        *,
        now: datetime,
        projects: Sequence[str],
        known: Mapping[IssueId, datetime],
        updated_since: datetime | None = None,
    ) -> AsyncIterator[Sequence[ChangedIssue]]:
        """Find the issues that changed since the span began, a few at a time, each with what happened on it within.

        *known*: issues that are left out where they have not changed since; *updated_since*: so are those that changed
        last before it.
        """
        searched = Span(since=max(span.since, updated_since or span.since))
        updated = [issue for issue in await self._updated(searched, now, projects) if _is_new(issue, known)]
        found = [issue for issue in updated if updated_since is None or (_updated_at(issue) or now) >= updated_since]
        for first in range(0, len(found), AT_ONCE):
            yield await _together([self._read(issue, span) for issue in found[first : first + AT_ONCE]])

    async def _updated(self, span: Span, now: datetime, projects: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """List the issues that were updated since then, those that changed longest ago first."""
        found: dict[str, Mapping[str, Any]] = {}
        minutes = span.minutes_before(now)
        while True:
            issues, pages = await self._search(_jql(minutes, projects))
            is_news = not found.keys() >= {str(issue.get("id")) for issue in issues}
            found |= {str(issue.get("id")): issue for issue in issues}
            if pages == 1 or not is_news:
                break
            # What moved to the front while the pages were turned: it was updated since they were begun.
            minutes = min(minutes, TURNED_WITHIN // timedelta(minutes=1))
        oldest_first = [*found.values()][::-1]
        return sorted(oldest_first, key=lambda issue: _updated_at(issue) or now)

    async def _search(self, jql: str) -> tuple[list[Mapping[str, Any]], int]:
        found: list[Mapping[str, Any]] = []
        after, pages = "", 0
        while pages == 0 or after:
            path, body = self._deployment.search_request(jql, FIELDS, after)
            issues, after = self._deployment.search_page(_object(await self._post(path, body)), after)
            found += [issue for issue in issues if issue.get("id")]
            pages += 1
        return found, pages

    async def _read(self, issue: Mapping[str, Any], span: Span) -> ChangedIssue:
        issue_id = IssueId(str(issue["id"]))
        try:
            comments, changes = await self._comments(issue_id, span), await self._changelog(issue_id, span)
            news = news_of(issue, comments, changes, span)
        except JiraGone:
            news = ()
        return ChangedIssue(id=issue_id, updated_at=_updated_at(issue) or span.since, news=news)

    async def _comments(self, issue_id: IssueId, span: Span) -> Sequence[Mapping[str, Any]]:
        """Read the comments back to those from before the span; of the first page all, for they may be edited."""
        found: list[Mapping[str, Any]] = []
        while True:
            query = {"orderBy": "-created", "startAt": str(len(found)), "maxResults": str(COMMENTS_A_PAGE)}
            answer = _object(await self._get(f"/rest/api/2/issue/{issue_id}/comment", query))
            page = objects(answer.get("comments"))
            found += page
            if not page or len(found) >= _count(answer) or _begins_before(page[-1], span):
                return found

    async def _changelog(self, issue_id: IssueId, span: Span) -> Sequence[Mapping[str, Any]]:
        """Read the changelog from its newest page back to before the span: Cloud lists the oldest first."""
        first, total = await self._changelog_page(issue_id, 0)
        found, start, page = {str(entry.get("id")): entry for entry in first}, total, len(first)
        while 0 < page < start:
            start = max(page, start - page)
            entries, _ = await self._changelog_page(issue_id, start)
            found |= {str(entry.get("id")): entry for entry in entries}
            if not entries or _begins_before(entries[0], span):
                break
        return list(found.values())

    async def _changelog_page(self, issue_id: IssueId, start: int) -> tuple[Sequence[Mapping[str, Any]], int]:
        path, query = self._deployment.changelog_request(issue_id, start)
        return self._deployment.changelog(_object(await self._get(path, query)))


TURNED_WITHIN = timedelta(minutes=30)
"""Longer than the pages of any search take."""


async def _together(reads: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all; where one fails the others are given up, and its error is raised."""
    async with together() as tasks:
        waiting = [tasks.create_task(read) for read in reads]
    return [each.result() for each in waiting]


def _jql(minutes: int, projects: Sequence[str]) -> str:
    named = ", ".join('"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in projects)
    within = f"project in ({named}) AND " if projects else ""
    return f"{within}updated >= -{minutes}m ORDER BY updated DESC"


def _is_new(issue: Mapping[str, Any], known: Mapping[IssueId, datetime]) -> bool:
    updated_at = _updated_at(issue)
    return updated_at is None or known.get(IssueId(str(issue["id"]))) != updated_at


def _updated_at(issue: Mapping[str, Any]) -> datetime | None:
    return instant(_object(issue.get("fields")).get("updated"))


def _begins_before(value: Mapping[str, Any], span: Span) -> bool:
    created_at = instant(value.get("created"))
    return created_at is not None and created_at < span.since


def _count(answer: Mapping[str, Any]) -> int:
    total = answer.get("total")
    return total if isinstance(total, int) else 0


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
