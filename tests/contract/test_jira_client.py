"""What a workspace's Jira promises to core, over the sandbox as Cloud and as Data Center 9, 10 and 11."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from jirabot import __version__
from jirabot.config import WorkspaceDefaults
from jirabot.core.budgets import Bucket, Limit, Urgency
from jirabot.core.credentials import Credentials
from jirabot.core.ids import AccountId, CommentId, EffectId, IssueId, IssueKey, WorkspaceId, WorkspaceName
from jirabot.core.people import Account
from jirabot.core.ports import JiraSite, WebhookAdministration
from jirabot.core.visibility import Internal, Public, Restricted, Visibility
from jirabot.core.webhooks import EVENTS, WantedWebhook
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import (
    BudgetSpent,
    JirabotError,
    JiraBroken,
    JiraGone,
    JiraRefused,
    JiraRejected,
    JiraSilent,
    JiraUnreachable,
    RateLimited,
)
from jirabot.jira import client, shapes
from jirabot.jira.caches import Ages
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections, Timeouts
from jirabot.jira.deployments import DEPLOYMENTS
from jirabot.machine import QuietLog
from jirabot.sandbox.issues import Issue, Person
from jirabot.sandbox.server import Sandbox

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EFFECT, OTHER = EffectId("0198c0de"), EffectId("0198beef")
NOT_THERE = IssueId("99999")
KINDS = [
    pytest.param({"deployment": "cloud"}, id="cloud"),
    pytest.param({"deployment": "dc", "dc_version": "9.12.15", "context_path": "/jira"}, id="dc9"),
    pytest.param({"deployment": "dc", "dc_version": "10.3.5", "context_path": ""}, id="dc10"),
    pytest.param({"deployment": "dc", "dc_version": "11.3.0", "context_path": "/tools/jira"}, id="dc11"),
]


@dataclass
class HandClock:
    """The sandbox's clock and ours; moved by hand."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def clients_of(
    connections: Connections,
    clock: HandClock,
    api_url: str = "https://api.atlassian.com",
    ages: Ages | None = None,
) -> Clients:
    return Clients(
        DEPLOYMENTS,
        connections=connections,
        api_url=api_url,
        clock=clock,
        log=QuietLog(),
        defaults=WorkspaceDefaults(),
        ages=ages,
    )


def workspace(deployment: str, base_url: str, email: str = "") -> Workspace:
    return Workspace(
        id=WorkspaceId(f"{deployment} at {base_url}"),
        name=WorkspaceName("here"),
        deployment=deployment,
        base_url=base_url,
        state=WorkspaceState.ACTIVE,
        auth="api-token",
        authenticity="hmac",
        service_account=Account(id=AccountId("")),
        service_account_email=email,
        created_at=START,
        updated_at=START,
    )


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
    return clients.site(workspace(jira.deployment, jira.base_url, jira.bot.email), Credentials(api_key=jira.bot.token))


@pytest.fixture
async def issue(jira: Sandbox) -> Issue:
    return await jira.create_issue(summary="The login page is broken", description="It shows *nothing*.")


@pytest.fixture
async def request_for_help(jira: Sandbox) -> Issue:
    return await jira.create_issue(summary="I can't log in", project="HELP")


def id_of(jira: Sandbox, person: Person) -> str:
    return person.account_id if jira.deployment == "cloud" else person.key


def id_(issue: Issue) -> IssueId:
    return IssueId(issue.id)


Method = Callable[[JiraSite, IssueId], Awaitable[Any]]
READING: dict[str, Method] = {
    "get_issue": lambda site, issue: site.get_issue(issue),
    "find_comment": lambda site, issue: site.find_comment(issue, CommentId("10000")),
    "list_comments": lambda site, issue: site.list_comments(issue, newest=5),
    "find_change": lambda site, issue: site.find_change(issue, "10000"),
    "list_web_links": lambda site, issue: site.list_web_links(issue),
    "find_marked": lambda site, issue: site.find_marked(issue, EFFECT, since=START),
}
WRITING: dict[str, Method] = {
    "post_comment": lambda site, issue: site.post_comment(issue, "x", visibility=Public(), mark=EFFECT),
    "edit_comment": lambda site, issue: site.edit_comment(issue, CommentId("10000"), "x", visibility=Public()),
}
ASKING: dict[str, Method] = {
    "myself": lambda site, _: site.myself(),
    "find_accounts by id": lambda site, _: site.find_accounts("somebody"),
    "find_accounts by e-mail": lambda site, _: site.find_accounts("ada@example.com"),
}


def methods(*tables: dict[str, Method]) -> Any:
    named = [pytest.param(method, id=name) for table in tables for name, method in table.items()]
    return pytest.mark.parametrize("method", named)


async def test_it_says_which_jira_it_is(jira, site):
    info = await site.server_info()

    versions = {"1001.0.0-SNAPSHOT": 0, "9.12.15": 9, "10.3.5": 10, "11.3.0": 11}
    assert (info.deployment, info.base_url, info.title) == (jira.deployment, jira.base_url, "Jira")
    assert info.version == versions[info.version_name]


async def test_it_says_who_the_service_account_is(jira, site):
    me = await site.myself()

    name = "" if jira.deployment == "cloud" else "openhands"
    assert me == Account(
        id=AccountId(id_of(jira, jira.bot)), name=name, display_name="OpenHands", email="openhands@example.com"
    )


async def test_an_account_is_found_by_its_id(jira, site):
    assert [account.display_name for account in await site.find_accounts(id_of(jira, jira.ada))] == ["Ada Lovelace"]


async def test_an_account_is_found_by_its_user_name_on_data_center_only(jira, site):
    found = [account.id for account in await site.find_accounts("ada")]

    assert found == ([] if jira.deployment == "cloud" else [jira.ada.key])


