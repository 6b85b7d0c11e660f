"""Webhooks as their administration writes and reads them on Cloud and on Data Center before 10.

Source: "Webhooks", developer.atlassian.com, section Registering a webhook using the REST API.
"""

from jirabot.sandbox.issues import JsonObject, Webhook

FILTERS = "issue-related-events-section"


def classic_webhook(webhook: Webhook, collection: str) -> JsonObject:
    """Write a webhook as Cloud and Data Center before 10 do: its id stands only in `self`."""
    return {
        "name": webhook.name,
        "description": "",
        "url": webhook.url,
        "excludeBody": webhook.exclude_body,
        "filters": {FILTERS: webhook.jql},
        "events": list(webhook.events),
        "enabled": webhook.enabled,
        "self": f"{collection}/{webhook.id}",
        "lastUpdated": int(webhook.updated.timestamp() * 1000),
    }


def classic_settings(request: JsonObject) -> JsonObject:
    """Read a webhook as Cloud and Data Center before 10 do."""
    settings = common_settings(request)
    if "filters" in request:
        settings["jql"] = (request["filters"] or {}).get(FILTERS, "")
    if "excludeBody" in request:
        settings["exclude_body"] = bool(request["excludeBody"])
    return settings


def common_settings(request: JsonObject) -> JsonObject:
    """Read what stands at the same place in all versions."""
    settings = {key: request[key] for key in ("name", "url", "events") if key in request}
    switched = request.get("enabled", request.get("active"))
    return settings | ({"enabled": switched} if isinstance(switched, bool) else {})
