"""What webhooks look like, who gets them, and what happens when nobody takes them."""

import hashlib
import hmac
import json

import pytest

from jirabot.sandbox.server import Sandbox

from .conftest import SECRET


async def sent(sandbox, receiver):
    await sandbox.settled()
    return [json.loads(raw) for _, raw in receiver.requests]


async def test_cloud_sends_a_comment_with_a_reduced_issue_and_without_user(cloud, receiver):
    issue = await cloud.create_issue(summary="x", labels=["a"])
    cloud.add_webhook(receiver.url, secret=SECRET)
    comment = await cloud.comment(issue.key, "@openhands *go*", author=cloud.ada)
    [payload] = await sent(cloud, receiver)
    assert payload.keys() == {"timestamp", "webhookEvent", "comment", "issue"}
    assert payload["webhookEvent"] == "comment_created"
    assert payload["comment"]["body"] == "@openhands *go*"
    assert payload["comment"]["author"]["accountId"] == cloud.ada.account_id
    assert "emailAddress" not in payload["comment"]["author"]
    assert payload["comment"]["self"] == f"{cloud.base_url}/rest/api/2/issue/{issue.id}/comment/{comment.id}"
    assert payload["issue"]["fields"].keys() == {"summary", "issuetype", "project", "assignee", "priority", "status"}
    assert payload["comment"]["created"][:23] == comment.created.isoformat()[:23]


async def test_data_center_sends_a_comment_twice_once_without_its_issue(data_center, receiver):
    issue = await data_center.create_issue(summary="x")
    data_center.add_webhook(receiver.url, secret=SECRET)
    await data_center.comment(issue.key, "hi", author=data_center.ada)
    alone, updated = await sent(data_center, receiver)
    assert alone.keys() == {"timestamp", "webhookEvent", "comment"}
    assert updated["webhookEvent"] == "jira:issue_updated"
    assert updated["issue_event_type_name"] == "issue_commented"
    assert updated["comment"]["id"] == alone["comment"]["id"]
    assert updated["user"]["name"] == "ada"
    assert updated["issue"]["key"] == issue.key
    assert "changelog" not in updated


async def test_data_center_can_send_the_issue_with_a_comment(receiver):
    async with Sandbox(deployment="dc", comment_event_with_issue=True) as sandbox:
        issue = await sandbox.create_issue(summary="x")
        sandbox.add_webhook(receiver.url, secret=None, events=["comment_created"])
        await sandbox.comment(issue.key, "hi")
        [payload] = await sent(sandbox, receiver)
    assert payload["issue"]["key"] == issue.key


async def test_edits_and_deletions_of_comments_are_sent(data_center, receiver):
    issue = await data_center.create_issue(summary="x")
    comment = await data_center.comment(issue.key, "hi", author=data_center.ada)
    data_center.add_webhook(receiver.url, secret=None)
    await data_center.edit_comment(issue.key, comment.id, "ho")
    await data_center.delete_comment(issue.key, comment.id)
    payloads = await sent(data_center, receiver)
    assert [(p["webhookEvent"], p.get("issue_event_type_name"), "user" in p, "comment" in p) for p in payloads] == [
        ("comment_updated", None, True, True),
        ("jira:issue_updated", "issue_comment_edited", True, True),
        ("comment_deleted", None, True, True),
        ("jira:issue_updated", "issue_comment_deleted", True, False),
    ]


async def test_a_label_is_sent_with_its_changelog(jira, receiver):
    issue = await jira.create_issue(summary="x", labels=["bad", "test"])
    jira.add_webhook(receiver.url, secret=None)
    await jira.set_labels(issue.key, ["sad", "test"], actor=jira.grace)
    await jira.set_labels(issue.key, ["test", "sad"])
    [payload] = await sent(jira, receiver)
    assert payload["webhookEvent"] == "jira:issue_updated"
    assert payload["user"]["displayName"] == "Grace Hopper"
    assert payload["changelog"]["id"] == issue.histories[0].id
    assert payload["changelog"]["items"] == [
        {
            "field": "labels", "fieldtype": "jira", "fieldId": "labels",
            "from": None, "fromString": "bad test", "to": None, "toString": "sad test",
        }
    ]  # fmt: skip