@pytest.mark.parametrize("email", ["ada@example.com", "Ada@Example.COM"])
async def test_an_account_is_found_by_its_whole_e_mail_in_any_case(jira, site, email):
    jira.jira.add_person("Ada@example.comrade Impostor")

    assert [account.id for account in await site.find_accounts(email)] == [id_of(jira, jira.ada)]


async def test_accounts_of_one_e_mail_are_all_found(jira, site):
    again = jira.jira.add_person("Ada Byron")

    assert {account.id for account in await site.find_accounts("ada@example.com")} == {
        id_of(jira, jira.ada),
        id_of(jira, again),
    }


@pytest.mark.parametrize("query", ["nobody", "nobody@example.com", "@", "ada@example.co"])
async def test_who_is_not_there_is_not_found(site, query):
    assert await site.find_accounts(query) == []


async def test_who_hides_the_e_mail_on_cloud_is_not_found_by_it(jira, site):
    hidden = jira.jira.add_person("Mary Somerville", email_visible=False)
    found = [account.id for account in await site.find_accounts(hidden.email)]

    assert found == ([] if jira.deployment == "cloud" else [hidden.key])


async def test_an_issue_is_read_by_its_id(jira, site, issue):
    await jira.set_labels(issue.key, ["openhands", "bug"])
    await jira.assign(issue.key, jira.grace)
    found = await site.get_issue(id_(issue))

    assert (found.id, found.key, found.summary) == (issue.id, "DEMO-1", "The login page is broken")
    assert found.description.raw == "It shows *nothing*."
    assert (found.project_key, found.is_service_desk, found.labels) == ("DEMO", False, ("bug", "openhands"))
    assert (found.status, found.issue_type) == ("To Do", "Task")
    people = [person and person.id for person in (found.creator, found.reporter, found.assignee)]
    assert people == [id_of(jira, jira.ada), id_of(jira, jira.ada), id_of(jira, jira.grace)]


async def test_an_issue_is_read_by_a_key_that_it_once_had(jira, site, issue):
    jira.jira.move_issue(issue, "HELP", actor=jira.ada)
    found = await site.get_issue(IssueKey("DEMO-1"))

    assert (found.id, found.key, found.is_service_desk) == (issue.id, "HELP-1", True)


async def test_a_comment_is_read(jira, site, issue):
    written = await jira.comment(issue.key, "@openhands fix *it*\r\nplease")
    found = await site.find_comment(id_(issue), CommentId(written.id))

    assert found is not None
    assert (found.id, found.body.raw, found.author.id) == (
        written.id,
        "@openhands fix *it*\r\nplease",
        id_of(jira, jira.ada),
    )
    assert (found.created_at, found.updated_at, found.editor, found.visibility) == (START, START, None, Public())


async def test_a_comment_that_another_changed_names_its_editor(jira, site, issue):
    written = await jira.comment(issue.key, "x")
    await jira.edit_comment(issue.key, written.id, "y", actor=jira.grace)
    found = await site.find_comment(id_(issue), CommentId(written.id))

    assert found is not None
    assert (found.author.id, found.writer.id) == (id_of(jira, jira.ada), id_of(jira, jira.grace))


async def test_the_newest_comments_are_listed_oldest_first(jira, site, issue):
    for text in ("one", "two", "three"):
        await jira.comment(issue.key, text)

    assert [comment.body.raw for comment in await site.list_comments(id_(issue), newest=2)] == ["two", "three"]


@pytest.mark.parametrize(("text", "beside"), [("|a\n" * 3000, True), ("|a", False)])
async def test_long_texts_are_read_beside_the_loop(jira, site, monkeypatch, text, beside):
    """Markup made for it takes a second to read, and there may be fifty comments of it; webhooks would wait."""
    issue = await jira.create_issue(summary="Long", description=text)
    comment = await jira.comment(issue.key, text)
    threads: list[threading.Thread] = []
    read_body = shapes.read_body

    def read(*given):
        threads.append(threading.current_thread())
        return read_body(*given)

    monkeypatch.setattr(shapes, "read_body", read)
    await site.get_issue(id_(issue))
    await site.find_comment(id_(issue), CommentId(comment.id))
    await site.list_comments(id_(issue), newest=5)

    assert [thread is not threading.main_thread() for thread in threads] == [beside] * 3


async def test_an_issue_without_comments_has_none(site, issue):
    assert await site.list_comments(id_(issue), newest=5) == []


async def test_a_change_is_found_by_its_id(jira, site, issue):
    await jira.set_labels(issue.key, ["bug", "old"])
    await jira.set_labels(issue.key, ["bug", "openhands"], actor=jira.grace)
    found = await site.find_change(id_(issue), issue.histories[1].id)

    assert found is not None
    assert (found.labels_added, found.labels_removed) == (("openhands",), ("old",))
    assert found.author is not None
    assert found.author.id == id_of(jira, jira.grace)


@pytest.mark.parametrize("index", [0, 99, 100, 101, 149, 150, 249])
async def test_a_change_is_found_among_250(jira, site, issue, index):
    for number in range(250):
        await jira.set_labels(issue.key, [f"label-{number}"])
    found = await site.find_change(id_(issue), issue.histories[index].id)

    assert found is not None
    assert found.labels_added == (f"label-{index}",)
    assert len(jira.requests) <= 3


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
async def test_a_change_that_is_not_there_is_not_found(jira, site, issue, count):
    for number in range(count):
        await jira.set_labels(issue.key, [f"label-{number}"])

    assert await site.find_change(id_(issue), "99999") is None


async def test_the_web_links_of_an_issue_are_listed(jira, site, issue):
    for name in ("shop", "site"):
        link = {"object": {"url": f"https://git.example/acme/{name}", "title": name}}
        jira.jira.put_remote_link(issue, link)

    assert await site.list_web_links(id_(issue)) == ["https://git.example/acme/shop", "https://git.example/acme/site"]


