"""What the sandbox answers over REST, in both faces."""

import pytest

from jirabot.errors import CommandFailed
from jirabot.sandbox.server import Sandbox


def doc(text):
    return {
        "version": 1,
        "type": "doc",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def api(sandbox, path):
    return f"/rest/api/{'3' if sandbox.deployment == 'cloud' else '2'}{path}"


def body(sandbox, text):
    return doc(text) if sandbox.deployment == "cloud" else text


@pytest.fixture
async def issue(jira):
    return await jira.create_issue(summary="Login fails", description="It *fails*.", labels=["ui"])


async def test_server_info_is_open_and_tells_the_deployment(cloud, data_center, as_person):
    told = await as_person(cloud, None)("GET", "/rest/api/2/serverInfo")
    assert (told.json["deploymentType"], told.json["versionNumbers"][0]) == ("Cloud", 1001)
    told = await as_person(data_center, None)("GET", "/rest/api/2/serverInfo")
    assert (told.json["deploymentType"], told.json["versionNumbers"]) == ("Server", [10, 3, 5])
    assert told.json["baseUrl"] == data_center.base_url
    assert data_center.base_url.endswith("/jira")


async def test_cloud_treats_bad_credentials_as_none_at_all(cloud, as_person):
    issue = await cloud.create_issue(summary="x")
    ask = as_person(cloud, None)
    ask.headers["Authorization"] = "Basic bm90OnJpZ2h0"
    assert (await ask("GET", "/rest/api/3/myself")).status == 401
    assert (await ask("GET", f"/rest/api/3/issue/{issue.key}")).status == 404
    found = await ask("GET", "/rest/api/3/search/jql?jql=project=DEMO")
    assert (found.status, found.json["issues"]) == (200, [])


async def test_data_center_refuses_who_is_not_known(data_center, as_person):
    issue = await data_center.create_issue(summary="x")
    ask = as_person(data_center, None)
    answer = await ask("GET", f"/rest/api/2/issue/{issue.key}")
    assert answer.status == 401
    assert answer.headers["x-ausername"] == "anonymous"


async def test_data_center_11_has_no_basic_authentication(as_person):
    async with Sandbox(deployment="dc", dc_version="11.3.0") as sandbox:
        ask = as_person(sandbox, None)
        ask.headers["Authorization"] = "Basic bm90OnJpZ2h0"
        answer = await ask("GET", "/rest/api/2/myself")
    assert (answer.status, answer.json["message"]) == (403, "Basic Authentication has been disabled on this instance.")


async def test_people_are_known_by_what_their_jira_calls_them(cloud, data_center, as_person):
    on_cloud = (await as_person(cloud, cloud.bot)("GET", "/rest/api/3/myself")).json
    assert on_cloud["accountId"] == cloud.bot.account_id
    assert not {"name", "key"} & on_cloud.keys()
    on_dc = (await as_person(data_center, data_center.bot)("GET", "/rest/api/2/myself")).json
    assert (on_dc["name"], on_dc["key"]) == ("openhands", "JIRAUSER10100")
    assert "accountId" not in on_dc


async def test_users_are_found_by_id_and_by_search(cloud, data_center, as_person):
    ask = as_person(cloud, cloud.bot)
    assert (await ask("GET", f"/rest/api/3/user?accountId={cloud.ada.account_id}")).json[
        "displayName"
    ] == "Ada Lovelace"
    assert [u["accountId"] for u in (await ask("GET", "/rest/api/3/user/search?query=ada")).json] == [
        cloud.ada.account_id
    ]
    assert (await ask("GET", "/rest/api/3/user?accountId=nobody")).status == 404
    ask = as_person(data_center, data_center.bot)
    assert (await ask("GET", "/rest/api/2/user?username=grace")).json["key"] == data_center.grace.key
    assert (await ask("GET", f"/rest/api/2/user?key={data_center.grace.key}")).json["name"] == "grace"
    assert [u["name"] for u in (await ask("GET", "/rest/api/2/user/search?username=grace@example.com")).json] == [
        "grace"
    ]


async def test_permissions_tell_what_was_taken_away(jira, as_person):
    jira.jira.deny(jira.bot, "EDIT_ISSUES")
    told = await as_person(jira, jira.bot)("GET", "/rest/api/2/mypermissions?permissions=EDIT_ISSUES,ADD_COMMENTS")
    assert {name: p["havePermission"] for name, p in told.json["permissions"].items()} == {
        "EDIT_ISSUES": False,
        "ADD_COMMENTS": True,
    }


async def test_data_center_has_no_v3_and_cloud_no_changelog_on_old_search(data_center, cloud, as_person):
    assert (await as_person(data_center, data_center.bot)("GET", "/rest/api/3/myself")).status == 404
    assert (await as_person(cloud, cloud.bot)("GET", "/rest/api/3/search?jql=project=DEMO")).status == 410


async def test_an_issue_is_read_by_key_and_id_with_the_fields_asked_for(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    by_key = (await ask("GET", f"/rest/api/2/issue/{issue.key}?fields=summary,labels")).json
    assert by_key["fields"] == {"summary": "Login fails", "labels": ["ui"]}
    assert by_key["self"] == f"{jira.base_url}/rest/api/2/issue/{issue.id}"
    whole = (await ask("GET", f"/rest/api/2/issue/{issue.id}")).json
    assert whole["fields"]["description"] == "It *fails*."
    assert whole["fields"]["comment"]["total"] == 0


async def test_cloud_gives_a_description_as_adf_in_v3(cloud, as_person):
    issue = await cloud.create_issue(summary="x", description="It *fails*.")
    read = (await as_person(cloud, cloud.bot)("GET", f"/rest/api/3/issue/{issue.key}?fields=description")).json
    assert read["fields"]["description"]["content"][0]["content"][1]["marks"] == [{"type": "strong"}]


async def test_a_comment_is_made_read_edited_and_deleted(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    comments = api(jira, f"/issue/{issue.key}/comment")
    made = await ask("POST", comments, {"body": body(jira, "First")})
    assert made.status == 201
    assert made.json["created"].endswith("+0000")
    one = f"{comments}/{made.json['id']}"
    assert (await ask("GET", one)).json["body"] == body(jira, "First")
    edited = await ask("PUT", one, {"body": body(jira, "Second")})
    assert (edited.status, edited.json["body"]) == (200, body(jira, "Second"))
    assert edited.json["updated"] > edited.json["created"]
    assert [(c.text, c.edits, c.author) for c in jira.comments(issue.key)] == [("Second", 1, jira.bot)]
    assert (await ask("DELETE", one)).status == 204
    assert (await ask("GET", one)).status == 404


async def test_comments_come_in_pages_from_either_end(jira, issue, as_person):
    for number in range(5):
        await jira.comment(issue.key, f"c{number}")
    ask = as_person(jira, jira.bot)
    page = (await ask("GET", f"/rest/api/2/issue/{issue.key}/comment?orderBy=-created&startAt=1&maxResults=2")).json
    assert [c["body"] for c in page["comments"]] == ["c3", "c2"]
    assert (page["startAt"], page["maxResults"], page["total"]) == (1, 2, 5)


async def test_cloud_reads_a_comment_of_one_version_in_the_other(cloud, as_person):
    issue = await cloud.create_issue(summary="x")
    ask = as_person(cloud, cloud.bot)
    made = await ask("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": doc("A [word]")})
    as_wiki = await ask("GET", f"/rest/api/2/issue/{issue.key}/comment/{made.json['id']}")
    assert as_wiki.json["body"] == "A \\[word\\]"
    made = await ask("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "plain"})
    as_adf = await ask("GET", f"/rest/api/3/issue/{issue.key}/comment/{made.json['id']}")
    assert as_adf.json["body"] == doc("plain")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(doc(""), "INVALID_INPUT", id="an empty text is invalid"),
        pytest.param(doc("x" * 33_000), "CONTENT_LIMIT_EXCEEDED", id="a long text exceeds the limit"),
    ],
)
async def test_cloud_refuses_a_whole_comment(cloud, as_person, document, message):
    issue = await cloud.create_issue(summary="x")
    answer = await as_person(cloud, cloud.bot)("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": document})
    assert (answer.status, answer.json["errorMessages"]) == (400, [message])
    assert cloud.comments(issue.key) == []


