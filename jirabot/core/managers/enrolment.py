"""Links many accounts at once: those of a list, or a group's members. All of them, or none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jirabot.core.ids import AccountId
from jirabot.core.managers.directory import Directory, Served, named
from jirabot.core.managers.users import add_link, end_unproved, find_account
from jirabot.core.people import Account, Link, Principal, Role
from jirabot.core.ports import Clock, Ids, JiraSite, Storage, Transaction
from jirabot.errors import InvalidInput, JiraGone, NotFound

COMMENT = "#"
"""What a line begins with that names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """Who was linked, and whom of a group nobody but by name may link: apps, and the service account itself."""

    links: tuple[Link, ...]
    left_out: tuple[Account, ...] = ()


class Enrolment:
    """Links lists and groups."""

    def __init__(self, *, storage: Storage, directory: Directory, clock: Clock, ids: Ids) -> None:
        self._storage, self._directory, self._clock, self._ids = storage, directory, clock, ids

    async def link_listed(
        self, workspace_name: str, text: str, *, by: Principal, role: Role = Role.USER, validate: bool = True
    ) -> Enrolled:
        """Link the accounts of *text*: one a line, as `Users.link` takes them; blank lines and `#` comments count not.

        Raises:
            WorkspaceNotFound: there is none of that name.
            InvalidInput: nobody is listed, or with each line that names no account, or more than one.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        served = await self._served(workspace_name)
        lines = listed(text)
        if not lines:
            raise InvalidInput("no account is listed", hint="write one account a line: an id, a user name or an e-mail")
        if not validate:
            return await self._link(served, [(name, Account(id=AccountId(name))) for _, name in lines], role, by)
        site, found, problems = self._directory.site(served), [], []
        for number, name in lines:
            try:
                found.append((name, await find_account(site, name)))
            except (NotFound, InvalidInput) as error:
                problems.append(f"line {number}: {error.message}")
        if problems:
            raise InvalidInput("; ".join(problems), hint="nobody was linked; mend these lines, and give the list again")
        return await self._link(served, found, role, by)

    async def link_group(self, workspace_name: str, group: str, *, by: Principal, role: Role = Role.USER) -> Enrolled:
        """Link the members of a group: by its id on Cloud, its name on Data Center.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace; Jira knows no such group, or nobody is in it.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        served = await self._served(workspace_name)
        members = await _members(self._directory.site(served), group)
        me = served.workspace.service_account.id
        left_out = tuple(each for each in members if each.app or each.id == me)
        people = [(each.id, each) for each in members if each not in left_out]
        if not people:
            raise NotFound(f"nobody is in the group `{group}` who can be linked", hint="add people to it in Jira")
        enrolled = await self._link(served, people, role, by)
        return Enrolled(links=enrolled.links, left_out=left_out)

    async def _served(self, workspace_name: str) -> Served:
        workspace = await self._storage.read(lambda tx: named(tx, workspace_name))
        return await self._directory.get(workspace.id)

    async def _link(self, served: Served, found: Sequence[tuple[str, Account]], role: Role, by: Principal) -> Enrolled:
        workspace = served.workspace

        def change(tx: Transaction) -> Enrolled:
            now = self._clock.now()
            made: dict[str, Link] = {}
            for asked, account in found:
                end_unproved(tx, workspace.id, asked, account, now=now)
                link = add_link(tx, workspace, account, user="", role=role, ids=self._ids, now=now, by=by)
                made[account.id] = replace(link, account=account)
            return Enrolled(links=tuple(made.values()))

        return await self._storage.write(change)


def listed(text: str) -> Sequence[tuple[int, str]]:
    """Read the accounts of a list, each with the number of its line."""
    lines = enumerate((line.strip() for line in text.splitlines()), start=1)
    return [(number, line) for number, line in lines if line and not line.startswith(COMMENT)]


async def _members(site: JiraSite, group: str) -> Sequence[Account]:
    try:
        return await site.list_members(group)
    except JiraGone as error:
        raise NotFound(
            f"Jira knows no group `{group}`",
            hint="give the group's id (Cloud: it stands in the address of the group's page) or its name (Data Center)",
        ) from error
