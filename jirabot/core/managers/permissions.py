"""Asks Jira what a workspace's rule wants to know of who triggers the bot. Decides nothing: see `core.permissions`."""

from typing import assert_never

from jirabot.core.issues import Issue
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.people import Account
from jirabot.core.permissions import UNASKED, Anyone, CanEdit, Linked, OfGroup, OfRole, Standing, Verdict
from jirabot.core.ports import JiraSite
from jirabot.errors import JiraRefused, JiraRejected

_BROWSE = "the global permission `Browse users and groups` (USER_PICKER)"
_FIX = {
    OfGroup: f"give the service account {_BROWSE}, and check the group in `who_may`",
    OfRole: f"give the service account `Administer projects` in each project and {_BROWSE}, and check the role's id in "
    "`who_may`",
    CanEdit: "give the service account `Administer projects` in each project",
}
_FIX_FOR_CUSTOMERS = (
    f"give the service account {_BROWSE}, by which customers of a service desk are told from others, or let them in: "
    "`jirabot workspace update {name} --set customers=true`"
)


class Permissions:
    """Asks for people's standing."""

    def __init__(self, *, directory: Directory) -> None:
        self._directory = directory

    async def standing(self, served: Served, account: Account, issue: Issue | None) -> Standing:
        """Say what Jira says of *account*, who wants something on *issue*.

        A no to the question itself (403, or 404 where Cloud hides that it is none of ours to ask) is a verdict, too:
        it would be the same the next time.

        Raises:
            JiraRefused: with 401, Jira does not know the service account.
            JirabotError: Jira did not answer.
        """
        if issue is None:
            return UNASKED
        site, rule = self._directory.site(served), served.who_may
        fix = _FIX_FOR_CUSTOMERS
        try:
            if not served.settings.customers and await _is_customer(site, account, issue):
                return Standing(verdict=Verdict.CUSTOMER)
            fix = _FIX.get(type(rule), "")
            holds = await self._holds(served, site, account, issue)
        except JiraRefused as error:
            if error.status == 401:
                raise
            return _unreadable(error, fix.format(name=served.workspace.name))
        except JiraRejected as error:
            return _unreadable(error, fix.format(name=served.workspace.name))
        return Standing(verdict=Verdict.ALLOWED if holds else Verdict.DENIED)

    async def _holds(self, served: Served, site: JiraSite, account: Account, issue: Issue) -> bool:
        match served.who_may:
            case Linked() | Anyone():
                return True
            case OfGroup(group=group):
                return await site.is_member(group, account)
            case OfRole(role=role):
                return await site.has_role(role, issue.project_key, account)
            case CanEdit():
                return await site.can_edit(issue.key, account)
            case rule:
                assert_never(rule)


async def _is_customer(site: JiraSite, account: Account, issue: Issue) -> bool:
    """Say whether somebody is a service desk's customer; Jira is asked only where one can be, and nothing was told."""
    if account.customer is not None:
        return account.customer
    return issue.is_service_desk and not account.app and await site.is_customer(account)


def _unreadable(error: JiraRefused | JiraRejected, fix: str) -> Standing:
    return Standing(verdict=Verdict.UNREADABLE, cause=error.message, fix=fix)
