"""Each fault does what it says, once, and what the program sees of it."""

import asyncio

import aiohttp
import pytest

from jirabot.errors import InvalidInput

from .conftest import SECRET


@pytest.fixture
async def issue(jira):
    return await jira.create_issue(summary="x")


@pytest.fixture
def ask(jira, as_person):
    return as_person(jira, jira.bot)


def comments(issue):
    return f"/rest/api/2/issue/{issue.key}/comment"


async def test_a_status_is_answered_once_and_nothing_is_done(jira, issue, ask):
    fault = jira.faults.add("answer", method="POST", path="/comment$", status=429, headers={"Retry-After": "7"})
    assert (await ask("GET", comments(issue))).status == 200
    refused = await ask("POST", comments(issue), {"body": "x"})
    assert (refused.status, refused.headers["retry-after"], jira.comments(issue.key)) == (429, "7", [])
    assert (await ask("POST", comments(issue), {"body": "x"})).status == 201
    assert fault.hits == 1


async def test_a_fault_may_strike_one_person_for_ever(jira, issue, ask, as_person):
    jira.faults.add("answer", actor=jira.bot.name, times=None, status=503, body="<html>down</html>")
    for _ in range(3):
        assert (await ask("GET", comments(issue))).text == "<html>down</html>"
    assert (await as_person(jira, jira.ada)("GET", comments(issue))).status == 200
    jira.faults.clear()
    assert (await ask("GET", comments(issue))).status == 200


async def test_a_reset_connection_leaves_nothing(jira, issue, ask):
    jira.faults.add("reset", method="POST")
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask("POST", comments(issue), {"body": "x"})
    assert jira.comments(issue.key) == []


async def test_a_dropped_connection_may_have_committed(jira, issue, ask):
    jira.faults.add("commit-then-drop", method="POST")
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask("POST", comments(issue), {"body": "x"})
    assert [comment.text for comment in jira.comments(issue.key)] == ["x"]
    assert jira.requests[-1].status is None


async def test_a_bad_gateway_may_have_committed(jira, issue, ask):
    jira.faults.add("commit-then-answer", method="POST", status=502)
    assert (await ask("POST", comments(issue), {"body": "x"})).status == 502
    assert [comment.text for comment in jira.comments(issue.key)] == ["x"]


@pytest.mark.parametrize(("does", "stands"), [("hang", []), ("commit-then-hang", ["x"])])
async def test_a_hanging_request_outlasts_the_client(jira, issue, ask, does, stands):
    fault = jira.faults.add(does, method="POST")
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(_until_given_up(ask, issue))
        await jira.until(lambda: fault.hits)
        await jira.until(lambda: [comment.text for comment in jira.comments(issue.key)] == stands)
        assert not asked.done()
        fault.release()
    assert [comment.text for comment in jira.comments(issue.key)] == stands


async def _until_given_up(ask, issue):
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask("POST", comments(issue), {"body": "x"})


async def test_a_delayed_request_is_carried_out_on_release(jira, issue, ask):
    fault = jira.faults.add("delay", method="POST")
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(ask("POST", comments(issue), {"body": "x"}))
        await jira.until(lambda: fault.hits)
        assert jira.comments(issue.key) == []
        fault.release()
    assert asked.result().status == 201


async def test_a_delay_ends_by_itself(jira, issue, ask):
    jira.faults.add("delay", seconds=0.01)
    assert (await ask("GET", comments(issue))).status == 200


async def test_a_comments_webhook_may_overtake_the_answer(jira, issue, ask, receiver):
    jira.add_webhook(receiver.url, secret=SECRET)
    jira.faults.add("webhooks-first", method="POST")
    assert (await ask("POST", comments(issue), {"body": "x"})).status == 201
    assert receiver.requests
    assert all(delivery.succeeded for delivery in jira.deliveries)


async def test_a_webhook_may_come_twice(jira, issue, receiver):
    jira.add_webhook(receiver.url, secret=SECRET, events=["comment_created"])
    jira.faults.add("duplicate", event="comment_created")
    await jira.comment(issue.key, "x")
    await jira.settled()
    (first, body), (second, again) = receiver.requests
    assert (first, body) == (second, again)
    assert [delivery.number for delivery in jira.deliveries] == [1, 2]


async def test_a_webhook_may_never_come(jira, issue, receiver):
    jira.add_webhook(receiver.url, secret=None, events=["comment_created"])
    jira.faults.add("lose")
    await jira.comment(issue.key, "lost")
    await jira.comment(issue.key, "found")
    await jira.settled()
    assert [delivery.succeeded for delivery in jira.deliveries] == [False, True]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(("reverse", "order"), [(False, ["2", "0", "1"]), (True, ["2", "1", "0"])])
async def test_held_webhooks_are_overtaken_and_come_in_either_order(jira, issue, receiver, reverse, order):
    jira.add_webhook(receiver.url, secret=None, events=["comment_created"])
    fault = jira.faults.add("hold", times=2)
    for number in range(3):
        await jira.comment(issue.key, str(number))
    await jira.until(lambda: jira.deliveries[2].done)
    fault.release(reverse=reverse)
    await jira.settled()
    bodies = {delivery.raw: delivery.payload["comment"]["body"] for delivery in jira.deliveries}
    assert [bodies[raw] for _, raw in receiver.requests] == order


async def test_faults_are_ordered_and_cleared_over_http(jira, issue, ask):
    ordered = await ask(
        "POST", "/sandbox/faults", {"does": "answer", "status": 503, "path": "/comment$", "times": None}
    )
    assert (ordered.status, ordered.json["does"]) == (201, "answer")
    assert (await ask("GET", comments(issue))).status == 503
    assert [fault["hits"] for fault in (await ask("GET", "/sandbox/faults")).json] == [1]
    assert (await ask("DELETE", "/sandbox/faults")).status == 204
    assert (await ask("GET", comments(issue))).status == 200


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"does": "explode"}, id="no such fault"),
        pytest.param({"does": "answer", "colour": "red"}, id="no such option"),
        pytest.param({"does": "answer", "path": "("}, id="no regular expression"),
    ],
)
async def test_a_wrong_order_is_refused(jira, ask, options):
    assert (await ask("POST", "/sandbox/faults", options)).status == 400
    with pytest.raises(InvalidInput):
        jira.faults.add(**options)


async def test_what_hangs_does_not_keep_the_sandbox_open(jira, issue, ask):
    fault = jira.faults.add("hang")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_until_given_up(ask, issue))
        await jira.until(lambda: fault.hits)
        jira.faults.clear()


async def test_a_delayed_request_lands_after_its_sender_has_given_up(jira, issue, ask):
    delay = jira.faults.add("delay", method="POST")
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(ask("POST", comments(issue), {"body": "x"}))
        await jira.until(lambda: delay.hits)
        asked.cancel()
    assert jira.comments(issue.key) == []
    delay.release()
    await jira.until(lambda: [comment.text for comment in jira.comments(issue.key)] == ["x"])
