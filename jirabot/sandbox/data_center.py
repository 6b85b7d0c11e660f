"""The face of Jira Data Center, of any version from 8 on.

Source: "Jira Data Center platform REST API reference" and "Managing webhooks", confluence.atlassian.com.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from jirabot.sandbox import bodies
from jirabot.sandbox.bodies import Body
from jirabot.sandbox.faces import Payload, find_assignee, read_wiki
from jirabot.sandbox.issues import Happening, JsonObject, Person, Webhook
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.registrations import classic_settings, classic_webhook, common_settings
from jirabot.sandbox.shapes import Shapes, envelope, to_time

MASK = "********"
"""What is shown of a secret: that there is one."""


class DataCenter:
    """Jira Data Center: v2 with wiki markup only, logins and keys, personal access tokens."""

    name: Literal["cloud", "dc"] = "dc"
    title = "Data Center"
    cloud_id: str | None = None
    names_permissions = False
    versions: Sequence[str] = ("2",)
    retries = False
    has_dynamic_webhooks = False
    search_path = "search"
    comments_a_page = 1_048_576
    pages_changelog = False
    has_group_ids = False

    def __init__(
        self, base_url: str, version: str, *, comment_event_with_issue: bool, forgets: Collection[str] = ()
    ) -> None:
        """*forgets*: what it drops of a webhook's `configuration`, as one that does not know it."""
        self._forgets = forgets
        self.base_url = base_url
        self._version = version
        self._numbers = [int(part) for part in version.split(".")]
        self._with_issue = comment_event_with_issue
        major = self._numbers[0]
        self.signs = major >= 10
        self.pages_webhooks = major >= 10
        self.webhook_path = "/rest/jira-webhook/1.0/webhooks" if major >= 10 else "/rest/webhooks/1.0/webhook"
        self.url_variable = "{%s}" if major >= 10 else "${%s}"
        self.shapes = Shapes(
            base_url=base_url,
            user=self.user,
            user_id=lambda person: person.key,
            write=lambda body, _: bodies.to_wiki(body),
            tells_public=lambda project: project.service_desk,
            has_field_ids=major >= 9,
        )

    def delivery_headers(self, identifier: str, retry: int) -> Mapping[str, str]:
        return {}

    def server_info(self, now: datetime) -> JsonObject:
        return {
            "baseUrl": self.base_url,
            "version": self._version,
            "versionNumbers": self._numbers,
            "deploymentType": "Server",
            "buildNumber": 1_000_000 + self._numbers[0],
            "serverTime": to_time(now),
            "serverTitle": "Jira",
        }

    def authenticate(self, authorization: str, people: Sequence[Person]) -> Person | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "basic" and self._numbers[0] >= 11:
            raise Refusal(403, body={"message": "Basic Authentication has been disabled on this instance."})
        if scheme.lower() != "bearer":
            return None
        return next((person for person in people if person.token == token.strip()), None)

    def about(self, person: Person | None) -> Mapping[str, str]:
        return {"X-AUSERNAME": person.name if person else "anonymous"}

    def unauthorized(self) -> Refusal:
        return Refusal(
            401,
            "You are not authenticated. Authentication required to perform this operation.",
            headers={"WWW-Authenticate": 'OAuth realm="Jira"', "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"},
        )

    def opens_to_anonymous(self) -> bool:
        return False

    def user(self, person: Person) -> JsonObject:
        return {
            "self": f"{self.base_url}/rest/api/2/user?username={quote(person.name)}",
            "name": person.name,
            "key": person.key,
            "emailAddress": person.email,
            "displayName": person.display_name,
            "active": True,
            "timeZone": "Etc/UTC",
        }

    def myself(self, person: Person) -> JsonObject:
        return {**self.user(person), "locale": "en_US"}

    def find_user(self, query: Mapping[str, str], people: Sequence[Person]) -> Person | None:
        name, key = query.get("username"), query.get("key")
        return next((p for p in people if p.name == name or p.key == key), None)

    def named_for_permission(self, query: Mapping[str, str], people: Sequence[Person]) -> list[Person]:
        """Find those whose login begins so: everybody, where no login is given."""
        return [person for person in people if person.name.startswith(query.get("username", "").lower())]

    def person_actor(self, person: Person) -> JsonObject:
        return {"displayName": person.display_name, "type": "atlassian-user-role-actor", "name": person.name}

    def details(self, person: Person, groups: Sequence[str]) -> JsonObject:
        applications = [] if person.account_type == "customer" else [{"key": "jira-software", "name": "Jira Software"}]
        named = [{"name": name, "self": f"{self.base_url}/rest/api/2/group?groupname={quote(name)}"} for name in groups]
        return {
            "groups": {"size": len(named), "items": named},
            "applicationRoles": {"size": len(applications), "items": applications},
        }

    def search_users(self, query: Mapping[str, str], people: Sequence[Person]) -> list[Person]:
        wanted = query.get("username", "").lower()
        return [p for p in people if wanted in f"{p.name}\n{p.display_name}\n{p.email}".lower()]

    def read(self, value: Any, version: str, *, field: str) -> Body:
        return read_wiki(value, field=field)

    def assignee(self, request: JsonObject, people: Sequence[Person]) -> Person | None:
        return find_assignee(request, "name", lambda person: person.name, people)

    def payloads(self, happening: Happening) -> list[Payload]:
        shapes, issue, comment = self.shapes, happening.issue, happening.comment
        if comment is None:
            return [(happening.event, shapes.issue_event(happening))]
        written = {"comment": shapes.comment(issue, comment, "2")}
        own = {
            **envelope(happening.event, happening.at),
            **({} if happening.event == "comment_created" else {"user": self.user(happening.actor)}),
            **written,
            **({"issue": shapes.issue(issue, "2")} if self._with_issue else {}),
        }
        updated = {
            **shapes.issue_event(happening, event="jira:issue_updated"),
            **({} if happening.event == "comment_deleted" else written),
        }
        return [(happening.event, own), ("jira:issue_updated", updated)]

    def webhook(self, webhook: Webhook) -> JsonObject:
        if not self.signs:
            return classic_webhook(webhook, self.base_url + self.webhook_path)
        updated = int(webhook.updated.timestamp() * 1000)
        configuration = {"FILTERS": webhook.jql, "EXCLUDE_BODY": str(webhook.exclude_body).lower()}
        if webhook.secret:
            configuration["SECRET"] = MASK
        return {
            "id": webhook.id,
            "name": webhook.name,
            "url": webhook.url,
            "events": list(webhook.events),
            "createdDate": updated,
            "updatedDate": updated,
            "configuration": configuration,
            "active": webhook.enabled,
            "scopeType": "global",
            "sslVerificationRequired": True,
        }

    def webhook_settings(self, request: JsonObject) -> JsonObject:
        if not self.signs:
            return classic_settings(request)
        # Jira 10 and later takes these from `configuration` alone, as strings; a `secret` or `filters` beside it is
        # ignored without a word, and deliveries then come unsigned and for every issue.
        given = request.get("configuration") or {}
        configuration = {name: value for name, value in given.items() if name not in self._forgets}
        if not all(isinstance(value, str) for value in configuration.values()):
            raise Refusal(400, "Cannot deserialize value of type `java.lang.String` in `configuration`")
        return common_settings(request) | {
            "secret": configuration.get("SECRET"),
            "jql": configuration.get("FILTERS", ""),
            "exclude_body": configuration.get("EXCLUDE_BODY") == "true",
        }