async def test_where_links_are_switched_off_there_are_none(jira, site, issue):
    jira.faults.add("answer", path="/remotelink$", status=403)

    assert await site.list_web_links(id_(issue)) == []


def test_the_address_of_an_issue_is_under_the_base_url(jira, site):
    assert site.issue_address(IssueKey("DEMO-1")) == f"{jira.base_url}/browse/DEMO-1"
    assert site.issue_address(IssueKey("../x?y#z")) == f"{jira.base_url}/browse/..%2Fx%3Fy%23z"


async def test_a_comment_is_posted_with_its_mark(jira, site, issue):
    posted = await site.post_comment(id_(issue), "**Done.**", visibility=Public(), mark=EFFECT)
    (comment,) = jira.comments(issue.key)

    assert (comment.id, comment.author, comment.text) == (posted, jira.bot, "Done.")
    assert (comment.properties, comment.visibility) == ({"jirabot": {"effect": "0198c0de"}}, None)
    assert isinstance(comment.body, dict) is (jira.deployment == "cloud")


async def test_a_comment_is_edited_and_keeps_its_mark(jira, site, issue):
    posted = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)
    await site.edit_comment(id_(issue), posted, "Still on it.", visibility=Public())
    (comment,) = jira.comments(issue.key)

    assert (comment.text, comment.edits, comment.properties) == ("Still on it.", 1, {"jirabot": {"effect": "0198c0de"}})


async def test_an_edit_notifies_nobody_on_cloud(jira, site, issue):
    posted = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)
    await site.edit_comment(id_(issue), posted, "Still on it.", visibility=Public())

    assert jira.requests[-1].query == ({"notifyUsers": "false"} if jira.deployment == "cloud" else {})


RESTRICTED = [
    pytest.param({"type": "role", "value": "Developers", "identifier": "Developers"}, id="role"),
    pytest.param({"type": "group", "value": "staff", "identifier": "staff"}, id="group"),
]


@pytest.mark.parametrize("restricted", RESTRICTED)
async def test_the_restriction_of_a_comment_stays_on_its_answer_and_on_the_answers_edit(jira, site, issue, restricted):
    asked = await jira.comment(issue.key, "@openhands fix it", visibility=restricted)
    read = await site.find_comment(id_(issue), CommentId(asked.id))
    assert read is not None
    assert read.visibility == Restricted(**restricted)

    posted = await site.post_comment(id_(issue), "On it.", visibility=read.visibility, mark=EFFECT)
    await site.edit_comment(id_(issue), posted, "Done.", visibility=read.visibility)
    answer = await site.find_comment(id_(issue), posted)

    assert answer is not None
    assert (answer.body.raw, answer.visibility) == ("Done.", Restricted(**restricted))
    jira.jira.exclude(jira.ada, restricted["value"])
    assert not jira.jira.may_see(jira.ada, jira.comments(issue.key)[-1])


async def test_an_internal_comment_is_answered_internally_also_when_the_answer_is_edited(jira, site, request_for_help):
    asked = await jira.comment(request_for_help.key, "@openhands fix it", internal=True)
    read = await site.find_comment(id_(request_for_help), CommentId(asked.id))
    assert read is not None
    assert read.visibility == Internal()

    posted = await site.post_comment(id_(request_for_help), "On it.", visibility=Internal(), mark=EFFECT)
    await site.edit_comment(id_(request_for_help), posted, "Done.", visibility=Internal())
    answer = await site.find_comment(id_(request_for_help), posted)

    assert answer is not None
    assert (answer.body.raw, answer.visibility) == ("Done.", Internal())


async def test_a_restricted_comment_of_a_service_desk_is_internal_too(jira, site, request_for_help):
    """There a role alone keeps nothing from customers."""
    role = Restricted(type="role", value="Developers")
    await site.post_comment(id_(request_for_help), "On it.", visibility=role, mark=EFFECT)

    assert jira.comments(request_for_help.key)[0].internal


async def test_a_public_comment_of_a_service_desk_is_for_its_customers(jira, site, request_for_help):
    await site.post_comment(id_(request_for_help), "On it.", visibility=Public(), mark=EFFECT)

    assert not jira.comments(request_for_help.key)[0].internal


@pytest.mark.parametrize(
    "visibility",
    [
        pytest.param(Restricted(type="role", value="Developers"), id="a role that the service account is not in"),
        pytest.param(Restricted(type="role", value=""), id="a role without name"),
        pytest.param(Restricted(type="", value="Developers"), id="what is neither role nor group"),
    ],
)
async def test_nothing_is_posted_where_jira_refuses_the_restriction(jira, site, issue, visibility: Visibility):
    jira.jira.exclude(jira.bot, "Developers")
    with pytest.raises(JiraRejected, match=r"Jira does not take it \(400\)"):
        await site.post_comment(id_(issue), "On it.", visibility=visibility, mark=EFFECT)

    assert jira.comments(issue.key) == []


async def test_nothing_is_posted_where_the_service_account_may_not_comment(jira, site, issue):
    jira.jira.deny(jira.bot, "ADD_COMMENTS")
    with pytest.raises(JiraRejected, match="permission to comment"):
        await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)


async def test_a_text_of_40_000_characters_is_cut_and_taken(jira, site, issue):
    await site.post_comment(id_(issue), ("word " * 200 + "\n\n") * 40, visibility=Public(), mark=EFFECT)
    (comment,) = jira.comments(issue.key)

    assert 28_000 < len(comment.text) < 30_000
    assert comment.text.endswith("The rest was cut: Jira takes no longer comment.")


