"""The administration of webhooks: one path for Cloud and Data Center before 10, another one since.

Source: "Webhooks", developer.atlassian.com, section Registering a webhook using the REST API; "Managing webhooks",
confluence.atlassian.com, for Data Center.
"""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from jirabot.sandbox import jql
from jirabot.sandbox.faces import Face
from jirabot.sandbox.issues import JsonObject, Webhook
from jirabot.sandbox.jira import Jira
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.rest.accounts import signed_in
from jirabot.sandbox.rest.requests import answer, done, number, read_object


class Webhooks:
    """Registered webhooks, for administrators."""

    def __init__(self, jira: Jira, face: Face, clock: Callable[[], datetime]) -> None:
        self._jira, self._face, self._clock = jira, face, clock

    def routes(self, root: str) -> list[web.RouteDef]:
        """List the routes under the site's *root*."""
        collection = root + self._face.webhook_path
        return [
            web.get(collection, self._list),
            web.post(collection, self._create),
            web.get(collection + "/{webhook}", self._get),
            web.put(collection + "/{webhook}", self._update),
            web.delete(collection + "/{webhook}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        self._check_administrator(request)
        shown = [self._face.webhook(webhook) for webhook in self._jira.webhooks.values() if webhook.grant is None]
        if self._face.pages_webhooks:
            start, limit = number(request.query, "start", 0), number(request.query, "limit", len(shown))
            shown = shown[start : start + limit]
        return answer(shown)

    async def _create(self, request: web.Request) -> web.Response:
        settings = await self._settings(request)
        if "url" not in settings:
            raise Refusal(400, "The URL is required.")
        webhook = self._jira.add_webhook(settings.pop("url"), **settings)
        return answer(self._face.webhook(webhook), 201)

    async def _get(self, request: web.Request) -> web.Response:
        return answer(self._face.webhook(self._find(request)))

    async def _update(self, request: web.Request) -> web.Response:
        webhook = self._find(request)
        for name, value in (await self._settings(request)).items():
            setattr(webhook, name, tuple(value) if name == "events" else value)
        webhook.updated = self._clock()
        return answer(self._face.webhook(webhook))

    async def _delete(self, request: web.Request) -> web.Response:
        self._jira.delete_webhook(self._find(request))
        return done()

    def _check_administrator(self, request: web.Request) -> None:
        if not self._jira.may(signed_in(self._face), "ADMINISTER"):
            raise Refusal(
                403, "You are not authorized to perform this operation. Administrator privileges are required."
            )

    def _find(self, request: web.Request) -> Webhook:
        self._check_administrator(request)
        name = request.match_info["webhook"]
        found = self._jira.webhooks.get(int(name)) if name.isdecimal() else None
        if found is None or found.grant is not None:
            raise Refusal(404, f"Webhook with id {name} does not exist.")
        return found

    async def _settings(self, request: web.Request) -> JsonObject:
        self._check_administrator(request)
        settings = self._face.webhook_settings(await read_object(request))
        if "url" in settings and not str(settings["url"]).startswith(("http://", "https://")):
            raise Refusal(400, f"The URL {settings['url']} is not valid.")
        jql.parse(settings.get("jql", ""), now=self._clock())
        return settings
