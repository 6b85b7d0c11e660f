"""Who belongs to which group, and has which role in a project. State and plain functions.

A group or role that was not made here is everyone's, but for those whom `Jira.exclude` takes out of it.
"""

import itertools
import uuid
from dataclasses import dataclass, field

from jirabot.sandbox.issues import Person

FIRST_ROLE_ID = 10002
"""Where the ids of roles begin that Jira itself makes."""


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """A group: known by its id on Cloud, by its name on Data Center."""

    id: str
    name: str
    members: list[Person] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Role:
    """A role of all projects, with those who have it, by the project's key."""

    id: int
    name: str
    people: dict[str, list[Person]] = field(default_factory=dict)
    groups: dict[str, list[Group]] = field(default_factory=dict)


class Members:
    """The groups and roles of one Jira."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.roles: list[Role] = []
        self._role_ids = itertools.count(FIRST_ROLE_ID)

    def add_group(self, name: str, *members: Person) -> Group:
        """Add a group."""
        group = Group(id=str(uuid.uuid5(uuid.NAMESPACE_DNS, name)), name=name, members=list(members))
        self.groups.append(group)
        return group

    def add_role(self, name: str) -> Role:
        """Add a role that nobody has yet."""
        role = Role(id=next(self._role_ids), name=name)
        self.roles.append(role)
        return role

    def groups_of(self, person: Person) -> list[Group]:
        """List somebody's groups."""
        return [group for group in self.groups if person in group.members]

    def find_group(self, *, id_: str | None = None, name: str | None = None) -> Group | None:
        """Find a group by its id or name."""
        return next((group for group in self.groups if (group.id == id_) or (group.name == name)), None)

    def find_role(self, id_: str) -> Role | None:
        """Find a role by its id."""
        return next((role for role in self.roles if str(role.id) == id_), None)

    def is_member(self, person: Person, name: str) -> bool | None:
        """Say whether somebody is in the group, or has the role anywhere, of that name; None where there is none."""
        if group := self.find_group(name=name):
            return person in group.members
        role = next((role for role in self.roles if role.name == name), None)
        if role is None:
            return None
        named = any(person in people for people in role.people.values())
        return named or any(person in group.members for groups in role.groups.values() for group in groups)