HOSTILE = {
    "a list in a list of lists": "* a\n  * b\n    1. c\n\n       > d\n\n       ```\n       e\n       ```",
    "a heading in a list item": "- # a\n- ---\n- | b |\n  |---|\n  | c |",
    "a quotation in a quotation": "> a\n> > # b\n> > > - c\n> ---",
    "an item without text": "-\n-\n  - a\n1.\n2. b",
    "a task list": "- [ ] a\n- [x] b",
    "a table of uneven rows": "| a | b |\n|---|---|\n| c |\n| d | e | f |\n| `x \\| y` | |",
    "an empty table": "|  |  |\n|---|---|",
    "an empty code block": "```\n```\n\n```c++\n\n```",
    "a code block of an unknown language": "```ts-x {1,3}\na * b * c\n# no heading\n```",
    "a fence that is not closed": "```python\nprint('{code}')",
    "macros": "{code}a{code} {quote} {html}<b>x</b>{html} {panel:title=x} \\{color:red} {{a}} {noformat}",
    "a mention and an image": "[~ada] [~accountid:5] @ada !http://evil.example/x.png! ![a](http://x.example/y.png)",
    "links": "[a](javascript:alert(1)) [b]() [c](<http://x.example/a b>) <http://x.example/[1]|2> [](http://x.example)",
    "marks in marks": "***a** b* ~~c **d _e_ `f`~~ **`g`** [**h** `i`](http://x.example)",
    "words with underlines": "__init__.py a*b*c 2*3*4 snake_case_name",
    "HTML": "<script>alert(1)</script>\n\n<details><summary>a</summary>\n\nb\n</details>",
    "breaks": "a  \nb\\\nc\n\n\n\nd\r\ne\rf",
    "control characters": "a\x00b\x07c\x1bd\x7fe\x85f",
    "other blanks": "a\u00a0b\u200bc\u2028d\u2029e\ufefff",
    "beyond the first plane": "\U0001f600 \U00020000 e\u0301 \u202eabc\u202c",
    "deep lists": "\n".join("  " * depth + "- a" for depth in range(40)),
    "deep quotations": ">" * 60 + " a",
    "many marks": "*a" * 500 + "_b" * 500 + "`c" * 501,
    "nothing": "",
    "no letters": "### \n***\n~~~\n>",
}


async def test_every_text_is_taken_at_the_first_attempt(jira, site, issue, clock):
    """The sandbox's Cloud refuses a comment for one wrong node, as Jira does."""
    refused: list[str] = []
    for name, text in HOSTILE.items():
        await clock.sleep(1)
        try:
            await site.post_comment(id_(issue), text, visibility=Public(), mark=EFFECT)
        except JiraRejected:
            refused.append(name)

    assert refused == []
    assert [request.status for request in jira.requests] == [201] * len(HOSTILE)


INVALID = {"errorMessages": ["INVALID_INPUT"], "errors": {}}


async def test_a_document_that_cloud_does_not_take_is_posted_as_one_block_of_code(jira, site, issue):
    jira.faults.add("answer", method="POST", path="/comment$", status=400, body=INVALID)
    if jira.deployment == "dc":
        with pytest.raises(JiraRejected):
            await site.post_comment(id_(issue), "Done in **two** steps.", visibility=Public(), mark=EFFECT)
        return
    posted = await site.post_comment(id_(issue), "Done in **two** steps.", visibility=Public(), mark=EFFECT)
    (comment,) = jira.comments(issue.key)

    assert (comment.id, comment.properties) == (posted, {"jirabot": {"effect": "0198c0de"}})
    code = {"type": "codeBlock", "content": [{"type": "text", "text": "Done in two steps."}]}
    assert comment.body == {"type": "doc", "version": 1, "content": [code]}


async def test_the_plainer_form_keeps_the_restriction(jira, site, issue):
    jira.faults.add("answer", method="POST", path="/comment$", status=400, body=INVALID)
    role = Restricted(type="role", value="Developers")
    try:
        await site.post_comment(id_(issue), "Done.", visibility=role, mark=EFFECT)
    except JiraRejected:
        assert jira.deployment == "dc"
    assert [comment.visibility and comment.visibility["value"] for comment in jira.comments(issue.key)] == (
        ["Developers"] if jira.deployment == "cloud" else []
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(400, {"errorMessages": [], "errors": {"comment": "No."}}, id="another reason"),
        pytest.param(413, INVALID, id="another status"),
    ],
)
async def test_another_refusal_is_not_tried_again(jira, site, issue, status, body):
    jira.faults.add("answer", method="POST", path="/comment$", status=status, body=body)
    with pytest.raises(JiraRejected) as caught:
        await site.post_comment(id_(issue), "Done.", visibility=Public(), mark=EFFECT)

    assert caught.value.status == status
    assert [request.method for request in jira.requests] == ["POST", "GET"]
    assert jira.comments(issue.key) == []


async def test_a_document_that_is_never_taken_is_rejected(jira, site, issue):
    jira.faults.add("answer", method="POST", path="/comment$", status=400, body=INVALID, times=None)
    with pytest.raises(JiraRejected, match="INVALID_INPUT"):
        await site.post_comment(id_(issue), "Done.", visibility=Public(), mark=EFFECT)


async def test_a_mark_is_found(site, issue):
    posted = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)
    await site.post_comment(id_(issue), "Done.", visibility=Public(), mark=OTHER)

    assert await site.find_marked(id_(issue), EFFECT, since=START) == posted


async def test_a_mark_is_found_after_an_edit_and_behind_others_comments(jira, site, issue):
    posted = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)
    await site.edit_comment(id_(issue), posted, "Done.", visibility=Public())
    for number in range(30):
        await jira.comment(issue.key, f"remark {number}")

    assert await site.find_marked(id_(issue), EFFECT, since=START) == posted


