"""The sandbox's search is as strict as Jira's, and its index as slow as it is told to be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jirabot.sandbox.server import Sandbox
from tests.integration.test_sandbox.conftest import Client

RECENT = "updated >= -10m ORDER BY updated ASC"


@pytest.fixture
def search(jira, as_person) -> Callable[..., Any]:
    """Search as the bot, with the body of that Jira's own search."""
    ask = as_person(jira, jira.bot)
    path = "/rest/api/3/search/jql" if jira.deployment == "cloud" else "/rest/api/2/search"

    async def asked(jql: str, **body: Any) -> Any:
        return await ask("POST", path, {"jql": jql, "fields": ["summary"], **body})

    return asked


async def _pages(jira: Sandbox, search: Callable[..., Any], jql: str, most: int) -> list[list[str]]:
    """Turn all pages, as that Jira has them turned."""
    pages: list[list[str]] = []
    after: dict[str, Any] = {}
    while True:
        told = (await search(jql, maxResults=most, **after)).json
        pages.append([issue["key"] for issue in told["issues"]])
        if jira.deployment == "cloud":
            if told["isLast"]:
                return pages
            after = {"nextPageToken": told["nextPageToken"]}
        else:
            after = {"startAt": sum(map(len, pages))}
            if after["startAt"] >= told["total"]:
                return pages


async def test_pages_are_turned_to_the_end(jira, search):
    for number in range(5):
        await jira.create_issue(summary=f"{number}")
    jira.jira.search_cap = 2

    pages = await _pages(jira, search, RECENT, 100)
    assert pages == [["DEMO-1", "DEMO-2"], ["DEMO-3", "DEMO-4"], ["DEMO-5"]]


async def test_a_page_is_capped_without_a_word(data_center, as_person):
    for number in range(3):
        await data_center.create_issue(summary=f"{number}")
    data_center.jira.search_cap = 2
    told = await as_person(data_center, data_center.bot)(
        "POST", "/rest/api/2/search", {"jql": RECENT, "maxResults": 500}
    )
    assert (told.status, told.json["maxResults"], len(told.json["issues"]), told.json["total"]) == (200, 2, 2, 3)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"jql": "ORDER BY updated"}, id="unbounded"),
        pytest.param({"jql": ""}, id="none"),
        pytest.param({"jql": RECENT, "startAt": 0}, id="paged as the search that is gone"),
        pytest.param({"jql": RECENT, "nextPageToken": "nonsense"}, id="a token of nothing"),
        pytest.param({"jql": "project = NONE AND updated >= -10m"}, id="a project that is not there"),
        pytest.param({"jql": 'updated >= "2026-11-24 12:00"'}, id="a time that is not relative"),
    ],
)
async def test_what_cloud_does_not_search_for(cloud, as_person, body):
    assert (await as_person(cloud, cloud.bot)("POST", "/rest/api/3/search/jql", body)).status == 400


async def test_a_token_leads_on_in_its_own_search_alone(cloud, as_person):
    for number in range(2):
        await cloud.create_issue(summary=f"{number}")
    ask: Client = as_person(cloud, cloud.bot)
    first = await ask("POST", "/rest/api/3/search/jql", {"jql": RECENT, "maxResults": 1})
    other = {"jql": "updated >= -1m", "nextPageToken": first.json["nextPageToken"]}
    assert (await ask("POST", "/rest/api/3/search/jql", other)).status == 400


async def test_the_search_that_is_gone_says_so(cloud, as_person):
    for version in ("2", "3"):
        assert (await as_person(cloud, cloud.bot)("POST", f"/rest/api/{version}/search", {"jql": RECENT})).status == 410


async def test_to_nobody_cloud_is_an_empty_jira(cloud, as_person):
    """F81: bad credentials look exactly like a quiet project."""
    await cloud.create_issue(summary="There")
    told = await as_person(cloud, None)("POST", "/rest/api/3/search/jql", {"jql": RECENT})
    assert (told.status, told.json) == (200, {"issues": [], "isLast": True})


async def test_the_index_lags_behind_what_people_did(as_person):
    at = [datetime(2026, 11, 24, 12, tzinfo=UTC)]
    async with Sandbox(clock=lambda: at[0]) as sandbox:
        issue = await sandbox.create_issue(summary="There")
        sandbox.jira.index_lag = timedelta(minutes=2)
        ask = as_person(sandbox, sandbox.bot)

        async def updated() -> list[str]:
            told = await ask("POST", "/rest/api/3/search/jql", {"jql": RECENT, "fields": ["updated"]})
            return [found["fields"]["updated"][11:16] for found in told.json["issues"]]

        assert await updated() == []
        at[0] += timedelta(minutes=2)
        await sandbox.comment(issue.key, "Hullo")
        assert await updated() == ["12:00"]
        at[0] += timedelta(minutes=2)
        assert await updated() == ["12:02"]