async def test_each_version_refuses_the_other_ones_body(cloud, as_person):
    issue = await cloud.create_issue(summary="x")
    ask = as_person(cloud, cloud.bot)
    assert (await ask("POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": "wiki"})).status == 400
    assert (await ask("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": doc("adf")})).status == 400


async def test_a_wiki_comment_may_have_32767_characters(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    assert (await ask("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x" * 32_767})).status == 201
    answer = await ask("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x" * 32_768})
    assert answer.status == 400
    assert answer.json["errors"]["comment"] == (
        "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
    )


async def test_properties_are_kept_with_the_comment(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    mark = {"key": "jirabot", "value": {"run": "1"}}
    made = await ask("POST", api(jira, f"/issue/{issue.key}/comment"), {"body": body(jira, "x"), "properties": [mark]})
    assert "properties" not in made.json
    path = f"/rest/api/2/comment/{made.json['id']}/properties"
    assert [entry["key"] for entry in (await ask("GET", path)).json["keys"]] == ["jirabot"]
    assert (await ask("GET", f"{path}/jirabot")).json == mark
    assert (await ask("PUT", f"{path}/jirabot", {"run": "2"})).status == 200
    assert (await ask("PUT", f"{path}/other", 1)).status == 201
    assert (await ask("DELETE", f"{path}/other")).status == 204
    assert (await ask("GET", f"{path}/other")).status == 404
    assert jira.comments(issue.key)[0].properties == {"jirabot": {"run": "2"}}
    listed = await ask("GET", api(jira, f"/issue/{issue.key}/comment?expand=properties"))
    assert listed.json["comments"][0]["properties"] == [{"key": "jirabot", "value": {"run": "2"}}]


async def test_properties_can_be_dropped_silently(as_person):
    async with Sandbox(keeps_properties=False) as sandbox:
        issue = await sandbox.create_issue(summary="x")
        ask = as_person(sandbox, sandbox.bot)
        properties = [{"key": "jirabot", "value": 1}]
        made = await ask("POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x", "properties": properties})
        assert made.status == 201
        assert (await ask("GET", f"/rest/api/2/comment/{made.json['id']}/properties")).json == {"keys": []}