async def test_a_mark_on_a_restricted_comment_is_found(site, issue):
    role = Restricted(type="role", value="Developers")
    posted = await site.post_comment(id_(issue), "On it.", visibility=role, mark=EFFECT)

    assert await site.find_marked(id_(issue), EFFECT, since=START) == posted


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({}, id="no comment has one"),
        pytest.param({"jirabot": {"effect": OTHER}}, id="another effect's"),
        pytest.param({"jirabot": {"run": EFFECT}}, id="not an effect's"),
        pytest.param({"jirabot": EFFECT}, id="of another shape"),
        pytest.param({"jirabot": {"effect": [EFFECT]}}, id="of another type"),
        pytest.param({"other": {"effect": EFFECT}}, id="another program's"),
    ],
)
async def test_a_mark_is_not_found(jira, site, issue, properties):
    jira.jira.add_comment(issue, "On it.", author=jira.bot, properties=properties)

    assert await site.find_marked(id_(issue), EFFECT, since=START) is None


async def test_a_mark_that_another_set_is_not_believed(jira, site, issue):
    """Whoever may comment may set a property: it must not pass for ours."""
    jira.jira.add_comment(issue, "On it.", author=jira.ada, properties={"jirabot": {"effect": EFFECT}})

    assert await site.find_marked(id_(issue), EFFECT, since=START) is None


@pytest.mark.parametrize(("hours", "is_found"), [(-2, False), (-0.9, True), (0, True), (2, True)])
async def test_a_mark_is_looked_for_from_an_hour_before(site, issue, clock, hours, is_found):
    """Jira's clock may be that far behind ours."""
    clock.at = START + timedelta(hours=hours)
    posted = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)

    assert await site.find_marked(id_(issue), EFFECT, since=START) == (posted if is_found else None)


async def test_what_was_taken_without_an_answer_is_found_by_its_mark(jira, site, issue):
    jira.faults.add("commit-then-drop", method="POST")
    with pytest.raises(JiraSilent):
        await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)

    assert await site.find_marked(id_(issue), EFFECT, since=START) == jira.comments(issue.key)[0].id


@pytest.fixture
def forgetful(jira: Sandbox) -> Sandbox:
    """It drops the properties of comments."""
    jira.jira.keeps_properties = False
    return jira


async def test_whether_a_comment_kept_its_mark_is_told(jira, site, issue):
    kept = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT)
    jira.jira.keeps_properties = False
    dropped = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=OTHER)

    assert await site.is_marked(kept, EFFECT)
    assert not await site.is_marked(kept, OTHER)
    assert not await site.is_marked(dropped, OTHER)


async def test_a_footer_marks_a_comment_and_its_edits(forgetful, site, issue):
    one = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=EFFECT, footer="jirabot 0198c0de")
    two = await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=OTHER, footer="jirabot 0198beef")
    await site.edit_comment(id_(issue), one, "**Done.**", visibility=Public(), footer="jirabot 0198c0de")

    assert [comment.text for comment in forgetful.comments(issue.key)] == [
        "Done.\n\njirabot 0198c0de",
        "On it.\n\njirabot 0198beef",
    ]
    assert await site.find_marked(id_(issue), EFFECT, since=START) == one
    assert await site.find_marked(id_(issue), OTHER, since=START) == two
    assert await site.find_marked(id_(issue), EffectId("0198dead"), since=START, words="Done.") is None


async def test_a_footer_of_another_author_is_not_believed(forgetful, site, issue):
    await forgetful.comment(issue.key, "On it.\n\njirabot 0198c0de")

    assert await site.find_marked(id_(issue), EFFECT, since=START) is None


async def test_what_bears_no_mark_is_found_by_its_words_where_they_are_given(forgetful, site, issue):
    text = "**Ada**, I am on it: “[the login](https://acme.example/x)”.\n\n- `a_b`\n- c\n\n```python\nx = 1\n```"
    posted = await site.post_comment(id_(issue), text, visibility=Public(), mark=EFFECT)
    await forgetful.comment(issue.key, text)

    assert await site.find_marked(id_(issue), EFFECT, since=START, words=text) == posted
    assert await site.find_marked(id_(issue), EFFECT, since=START, words="Another text") is None
    assert await site.find_marked(id_(issue), EFFECT, since=START) is None


async def test_what_bears_another_mark_is_not_found_by_its_words(site, issue):
    await site.post_comment(id_(issue), "On it.", visibility=Public(), mark=OTHER)

    assert await site.find_marked(id_(issue), EFFECT, since=START, words="On it.") is None


@methods({name: method for name, method in READING.items() if name != "find_comment"}, WRITING)
async def test_of_an_issue_that_is_gone_it_says_so(site, method):
    with pytest.raises(JiraGone) as caught:
        await method(site, NOT_THERE)

    assert caught.value.status == 404


async def test_a_comment_of_an_issue_that_is_gone_is_none(site):
    assert await site.find_comment(NOT_THERE, CommentId("10000")) is None


async def test_an_issue_that_the_service_account_may_not_see_is_gone(jira, site, issue):
    jira.jira.deny(jira.bot, "BROWSE_PROJECTS")
    with pytest.raises(JiraGone):
        await site.get_issue(id_(issue))


async def test_a_comment_that_is_gone_is_none(jira, site, issue):
    written = await jira.comment(issue.key, "x")
    await jira.delete_comment(issue.key, written.id)

    assert await site.find_comment(id_(issue), CommentId(written.id)) is None


async def test_a_comment_of_another_issue_is_none(jira, site, issue):
    other = await jira.create_issue(summary="Another")
    written = await jira.comment(other.key, "x")

    assert await site.find_comment(id_(issue), CommentId(written.id)) is None


async def test_an_edit_of_a_comment_that_is_gone_says_so(site, issue):
    with pytest.raises(JiraGone):
        await site.edit_comment(id_(issue), CommentId("99999"), "x", visibility=Public())


@methods(READING, WRITING, ASKING)
async def test_bad_credentials_are_refused_and_nothing_seems_gone(jira, clients, issue, method):
    """Jira Cloud treats them as nobody's: it says 404, or finds nothing."""
    await jira.comment(issue.key, "x")
    site = clients.site(
        workspace(jira.deployment, jira.base_url, jira.bot.email), Credentials(api_key="a token of yesterday")
    )
    with pytest.raises(JiraRefused, match=r"\(401\)"):
        await method(site, id_(issue))


