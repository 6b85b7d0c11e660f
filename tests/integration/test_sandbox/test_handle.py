"""The Python handle: what tests and the demo see beside Jira itself."""

from datetime import UTC, datetime, timedelta

import pytest

from jirabot.errors import CommandFailed
from jirabot.sandbox.server import Sandbox


async def test_a_failure_within_the_block_comes_out_as_it_is(receiver):
    with pytest.raises(ZeroDivisionError):
        await _fail_while_something_is_sent(receiver.url)


async def _fail_while_something_is_sent(url):
    async with Sandbox() as sandbox:
        sandbox.faults.add("hold")
        sandbox.add_webhook(url, secret=None)
        await sandbox.create_issue(summary="x")
        raise ZeroDivisionError


async def test_a_port_in_use_is_told(cloud):
    port = int(cloud.base_url.rpartition(":")[2])
    with pytest.raises(CommandFailed, match=f"`127.0.0.1:{port}` can't be listened on"):
        async with Sandbox(port=port):
            pass


async def test_times_are_those_of_the_clock_given():
    async with Sandbox(clock=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC)) as sandbox:
        issue = await sandbox.create_issue(summary="x")
        comment = await sandbox.comment(issue.key, "x")
        assert comment.created.isoformat() == "2026-01-31T12:00:00+00:00"
        await sandbox.edit_comment(issue.key, comment.id, "y")
        assert comment.updated > comment.created


async def test_ids_begin_at_10000_and_keys_are_never_given_twice(jira):
    issue = await jira.create_issue(summary="x")
    comment = await jira.comment(issue.key, "x")
    assert (issue.id, issue.key, comment.id) == ("10000", "DEMO-1", "10000")
    jira.jira.delete_issue(issue, actor=jira.ada)
    assert (await jira.create_issue(summary="y")).key == "DEMO-2"


async def test_one_that_takes_anothers_place_gives_no_id_anew():
    """Who has served the one before it would take a new comment for one that was acted on."""
    at = [datetime(2026, 1, 31, 12, tzinfo=UTC)]
    given: list[set[str]] = []
    for _ in range(2):
        async with Sandbox(clock=lambda: at[0], new_ids=True) as sandbox:
            issue = await sandbox.create_issue(summary="x")
            comments = [await sandbox.comment(issue.key, "x") for _ in range(3)]
            await sandbox.set_labels(issue.key, ["a"])
            assert issue.key == "DEMO-1"
        given.append({issue.id, issue.histories[0].id, *(comment.id for comment in comments)})
        at[0] += timedelta(seconds=1)
    assert given[0].isdisjoint(given[1])


async def test_next_comment_passes_over_others_and_what_came_before(jira):
    issue = await jira.create_issue(summary="x")
    first = jira.jira.add_comment(issue, "early", author=jira.bot)
    jira.jira.add_comment(issue, "not the bot", author=jira.grace)
    jira.jira.add_comment(issue, "late", author=jira.bot)
    assert (await jira.next_comment(issue.key, by=jira.bot, after=first.id)).text == "late"
    assert [comment.text for comment in jira.unread(issue.key)] == ["early", "not the bot"]


async def test_waiting_ends_with_an_error(jira):
    with pytest.raises(CommandFailed, match="did not happen in 0 s"):
        await jira.until(lambda: False, within=0)


async def test_tokens_stand_in_no_representation(jira):
    assert jira.bot.token not in repr(jira.bot)
