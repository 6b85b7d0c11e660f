"""The pages: people comment, label and administer by plain forms, and nothing of an agent's text runs."""

import pytest


@pytest.fixture
async def issue(jira):
    return await jira.create_issue(summary="Login <fails>", description="It *fails*.", labels=["ui"])


@pytest.fixture
def browse(jira, as_person):
    return as_person(jira, None)


async def test_the_start_page_lists_issues(jira, issue, browse):
    page = await browse("GET", "/")
    assert page.status == 200
    assert f'href="{jira.context_path}/browse/DEMO-1"' in page.text
    assert "Login &lt;fails&gt;" in page.text


async def test_an_issue_shows_its_comments_rendered_and_escaped(jira, issue, browse):
    jira.jira.exclude(jira.grace, "Staff")
    await jira.comment(issue.key, "*bold* <script>alert(1)</script> [x|javascript:alert(1)]", author=jira.grace)
    document = {"version": 1, "type": "doc", "content": [
        {"type": "codeBlock", "content": [{"type": "text", "text": "a < b"}]},
        {"type": "paragraph", "content": [
            {"type": "mention", "attrs": {"id": jira.ada.account_id}},
            {"type": "text", "text": "evil", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]},
        ]},
    ]}  # fmt: skip
    await jira.comment(issue.key, "", body_adf=document, visibility={"type": "role", "value": "Staff"})
    page = await browse("GET", "/browse/DEMO-1")
    assert "It <strong>fails</strong>." in page.text
    assert "<strong>bold</strong> &lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<code>a &lt; b</code>" in page.text
    assert '<span class="mention">@Ada Lovelace</span>' in page.text
    assert "only Staff" in page.text
    assert 'href="javascript' not in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]


async def test_a_person_comments_by_a_form(jira, issue, browse):
    form = {"issue": "DEMO-1", "person": jira.grace.account_id, "text": "@openhands fix it\r\nplease"}
    answer = await browse("POST", "/sandbox/comment", data=form)
    comment = await jira.next_comment("DEMO-1")
    assert (answer.status, answer.headers["location"]) == (
        303, f"{jira.context_path}/browse/DEMO-1#comment-{comment.id}",
    )  # fmt: skip
    assert (comment.author, comment.body) == (jira.grace, "@openhands fix it\nplease")


async def test_a_form_may_restrict_a_comment(jira, browse):
    issue = await jira.create_issue(summary="x", project="HELP")
    for audience in ("Developers", "internal"):
        form = {"issue": issue.key, "person": jira.ada.account_id, "text": "x", "audience": audience}
        await browse("POST", "/sandbox/comment", data=form)
    restricted, internal = jira.comments(issue.key)
    assert restricted.visibility == {"type": "role", "value": "Developers"}
    assert internal.internal
    assert "internal note" in (await browse("GET", f"/browse/{issue.key}")).text


async def test_labels_status_and_assignee_are_set_by_forms(jira, issue, browse):
    await browse("POST", "/sandbox/labels", data={"issue": "DEMO-1", "add": "openhands"})
    await browse("POST", "/sandbox/labels", data={"issue": "DEMO-1", "remove": "ui"})
    await browse("POST", "/sandbox/transition", data={"issue": "DEMO-1", "status": "3"})
    await browse("POST", "/sandbox/assign", data={"issue": "DEMO-1", "assignee": jira.bot.account_id})
    assert (issue.labels, issue.status.name, issue.assignee) == (["openhands"], "In Progress", jira.bot)


async def test_an_issue_is_created_by_a_form(jira, browse):
    form = {"project": "DEMO", "summary": "New", "description": "d", "labels": "b a", "person": jira.grace.account_id}
    answer = await browse("POST", "/sandbox/issue", data=form)
    made = jira.jira.get_issue("DEMO-1")
    assert answer.headers["location"] == f"{jira.context_path}/browse/DEMO-1"
    assert (made.summary, made.labels, made.reporter) == ("New", ["a", "b"], jira.grace)


async def test_webhooks_are_administered_on_their_page(jira, issue, browse, receiver):
    await browse("POST", "/sandbox/webhook", data={"url": receiver.url, "secret": "hidden words"})
    await jira.comment(issue.key, "x")
    await jira.settled()
    page = await browse("GET", "/plugins/servlet/webhooks")
    assert receiver.url in page.text
    assert "comment_created" in page.text
    assert ">200</span>" in page.text
    assert "hidden words" not in page.text
    await browse("POST", "/sandbox/webhook/delete", data={"webhook": "1"})
    assert jira.jira.webhooks == {}


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        pytest.param("/sandbox/comment", {"issue": "DEMO-9", "text": "x"}, 404, id="no such issue"),
        pytest.param("/sandbox/comment", {"issue": "DEMO-1", "text": " "}, 400, id="an empty comment"),
        pytest.param("/sandbox/labels", {"issue": "DEMO-1", "add": "two words"}, 400, id="a label of two words"),
        pytest.param("/sandbox/webhook", {"url": "ftp://x"}, 400, id="a webhook to no web address"),
    ],
)
async def test_a_wrong_form_is_answered_with_a_page(issue, browse, path, form, status):
    answer = await browse("POST", path, data=form)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "That did not work" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://evil.example"}, 403, id="another origin's form is refused"),
        pytest.param({"Origin": "null"}, 403, id="a sandboxed frame's form is refused"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="a cross-site form is refused"),
        pytest.param({"Host": "evil.example"}, 421, id="a name that was rebound is refused"),
        pytest.param({"Host": "localhost:1"}, 303, id="localhost is taken"),
    ],
)
async def test_a_form_comes_from_the_sandboxs_own_page(jira, issue, browse, headers, status):
    form = {"issue": "DEMO-1", "text": "x", "person": jira.ada.account_id}
    assert (await browse("POST", "/sandbox/comment", data=form, headers=headers)).status == status
    assert len(jira.comments("DEMO-1")) == (1 if status == 303 else 0)


async def test_own_origin_is_taken(jira, issue, browse):
    origin = jira.base_url.removesuffix(jira.context_path)
    form = {"issue": "DEMO-1", "text": "x"}
    assert (await browse("POST", "/sandbox/comment", data=form, headers={"Origin": origin})).status == 303


async def test_pages_load_nothing_from_elsewhere(issue, browse):
    page = (await browse("GET", "/browse/DEMO-1")).text
    assert 'href="/sandbox/style.css"' in page
    assert (await browse("GET", "/sandbox/style.css")).status == 200
    assert (await browse("GET", "/sandbox/refresh.js")).headers["content-type"].startswith("text/javascript")