async def test_creation_and_deletion_of_issues_are_sent(jira, receiver):
    jira.add_webhook(receiver.url, secret=None)
    issue = await jira.create_issue(summary="x", description="*d*", reporter=jira.grace)
    jira.jira.delete_issue(issue, actor=jira.ada)
    created, deleted = await sent(jira, receiver)
    assert (created["webhookEvent"], created["issue_event_type_name"]) == ("jira:issue_created", "issue_created")
    assert created["issue"]["fields"]["description"] == "*d*"
    assert deleted["webhookEvent"] == "jira:issue_deleted"
    assert "issue_event_type_name" not in deleted


async def test_deliveries_are_signed_over_the_very_bytes(jira, receiver):
    jira.add_webhook(receiver.url, secret=SECRET)
    await jira.create_issue(summary="Grüße")
    await jira.settled()
    [(headers, raw)] = receiver.requests
    expected = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature"] == f"sha256={expected}"
    assert "Grüße".encode() in raw


async def test_data_center_before_10_signs_nothing(receiver):
    async with Sandbox(deployment="dc", dc_version="9.12.0") as sandbox:
        sandbox.add_webhook(receiver.url, secret=SECRET)
        await sandbox.create_issue(summary="x")
        await sandbox.settled()
    [(headers, _)] = receiver.requests
    assert "x-hub-signature" not in headers


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
async def test_cloud_sends_again_with_the_same_identifier(cloud, receiver, status):
    receiver.statuses = [status, status]
    cloud.add_webhook(receiver.url, secret=SECRET)
    await cloud.create_issue(summary="x")
    await cloud.settled()
    [delivery] = cloud.deliveries
    assert [attempt.status for attempt in delivery.attempts] == [status, status, 200]
    assert [headers.get("x-atlassian-webhook-retry") for headers, _ in receiver.requests] == [None, "1", "2"]
    assert len({headers["x-atlassian-webhook-identifier"] for headers, _ in receiver.requests}) == 1
    assert len({raw for _, raw in receiver.requests}) == 1
    assert receiver.requests[0][0]["x-atlassian-webhook-flow"] == "Primary"


async def test_cloud_gives_up_after_five_retries(cloud, receiver):
    receiver.statuses = [503] * 10
    cloud.add_webhook(receiver.url, secret=None)
    await cloud.create_issue(summary="x")
    await cloud.settled()
    assert len(receiver.requests) == 6
    assert not cloud.deliveries[0].succeeded


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_cloud_drops_what_was_refused(cloud, receiver, status):
    receiver.statuses = [status]
    cloud.add_webhook(receiver.url, secret=None)
    await cloud.create_issue(summary="x")
    await cloud.settled()
    assert len(receiver.requests) == 1


async def test_cloud_sends_again_where_nobody_answers(cloud):
    cloud.add_webhook("http://127.0.0.1:1/nobody", secret=None)
    await cloud.create_issue(summary="x")
    await cloud.settled()
    assert [attempt.status for attempt in cloud.deliveries[0].attempts] == [None] * 6


async def test_data_center_never_sends_again(data_center, receiver):
    receiver.statuses = [503]
    data_center.add_webhook(receiver.url, secret=None)
    await data_center.create_issue(summary="x")
    await data_center.settled()
    [(headers, _)] = receiver.requests
    assert not any(name.startswith("x-atlassian") for name in headers)


async def test_an_issues_deliveries_keep_their_order(jira, receiver):
    issue = await jira.create_issue(summary="x")
    jira.add_webhook(receiver.url, secret=None, events=["comment_created"])
    for number in range(20):
        await jira.comment(issue.key, str(number))
    assert [p["comment"]["body"] for p in await sent(jira, receiver)] == [str(number) for number in range(20)]


async def test_a_webhook_gets_only_its_events_and_what_its_filter_finds(jira, receiver):
    jira.add_webhook(receiver.url, secret=None, events=["comment_created"], jql_filter="project = HELP")
    for project in ("DEMO", "HELP"):
        issue = await jira.create_issue(summary="x", project=project)
        await jira.comment(issue.key, project)
    assert [p["comment"]["body"] for p in await sent(jira, receiver)] == ["HELP"]


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        pytest.param({"deployment": "cloud"}, "{issue.key}", id="cloud"),
        pytest.param({"deployment": "dc", "dc_version": "9.12.0"}, "${issue.key}", id="data center 9"),
    ],
)
async def test_variables_in_the_address_are_filled_in(receiver, options, variable):
    async with Sandbox(**options) as sandbox:
        sandbox.add_webhook(f"{receiver.url}/{variable}", secret=None)
        await sandbox.create_issue(summary="x")
        await sandbox.settled()
    assert sandbox.deliveries[0].url == f"{receiver.url}/DEMO-1"