async def test_a_restricted_comment_is_seen_by_its_audience_only(jira, issue, as_person):
    jira.jira.exclude(jira.grace, "Developers")
    path = f"/rest/api/2/issue/{issue.key}/comment"
    visibility = {"type": "role", "value": "Developers"}
    made = await as_person(jira, jira.bot)("POST", path, {"body": "secret", "visibility": visibility})
    assert made.json["visibility"]["value"] == "Developers"
    seen = await as_person(jira, jira.grace)("GET", path)
    assert (seen.json["total"], seen.json["comments"]) == (0, [])
    refused = await as_person(jira, jira.grace)("POST", path, {"body": "x", "visibility": visibility})
    assert refused.json["errors"]["commentLevel"] == "You are currently not a member of the project role: Developers."
    opened = await as_person(jira, jira.bot)("PUT", f"{path}/{made.json['id']}", {"body": "not any more"})
    assert "visibility" not in opened.json


@pytest.mark.parametrize(("project", "public"), [("HELP", False), ("DEMO", True)])
async def test_the_property_makes_a_comment_internal_on_a_service_desk_only(cloud, as_person, project, public):
    issue = await cloud.create_issue(summary="x", project=project)
    properties = [{"key": "sd.public.comment", "value": {"internal": True}}]
    made = await as_person(cloud, cloud.bot)(
        "POST", f"/rest/api/3/issue/{issue.key}/comment", {"body": doc("x"), "properties": properties}
    )
    assert made.json["jsdPublic"] is public


