"""Comments and their properties.

Source: "The Jira Cloud platform REST API", groups Issue comments and Issue comment properties.
"""

import json
from typing import Any

from aiohttp import web

from jirabot.sandbox.bodies import Body
from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import Comment, Issue, JsonObject, Person
from jirabot.sandbox.jira import Jira
from jirabot.sandbox.refusals import Refusal, not_found
from jirabot.sandbox.rest.accounts import signed_in, visible_issue
from jirabot.sandbox.rest.requests import actor_of, answer, done, number, read_json, read_object, words

PROPERTY_LIMIT = 32_768
"""Characters of a property's value, as JSON."""

KEY_LIMIT = 255

KNOWN_FIELDS = frozenset(
    {"body", "visibility", "properties", "jsdPublic", "id", "self", "author", "updateAuthor", "created", "updated"}
)


class Comments:
    """The comments of issues."""

    def __init__(self, jira: Jira, face: Face) -> None:
        self._jira, self._face = jira, face

    def routes(self, api: str) -> list[web.RouteDef]:
        """List the routes under *api*."""
        comments, comment = f"{api}/issue/{{issue}}/comment", f"{api}/issue/{{issue}}/comment/{{comment}}"
        properties = f"{api}/comment/{{comment}}/properties"
        return [
            web.get(comments, self._list),
            web.post(comments, self._create),
            web.get(comment, self._get),
            web.put(comment, self._update),
            web.delete(comment, self._delete),
            web.get(properties, self._list_properties),
            web.get(properties + "/{key}", self._get_property),
            web.put(properties + "/{key}", self._put_property),
            web.delete(properties + "/{key}", self._delete_property),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        issue = visible_issue(self._jira, request)
        person = signed_in(self._face)
        comments = [comment for comment in issue.comments if self._jira.may_see(person, comment)]
        order = request.query.get("orderBy", "created")
        if order.lstrip("+-") != "created":
            raise Refusal(400, f"'{order}' is not a valid ordering.")
        if order.startswith("-"):
            comments.reverse()
        start = number(request.query, "startAt", 0)
        most = min(number(request.query, "maxResults", self._face.comments_a_page), self._face.comments_a_page)
        page = [self._shape(request, issue, comment) for comment in comments[start : start + most]]
        return answer({"startAt": start, "maxResults": most, "total": len(comments), "comments": page})

    async def _get(self, request: web.Request) -> web.Response:
        issue, comment = self._visible_on_issue(request)
        return answer(self._shape(request, issue, comment))

    async def _create(self, request: web.Request) -> web.Response:
        issue = visible_issue(self._jira, request)
        author = signed_in(self._face)
        if not self._jira.may(author, "ADD_COMMENTS"):
            raise Refusal(400, errors={"comment": "You do not have the permission to comment on this issue."})
        body, visibility, properties = await self._read(request, author)
        comment = self._jira.add_comment(issue, body, author=author, visibility=visibility, properties=properties)
        return answer(self._shape(request, issue, comment), 201)

    async def _update(self, request: web.Request) -> web.Response:
        issue, comment = self._visible_on_issue(request)
        actor = signed_in(self._face)
        self._check_owner(actor, comment, "EDIT_OWN_COMMENTS", "edit")
        body, visibility, properties = await self._read(request, actor)
        self._jira.edit_comment(issue, comment, body, actor=actor, visibility=visibility, properties=properties)
        return answer(self._shape(request, issue, comment))

    async def _delete(self, request: web.Request) -> web.Response:
        issue, comment = self._visible_on_issue(request)
        actor = signed_in(self._face)
        self._check_owner(actor, comment, "DELETE_OWN_COMMENTS", "delete")
        self._jira.delete_comment(issue, comment, actor=actor)
        return done()

    async def _list_properties(self, request: web.Request) -> web.Response:
        comment = self._visible(request)
        address = request.url.with_query(None)
        return answer({"keys": [{"self": f"{address}/{key}", "key": key} for key in comment.properties]})

    async def _get_property(self, request: web.Request) -> web.Response:
        comment, key = self._visible(request), request.match_info["key"]
        if key not in comment.properties:
            raise _no_property(key)
        return answer({"key": key, "value": comment.properties[key]})

    async def _put_property(self, request: web.Request) -> web.Response:
        comment = self._visible(request)
        self._check_owner(signed_in(self._face), comment, "EDIT_OWN_COMMENTS", "edit")
        is_new = self._jira.set_property(
            comment, *_checked_property(request.match_info["key"], await read_json(request))
        )
        return web.Response(status=201 if is_new else 200)

    async def _delete_property(self, request: web.Request) -> web.Response:
        comment, key = self._visible(request), request.match_info["key"]
        if comment.properties.pop(key, None) is None:
            raise _no_property(key)
        return done()

    def _shape(self, request: web.Request, issue: Issue, comment: Comment) -> JsonObject:
        expanded = "properties" in words(request.query.get("expand"))
        return self._face.shapes.comment(issue, comment, request.match_info["version"], with_properties=expanded)

    def _visible_on_issue(self, request: web.Request) -> tuple[Issue, Comment]:
        issue = visible_issue(self._jira, request)
        comment = self._visible(request)
        if comment not in issue.comments:
            raise _no_comment(comment.id)
        return issue, comment

    def _visible(self, request: web.Request) -> Comment:
        person, comment_id = actor_of(), request.match_info["comment"]
        found = self._jira.find_comment(comment_id)
        if found is None or person is None or not self._jira.may(person, "BROWSE_PROJECTS"):
            raise _no_comment(comment_id)
        if not self._jira.may_see(person, found[1]):
            raise _no_comment(comment_id)
        return found[1]

    def _check_owner(self, actor: Person, comment: Comment, permission: str, verb: str) -> None:
        if comment.author != actor or not self._jira.may(actor, permission):
            raise Refusal(400, f"You do not have the permission to {verb} this comment.")

    async def _read(self, request: web.Request, author: Person) -> tuple[Body, JsonObject | None, JsonObject]:
        given = await read_object(request)
        unknown = sorted(given.keys() - KNOWN_FIELDS)
        if unknown:
            raise Refusal(400, f'Unrecognized field "{unknown[0]}"')
        if not given.get("body"):
            raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
        body = self._face.read(given["body"], request.match_info["version"], field="comment")
        return body, self._read_visibility(given.get("visibility"), author), _read_properties(given.get("properties"))

    def _read_visibility(self, given: Any, author: Person) -> JsonObject | None:
        if given is None:
            return None
        level = given.get("value") or given.get("identifier") if isinstance(given, dict) else None
        if not level or given.get("type") not in ("role", "group"):
            raise Refusal(400, errors={"commentLevel": "Comment level is not valid."})
        if not self._jira.is_member(author, level):
            kind = "project role" if given["type"] == "role" else "group"
            raise Refusal(400, errors={"commentLevel": f"You are currently not a member of the {kind}: {level}."})
        return {"type": given["type"], "value": level, "identifier": given.get("identifier") or level}


def _read_properties(given: Any) -> JsonObject:
    if given is None:
        return {}
    if not isinstance(given, list) or not all(
        isinstance(item, dict) and {"key", "value"} <= item.keys() for item in given
    ):
        raise Refusal(400, "Property key and value are required.")
    return dict(_checked_property(item["key"], item["value"]) for item in given)


def _checked_property(key: str, value: Any) -> tuple[str, Any]:
    if len(key) > KEY_LIMIT or len(json.dumps(value)) > PROPERTY_LIMIT:
        raise Refusal(400, "The property key or value is too long.")
    return key, value


def _no_comment(comment_id: str) -> Refusal:
    return Refusal(404, f"Can not find a comment for the id: {comment_id}.")


def _no_property(key: str) -> Refusal:
    return not_found(f"The property {key}")