CLASSIC, MODERN = "/rest/webhooks/1.0/webhook", "/rest/jira-webhook/1.0/webhooks"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        pytest.param({"deployment": "cloud"}, CLASSIC, id="cloud"),
        pytest.param({"deployment": "dc", "dc_version": "9.12.0"}, CLASSIC, id="data center 9"),
    ],
)
async def test_classic_webhooks_are_administered_by_the_last_segment_of_self(options, path, as_person):
    async with Sandbox(**options) as sandbox:
        ask = as_person(sandbox, sandbox.bot)
        wanted = {
            "name": "jirabot", "url": "https://bot.example.com/x", "events": ["comment_created"], "excludeBody": False,
            "filters": {"issue-related-events-section": "project = DEMO"}, "secret": SECRET,
        }  # fmt: skip
        made = await ask("POST", path, wanted)
        assert made.status == 201
        assert "id" not in made.json
        assert SECRET not in made.text
        assert made.json.get("isSigned") is (True if options["deployment"] == "cloud" else None)
        one = made.json["self"].removeprefix(sandbox.base_url)
        assert (await ask("PUT", one, {"url": "https://bot.example.com/y"})).json["url"] == "https://bot.example.com/y"
        assert [w["filters"] for w in (await ask("GET", path)).json] == [wanted["filters"]]
        assert (await ask("DELETE", one)).status == 204
        assert (await ask("GET", one)).status == 404
        assert (await ask("GET", MODERN)).status == 404


async def test_data_center_10_takes_secret_and_filter_from_the_configuration_alone(data_center, receiver, as_person):
    ask = as_person(data_center, data_center.bot)
    assert (await ask("GET", CLASSIC)).status == 404
    plain = {"name": "a", "url": receiver.url + "/ignored", "events": ["jira:issue_created"], "secret": SECRET}
    await ask("POST", MODERN, {**plain, "filters": {"issue-related-events-section": "project = HELP"}})
    configuration = {"SECRET": SECRET, "FILTERS": "project = HELP", "EXCLUDE_BODY": "false"}
    made = await ask("POST", MODERN, {**plain, "url": receiver.url, "configuration": configuration})
    assert (made.status, made.json["id"]) == (201, 2)
    assert SECRET not in made.text
    assert (await ask("POST", MODERN, {**plain, "configuration": {"EXCLUDE_BODY": False}})).status == 400
    await data_center.create_issue(summary="x", project="DEMO")
    await data_center.create_issue(summary="x", project="HELP")
    await data_center.settled()
    signed = [(d.issue_key, "X-Hub-Signature" in d.headers) for d in data_center.deliveries]
    assert signed == [("DEMO-1", False), ("HELP-1", False), ("HELP-1", True)]


async def test_only_administrators_see_webhooks(cloud, as_person):
    assert (await as_person(cloud, cloud.ada)("GET", CLASSIC)).status == 403
    assert (await as_person(cloud, None)("GET", CLASSIC)).status == 401


async def test_deliveries_are_told_over_http_and_can_be_saved(jira, receiver, as_person):
    jira.add_webhook(receiver.url, secret=SECRET)
    await jira.create_issue(summary="x")
    await jira.settled()
    ask = as_person(jira, None)
    [listed] = (await ask("GET", "/sandbox/deliveries")).json
    assert (listed["number"], listed["event"], [a["status"] for a in listed["attempts"]]) == (
        1,
        "jira:issue_created",
        [200],
    )
    saved = (await ask("GET", "/sandbox/deliveries/1")).json
    [(headers, raw)] = receiver.requests
    assert saved["body"].encode() == raw
    assert saved["headers"]["X-Hub-Signature"] == headers["x-hub-signature"]
    assert (await ask("GET", "/sandbox/deliveries/2")).status == 404


async def test_no_request_waits_for_its_webhook(jira, as_person):
    jira.faults.add("hold")
    issue = await jira.create_issue(summary="x")
    jira.add_webhook("http://127.0.0.1:1/", secret=None)
    answer = await as_person(jira, jira.bot)("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x"})
    assert answer.status == 201
    assert not jira.deliveries[0].done
