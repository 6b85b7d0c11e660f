"""What the sandbox tells of groups, roles and others' rights, and to whom."""

from urllib.parse import quote

import pytest

from jirabot.sandbox.server import Sandbox


def user(jira: Sandbox, person) -> str:
    return f"accountId={quote(person.account_id)}" if jira.deployment == "cloud" else f"username={person.name}"


@pytest.fixture
def group(jira):
    return jira.jira.members.add_group("web team", jira.ada)


@pytest.fixture
def role(jira, group):
    role = jira.jira.members.add_role("Developers")
    role.people["DEMO"], role.groups["DEMO"] = [jira.grace], [group]
    return role


async def test_somebodys_groups(jira, group, as_person):
    ask = as_person(jira, jira.bot)
    if jira.deployment == "cloud":
        told = await ask("GET", f"/rest/api/3/user/groups?{user(jira, jira.ada)}")
        assert told.json == [{"name": "web team", "groupId": group.id}]
    else:
        told = await ask("GET", f"/rest/api/2/user?{user(jira, jira.ada)}&expand=groups")
        assert [each["name"] for each in told.json["groups"]["items"]] == ["web team"]
        assert (told.json["applicationRoles"]["size"], told.json["applicationRoles"]["items"]) == (1, [])
        assert (await ask("GET", f"/rest/api/2/user/groups?{user(jira, jira.ada)}")).status == 404


async def test_a_customer_has_no_application_on_data_center_and_a_kind_on_cloud(jira, as_person):
    customer = jira.jira.add_person("Carl Customer", account_type="customer")
    told = await as_person(jira, jira.bot)("GET", f"/rest/api/2/user?{user(jira, customer)}&expand=applicationRoles")

    if jira.deployment == "cloud":
        assert told.json["accountType"] == "customer"
    else:
        assert told.json["applicationRoles"] == {"size": 0, "items": []}


async def test_a_groups_members_come_in_pages(jira, group, as_person):
    group.members += [jira.jira.add_person(f"P{number:02} Person") for number in range(59)]
    named = f"groupId={group.id}" if jira.deployment == "cloud" else "groupname=web%20team"
    ask = as_person(jira, jira.bot)

    first = (await ask("GET", f"/rest/api/2/group/member?{named}&maxResults=1000")).json
    last = (await ask("GET", f"/rest/api/2/group/member?{named}&startAt=50")).json

    assert (len(first["values"]), first["maxResults"], first["total"], first["isLast"]) == (50, 50, 60, False)
    assert (len(last["values"]), last["isLast"]) == (10, True)


async def test_a_roles_actors(jira, role, group, as_person):
    ask = as_person(jira, jira.bot)
    roles = (await ask("GET", "/rest/api/2/project/DEMO/role")).json
    people, groups = (await ask("GET", f"/rest/api/2/project/DEMO/role/{role.id}")).json["actors"]

    assert list(roles) == ["Developers"]
    assert roles["Developers"].endswith(f"/role/{role.id}")
    assert (people["type"], groups["type"]) == ("atlassian-user-role-actor", "atlassian-group-role-actor")
    if jira.deployment == "cloud":
        assert people["actorUser"] == {"accountId": jira.grace.account_id}
        assert groups["actorGroup"]["groupId"] == group.id
    else:
        assert (people["name"], groups["name"]) == ("grace", "web team")


async def test_who_has_a_permission_on_an_issue(jira, as_person):
    issue = await jira.create_issue(summary="x")
    jira.jira.deny(jira.grace, "EDIT_ISSUES")
    ask = as_person(jira, jira.bot)
    path = f"/rest/api/2/user/permission/search?permissions=EDIT_ISSUES&issueKey={issue.key}"

    found = [(await ask("GET", f"{path}&{user(jira, each)}")).json for each in (jira.ada, jira.grace)]

    assert [[each["displayName"] for each in people] for people in found] == [["Ada Lovelace"], []]


async def test_data_center_looks_for_the_beginning_of_a_login(data_center, as_person):
    data_center.jira.add_person("Adaline Smith")
    told = await as_person(data_center, data_center.bot)(
        "GET", "/rest/api/2/user/permission/search?permissions=EDIT_ISSUES&username=ada"
    )

    assert [each["name"] for each in told.json] == ["ada", "adaline"]


@pytest.mark.parametrize(
    ("path", "permission", "status"),
    [
        ("user?{ada}", "USER_PICKER", 403),
        ("group/member?groupname=web%20team", "ADMINISTER", 403),
        ("project/DEMO/role", "ADMINISTER_PROJECTS", 404),
        ("project/DEMO/role/10002", "ADMINISTER_PROJECTS", 404),
        ("user/permission/search?permissions=EDIT_ISSUES&{ada}", "ADMINISTER_PROJECTS", 403),
    ],
)
async def test_who_may_not_ask(jira, role, as_person, path, permission, status):
    asked = f"/rest/api/2/{path.format(ada=user(jira, jira.ada))}"
    ask = as_person(jira, jira.bot)
    assert (await ask("GET", asked)).status == 200
    jira.jira.deny(jira.bot, permission)

    assert (await ask("GET", asked)).status == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("group/member", 400),
        ("group/member?groupname=nothing", 404),
        ("project/NONE/role", 404),
        ("project/DEMO/role/99999", 404),
        ("user/permission/search", 400),
        ("user/permission/search?permissions=NOTHING", 400),
    ],
)
async def test_what_can_not_be_asked(jira, as_person, path, status):
    assert (await as_person(jira, jira.bot)("GET", f"/rest/api/2/{path}")).status == status


async def test_a_comment_for_a_group_is_read_by_its_members(jira, group, as_person):
    issue = await jira.create_issue(summary="x")
    await jira.comment(issue.key, "for us", visibility={"type": "group", "value": "web team"})
    path = f"/rest/api/2/issue/{issue.key}/comment"

    seen = [len((await as_person(jira, each)("GET", path)).json["comments"]) for each in (jira.ada, jira.grace)]

    assert seen == [1, 0]
