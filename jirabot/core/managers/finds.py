"""What was found in a Jira that no webhook told, or not yet: what of it asks something becomes deliveries of the inbox.

They are handled like any other: a trigger key acts once, whether a webhook tells of it, before or later, or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jirabot.core.catching_up import ChangedIssue, News, in_order
from jirabot.core.deliveries import DeliveryState, NewDelivery, Origin, fingerprint, lane_of
from jirabot.core.events import parse
from jirabot.core.ids import DeliveryId
from jirabot.core.managers import refusals
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.outcomes import Found
from jirabot.core.ports import Clock, Decode, Ids, JiraSite, Transaction
from jirabot.core.triggers import Remark, Trigger, detect
from jirabot.errors import InvalidPayload

EDITED = "comment_updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """A piece of news, and what it asks; not `readable`: nobody can say, and its delivery will tell so."""

    news: News
    found: Found = None
    readable: bool = True


class Finds:
    """Opens a Jira to be looked through, and writes down what was found in it."""

    def __init__(self, *, directory: Directory, decode: Decode, clock: Clock, ids: Ids) -> None:
        self._directory, self._decode, self._clock, self._ids = directory, decode, clock, ids

    async def open(self, served: Served) -> tuple[JiraSite, datetime]:
        """Give a client that no budget counts, once its Jira said that it knows us; and what time it is there.

        With bad credentials Jira Cloud finds nothing, exactly as where nothing has happened.

        Raises:
            JiraRefused: it does not know us, or as somebody else than the service account.
            JirabotError: it did not answer.
        """
        site = self._directory.site(served, counted=False)
        info = await site.server_info()
        refusals.check_account(served.workspace, await site.myself())
        return site, info.server_time or self._clock.now()

    def detect(self, served: Served, issues: Sequence[ChangedIssue]) -> Sequence[Find]:
        """Say what the news ask of the bot, in the order in which they happened."""
        return [self._detect(served, news) for news in in_order(issues)]

    def _detect(self, served: Served, news: News) -> Find:
        try:
            event = parse(self._decode(news.body), served.deployment)
        except InvalidPayload:
            return Find(news=news, readable=False)
        return Find(news=news, found=detect(event, served.bot))

    def record(self, tx: Transaction, served: Served, finds: Sequence[Find]) -> int:
        """Write down, in the caller's transaction, what is new and asks something; count it."""
        chosen = [self._delivery(served, find.news) for find in finds if _is_news(tx, served, find)]
        return sum(not recorded.duplicate for recorded in tx.deliveries.record(chosen))

    def _delivery(self, served: Served, news: News) -> NewDelivery:
        workspace_id = served.workspace.id
        return NewDelivery(
            id=DeliveryId(self._ids.sortable()),
            workspace_id=workspace_id,
            lane_id=lane_of(workspace_id, news.issue_id),
            # Not of its body, which may differ each time that the same is found.
            fingerprint=fingerprint(workspace_id, news.name.encode(), salt=Origin.CATCH_UP.value),
            kind=news.kind,
            issue_id=news.issue_id,
            issue_key=news.issue_key or None,
            state=DeliveryState.RECEIVED,
            headers={},
            body=news.body,
            received_at=self._clock.now(),
            origin=Origin.CATCH_UP,
        )


def _is_news(tx: Transaction, served: Served, find: Find) -> bool:
    """Say whether a find asks something that was neither acted on nor told.

    What the bot itself wrote is none. An edit asks only where it speaks to the bot, and the comment that it changed has
    not acted; that the comment was told before does not matter, for it said something else then.
    """
    found, workspace = find.found, served.workspace
    if not isinstance(found, Trigger | Remark):
        return not find.readable
    if tx.deliveries.acted(workspace.id, found.key):
        return False
    if find.news.kind != EDITED and tx.deliveries.is_told(workspace.id, found.key):
        return False
    own = found.actor.id == workspace.service_account.id
    return not own or tx.users.find_link(workspace.id, found.actor.id) is not None
