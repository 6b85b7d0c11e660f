"""Asks one Jira for people's groups, roles and rights. Every answer may be a kept one, of at most five minutes ago.

Source: "The Jira Cloud platform REST API" and "Jira Data Center platform REST API", Users, Groups, Project role actors,
User search.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from jirabot.core.ids import IssueKey
from jirabot.core.people import Account
from jirabot.jira import shapes
from jirabot.jira.caches import Kept
from jirabot.jira.deployments import Deployment

EDIT, SEE = "EDIT_ISSUES", "BROWSE_PROJECTS"

MEMBERS_A_PAGE = 50
"""What Jira gives of a group at once, at most."""

FOUND_AT_MOST = 1000
"""What Jira gives of a search for people, at most."""


class Get(Protocol):
    """Gets an answer that may be no; a no is believed only once Jira knows who asks."""

    def __call__(self, path: str, query: Mapping[str, str] | None = None) -> Awaitable[Any]:
        """Ask for *path*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    """Who has a role in a project: people and groups, as Jira names them there."""

    people: frozenset[str]
    groups: frozenset[str]


class Membership:
    """The questions of `jirabot.core.ports.JiraSite` about others' rights."""

    def __init__(self, get: Get, deployment: Deployment, kept: Kept) -> None:
        self._get, self._deployment, self._kept = get, deployment, kept

    async def is_member(self, group: str, account: Account) -> bool:
        """Say whether somebody is in a group: by its id on Cloud, by its name on Data Center."""
        return group in await self._groups_of(account)

    async def has_role(self, role: str, project_key: str, account: Account) -> bool:
        """Say whether somebody has a role in a project, named for it or by a group."""
        actors = await self._kept.of_people(("role", project_key, role), lambda: self._actors(project_key, role))
        if self._deployment.name_as_actor(account) in actors.people:
            return True
        return bool(actors.groups) and not actors.groups.isdisjoint(await self._groups_of(account))

    async def may(self, permission: str, issue: IssueKey, account: Account) -> bool:
        """Say whether somebody has a permission on an issue, whose security level counts too, by Jira's own check."""

        async def ask() -> bool:
            return await self._may(permission, issue, account)

        return await self._kept.of_people((permission, issue, account.id), ask)

    async def is_customer(self, account: Account) -> bool:
        """Say whether somebody has no more rights here than a service desk's customers."""
        user = await self._user(account)
        return self._deployment.is_customer(user)

    async def list_members(self, group: str) -> Sequence[Account]:
        """List the active members of a group, as it is now."""
        members: list[Account] = []
        while True:
            page = {"startAt": str(len(members)), "maxResults": str(MEMBERS_A_PAGE)}
            answer = await self._get("/rest/api/2/group/member", {**self._deployment.group_query(group), **page})
            found = shapes.objects(answer.get("values") if isinstance(answer, Mapping) else None)
            members += [self._deployment.account(user) for user in found]
            if not found or (isinstance(answer, Mapping) and answer.get("isLast") is True):
                return members

    async def _groups_of(self, account: Account) -> frozenset[str]:
        path, query = self._deployment.groups_request(account)

        async def ask() -> frozenset[str]:
            return self._deployment.groups(await self._get(path, query))

        return await self._kept.of_people(("groups", account.id), ask)

    async def _user(self, account: Account) -> Mapping[str, Any]:
        async def ask() -> Mapping[str, Any]:
            answer = await self._get("/rest/api/2/user", self._deployment.user_query(account))
            return answer if isinstance(answer, Mapping) else {}

        return await self._kept.of_people(("user", account.id), ask)

    async def _actors(self, project_key: str, role: str) -> Actors:
        path = f"/rest/api/2/project/{quote(project_key, safe='')}/role/{quote(role, safe='')}"
        answer = await self._get(path)
        listed = shapes.objects(answer.get("actors") if isinstance(answer, Mapping) else None)
        actors = [self._deployment.actor(each) for each in listed]
        return Actors(
            people=frozenset(name for is_group, name in actors if name and not is_group),
            groups=frozenset(name for is_group, name in actors if name and is_group),
        )

    async def _may(self, permission: str, issue: IssueKey, account: Account) -> bool:
        """Ask for who may; Data Center looks for the beginning of a name, and so finds others, too."""
        asked = {"permissions": permission, "issueKey": issue, "maxResults": str(FOUND_AT_MOST)}
        query = {**asked, **self._deployment.holder_query(account)}
        answer = await self._get("/rest/api/2/user/permission/search", query)
        return account.id in {self._deployment.account(user).id for user in shapes.objects(answer)}
