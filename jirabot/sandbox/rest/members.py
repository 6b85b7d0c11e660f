"""Groups, roles, and what other people may do; who may ask for that.

Source: "The Jira Cloud platform REST API", groups Users, Groups, Project role actors, User search; "Jira Data Center
platform REST API", the same resources.
"""

from aiohttp import web

from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import JsonObject, Person
from jirabot.sandbox.jira import PERMISSIONS, Jira
from jirabot.sandbox.members import Group, Role
from jirabot.sandbox.refusals import Refusal, not_found
from jirabot.sandbox.rest.accounts import signed_in
from jirabot.sandbox.rest.requests import answer, number, words

MEMBERS_A_PAGE = 50
FOUND_AT_MOST = 1000


class MembersRoutes:
    """The routes about groups, roles and others' permissions."""

    def __init__(self, jira: Jira, face: Face) -> None:
        self._jira, self._face = jira, face

    def routes(self, api: str) -> list[web.RouteDef]:
        """List the routes under *api*."""
        return [
            *([web.get(f"{api}/user/groups", self._groups)] if self._face.has_group_ids else []),
            web.get(f"{api}/user/permission/search", self._holders),
            web.get(f"{api}/group/member", self._members),
            web.get(f"{api}/project/{{project}}/role", self._roles),
            web.get(f"{api}/project/{{project}}/role/{{role}}", self._role),
        ]

    async def _groups(self, request: web.Request) -> web.Response:
        self._check("USER_PICKER", "You do not have permission to browse users and groups.")
        person = self._face.find_user(request.query, self._jira.people)
        if person is None:
            raise not_found("User")
        return answer([self._group(group) for group in self._jira.members.groups_of(person)])

    async def _members(self, request: web.Request) -> web.Response:
        self._check("ADMINISTER", "You are not authorized to perform this operation.")
        id_ = request.query.get("groupId") if self._face.has_group_ids else None
        name = request.query.get("groupname")
        if not id_ and not name:
            raise Refusal(400, "Group name is not specified.")
        group = self._jira.members.find_group(id_=id_, name=name)
        if group is None:
            raise Refusal(404, f"The group named '{name or id_}' does not exist.")
        start = number(request.query, "startAt", 0)
        most = min(number(request.query, "maxResults", MEMBERS_A_PAGE), MEMBERS_A_PAGE)
        page, total = group.members[start : start + most], len(group.members)
        values = [self._face.user(person) for person in page]
        told = {"maxResults": most, "startAt": start, "total": total, "isLast": start + most >= total}
        return answer({**told, "values": values})

    async def _roles(self, request: web.Request) -> web.Response:
        project = self._administered(request)
        return answer({role.name: self._role_self(project, role) for role in self._jira.members.roles})

    async def _role(self, request: web.Request) -> web.Response:
        project = self._administered(request)
        role = self._jira.members.find_role(request.match_info["role"])
        if role is None:
            raise not_found("Project role")
        people = [self._face.person_actor(person) for person in role.people.get(project, [])]
        groups = [self._group_actor(group) for group in role.groups.get(project, [])]
        told = {"self": self._role_self(project, role), "name": role.name, "id": role.id}
        return answer({**told, "actors": [{"id": 10_240 + at, **one} for at, one in enumerate([*people, *groups])]})

    async def _holders(self, request: web.Request) -> web.Response:
        self._check("ADMINISTER_PROJECTS", "You do not have permission to search for other users' permissions.")
        wanted = words(request.query.get("permissions"))
        if not wanted or any(name not in PERMISSIONS for name in wanted):
            raise Refusal(400, "The 'permissions' query parameter is required, and must name known permissions.")
        if (issue := request.query.get("issueKey")) is not None:
            self._jira.get_issue(issue)
        found = self._face.named_for_permission(request.query, self._jira.people)
        most = min(number(request.query, "maxResults", 50), FOUND_AT_MOST)
        held = [person for person in found if all(self._jira.may(person, name) for name in wanted)]
        return answer([self._face.user(person) for person in held[:most]])

    def _check(self, permission: str, message: str) -> Person:
        person = signed_in(self._face)
        if not self._jira.may(person, permission):
            raise Refusal(403, message)
        return person

    def _administered(self, request: web.Request) -> str:
        """Give the project of the path; who may not administer it is told that it is not there."""
        project = request.match_info["project"].upper()
        if project not in self._jira.projects or not self._jira.may(signed_in(self._face), "ADMINISTER_PROJECTS"):
            raise not_found("Project")
        return project

    def _group(self, group: Group) -> JsonObject:
        return {"name": group.name, **({"groupId": group.id} if self._face.has_group_ids else {})}

    def _group_actor(self, group: Group) -> JsonObject:
        named = {"displayName": group.name, "type": "atlassian-group-role-actor", "name": group.name}
        return {**named, "actorGroup": {"displayName": group.name, **self._group(group)}}

    def _role_self(self, project: str, role: Role) -> str:
        return self._face.shapes.api("2", f"project/{self._jira.projects[project].id}/role/{role.id}")
