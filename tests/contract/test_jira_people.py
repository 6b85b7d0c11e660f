"""What a workspace's Jira tells of people's groups, roles and rights, and for how long it is believed."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from jirabot.core.credentials import Credentials
from jirabot.core.ids import AccountId, IssueId, IssueKey, WorkspaceId
from jirabot.core.people import Account
from jirabot.core.ports import JiraSite
from jirabot.errors import JiraGone, JiraRefused, JiraRejected
from jirabot.jira.caches import NOTHING_KEPT
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections
from jirabot.sandbox.issues import Issue, Person
from jirabot.sandbox.members import Group, Role
from jirabot.sandbox.server import Sandbox

from .test_jira_client import KINDS, HandClock, clients_of, workspace

FIVE_MINUTES = 300


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
    return await jira.create_issue(summary="The login page is broken")


def account(jira: Sandbox, person: Person) -> Account:
    if jira.deployment == "cloud":
        return Account(id=AccountId(person.account_id), display_name=person.display_name)
    return Account(id=AccountId(person.key), name=person.name, display_name=person.display_name)


def named(jira: Sandbox, group: Group) -> str:
    return group.id if jira.deployment == "cloud" else group.name


class TestGroups:
    @pytest.fixture
    def group(self, jira: Sandbox) -> Group:
        jira.jira.members.add_group("others", jira.grace)
        return jira.jira.members.add_group("web team", jira.ada)

    async def test_members_are_told_from_others(self, jira, site, group):
        asked = [await site.is_member(named(jira, group), account(jira, each)) for each in (jira.ada, jira.grace)]

        assert asked == [True, False]

    async def test_a_group_that_is_not_there_has_nobody(self, jira, site, group):
        assert await site.is_member("nothing", account(jira, jira.ada)) is False

    async def test_on_cloud_a_groups_name_is_none_of_its_id(self, jira, site, group):
        """F82: a group that somebody renames to that lets nobody in."""
        assert await site.is_member(group.name, account(jira, jira.ada)) is (jira.deployment == "dc")

    async def test_its_members_are_listed_all_of_them(self, jira, site, group):
        more = [jira.jira.add_person(f"P{number:03} Person") for number in range(120)]
        group.members += more

        found = await site.list_members(named(jira, group))

        assert [each.id for each in found] == [account(jira, each).id for each in group.members]
        assert len([r for r in jira.requests if r.path.endswith("/group/member")]) == 3

    async def test_members_of_a_group_that_is_not_there(self, jira, site):
        with pytest.raises(JiraGone):
            await site.list_members("nothing")


class TestRoles:
    @pytest.fixture
    def role(self, jira: Sandbox) -> Role:
        return jira.jira.members.add_role("Developers")

    async def test_who_is_named_for_it_has_it(self, jira, site, role):
        role.people["DEMO"] = [jira.ada]

        asked = [await site.has_role(str(role.id), "DEMO", account(jira, each)) for each in (jira.ada, jira.grace)]

        assert asked == [True, False]

    async def test_who_is_of_a_group_that_has_it_has_it(self, jira, site, role):
        role.groups["DEMO"] = [jira.jira.members.add_group("web team", jira.ada)]

        asked = [await site.has_role(str(role.id), "DEMO", account(jira, each)) for each in (jira.ada, jira.grace)]

        assert asked == [True, False]

    async def test_a_role_is_had_in_its_project_alone(self, jira, site, role):
        role.people["HELP"] = [jira.ada]

        assert await site.has_role(str(role.id), "DEMO", account(jira, jira.ada)) is False

    async def test_a_role_that_is_not_there(self, jira, site):
        with pytest.raises(JiraGone):
            await site.has_role("99999", "DEMO", account(jira, jira.ada))


class TestRights:
    async def test_who_may_edit_is_told_from_others(self, jira, site, issue):
        jira.jira.deny(jira.grace, "EDIT_ISSUES")

        asked = [await site.can_edit(IssueKey(issue.key), account(jira, each)) for each in (jira.ada, jira.grace)]

        assert asked == [True, False]

    async def test_somebody_whose_name_begins_alike_is_another(self, jira, site, issue):
        """Data Center looks for the beginning of a login."""
        jira.jira.add_person("Adaline Smith")
        jira.jira.deny(jira.ada, "EDIT_ISSUES")

        assert await site.can_edit(IssueKey(issue.key), account(jira, jira.ada)) is False

    async def test_a_service_desks_customer_is_told_from_others(self, jira, site):
        customer = jira.jira.add_person("Carl Customer", account_type="customer")

        assert [await site.is_customer(account(jira, each)) for each in (customer, jira.ada)] == [True, False]


@pytest.mark.parametrize(
    ("permission", "ask"),
    [
        ("USER_PICKER", lambda site, who, issue: site.is_member("group", who)),
        ("USER_PICKER", lambda site, who, issue: site.is_customer(who)),
        ("ADMINISTER_PROJECTS", lambda site, who, issue: site.has_role("10002", "DEMO", who)),
        ("ADMINISTER_PROJECTS", lambda site, who, issue: site.can_edit(IssueKey(issue.key), who)),
        ("ADMINISTER", lambda site, who, issue: site.list_members("group")),
    ],
    ids=["is_member", "is_customer", "has_role", "can_edit", "list_members"],
)
async def test_who_may_not_ask_is_told_so_and_gets_no_yes(jira, site, issue, permission, ask):
    jira.jira.members.add_role("Developers").people["DEMO"] = [jira.ada]
    jira.jira.deny(jira.bot, permission)

    with pytest.raises((JiraRefused, JiraRejected)) as caught:
        await ask(site, account(jira, jira.ada), issue)
    assert getattr(caught.value, "status", 0) in (403, 404)


class TestKept:
    """F60: what is kept is a workspace's own, by its credentials as they are now."""

    async def test_a_right_that_is_taken_away_counts_for_five_minutes_at_most(self, jira, site, issue, clock):
        key, ada = IssueKey(issue.key), account(jira, jira.ada)
        assert await site.can_edit(key, ada)
        jira.jira.deny(jira.ada, "EDIT_ISSUES")
        await clock.sleep(FIVE_MINUTES - 1)
        assert await site.can_edit(key, ada)
        await clock.sleep(1)

        assert await site.can_edit(key, ada) is False

    async def test_it_is_asked_once_in_that_time(self, jira, site, issue):
        role = jira.jira.members.add_role("Developers")
        role.groups["DEMO"] = [jira.jira.members.add_group("web team", jira.ada)]
        for _ in range(5):
            assert await site.has_role(str(role.id), "DEMO", account(jira, jira.ada))

        assert len(jira.requests) == 2

    async def test_another_workspace_has_its_own(self, jira, clients, issue):
        of = workspace(jira.deployment, jira.base_url, jira.bot.email)
        other = replace(of, id=WorkspaceId("another"))
        for each in (of, other, of):
            await clients.site(each, Credentials(api_key=jira.bot.token)).get_issue(IssueId(issue.id))

        assert len(jira.requests) == 2

    async def test_other_credentials_have_their_own(self, jira, clients, issue):
        """What the old service account was told the new one may not know."""
        of = workspace(jira.deployment, jira.base_url, jira.bot.email)
        await clients.site(of, Credentials(api_key=jira.bot.token)).get_issue(IssueId(issue.id))
        jira.jira.deny(jira.grace, "BROWSE_PROJECTS")

        with pytest.raises(JiraGone):
            await clients.site(
                replace(of, service_account_email=jira.grace.email), Credentials(api_key=jira.grace.token)
            ).get_issue(IssueId(issue.id))

    async def test_an_issue_is_kept_for_half_a_minute(self, jira, site, issue, clock):
        await site.get_issue(IssueId(issue.id))
        jira.jira.edit_issue(issue, summary="Another", actor=jira.ada)
        await clock.sleep(29)
        assert (await site.get_issue(IssueId(issue.id))).summary == "The login page is broken"
        await clock.sleep(1)

        assert (await site.get_issue(IssueId(issue.id))).summary == "Another"

    @pytest.mark.parametrize("forget", ["the issue", "everything"])
    async def test_what_is_forgotten_is_asked_anew(self, jira, site, clients, issue, forget):
        await site.get_issue(IssueId(issue.id))
        jira.jira.edit_issue(issue, summary="Another", actor=jira.ada)
        if forget == "the issue":
            site.forget_issue(IssueId(issue.id))
        else:
            clients.forget()

        assert (await site.get_issue(IssueId(issue.id))).summary == "Another"

    async def test_what_proves_is_never_kept(self, jira, site, issue):
        comment = await jira.comment(issue.key, "@openhands fix it")
        for _ in range(2):
            await site.find_comment(IssueId(issue.id), comment.id)
            await site.myself()

        assert len(jira.requests) == 4

    async def test_nothing_is_kept_where_that_is_switched_off(self, jira, clock, issue):
        connections = Connections()
        clients = clients_of(connections, clock, ages=NOTHING_KEPT)
        of = workspace(jira.deployment, jira.base_url, jira.bot.email)
        for _ in range(3):
            await clients.site(of, Credentials(api_key=jira.bot.token)).get_issue(IssueId(issue.id))
        await connections.aclose()

        assert len(jira.requests) == 3
