"""What is found in a workspace's Jira that changed, over the sandbox as Cloud and as Data Center 9, 10 and 11."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from jirabot.core.catching_up import ChangedIssue, Span
from jirabot.core.credentials import Credentials
from jirabot.core.ids import IssueId
from jirabot.core.ports import JiraSite
from jirabot.errors import JiraRejected
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections
from jirabot.sandbox.server import Sandbox
from tests.contract.test_jira_client import KINDS, START, HandClock, clients_of, workspace

SPAN = Span(since=START)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=KINDS)
async def jira(request: pytest.FixtureRequest, clock: HandClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(**request.param, clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
async def clients(clock: HandClock) -> AsyncIterator[Clients]:
    connections = Connections()
    yield clients_of(connections, clock)
    await connections.aclose()


@pytest.fixture
async def site(jira: Sandbox, clients: Clients) -> JiraSite:
    here = workspace(jira.deployment, jira.base_url, jira.bot.email)
    return clients.site(here, Credentials(api_key=jira.bot.token))


async def changes(site: JiraSite, clock: HandClock, span: Span = SPAN, **how: Any) -> Sequence[ChangedIssue]:
    return [issue async for some in site.iter_changes(span, now=clock.now(), **how) for issue in some]


def names(found: Sequence[ChangedIssue]) -> list[str]:
    return [news.name.partition(":")[0] for issue in found for news in issue.news]


async def test_what_happened_since_then_is_found_in_order(jira, site, clock):
    issue = await jira.create_issue(summary="The login page is broken")
    clock.at += timedelta(hours=2)
    written = await jira.comment(issue.key, "@openhands fix it")
    clock.at += timedelta(minutes=1)
    await jira.set_labels(issue.key, ["openhands"])
    clock.at += timedelta(minutes=1)
    other = await jira.create_issue(summary="Another")
    clock.at += timedelta(minutes=1)

    found = await changes(site, clock, Span(since=START + timedelta(hours=1)))

    assert [each.id for each in found] == [issue.id, other.id]
    assert [news.name for each in found for news in each.news] == [
        f"comment:{written.id}",
        f"changelog:{issue.histories[0].id}",
        f"created:{other.id}",
    ]


async def test_each_deployment_is_searched_its_own_way(jira, site, clock):
    """F71: Cloud has removed the search that Data Center has."""
    await jira.create_issue(summary="There")
    assert names(await changes(site, clock)) == ["created"]

    searched = [(request.method, request.path, request.status) for request in jira.requests if "search" in request.path]
    path = "/rest/api/3/search/jql" if jira.deployment == "cloud" else "/rest/api/2/search"
    assert searched == [("POST", path, 200)]


@pytest.mark.parametrize("cap", [1, 3, 100])
async def test_all_pages_are_turned_however_short_an_administrator_makes_them(jira, site, clock, cap):
    issues = []
    for number in range(7):
        issues.append(await jira.create_issue(summary=f"{number}"))
        clock.at += timedelta(seconds=1)
    jira.jira.search_cap = cap

    assert [each.id for each in await changes(site, clock)] == [each.id for each in issues]


async def test_what_changes_while_pages_are_turned_hides_nothing(jira, site, clock):
    """An issue that moves to the front meanwhile is found, and so is each that it has passed."""
    issues = []
    for number in range(6):
        issues.append(await jira.create_issue(summary=f"{number}"))
        clock.at += timedelta(seconds=1)
    jira.jira.search_cap = 2
    first = jira.faults.add("delay", method="POST", path="/search", times=1, seconds=0)
    second = jira.faults.add("delay", method="POST", path="/search", times=1)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(changes(site, clock))
        await jira.until(lambda: second.hits)
        await jira.comment(issues[0].key, "Meanwhile")
        await jira.comment(issues[5].key, "Meanwhile")
        second.release()

    assert first.hits == 1
    assert {each.id for each in looking.result()} == {each.id for each in issues}
    assert names(looking.result()).count("created") == 6


async def test_of_many_comments_those_within_are_found(jira, site, clock):
    issue = await jira.create_issue(summary="Talked about")
    for number in range(130):
        await jira.comment(issue.key, f"{number}")
    clock.at += timedelta(hours=1)
    since = clock.at
    for number in range(230):
        await jira.comment(issue.key, f"{number}")

    [found] = await changes(site, clock, Span(since=since))
    assert names([found]) == ["comment"] * 230
    read = [request for request in jira.requests if request.path.endswith("/comment")]
    assert len(read) == 3


async def test_of_a_comment_that_was_edited_the_edit_is_found(jira, site, clock):
    issue = await jira.create_issue(summary="Talked about")
    written = await jira.comment(issue.key, "fix it")
    clock.at += timedelta(hours=1)
    await jira.edit_comment(issue.key, written.id, "@openhands fix it")

    [found] = await changes(site, clock, Span(since=clock.at))
    assert [(news.kind, news.at) for news in found.news] == [("comment_updated", clock.at)]


@pytest.mark.parametrize("count", [5, 99, 100, 101, 205])
async def test_of_a_long_changelog_what_is_within_is_found(jira, site, clock, count):
    issue = await jira.create_issue(summary="Much changed")
    for number in range(140):
        await jira.set_labels(issue.key, [f"before-{number}"])
    clock.at += timedelta(hours=1)
    since = clock.at
    for number in range(count):
        await jira.set_labels(issue.key, [f"label-{number}"])

    [found] = await changes(site, clock, Span(since=since))
    told = [news.name for news in found.news]
    assert told == [f"changelog:{history.id}" for history in issue.histories[140:]]


async def test_a_creation_is_told_with_what_it_had_then(jira, site, clock):
    issue = await jira.create_issue(summary="New", labels=["bug"])
    for number in range(120):
        await jira.set_labels(issue.key, [f"label-{number}"])

    [found] = await changes(site, clock)
    assert b'"labels":["bug"]' in found.news[0].body


async def test_of_other_projects_nothing_is_found(jira, site, clock):
    await jira.create_issue(summary="Here")
    there = await jira.create_issue(summary="There", project="HELP")

    assert [each.id for each in await changes(site, clock, projects=["HELP"])] == [there.id]
    assert len(await changes(site, clock, projects=["HELP", "DEMO"])) == 2


@pytest.mark.parametrize("project", ["GONE", 'a" OR project != "b', "back\\slash"])
async def test_a_project_that_is_not_there_is_rejected(jira, site, clock, project):
    with pytest.raises(JiraRejected, match="does not exist"):
        await changes(site, clock, projects=[project])


async def test_what_is_known_and_did_not_change_is_not_read_again(jira, site, clock):
    issue = await jira.create_issue(summary="There")
    known: Mapping[IssueId, datetime] = {each.id: each.updated_at for each in await changes(site, clock)}
    jira.requests.clear()

    assert await changes(site, clock, known=known) == []
    assert len(jira.requests) == 1
    clock.at += timedelta(seconds=1)
    await jira.comment(issue.key, "x")
    assert names(await changes(site, clock, known=known)) == ["created", "comment"]


async def test_what_was_read_until_it_changed_last_is_left_out(jira, site, clock):
    """What else happened within the span is told of all that changed later."""
    early, late = [await jira.create_issue(summary=summary) for summary in ("Early", "Late")]
    for issue in (early, late):
        clock.at += timedelta(minutes=10)
        await jira.comment(issue.key, "x")
    clock.at += timedelta(hours=1)
    span = Span(since=START, until=START + timedelta(minutes=30))
    first, second = await changes(site, clock, span)
    assert (first.id, second.id) == (early.id, late.id)

    assert await changes(site, clock, span, updated_since=second.updated_at) == [second]
    assert await changes(site, clock, span, updated_since=second.updated_at + timedelta(seconds=1)) == []
    await jira.comment(early.key, "much later")
    [found] = await changes(site, clock, span, updated_since=clock.at)
    assert [news.name for news in found.news] == [news.name for news in first.news]
    assert (found.id, found.updated_at) == (early.id, clock.at)


async def test_an_issue_that_goes_meanwhile_has_no_news(jira, site, clock):
    issue = await jira.create_issue(summary="Soon gone")
    kept = await jira.create_issue(summary="Kept")
    jira.faults.add("answer", path=f"/issue/{issue.id}/comment", status=404, times=1)

    assert {each.id: len(each.news) for each in await changes(site, clock)} == {issue.id: 0, kept.id: 1}


async def test_what_the_service_account_may_not_read_is_not_found(jira, site, clock):
    issue = await jira.create_issue(summary="There")
    jira.jira.exclude(jira.bot, "Management")
    await jira.comment(issue.key, "x", visibility={"type": "role", "value": "Management"})

    assert names(await changes(site, clock)) == ["created"]


async def test_its_calls_are_counted(jira, site, clock):
    await jira.create_issue(summary="There")
    await changes(site, clock)

    assert site.calls_count == len(jira.requests) == 3
