"""Who asks and what he may, other people, and what this Jira is.

Source: "The Jira Cloud platform REST API", groups Myself, Users, User search, Permissions, Server info.
"""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import Issue, JsonObject, Person
from jirabot.sandbox.jira import PERMISSIONS, Jira
from jirabot.sandbox.refusals import Refusal, not_found
from jirabot.sandbox.rest.requests import actor_of, answer, words
from jirabot.sandbox.shapes import to_time


def signed_in(face: Face) -> Person:
    """Give the person who asks.

    Raises:
        Refusal: 401, nobody known asks.
    """
    person = actor_of()
    if person is None:
        raise face.unauthorized()
    return person


def visible_issue(jira: Jira, request: web.Request) -> Issue:
    """Find the issue of the path.

    Raises:
        Refusal: 404, it is not there or not to be seen by who asks, which looks the same.
    """
    if not jira.may(actor_of(), "BROWSE_PROJECTS"):
        raise not_found("Issue")
    return jira.get_issue(request.match_info["issue"])


class Accounts:
    """People and permissions."""

    def __init__(self, jira: Jira, face: Face, clock: Callable[[], datetime]) -> None:
        self._jira, self._face, self._clock = jira, face, clock

    def routes(self, api: str, root: str) -> list[web.RouteDef]:
        """List the routes under *api*, and those of one kind of Jira alone under the site's *root*."""
        return [
            web.get(f"{api}/serverInfo", self._server_info),
            web.get(f"{api}/myself", self._myself),
            web.get(f"{api}/user", self._user),
            web.get(f"{api}/user/search", self._search),
            web.get(f"{api}/mypermissions", self._permissions),
            *([] if self._face.cloud_id else [web.get(f"{root}/rest/pat/latest/tokens", self._keys)]),
            *([web.get(f"{root}/_edge/tenant_info", self._tenant)] if self._face.cloud_id else []),
        ]

    async def _server_info(self, request: web.Request) -> web.Response:
        return answer(self._face.server_info(self._clock()))

    async def _tenant(self, request: web.Request) -> web.Response:
        return answer({"cloudId": self._face.cloud_id})

    async def _keys(self, request: web.Request) -> web.Response:
        """List one's own personal access tokens: here each has one."""
        person = signed_in(self._face)
        ends_at = self._jira.key_ends.get(person.account_id)
        return answer([{"id": 1, "name": "jirabot", **({"expiringAt": to_time(ends_at)} if ends_at else {})}])

    async def _myself(self, request: web.Request) -> web.Response:
        return answer(self._face.myself(signed_in(self._face)))

    async def _user(self, request: web.Request) -> web.Response:
        if not self._jira.may(signed_in(self._face), "USER_PICKER"):
            raise Refusal(403, "You do not have permission to browse users.")
        found = self._face.find_user(request.query, self._jira.people)
        if found is None:
            raise Refusal(404, "Specified user does not exist or you do not have required permissions")
        groups = [group.name for group in self._jira.members.groups_of(found)]
        details, expanded = self._face.details(found, groups), words(request.query.get("expand"))
        # What is not expanded is told of by its size alone.
        told = {name: each if name in expanded else {**each, "items": []} for name, each in details.items()}
        return answer({**self._shape(found), **told})

    async def _search(self, request: web.Request) -> web.Response:
        found = self._face.search_users(request.query, self._jira.people) if actor_of() else []
        return answer([self._shape(person) for person in found])

    async def _permissions(self, request: web.Request) -> web.Response:
        person = signed_in(self._face)
        wanted = words(request.query.get("permissions"))
        if not wanted and self._face.names_permissions:
            raise Refusal(400, "The 'permissions' query parameter is required.")
        if any(issue := request.query.get(name) for name in ("issueKey", "issueId")):
            self._jira.get_issue(str(issue))
        names = wanted or PERMISSIONS
        return answer({"permissions": {name: self._permission(person, name) for name in names}})

    def _permission(self, person: Person, name: str) -> JsonObject:
        if name not in PERMISSIONS:
            raise Refusal(400, f"Unrecognized permission: {name}")
        return {"key": name, "name": name.replace("_", " ").title(), "havePermission": self._jira.may(person, name)}

    def _shape(self, person: Person) -> JsonObject:
        return self._face.myself(person) if person.email_visible else self._face.user(person)