@methods(READING, WRITING, ASKING)
async def test_where_all_is_404_there_is_no_jira_and_nothing_is_gone(jira, site, issue, method):
    """A proxy says so while Jira starts, and so does a base URL without its context path."""
    jira.faults.add("answer", status=404, body="<html>Not Found</html>", times=None)
    with pytest.raises(JiraBroken, match="does not say who that is"):
        await method(site, id_(issue))


async def test_a_base_url_without_jira_says_so(jira, clients):
    site = clients.site(
        workspace(jira.deployment, f"{jira.base_url}/elsewhere", jira.bot.email), Credentials(api_key=jira.bot.token)
    )
    with pytest.raises(JiraBroken, match="does not say of which version it is") as caught:
        await site.server_info()

    assert "context path" in caught.value.hint


ANSWERS = [
    pytest.param({"status": 429, "headers": {"Retry-After": "7"}}, RateLimited, id="429"),
    pytest.param({"status": 503, "headers": {"Retry-After": "7"}}, JiraBroken, id="503"),
    pytest.param({"status": 500, "body": "<html>"}, JiraBroken, id="500"),
    pytest.param({"status": 200, "body": "<html><form>Log in</form></html>"}, JiraBroken, id="a login page"),
    pytest.param({"status": 200, "body": ""}, JiraBroken, id="200 and nothing"),
    pytest.param({"status": 200, "body": {}}, JiraBroken, id="200 and an empty object"),
    pytest.param({"status": 302, "headers": {"Location": "/login.jsp"}}, JiraBroken, id="a redirect"),
    pytest.param({"status": 408}, JiraBroken, id="408"),
    pytest.param({"status": 403}, JiraRefused, id="403"),
]


@pytest.mark.parametrize(("answer", "error"), ANSWERS)
@methods({name: READING[name] for name in ("get_issue", "find_comment")}, {"post": WRITING["post_comment"]})
async def test_an_answer_that_is_no_answer(jira, site, issue, method, answer, error):
    jira.faults.add("answer", **answer)
    with pytest.raises(JirabotError) as caught:
        await method(site, id_(issue))

    assert type(caught.value) is error
    assert jira.comments(issue.key) == []


async def test_it_says_how_long_jira_asks_to_wait(jira, site, issue):
    jira.faults.add("answer", status=429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as caught:
        await site.get_issue(id_(issue))

    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(jira, site, issue, status):
    jira.faults.add("answer", status=status, headers={"Location": f"{jira.base_url}/rest/api/2/elsewhere"})
    with pytest.raises(JiraBroken, match="redirect"):
        await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)

    assert [request.path.rpartition("/")[2] for request in jira.requests] == ["comment"]


@methods({"get_issue": READING["get_issue"], "post_comment": WRITING["post_comment"]})
async def test_a_reset_connection_is_silence(jira, site, issue, method):
    jira.faults.add("reset", times=None)
    with pytest.raises(JiraSilent):
        await method(site, id_(issue))


@pytest.mark.parametrize(("does", "count"), [("hang", 0), ("commit-then-hang", 1)])
async def test_a_time_out_is_silence_whether_the_comment_stands_or_not(jira, clock, issue, does, count):
    connections = Connections(Timeouts(total=1.0))
    clients = clients_of(connections, clock)
    site = clients.site(workspace(jira.deployment, jira.base_url, jira.bot.email), Credentials(api_key=jira.bot.token))
    fault = jira.faults.add(does, method="POST")
    with pytest.raises(JiraSilent):
        await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)
    await connections.aclose()

    assert (fault.hits, len(jira.comments(issue.key))) == (1, count)


async def test_a_comment_is_never_posted_again_by_itself(jira, site, issue):
    await site.post_comment(id_(issue), "one", visibility=Public(), mark=EFFECT)
    jira.faults.add("commit-then-drop", method="POST")
    with pytest.raises(JiraSilent):
        await site.post_comment(id_(issue), "two", visibility=Public(), mark=OTHER)

    assert [comment.text for comment in jira.comments(issue.key)] == ["one", "two"]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody else takes and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("deployment", ["cloud", "dc"])
@methods({"get_issue": READING["get_issue"], "post_comment": WRITING["post_comment"]})
async def test_nobody_there_is_unreachable(clients, closed_port, deployment, method):
    site = clients.site(workspace(deployment, f"http://127.0.0.1:{closed_port}"), Credentials(api_key="token"))
    with pytest.raises(JiraUnreachable, match=f"no connection to Jira at `http://127.0.0.1:{closed_port}`"):
        await method(site, IssueId("1"))


@dataclass
class Recorder:
    """Answers everything with one object that names another Jira, sets a cookie, and keeps what it was asked."""

    url: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path_qs, headers))
        assert request.transport is not None
        self.connections.append(request.transport.get_extra_info("peername"))
        return web.json_response(self.answer, headers={"Set-Cookie": "JSESSIONID=5; Path=/"})


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = Recorder()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", recorder.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    # By name: aiohttp's own cookie jar keeps none of a bare address, and would look like none.
    recorder.url = f"http://localhost:{runner.addresses[0][1]}"
    yield recorder
    await runner.cleanup()


AUTHORIZATION = {"cloud": "Basic Ym90QGFjbWUuZXhhbXBsZTp0MGtlbg==", "dc": "Bearer t0ken"}


@pytest.fixture(params=["cloud", "dc"])
async def recorded(request: pytest.FixtureRequest, clients: Clients, recorder: Recorder) -> JiraSite:
    recorder.answer = {"id": "1", "accountId": "a", "key": "k", "self": "http://127.0.0.1:1/rest/api/2/x"}
    return clients.site(
        workspace(request.param, f"{recorder.url}/jira", "bot@acme.example"), Credentials(api_key="t0ken")
    )


