"""What stands in Jira becomes what its webhooks would have told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from jirabot.core.catching_up import Span
from jirabot.core.events import CommentCreated, CommentEdited, IssueCreated, IssueUpdated, parse
from jirabot.jira.deployments import DEPLOYMENTS, Deployment
from jirabot.jira.news import news_of

pytestmark = pytest.mark.fast

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPAN = Span(since=NOON)
ADA = {"cloud": {"accountId": "712020:ada", "displayName": "Ada"}, "dc": {"name": "ada", "key": "JIRAUSER1"}}


def told(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


@pytest.fixture(params=["cloud", "dc"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return DEPLOYMENTS[request.param]


def issue(deployment: Deployment, created: int = -60, **fields: Any) -> dict[str, Any]:
    given = {"created": told(created), "updated": told(9), "creator": ADA[deployment.name], "labels": [], **fields}
    return {"id": "10001", "key": "PAY-1", "self": "https://jira.example.org/rest/api/2/issue/10001", "fields": given}


def comment(deployment: Deployment, created: int, updated: int | None = None, id: str = "501") -> dict[str, Any]:
    author = ADA[deployment.name]
    times = {"created": told(created), "updated": told(created if updated is None else updated)}
    return {"id": id, "author": author, "updateAuthor": author, "body": "@openhands fix it", **times}


def change(deployment: Deployment, at: int, id: str = "901", **item: Any) -> dict[str, Any]:
    items = [{"field": "labels", "fieldtype": "jira", "fromString": "", "toString": "", **item}]
    return {"id": id, "author": ADA[deployment.name], "created": told(at), "items": items}


def events(deployment: Deployment, issue: Any, comments: Any, changes: Any) -> list[tuple[str, Any]]:
    found = news_of(issue, comments, changes, SPAN)
    return [(news.name, parse(orjson.loads(news.body), deployment)) for news in found]


def test_a_comment_is_told_as_it_was_made(deployment):
    [(name, event)] = events(deployment, issue(deployment), [comment(deployment, 1)], [])
    assert name == "comment:501"
    assert isinstance(event, CommentCreated)
    assert (event.issue.id, event.issue.key) == ("10001", "PAY-1")
    assert event.comment.body.raw == "@openhands fix it"
    assert event.comment.writer.id in ("712020:ada", "JIRAUSER1")


def test_one_that_was_edited_is_told_twice(deployment):
    made, edited = events(deployment, issue(deployment), [comment(deployment, 1, 3)], [])
    assert made[0] == "comment:501"
    assert edited[0] == "comment:501@2026-11-24T12:03:00+00:00"
    assert isinstance(edited[1], CommentEdited)


def test_of_an_old_one_that_was_edited_the_edit_is_told(deployment):
    [(_, event)] = events(deployment, issue(deployment), [comment(deployment, -90, 3)], [])
    assert isinstance(event, CommentEdited)


def test_a_change_is_told_with_who_made_it(deployment):
    changed = change(deployment, 2, fromString="old", toString="old openhands")
    [(name, event)] = events(deployment, issue(deployment), [], [changed])
    assert name == "changelog:901"
    assert isinstance(event, IssueUpdated)
    assert (event.changelog_id, event.labels_added) == ("901", ("openhands",))
    assert event.source.actor is not None


@pytest.mark.parametrize(
    ("item", "labels", "description"),
    [
        pytest.param({}, (), "@openhands now", id="as they are, where another field of that name changed"),
        pytest.param({"fieldtype": "jira", "fromString": "a b"}, ("a", "b"), "@openhands now", id="labels of before"),
        pytest.param(
            {"field": "description", "fieldtype": "jira", "fromString": "Then"}, ("openhands",), "Then", id="text"
        ),
    ],
)
def test_a_creation_is_told_as_it_was_then(deployment, item, labels, description):
    """What was put on the issue later is told as that change, and asks once."""
    given = {"fieldtype": "custom", "fromString": "x", "toString": "openhands", **item}
    present = ["openhands"] if labels != () else []
    made = issue(deployment, 1, labels=present, description="@openhands now")
    later = change(deployment, 5, id="902", **{**given, "fromString": "later"})
    (name, event), *_ = events(deployment, made, [], [later, change(deployment, 3, **given)])
    assert name == "created:10001"
    assert isinstance(event, IssueCreated)
    assert (event.labels, event.description.raw) == (labels, description)


def test_what_happened_before_or_behind_is_not_told(deployment):
    comments = [comment(deployment, at, id=f"{500 + at}") for at in (-1, 0, 5, 6)]
    within = Span(since=NOON, until=NOON + timedelta(minutes=5))
    found = news_of(issue(deployment), comments, [change(deployment, -1), change(deployment, 6)], within)
    assert [news.name for news in found] == ["comment:500", "comment:505"]


def test_it_is_told_in_order(deployment):
    comments = [comment(deployment, 9, id="509"), comment(deployment, 1, 6, id="501")]
    changes = [change(deployment, 4), change(deployment, 2, id="900")]
    names = [name for name, _ in events(deployment, issue(deployment, 0), comments, changes)]
    assert names == [
        "created:10001", "comment:501", "changelog:900", "changelog:901", "comment:501@2026-11-24T12:06:00+00:00",
        "comment:509",
    ]  # fmt: skip


def test_what_has_no_time_is_left_out(deployment):
    broken = [{**comment(deployment, 1), "created": "yesterday", "updated": None}, {"id": "7"}]
    assert events(deployment, issue(deployment), broken, [{"id": "8", "items": "none"}]) == []
