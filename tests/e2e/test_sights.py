"""Opening what others talk about with the bot: Jira is asked once whether they may see the issue, and remembered."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from jirabot.core.managers.tokens import NewToken
from jirabot.core.people import SHELL, Principal, Role
from jirabot.errors import ConversationNotFound, Forbidden, JiraRefused

from .stage import Stage
from .test_api import Caller, Callers, calling, link
from .test_hearing import ROLE


@pytest.fixture
async def callers(stage: Stage) -> AsyncIterator[Any]:
    async with calling(stage) as make:
        yield make


@pytest.fixture
async def conversation(stage: Stage) -> str:
    """Ada's conversation, at rest; Grace is linked, too, and the service account may ask what others may."""
    jira = stage.jira
    await link(stage, jira.ada, "ada")
    await link(stage, jira.grace, "grace")
    await stage.comment("@openhands edit")
    await stage.says()
    await stage.says()
    await stage.rest()
    return (await stage.whole()).conversation.id


async def test_jira_decides_and_is_asked_once_in_five_minutes(
    stage: Stage, callers: Callers, conversation: str
) -> None:
    jira, address = stage.jira, f"/api/v1/conversations/{conversation}"
    grace: Caller = await callers("grace")
    assert [(await grace.get(path))[0] for path in (address, address, f"{address}/runs")] == [200, 200, 200]
    jira.jira.deny(jira.grace, "BROWSE_PROJECTS")
    assert (await grace.get(address))[0] == 200

    stage.clock.advance(minutes=5)

    assert (await grace.get(address))[1]["code"] == "conversation-not-found"
    assert (await grace.get("/api/v1/conversations"))[1]["items"] == []
    jira.jira.grant(jira.grace, "BROWSE_PROJECTS")
    assert (await grace.get(address))[0] == 404
    stage.clock.advance(minutes=5)
    assert (await grace.get(address))[0] == 200


async def test_who_has_no_account_there_sees_nothing(stage: Stage, callers: Callers, conversation: str) -> None:
    """Nor does who only waits for an account; Jira is not asked for them."""
    stranger = await callers("stranger")
    address = f"/api/v1/conversations/{conversation}"
    assert (await stranger.get(address))[0] == 404
    assert (await stranger.post("link", workspace_name="acme"))[1]["status"] == "pending"
    assert (await stranger.get(address))[0] == 404


async def test_who_only_sees_a_conversation_has_nothing_done_in_it(
    stage: Stage, callers: Callers, conversation: str
) -> None:
    made = await stage.app.tokens.create(NewToken(name="grace", role=Role.USER), by=SHELL)
    grace: Principal = made.token.principal()
    assert (await stage.app.conversations.show(conversation, by=grace)).conversation.id == conversation
    with pytest.raises(Forbidden):
        await stage.app.conversations.retry(conversation, by=grace)
    with pytest.raises(ConversationNotFound):
        await stage.app.conversations.show(conversation, by=Principal(kind="oidc", name="x", user="x"))


@pytest.mark.alike
async def test_who_may_not_read_what_was_asked_later_sees_it_no_more(
    stage: Stage, callers: Callers, conversation: str
) -> None:
    """Ada asked in public, and is no developer, to whom Grace writes then."""
    await stage.comment("@openhands mind the secret, too", author=stage.jira.grace, visibility=ROLE)
    await stage.says()
    await stage.says()
    await stage.rest()
    address = f"/api/v1/conversations/{conversation}"
    ada, grace, root = await callers("ada"), await callers("grace"), await callers("root", role=Role.ADMIN)
    assert [(await ada.get(path))[1]["code"] for path in (address, f"{address}/runs")] == ["conversation-not-found"] * 2
    assert [(await each.get(address))[0] for each in (grace, root)] == [200, 200]
    lists = [(await each.get("/api/v1/conversations"))[1]["items"] for each in (ada, grace, root)]
    assert [[each["id"] for each in listed] for listed in lists] == [[], [conversation], [conversation]]
    with pytest.raises(ConversationNotFound):
        await stage.app.conversations.retry(conversation, by=Principal(kind="token", name="ada", user="ada"))


@pytest.mark.alike
async def test_a_customer_who_asked_does_not_see_what_is_internal(stage: Stage, callers: Callers) -> None:
    """Customers' own comments are taken as internal, as all that is answered to them."""
    customer = stage.jira.jira.add_person("Carl Customer", account_type="customer")
    await link(stage, customer, "carl")
    await link(stage, stage.jira.grace, "grace")
    stage.issue = await stage.jira.create_issue(summary="Printer", project="HELP")
    await stage.change_workspace(settings={"customers": True})
    await stage.comment("@openhands fix login.py", author=customer)
    await stage.says()
    await stage.says()
    await stage.comment("@openhands mind the secret, too", author=stage.jira.grace, internal=True)
    await stage.says()
    await stage.says()
    await stage.rest()
    address = f"/api/v1/conversations/{(await stage.whole()).conversation.id}"

    carl = await callers("carl")
    assert (await carl.get(address))[1]["code"] == "conversation-not-found"
    assert (await carl.get("/api/v1/conversations"))[1]["items"] == []
    assert (await (await callers("grace")).get(address))[0] == 200


async def test_where_jira_does_not_say_nobody_is_let_in(stage: Stage, callers: Callers, conversation: str) -> None:
    """The service account may not ask for others' permissions."""
    stage.jira.jira.deny(stage.jira.bot, "ADMINISTER", "ADMINISTER_PROJECTS")
    grace = await callers("grace")
    status, told = await grace.get(f"/api/v1/conversations/{conversation}")
    assert (status, told["code"]) == (502, JiraRefused.code)
