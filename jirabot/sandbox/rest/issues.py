"""Issues: their fields, changelog, transitions, assignee and remote links; and the search for them.

Source: "The Jira Cloud platform REST API", groups Issues, Issue remote links and Issue search.
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from aiohttp import web

from jirabot.sandbox import jql
from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import STATUSES, Issue, JsonObject, Person
from jirabot.sandbox.jira import Jira
from jirabot.sandbox.refusals import Refusal, not_found
from jirabot.sandbox.rest.accounts import signed_in, visible_issue
from jirabot.sandbox.rest.requests import actor_of, answer, done, number, read_object, words

PAGE = 50
GLOBAL_ID_LIMIT = 255

CLOUD_SEARCH = frozenset(
    {"jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys", "failFast"}
    | {"reconcileIssues"}
)
DATA_CENTER_SEARCH = frozenset({"jql", "startAt", "maxResults", "fields", "expand", "validateQuery", "properties"})
"""What a search may be given."""


class Issues:
    """Issues and what hangs on them but for comments."""

    def __init__(self, jira: Jira, face: Face, clock: Callable[[], datetime]) -> None:
        self._jira, self._face, self._clock = jira, face, clock

    def routes(self, api: str) -> list[web.RouteDef]:
        """List the routes under *api*."""
        issue, search = f"{api}/issue/{{issue}}", f"{api}/{self._face.search_path}"
        return [
            web.post(f"{api}/issue", self._create),
            web.get(issue, self._get),
            web.put(issue, self._update),
            web.delete(issue, self._delete),
            *([web.get(f"{issue}/changelog", self._changelog)] if self._face.pages_changelog else []),
            web.put(f"{issue}/assignee", self._assign),
            web.get(f"{issue}/transitions", self._transitions),
            web.post(f"{issue}/transitions", self._transition),
            web.get(f"{issue}/remotelink", self._remote_links),
            web.post(f"{issue}/remotelink", self._put_remote_link),
            web.delete(f"{issue}/remotelink", self._delete_remote_link),
            web.get(search, self._search),
            web.post(search, self._search),
            *([web.get(f"{api}/search", self._gone), web.post(f"{api}/search", self._gone)] if self._moved else []),
        ]

    @property
    def _moved(self) -> bool:
        return self._face.search_path != "search"

    async def _create(self, request: web.Request) -> web.Response:
        reporter = signed_in(self._face)
        if not self._jira.may(reporter, "CREATE_ISSUES"):
            raise Refusal(403, "You do not have permission to create issues in this project.")
        fields = (await read_object(request)).get("fields") or {}
        issue = self._jira.create_issue(
            project=str((fields.get("project") or {}).get("key")),
            summary=str(fields.get("summary") or ""),
            description=self._text(request, fields.get("description") or ""),
            reporter=reporter,
            labels=fields.get("labels") or (),
            issue_type=(fields.get("issuetype") or {}).get("name", "Task"),
            assignee=self._face.assignee(fields.get("assignee") or {}, self._jira.people),
        )
        return answer({"id": issue.id, "key": issue.key, "self": self._self(request, issue)}, 201)

    async def _get(self, request: web.Request) -> web.Response:
        issue, version = visible_issue(self._jira, request), request.match_info["version"]
        person = signed_in(self._face)
        shape = self._face.shapes.issue(issue, version)
        comments = [
            self._face.shapes.comment(issue, c, version) for c in issue.comments if self._jira.may_see(person, c)
        ]
        listed = {"comments": comments, "maxResults": len(comments), "total": len(comments), "startAt": 0}
        shape["fields"] = _selected({**shape["fields"], "comment": listed}, words(request.query.get("fields")))
        if "changelog" in words(request.query.get("expand")):
            histories = [self._face.shapes.history(history) for history in issue.histories]
            page = {"startAt": 0, "maxResults": len(histories), "total": len(histories)}
            shape["changelog"] = {**page, "histories": histories}
        return answer(shape)

    async def _changelog(self, request: web.Request) -> web.Response:
        issue = visible_issue(self._jira, request)
        start = number(request.query, "startAt", 0)
        most = min(number(request.query, "maxResults", 100), 100)
        values = [self._face.shapes.history(history) for history in issue.histories[start : start + most]]
        total = len(issue.histories)
        page = {"startAt": start, "maxResults": most, "total": total, "isLast": start + most >= total}
        return answer({**page, "values": values})

    async def _update(self, request: web.Request) -> web.Response:
        issue, actor = self._editable(request, "EDIT_ISSUES")
        given = await read_object(request)
        fields, update = given.get("fields") or {}, given.get("update") or {}
        if "assignee" in fields:
            assignee = self._face.assignee(fields["assignee"] or {}, self._jira.people)
            self._jira.assign(issue, assignee, actor=actor)
        labels = fields.get("labels", list(issue.labels))
        self._jira.edit_issue(
            issue,
            actor=actor,
            summary=fields.get("summary"),
            description=self._text(request, fields["description"] or "") if "description" in fields else None,
            labels=_updated(labels, update.get("labels", ())),
        )
        return done()

    async def _delete(self, request: web.Request) -> web.Response:
        issue, actor = self._editable(request, "EDIT_ISSUES")
        self._jira.delete_issue(issue, actor=actor)
        return done()

    async def _assign(self, request: web.Request) -> web.Response:
        issue, actor = self._editable(request, "ASSIGN_ISSUES")
        self._jira.assign(issue, self._face.assignee(await read_object(request), self._jira.people), actor=actor)
        return done()

    async def _transitions(self, request: web.Request) -> web.Response:
        visible_issue(self._jira, request)
        allowed = self._jira.may(actor_of(), "TRANSITION_ISSUES")
        transitions = self._face.shapes.transitions(request.match_info["version"]) if allowed else []
        return answer({"expand": "transitions", "transitions": transitions})

    async def _transition(self, request: web.Request) -> web.Response:
        issue, actor = self._editable(request, "TRANSITION_ISSUES")
        wanted = str(((await read_object(request)).get("transition") or {}).get("id"))
        status = next((status for status in STATUSES if status.transition_id == wanted), None)
        if status is None:
            raise Refusal(
                400, f"It seems that you have tried to perform a workflow operation ({wanted}) that is not valid"
            )
        self._jira.transition(issue, status, actor=actor)
        return done()

    async def _remote_links(self, request: web.Request) -> web.Response:
        issue, wanted = visible_issue(self._jira, request), request.query.get("globalId")
        links = [{**link, "self": self._link_self(request, issue, link)} for link in issue.remote_links]
        if wanted is None:
            return answer(links)
        found = [link for link in links if link.get("globalId") == wanted]
        if not found:
            raise not_found("Remote issue link")
        return answer(found[0])

    async def _put_remote_link(self, request: web.Request) -> web.Response:
        issue, _ = self._editable(request, "LINK_ISSUES")
        link = await read_object(request)
        target = link.get("object") or {}
        missing = {name: f"'{name}' is required." for name in ("title", "url") if not target.get(name)}
        if missing:
            raise Refusal(400, errors=missing)
        if len(link.get("globalId") or "") > GLOBAL_ID_LIMIT:
            raise Refusal(400, errors={"globalId": "'globalId' is too long."})
        known = ("globalId", "application", "relationship", "object")
        kept, is_new = self._jira.put_remote_link(issue, {name: link.get(name) for name in known})
        return answer({"id": kept["id"], "self": self._link_self(request, issue, kept)}, 201 if is_new else 200)

    async def _delete_remote_link(self, request: web.Request) -> web.Response:
        issue, _ = self._editable(request, "LINK_ISSUES")
        wanted = request.query.get("globalId")
        issue.remote_links = [link for link in issue.remote_links if link.get("globalId") != wanted]
        return done()

    async def _search(self, request: web.Request) -> web.Response:
        given: Mapping[str, Any] = request.query if request.method == "GET" else await read_object(request)
        unknown = sorted(given.keys() - (CLOUD_SEARCH if self._moved else DATA_CENTER_SEARCH))
        if unknown:
            raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        text = str(given.get("jql") or "")
        query = jql.parse(text, now=self._clock(), projects=self._jira.projects.values())
        if self._moved and not query.clauses:
            raise Refusal(
                400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
            )
        sees = self._jira.may(actor_of(), "BROWSE_PROJECTS")
        issues = query.select(self._jira.indexed()) if sees else []
        fields = given.get("fields")
        names = words(fields) if isinstance(fields, str) or fields is None else list(fields)
        start = self._begins_at(given, text)
        most = min(int(given.get("maxResults") or PAGE), self._jira.search_cap)
        page = issues[start : start + most]
        if self._moved:
            return answer(self._cloud_page(request, page, names, text, (start + most, len(issues))))
        found = [self._found(request, issue, names or ["*navigable"]) for issue in page]
        return answer({"startAt": start, "maxResults": most, "total": len(issues), "issues": found})

    def _begins_at(self, given: Mapping[str, Any], text: str) -> int:
        """Say where a page begins; on Cloud a token says so, which is good for its own query alone."""
        token = given.get("nextPageToken")
        if not token:
            return int(given.get("startAt") or 0)
        try:
            start, _, of = base64.urlsafe_b64decode(str(token)).decode().partition(" ")
        except ValueError:
            start, of = "", ""
        if not start.isdigit() or of != text:
            raise Refusal(400, "The provided next page token is invalid or expired.")
        return int(start)

    def _cloud_page(
        self, request: web.Request, page: list[Issue], names: list[str], text: str, ends: tuple[int, int]
    ) -> JsonObject:
        end, total = ends
        found = [self._found(request, issue, names) if names else {"id": issue.id} for issue in page]
        if end >= total:
            return {"issues": found, "isLast": True}
        token = base64.urlsafe_b64encode(f"{end} {text}".encode()).decode()
        return {"issues": found, "isLast": False, "nextPageToken": token}

    async def _gone(self, request: web.Request) -> web.Response:
        raise Refusal(
            410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API (CHANGE-2046)."
        )

    def _found(self, request: web.Request, issue: Issue, names: list[str]) -> JsonObject:
        shape = self._face.shapes.issue(issue, request.match_info["version"])
        return shape | {"fields": _selected(shape["fields"], names)}

    def _editable(self, request: web.Request, permission: str) -> tuple[Issue, Person]:
        issue = visible_issue(self._jira, request)
        actor = signed_in(self._face)
        if not self._jira.may(actor, permission):
            raise Refusal(403, "You do not have permission to do this on this issue.")
        return issue, actor

    def _text(self, request: web.Request, value: Any) -> Any:
        return self._face.read(value, request.match_info["version"], field="description") if value else ""

    def _self(self, request: web.Request, issue: Issue) -> str:
        return self._face.shapes.api(request.match_info["version"], f"issue/{issue.id}")

    def _link_self(self, request: web.Request, issue: Issue, link: JsonObject) -> str:
        return f"{self._self(request, issue)}/remotelink/{link['id']}"


def _selected(fields: JsonObject, names: list[str]) -> JsonObject:
    """Select fields as the parameter `fields` says: names, `*all`, `*navigable`, and `-name` to leave one out."""
    left_out = {name[1:] for name in names if name.startswith("-")}
    wanted = [name for name in names if not name.startswith("-")]
    every = not wanted or any(name.startswith("*") for name in wanted)
    return {name: value for name, value in fields.items() if (every or name in wanted) and name not in left_out}


def _updated(labels: list[str], operations: Iterable[Mapping[str, Any]]) -> list[str]:
    for operation in operations:
        for verb, value in operation.items():
            match verb:
                case "add":
                    labels = [*labels, value]
                case "remove":
                    labels = [label for label in labels if label != value]
                case "set":
                    labels = list(value)
                case _:
                    raise Refusal(400, errors={"labels": f"Field 'labels' does not support the operation '{verb}'."})
    return labels
