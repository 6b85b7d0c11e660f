"""Webhooks in one workspace's Jira: listed, put, removed, refreshed over REST, whatever kind of Jira it is."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from jirabot.core.webhooks import HeldWebhook, WantedWebhook
from jirabot.errors import CommandFailed, InvalidInput, JiraBroken
from jirabot.jira import shapes, webhooks
from jirabot.jira.webhooks import Dynamic, WebhookApi


class Ask(Protocol):
    """Ask Jira, with the workspace's credentials, for JSON; a refusal is an error of `jirabot.errors`."""

    def __call__(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Awaitable[Any]: ...


PAGE = 100


class PermanentWebhooks:
    """Webhooks that an administrator sets up; they stand until they are removed."""

    dynamic = False

    def __init__(self, api: WebhookApi, ask: Ask) -> None:
        self._api, self._ask = api, ask

    async def list(self) -> Sequence[HeldWebhook]:
        """List all; only Data Center since 10 gives them in pages, the others ignore that it is asked for."""
        found: dict[str, HeldWebhook] = {}
        while True:
            query = {"start": str(len(found)), "limit": str(PAGE)} if found else None
            answer = await self._ask("GET", self._api.path, query=query)
            page = [self._api.read(each) for each in shapes.objects(answer)]
            fresh = [each for each in page if each.id not in found]
            found |= {each.id: each for each in fresh}
            if not fresh or len(page) < PAGE:
                return list(found.values())

    async def put(self, wanted: WantedWebhook, *, in_place_of: HeldWebhook | None) -> HeldWebhook:
        """Write it, and read back what stands: Jira drops without a word what it does not know."""
        body = self._api.body(wanted)
        if in_place_of is None:
            answer = await self._ask("POST", self._api.path, body=body)
            webhook_id = self._api.read(answer).id if isinstance(answer, Mapping) else ""
        else:
            webhook_id = in_place_of.id
            await self._ask("PUT", self._path(webhook_id), body=body)
        if not webhook_id:
            raise JiraBroken("Jira does not say under which id it keeps the webhook", hint="look at it in Jira")
        return self._api.read(await self._ask("GET", self._path(webhook_id)))

    async def delete(self, webhook_id: str) -> None:
        await self._ask("DELETE", self._path(webhook_id))

    async def refresh(self, webhook_ids: Sequence[str]) -> datetime | None:
        """Do nothing: they do not expire."""
        return None

    def _path(self, webhook_id: str) -> str:
        return f"{self._api.path}/{quote(webhook_id, safe='')}"


class DynamicWebhooks:
    """Webhooks of an OAuth app on Cloud: Jira gives an app its own, and no others."""

    dynamic = True

    def __init__(self, ask: Ask) -> None:
        self._api, self._ask = Dynamic(), ask

    async def list(self) -> Sequence[HeldWebhook]:
        found: list[HeldWebhook] = []
        while True:
            query = {"startAt": str(len(found)), "maxResults": str(self._api.page)}
            answer = await self._ask("GET", self._api.path, query=query)
            told: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
            page = [self._api.read(each) for each in shapes.objects(told.get("values"))]
            found += page
            if not page or told.get("isLast") is not False:
                return found

    async def put(self, wanted: WantedWebhook, *, in_place_of: HeldWebhook | None) -> HeldWebhook:
        """Make one. They can't be changed: what another takes the place of is removed once that one stands."""
        answer = await self._ask("POST", self._api.path, body=self._api.body(wanted))
        webhook_id, errors = self._api.created(answer if isinstance(answer, Mapping) else {})
        if errors:
            raise InvalidInput(f"Jira does not take the webhook: {'; '.join(errors)}", hint="give another `--jql`")
        if not webhook_id:
            raise JiraBroken("Jira does not say under which id it keeps the webhook", hint="look at it in Jira")
        if in_place_of is not None:
            await self.delete(in_place_of.id)
        held = next((each for each in await self.list() if each.id == webhook_id), None)
        if held is None:
            raise CommandFailed(f"Jira does not list the webhook `{webhook_id}` that it has just made")
        return held

    async def delete(self, webhook_id: str) -> None:
        await self._ask("DELETE", self._api.path, body=_ids([webhook_id]))

    async def refresh(self, webhook_ids: Sequence[str]) -> datetime | None:
        answer = await self._ask("PUT", f"{self._api.path}/refresh", body=_ids(webhook_ids))
        return webhooks.expiry(answer.get("expirationDate")) if isinstance(answer, Mapping) else None


def _ids(webhook_ids: Sequence[str]) -> Mapping[str, Any]:
    return {"webhookIds": [int(each) for each in webhook_ids]}
