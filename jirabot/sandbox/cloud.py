"""The face of Jira Cloud.

Source: "The Jira Cloud platform REST API" and "Webhooks", developer.atlassian.com.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from jirabot.sandbox import adf, bodies
from jirabot.sandbox.bodies import Body
from jirabot.sandbox.faces import TEXT_LIMIT, Payload, find_assignee, read_wiki
from jirabot.sandbox.issues import Happening, JsonObject, Person, Webhook
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.registrations import classic_settings, classic_webhook
from jirabot.sandbox.shapes import REDUCED, Shapes, envelope, to_time


class Cloud:
    """Jira Cloud: v3 with ADF beside v2, account ids, API tokens."""

    name: Literal["cloud", "dc"] = "cloud"
    title = "Cloud"
    cloud_id: str | None = "5a2f7c1e-0d8b-4f55-9a43-1c6e2b7d9f00"
    names_permissions = True
    versions: Sequence[str] = ("2", "3")
    webhook_path = "/rest/webhooks/1.0/webhook"
    retries = True
    pages_webhooks = False
    has_dynamic_webhooks = True
    signs = True
    url_variable = "{%s}"
    search_path = "search/jql"
    comments_a_page = 100
    pages_changelog = True
    has_group_ids = True

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.shapes = Shapes(
            base_url=base_url,
            user=self.user,
            user_id=lambda person: person.account_id,
            write=lambda body, version: bodies.to_adf(body) if version == "3" else bodies.to_wiki(body),
            tells_public=lambda project: True,
            has_field_ids=True,
        )

    def delivery_headers(self, identifier: str, retry: int) -> Mapping[str, str]:
        headers = {"X-Atlassian-Webhook-Identifier": identifier, "X-Atlassian-Webhook-Flow": "Primary"}
        return headers | ({"X-Atlassian-Webhook-Retry": str(retry)} if retry else {})

    def server_info(self, now: datetime) -> JsonObject:
        return {
            "baseUrl": self.base_url,
            "displayUrl": self.base_url,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100275,
            "serverTime": to_time(now),
            "serverTitle": "Jira",
            "defaultLocale": {"locale": "en_US"},
        }

    def authenticate(self, authorization: str, people: Sequence[Person]) -> Person | None:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            email, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return next((p for p in people if p.email.lower() == email.lower() and p.token == token), None)

    def about(self, person: Person | None) -> Mapping[str, str]:
        return {"X-AACCOUNTID": quote(person.account_id)} if person else {}

    def unauthorized(self) -> Refusal:
        message = "Client must be authenticated to access this resource."
        return Refusal(401, message, headers={"WWW-Authenticate": 'OAuth realm="Jira"'}, body={"message": message})

    def opens_to_anonymous(self) -> bool:
        return True

    def user(self, person: Person) -> JsonObject:
        return {
            "self": f"{self.base_url}/rest/api/2/user?accountId={quote(person.account_id)}",
            "accountId": person.account_id,
            "displayName": person.display_name,
            "active": True,
            "timeZone": "Etc/UTC",
            "accountType": person.account_type,
        }

    def myself(self, person: Person) -> JsonObject:
        return {**self.user(person), "emailAddress": person.email, "locale": "en_US"}

    def find_user(self, query: Mapping[str, str], people: Sequence[Person]) -> Person | None:
        return next((p for p in people if p.account_id == query.get("accountId")), None)

    def named_for_permission(self, query: Mapping[str, str], people: Sequence[Person]) -> list[Person]:
        if query.get("accountId"):
            return [person for person in people if person.account_id == query["accountId"]]
        if "query" not in query:
            raise Refusal(400, "Either 'query' or 'accountId' must be given.")
        return self.search_users(query, people)

    def person_actor(self, person: Person) -> JsonObject:
        named = {"displayName": person.display_name, "type": "atlassian-user-role-actor"}
        return {**named, "actorUser": {"accountId": person.account_id}}

    def details(self, person: Person, groups: Sequence[str]) -> JsonObject:
        return {}

    def search_users(self, query: Mapping[str, str], people: Sequence[Person]) -> list[Person]:
        wanted = query.get("query", "").lower()
        return [
            person
            for person in people
            if any(word.startswith(wanted) for word in person.display_name.lower().split())
            or (person.email_visible and person.email.lower().startswith(wanted))
        ]

    def read(self, value: Any, version: str, *, field: str) -> Body:
        if version == "2":
            return read_wiki(value, field=field)
        if not isinstance(value, dict):
            raise Refusal(
                400, errors={field: "Operation value must be an Atlassian Document (see the Atlassian Document Format)"}
            )
        adf.check(value)
        if len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) > TEXT_LIMIT:
            raise Refusal(400, "CONTENT_LIMIT_EXCEEDED")
        return value

    def assignee(self, request: JsonObject, people: Sequence[Person]) -> Person | None:
        return find_assignee(request, "accountId", lambda person: person.account_id, people)

    def payloads(self, happening: Happening) -> list[Payload]:
        if happening.comment is None:
            return [(happening.event, self.shapes.issue_event(happening))]
        # The address of the issue lacks its `/issue/` in what Cloud really sends with comments.
        issue = self.shapes.issue(happening.issue, "2", only=REDUCED) | {
            "self": self.shapes.api("2", happening.issue.id)
        }
        payload = {
            **envelope(happening.event, happening.at),
            "comment": self.shapes.comment(happening.issue, happening.comment, "2"),
            "issue": issue,
        }
        return [(happening.event, payload)]

    def webhook(self, webhook: Webhook) -> JsonObject:
        return {**classic_webhook(webhook, self.base_url + self.webhook_path), "isSigned": webhook.secret is not None}

    def webhook_settings(self, request: JsonObject) -> JsonObject:
        return classic_settings(request) | ({"secret": request["secret"]} if "secret" in request else {})