async def test_every_request_says_who_asks_and_carries_no_cookie(recorder, recorded, request):
    for method in (*READING.values(), *WRITING.values(), *ASKING.values()):
        await method(recorded, IssueId("1"))

    deployment = request.node.callspec.params["recorded"]
    assert len(recorder.requests) > 10
    assert {headers["user-agent"] for _, _, headers in recorder.requests} == {f"jirabot/{__version__}"}
    assert {headers["authorization"] for _, _, headers in recorder.requests} == {AUTHORIZATION[deployment]}
    assert {headers["accept"] for _, _, headers in recorder.requests} == {"application/json"}
    assert [headers for _, _, headers in recorder.requests if "cookie" in headers] == []


async def test_every_request_goes_to_the_base_url_of_the_workspace_whatever_an_answer_says(recorder, recorded):
    """The `self` in each answer names a port where nobody listens."""
    for method in (*READING.values(), *WRITING.values(), *ASKING.values()):
        await method(recorded, IssueId("1"))

    assert [path for _, path, _ in recorder.requests if not path.startswith("/jira/rest/api/")] == []


async def test_every_write_says_that_it_is_json_and_no_forgery(recorder, recorded):
    for method in WRITING.values():
        await method(recorded, IssueId("1"))

    assert [
        (verb, headers["content-type"], headers["x-atlassian-token"]) for verb, _, headers in recorder.requests
    ] == [
        ("POST", "application/json", "no-check"),
        ("PUT", "application/json", "no-check"),
    ]


async def test_every_write_takes_a_new_connection_and_reads_share_one(recorder, recorded):
    """On a kept one that Jira has closed meanwhile it could not be told whether a comment was taken."""
    for method in (WRITING["post_comment"], READING["list_comments"]) * 3:
        await method(recorded, IssueId("1"))
    writes, reads = recorder.connections[::2], recorder.connections[1::2]

    assert [verb for verb, _, _ in recorder.requests] == ["POST", "GET"] * 3
    assert (len(set(writes)), len(set(reads))) == (3, 1)


async def test_a_name_is_one_segment_of_a_path_and_one_value_of_a_query(recorder, recorded):
    await recorded.get_issue(IssueKey("../../x?y=1#z"))
    await recorded.find_accounts("a&b=c d+e@x.example")

    assert recorder.requests[0][1].startswith("/jira/rest/api/2/issue/..%2F..%2Fx%3Fy%3D1%23z?fields=summary,")
    assert recorder.requests[1][1].partition("=")[2] == "a%26b%3Dc+d%2Be@x.example"


async def test_two_workspaces_are_asked_side_by_side_each_with_its_own_credentials(clients, recorder):
    recorder.answer = {"accountId": "a", "key": "k"}
    sites = [
        clients.site(workspace(kind, f"{recorder.url}/{kind}", "bot@acme.example"), Credentials(api_key="t0ken"))
        for kind in AUTHORIZATION
    ]
    await asyncio.gather(*(site.myself() for site in sites))

    assert {path.split("/")[1]: headers["authorization"] for _, path, headers in recorder.requests} == AUTHORIZATION


async def test_cloud_is_not_written_to_more_often_than_it_takes_on_one_issue(jira, site, issue, clock):
    """20 in 2 s: what is over it is not sent."""
    for _ in range(10):
        await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)
    if jira.deployment == "cloud":
        with pytest.raises(RateLimited, match="written to as often as Jira allows"):
            await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)
    else:
        await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)
    assert len(jira.comments(issue.key)) == (10 if jira.deployment == "cloud" else 11)

    await clock.sleep(0.3)
    other = await jira.create_issue(summary="Another")
    for each in (issue, other):
        await site.post_comment(id_(each), "x", visibility=Public(), mark=EFFECT)


async def test_a_budget_is_shared_by_all_that_ask_and_a_fifth_kept_for_what_is_urgent(jira, clients, issue, clock):
    of = workspace(jira.deployment, jira.base_url, jira.bot.email)
    calls = Limit(count=10, per=timedelta(hours=1))
    for _ in range(8):
        await clients.site(of, Credentials(api_key=jira.bot.token), calls=calls).myself()
    with pytest.raises(BudgetSpent) as caught:
        await clients.site(of, Credentials(api_key=jira.bot.token), calls=calls).myself()
    assert (caught.value.retry_after_seconds, len(jira.requests)) == (8 * 360, 8)

    urgent = clients.site(of, Credentials(api_key=jira.bot.token), calls=calls, urgency=Urgency.KEPT)
    await urgent.post_comment(id_(issue), "Done.", visibility=Public(), mark=EFFECT)
    assert clients.budgets() == {of.id: Bucket(level=1, at=START)}

    clients.set_budget(of, Bucket(level=0, at=START))
    with pytest.raises(BudgetSpent):
        await urgent.find_marked(id_(issue), EFFECT, since=START)
    await clock.sleep(361)
    await urgent.get_issue(id_(issue))


@pytest.mark.parametrize(
    ("reason", "is_read"),
    [("jira-quota-tenant-based", False), ("", False), ("jira-burst-based", True), ("jira-per-issue-on-write", True)],
)
async def test_a_jira_that_asks_to_wait_is_not_asked_again_before(jira, clients, issue, clock, reason, is_read):
    of = workspace(jira.deployment, jira.base_url, jira.bot.email)
    headers = {"Retry-After": "7"} | ({"RateLimit-Reason": reason} if reason else {})
    jira.faults.add("answer", method="POST", status=429, headers=headers)
    with pytest.raises(RateLimited):
        await clients.site(of, Credentials(api_key=jira.bot.token)).post_comment(
            id_(issue), "x", visibility=Public(), mark=EFFECT
        )
    await clock.sleep(5)

    if is_read:
        await clients.site(of, Credentials(api_key=jira.bot.token)).get_issue(id_(issue))
    else:
        with pytest.raises(RateLimited) as caught:
            await clients.site(of, Credentials(api_key=jira.bot.token)).get_issue(id_(issue))
        assert (caught.value.retry_after_seconds, len(jira.requests)) == (2, 1)
        await clock.sleep(2)
        await clients.site(of, Credentials(api_key=jira.bot.token)).get_issue(id_(issue))


