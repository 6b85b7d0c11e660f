"""Tells administrators by `[alerts] webhook`: JSON, with a `text` that Slack, Mattermost and their like show."""

import json

from jirabot.core import objects
from jirabot.core.ports import PostWebhook
from jirabot.core.troubles import Alert
from jirabot.errors import JirabotError, Unreachable

HEADERS = {"Content-Type": "application/json"}


class WebhookAlerts:
    """Fulfils `Alerts`. The address is a secret: no error names it."""

    def __init__(self, *, post: PostWebhook, address: str) -> None:
        self._post, self._address = post, address

    async def send(self, alert: Alert) -> None:
        body = json.dumps(objects.alert(alert)).encode()
        try:
            status, _ = await self._post(self._address, HEADERS, body)
        except JirabotError:
            raise Unreachable("the alerts webhook does not answer", hint=HINT) from None
        if not 200 <= status < 300:
            raise Unreachable(f"the alerts webhook answers {status}", hint=HINT)


HINT = "see that `[alerts] webhook` is the right address, and that this machine reaches it"