async def test_data_center_tells_of_public_only_on_service_desks(data_center, as_person):
    for project, told in (("DEMO", False), ("HELP", True)):
        issue = await data_center.create_issue(summary="x", project=project)
        made = await as_person(data_center, data_center.bot)(
            "POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x"}
        )
        assert ("jsdPublic" in made.json) is told


async def test_labels_are_added_and_removed_and_stand_in_the_changelog(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    update = {"update": {"labels": [{"add": "openhands"}, {"remove": "ui"}]}}
    assert (await ask("PUT", f"/rest/api/2/issue/{issue.key}", update)).status == 204
    assert issue.labels == ["openhands"]
    read = (await ask("GET", f"/rest/api/2/issue/{issue.key}?expand=changelog")).json
    [history] = read["changelog"]["histories"]
    [item] = history["items"]
    assert (item["field"], item["from"], item["fromString"], item["to"], item["toString"]) == (
        "labels", None, "ui", None, "openhands",
    )  # fmt: skip
    spaced = await ask("PUT", f"/rest/api/2/issue/{issue.key}", {"fields": {"labels": ["two words"]}})
    assert (spaced.status, issue.labels) == (400, ["openhands"])


async def test_only_cloud_pages_the_changelog(cloud, data_center, as_person):
    for sandbox, status in ((cloud, 200), (data_center, 404)):
        issue = await sandbox.create_issue(summary="x")
        for label in "abc":
            await sandbox.set_labels(issue.key, [label])
        answer = await as_person(sandbox, sandbox.bot)("GET", f"/rest/api/2/issue/{issue.key}/changelog?maxResults=2")
        assert answer.status == status
        if status == 200:
            assert [h["items"][0]["toString"] for h in answer.json["values"]] == ["a", "b"]
            assert (answer.json["total"], answer.json["isLast"]) == (3, False)


async def test_an_issue_is_assigned_by_what_its_jira_calls_people(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    to = {"accountId": jira.bot.account_id} if jira.deployment == "cloud" else {"name": "openhands"}
    assert (await ask("PUT", f"/rest/api/2/issue/{issue.key}/assignee", to)).status == 204
    assert issue.assignee == jira.bot
    read = (await ask("GET", f"/rest/api/2/issue/{issue.key}?expand=changelog")).json
    wanted = jira.bot.account_id if jira.deployment == "cloud" else jira.bot.key
    assert read["changelog"]["histories"][0]["items"][0]["to"] == wanted
    nobody = {next(iter(to)): None}
    assert (await ask("PUT", f"/rest/api/2/issue/{issue.key}/assignee", nobody)).status == 204
    assert issue.assignee is None


async def test_a_transition_leads_to_its_status_and_none_is_offered_without_permission(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    path = f"/rest/api/2/issue/{issue.key}/transitions"
    offered = (await ask("GET", path)).json["transitions"]
    [progress] = [t for t in offered if t["to"]["statusCategory"]["key"] == "indeterminate"]
    assert (await ask("POST", path, {"transition": {"id": progress["id"]}})).status == 204
    assert issue.status.name == "In Progress"
    assert (await ask("POST", path, {"transition": {"id": "999"}})).status == 400
    jira.jira.deny(jira.bot, "TRANSITION_ISSUES")
    assert (await ask("GET", path)).json["transitions"] == []


async def test_a_remote_link_with_the_same_global_id_is_replaced_as_a_whole(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    path = f"/rest/api/2/issue/{issue.key}/remotelink"
    link = {
        "globalId": "jirabot:1",
        "relationship": "pull request",
        "object": {"url": "https://e.org/1", "title": "PR"},
    }
    first, second = await ask("POST", path, link), await ask("POST", path, {**link, "relationship": None})
    assert (first.status, second.status, first.json["id"]) == (201, 200, second.json["id"])
    [kept] = (await ask("GET", path)).json
    assert (kept["globalId"], kept["relationship"]) == ("jirabot:1", None)
    assert (await ask("POST", path, {"object": {"url": "https://e.org"}})).status == 400


async def test_issues_are_made_searched_and_deleted_over_rest(jira, as_person):
    ask = as_person(jira, jira.bot)
    fields = {"project": {"key": "DEMO"}, "summary": "Made", "issuetype": {"name": "Task"}, "labels": ["x"]}
    made = await ask("POST", "/rest/api/2/issue", {"fields": fields})
    assert (made.status, made.json["key"]) == (201, "DEMO-1")
    missing = await ask("POST", "/rest/api/2/issue", {"fields": {"project": {"key": "DEMO"}}})
    assert "summary" in missing.json["errors"]
    path = "/rest/api/2/search/jql" if jira.deployment == "cloud" else "/rest/api/2/search"
    found = await ask(
        "POST", path, {"jql": "project = DEMO AND updated >= -10m ORDER BY updated", "fields": ["labels"]}
    )
    assert [(i["key"], i["fields"]) for i in found.json["issues"]] == [("DEMO-1", {"labels": ["x"]})]
    assert ("total" in found.json) is (jira.deployment == "dc")
    assert (await ask("POST", path, {"jql": "nonsense ~ x"})).status == 400
    assert (await ask("DELETE", "/rest/api/2/issue/DEMO-1")).status == 204
    assert (await ask("GET", "/rest/api/2/issue/DEMO-1")).status == 404


async def test_a_moved_issue_is_found_by_its_old_key(jira, issue, as_person):
    old = issue.key
    jira.jira.move_issue(issue, "HELP", actor=jira.ada)
    read = await as_person(jira, jira.bot)("GET", f"/rest/api/2/issue/{old}")
    assert read.json["key"] == "HELP-1"


async def test_cloud_tells_its_cloud_id_to_everyone(cloud, data_center, as_person):
    assert (await as_person(cloud, None)("GET", "/_edge/tenant_info")).json["cloudId"]
    assert (await as_person(data_center, None)("GET", "/_edge/tenant_info")).status == 404


async def test_requests_are_logged_with_who_asked(jira, issue, as_person):
    await as_person(jira, jira.bot)("GET", f"/rest/api/2/issue/{issue.key}")
    await jira.until(lambda: jira.requests[0].status)
    assert [(r.method, r.path, r.status, r.actor) for r in jira.requests] == [
        ("GET", f"/rest/api/2/issue/{issue.key}", 200, jira.bot)
    ]


async def test_a_write_that_looks_like_a_browsers_fails_the_xsrf_check(jira, issue, as_person):
    ask = as_person(jira, jira.bot)
    answer = await ask(
        "POST", f"/rest/api/2/issue/{issue.key}/comment", {"body": "x"}, headers={"User-Agent": "Mozilla/5.0"}
    )
    assert (answer.status, jira.comments(issue.key)) == (403, [])


async def test_next_comment_gives_each_comment_once_and_tells_what_stands_where_none_comes(jira, issue):
    await jira.comment(issue.key, "a question", author=jira.ada)
    jira.jira.add_comment(issue, "first", author=jira.bot)
    jira.jira.add_comment(issue, "second", author=jira.bot)
    assert [(await jira.next_comment(issue.key, by=jira.bot)).text for _ in range(2)] == ["first", "second"]
    assert jira.unread(issue.key) == []
    with pytest.raises(CommandFailed, match="Ada Lovelace: 'a question'; OpenHands: 'first'"):
        await jira.next_comment(issue.key, within=0)