class TestWebhooks:
    """The administration of webhooks, by the path and body of each version (F40)."""

    URL = "https://bot.acme.example/integration/x/events/abc"

    @pytest.fixture
    async def webhooks(self, site: JiraSite) -> WebhookAdministration:
        return site.webhooks(await site.server_info(), dynamic=False)

    async def test_what_is_put_stands_as_it_was_wanted(self, jira, webhooks):
        wanted = WantedWebhook(url=self.URL, secret="a-secret-of-some-length", jql="project = DEMO")
        made = await webhooks.put(wanted, in_place_of=None)
        (stands,) = jira.jira.webhooks.values()

        signs = jira.deployment == "cloud" or made.signed
        assert (made.url, made.jql, made.enabled, set(made.events)) == (self.URL, "project = DEMO", True, set(EVENTS))
        assert (stands.url, stands.jql, stands.exclude_body) == (self.URL, "project = DEMO", False)
        assert stands.secret == ("a-secret-of-some-length" if signs else None)
        assert await webhooks.list() == [made]

    async def test_put_in_anothers_place_there_is_one_and_it_is_switched_on(self, jira, webhooks):
        first = await webhooks.put(WantedWebhook(url=f"{self.URL}/old"), in_place_of=None)
        (stands,) = jira.jira.webhooks.values()
        stands.enabled = False
        again = await webhooks.put(WantedWebhook(url=self.URL, jql="project = HELP"), in_place_of=first)
        assert (again.id, again.url, again.jql, again.enabled) == (first.id, self.URL, "project = HELP", True)
        assert len(jira.jira.webhooks) == 1

    async def test_more_than_a_page_is_listed_whole(self, jira, webhooks):
        for number in range(230):
            jira.add_webhook(f"https://elsewhere.example/{number}", secret=None)
        assert len({each.url for each in await webhooks.list()}) == 230

    async def test_one_is_removed_and_one_that_is_gone_is_told(self, jira, webhooks):
        made = await webhooks.put(WantedWebhook(url=self.URL), in_place_of=None)
        await webhooks.delete(made.id)
        assert jira.jira.webhooks == {}
        with pytest.raises(JiraGone):
            await webhooks.delete(made.id)

    async def test_who_does_not_administer_is_refused(self, jira, webhooks):
        jira.jira.deny(jira.bot, "ADMINISTER")
        with pytest.raises(JiraRefused) as refused:
            await webhooks.list()
        assert refused.value.status == 403

    async def test_permanent_ones_have_nothing_to_refresh(self, webhooks):
        assert await webhooks.refresh(["1"]) is None


class TestSearching:
    async def test_what_changed_is_found_the_newest_first_and_no_more(self, jira, site, clock):
        old, other, newest = [await _made_after(jira, clock, minutes=10) for _ in range(3)]
        clock.at += timedelta(minutes=10)

        assert await site.search_updated(since_minutes=25, most=5) == [id_(newest), id_(other)]
        assert await site.search_updated(since_minutes=45, until_minutes=15, most=5) == [id_(other), id_(old)]
        assert await site.search_updated(since_minutes=45, most=1) == [id_(newest)]
        assert await site.search_updated(since_minutes=45, jql="project = HELP", most=5) == []

    async def test_with_bad_credentials_nothing_is_not_believed(self, jira, site):
        """F81."""
        jira.faults.add("answer", path="/myself$", status=401)
        with pytest.raises(JiraRefused):
            await site.search_updated(since_minutes=5, most=5)

    async def test_a_filter_is_one_condition_whatever_stands_in_it(self, jira, site, clock):
        issue = await _made_after(jira, clock, minutes=1)
        jql = "project = DEMO and status = 'To Do'"
        assert await site.search_updated(since_minutes=5, jql=jql, most=5) == [id_(issue)]


async def _made_after(jira: Sandbox, clock: HandClock, *, minutes: int) -> Issue:
    clock.at += timedelta(minutes=minutes)
    return await jira.create_issue(summary=f"At {clock.at}")


async def test_a_comment_is_deleted(jira, site, issue):
    comment_id = await site.post_comment(id_(issue), "x", visibility=Public(), mark=EFFECT)
    await site.delete_comment(id_(issue), comment_id)
    assert jira.comments(issue.key) == []
    with pytest.raises(JiraGone):
        await site.delete_comment(id_(issue), comment_id)


async def never(refused: str) -> str:
    """Wait for a token that another process was renewing when it died."""
    await asyncio.Event().wait()
    return ""


async def silent(refused: str) -> str:
    raise JiraSilent("Atlassian did not answer")


@pytest.mark.parametrize("access", [never, silent])
async def test_without_a_token_in_time_nothing_was_sent(jira, clients, issue, monkeypatch, access):
    """Else the comment would be looked for, and sent once more, while this one still waits to be sent."""
    monkeypatch.setattr(client, "TOKEN_SECONDS", 0.01)
    of = workspace(jira.deployment, jira.base_url, jira.bot.email)
    jira.requests.clear()
    with pytest.raises(JiraUnreachable):
        await clients.site(of, Credentials(access=access)).post_comment(
            id_(issue), "Hi", visibility=Public(), mark=EFFECT
        )
    assert jira.requests == []


@methods(WRITING)
async def test_a_write_ends_before_somebody_else_looks_for_it(jira, site, issue, monkeypatch, method):
    monkeypatch.setattr(client, "WRITING_SECONDS", 0.1)
    fault = jira.faults.add("hang", path="/comment", times=None)
    try:
        with pytest.raises(JiraSilent, match="could not be written within"):
            await method(site, id_(issue))
    finally:
        fault.release()
