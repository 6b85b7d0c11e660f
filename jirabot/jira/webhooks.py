"""How webhooks are administered, by kind of Jira: paths, bodies and answers. Values only. Pure.

Source: "Webhooks", developer.atlassian.com/cloud/jira/platform/webhooks; "The Jira Cloud platform REST API", group
Webhooks; "Managing webhooks", confluence.atlassian.com/adminjiraserver (another path and body since Data Center 10).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from jirabot.core.webhooks import HeldWebhook, WantedWebhook
from jirabot.jira import shapes

JQL = "issue-related-events-section"
"""Where the filter stands in the older bodies."""

DESCRIPTION = "Tells jirabot of comments and changes; made by `jirabot webhook register`."


class WebhookApi(Protocol):
    """One way to administer permanent webhooks."""

    @property
    def path(self) -> str:
        """The path of all of them."""

    def body(self, wanted: WantedWebhook) -> Mapping[str, Any]:
        """Write a webhook as it is to be."""

    def read(self, answer: Mapping[str, Any]) -> HeldWebhook:
        """Read a webhook as Jira shows it."""


class Classic:
    """Cloud, and Data Center before 10: the id stands in `self` alone, a secret is never shown."""

    path = "/rest/webhooks/1.0/webhook"

    def body(self, wanted: WantedWebhook) -> Mapping[str, Any]:
        return {
            "name": wanted.name,
            "description": DESCRIPTION,
            "url": wanted.url,
            "events": list(wanted.events),
            "filters": {JQL: wanted.jql},
            "excludeBody": False,
            "enabled": True,
            **({"secret": wanted.secret} if wanted.secret else {}),
        }

    def read(self, answer: Mapping[str, Any]) -> HeldWebhook:
        filters = answer.get("filters")
        return HeldWebhook(
            id=str(answer.get("self") or "").rstrip("/").rpartition("/")[2],
            url=str(answer.get("url") or ""),
            name=str(answer.get("name") or ""),
            events=_words(answer.get("events")),
            jql=str(filters.get(JQL) or "") if isinstance(filters, Mapping) else "",
            enabled=_flag(answer.get("enabled")),
            signed=_flag(answer.get("isSigned")),
        )


class Modern:
    """Data Center since 10: filter and secret stand in `configuration`, as strings.

    At the top of the body, where they stood before, they are taken without a word and ignored: then it fires for every
    issue, unsigned. Source: JRASERVER-78733.
    """

    path = "/rest/jira-webhook/1.0/webhooks"

    def body(self, wanted: WantedWebhook) -> Mapping[str, Any]:
        return {
            "name": wanted.name,
            "url": wanted.url,
            "events": list(wanted.events),
            "active": True,
            "scopeType": "global",
            "sslVerificationRequired": True,
            "configuration": {
                "DESCRIPTION": DESCRIPTION,
                "EXCLUDE_BODY": "false",
                "FILTERS": wanted.jql,
                **({"SECRET": wanted.secret} if wanted.secret else {}),
            },
        }

    def read(self, answer: Mapping[str, Any]) -> HeldWebhook:
        given = answer.get("configuration")
        configuration: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        return HeldWebhook(
            id=str(answer.get("id") or ""),
            url=str(answer.get("url") or ""),
            name=str(answer.get("name") or ""),
            events=_words(answer.get("events")),
            jql=str(configuration.get("FILTERS") or ""),
            enabled=_flag(answer.get("active")),
            signed=bool(configuration.get("SECRET")),
        )


class Dynamic:
    """Cloud's webhooks of an OAuth app: they expire after 30 days, and prove themselves by a token."""

    path = "/rest/api/3/webhook"
    page = 100

    def body(self, wanted: WantedWebhook) -> Mapping[str, Any]:
        return {"url": wanted.url, "webhooks": [{"jqlFilter": wanted.jql, "events": list(wanted.events)}]}

    def read(self, answer: Mapping[str, Any]) -> HeldWebhook:
        return HeldWebhook(
            id=str(answer.get("id") or ""),
            url=str(answer.get("url") or ""),
            events=_words(answer.get("events")),
            jql=str(answer.get("jqlFilter") or ""),
            expires_at=expiry(answer.get("expirationDate")),
        )

    def created(self, answer: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
        """Read what became of one that was registered: its id, or why there is none, within an answer that is 200."""
        results = shapes.objects(answer.get("webhookRegistrationResult"))
        result = results[0] if results else {}
        errors = result.get("errors")
        told = [str(error) for error in errors] if isinstance(errors, list) else []
        return str(result.get("createdWebhookId") or ""), told


def expiry(value: object) -> datetime | None:
    """Read when a dynamic webhook expires: milliseconds of 1970 in the list, a text after a refresh."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return shapes.instant(value)


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
