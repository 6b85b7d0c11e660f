"""Webhooks of OAuth apps on Cloud: their own and no others, for 30 days.

Source: "The Jira Cloud platform REST API", group Webhooks; "Webhooks", developer.atlassian.com, Dynamic webhooks.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from jirabot.sandbox import jql
from jirabot.sandbox.issues import Grant, JsonObject, Webhook
from jirabot.sandbox.jira import EVENTS, Jira
from jirabot.sandbox.refusals import Refusal
from jirabot.sandbox.rest.requests import GRANT, answer, number, read_object
from jirabot.sandbox.shapes import to_time

LIFE = timedelta(days=30)

MOST = 5
"""How many an app may have of one person on one site."""

_FIELDS = ("issuekey", "project", "issuetype", "status", "priority", "assignee", "reporter")
_CLAUSE = re.compile(r"\s*(?P<field>\w+)\s*(=|!=|not\s+in|in)\s*(\(.+\)|\"[^\"]+\"|\w[\w-]*)\s*", re.IGNORECASE)


class DynamicWebhooks:
    """Registered by apps, each for what it may see."""

    def __init__(self, jira: Jira, clock: Callable[[], datetime]) -> None:
        self._jira, self._clock = jira, clock

    def routes(self, api: str) -> list[web.RouteDef]:
        """List the routes under *api*."""
        return [
            web.get(f"{api}/webhook", self._list),
            web.post(f"{api}/webhook", self._create),
            web.delete(f"{api}/webhook", self._delete),
            web.put(f"{api}/webhook/refresh", self._refresh),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        own = self._own(_app())
        start, most = number(request.query, "startAt", 0), min(100, number(request.query, "maxResults", 100))
        page = own[start : start + most]
        values = [
            {
                "id": each.id,
                "jqlFilter": each.jql,
                "events": list(each.events),
                "expirationDate": int(each.expires.timestamp() * 1000) if each.expires else None,
                "url": each.url,
            }
            for each in page
        ]
        shown = {"startAt": start, "maxResults": most, "total": len(own), "isLast": start + most >= len(own)}
        return answer({**shown, "values": values})

    async def _create(self, request: web.Request) -> web.Response:
        """Register each by itself: what is wrong with one stands within an answer that is 200."""
        grant, asked = _app(), await read_object(request)
        url, wanted = asked.get("url"), asked.get("webhooks")
        if not isinstance(url, str) or not isinstance(wanted, list) or not wanted:
            raise Refusal(400, "The url and webhooks are required.")
        if any(each.url != url for each in self._own(grant)):
            raise Refusal(400, "Only a single URL per app is allowed to be registered via REST API.")
        return answer({"webhookRegistrationResult": [self._register(grant, url, each) for each in wanted]})

    def _register(self, grant: Grant, url: str, wanted: JsonObject) -> JsonObject:
        events, text = wanted.get("events") or [], str(wanted.get("jqlFilter") or "")
        errors = _problems(text)
        errors += [f"The event {event} is not supported." for event in events if event not in EVENTS]
        if len(self._own(grant)) >= MOST:
            errors.append(f"No more than {MOST} webhooks are allowed per app, user and site.")
        if errors:
            return {"errors": errors}
        webhook = self._jira.add_webhook(url, events=events, jql=text, grant=grant, expires=self._clock() + LIFE)
        return {"createdWebhookId": webhook.id}

    async def _refresh(self, request: web.Request) -> web.Response:
        expires = self._clock() + LIFE
        for webhook in self._named(_app(), await read_object(request)):
            webhook.expires = expires
        return answer({"expirationDate": to_time(expires.astimezone(UTC))})

    async def _delete(self, request: web.Request) -> web.Response:
        for webhook in self._named(_app(), await read_object(request)):
            self._jira.delete_webhook(webhook)
        return web.Response(status=202)

    def _own(self, grant: Grant) -> list[Webhook]:
        now = self._clock()
        return [
            each
            for each in self._jira.webhooks.values()
            if each.grant == grant and each.expires is not None and each.expires > now
        ]

    def _named(self, grant: Grant, asked: JsonObject) -> list[Webhook]:
        ids: Any = asked.get("webhookIds")
        if not isinstance(ids, list) or not all(isinstance(each, int) for each in ids):
            raise Refusal(400, "The webhookIds are required.")
        return [each for each in self._own(grant) if each.id in ids]


def _app() -> Grant:
    """Give the app that asks.

    Raises:
        Refusal: 403, it is none.
    """
    grant = GRANT.get()
    if grant is None:
        raise Refusal(403, "Only Connect and OAuth 2.0 apps can use this operation.")
    return grant


def _problems(text: str) -> list[str]:
    if not text.strip():
        return ["The JQL filter is required."]
    return [
        f"The clause '{part}' is not supported in the JQL filter."
        for part in jql.conjuncts(text)
        if not (found := _CLAUSE.fullmatch(part)) or found["field"].lower() not in _FIELDS
    ]
