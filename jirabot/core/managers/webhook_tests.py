"""`webhook test`: a comment with a nonce is written, and its webhook awaited. Also how a workspace is proved."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.core.deliveries import Origin
from jirabot.core.ids import CommentId, DeliveryId, EffectId, IssueId, IssueKey, WorkspaceId
from jirabot.core.managers.directory import Directory, Served, named
from jirabot.core.managers.gate import administered
from jirabot.core.managers.webhooks import LOOKED_AT, Webhooks
from jirabot.core.managers.workspace_changes import WorkspaceChanges
from jirabot.core.people import DAEMON, Principal
from jirabot.core.ports import Clock, Ids, JiraSite, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.visibility import Internal, Public
from jirabot.core.webhooks import HeldWebhook
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import Conflict, DaemonEnding, DaemonSilent, JirabotError, WebhookMissing

WITHIN = timedelta(seconds=30)
"""How long the comment's webhook may take; Jira Cloud sends what a person does within these."""

LOOK_SECONDS = 0.5

ADMINISTER = "ADMINISTER"
"""The global permission of who may set up webhooks. Source: "Permissions", developer.atlassian.com."""

REMOVING_SECONDS = 15.0
"""How long the comment may take to be removed again, whatever came of the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A webhook that came.

    `activated`: that proved the workspace. `doubt`: why it did not prove one that was claimed. `left`: why the comment
    could not be removed.
    """

    workspace: Workspace
    issue_key: str
    delivery_id: DeliveryId
    took: timedelta
    activated: bool = False
    doubt: str = ""
    left: str = ""

    @property
    def warnings(self) -> Sequence[str]:
        """Say what went less than well, each in a sentence."""
        name = self.workspace.name
        vouch = f"`jirabot workspace activate {name} --trust` vouches for it"
        told = [f"the comment on `{self.issue_key}` could not be removed: {self.left}"] if self.left else []
        return [*told, f"`{name}` is not proved: {self.doubt}; {vouch}"] if self.doubt else told


class WebhookTests:
    """Tests webhooks."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        webhooks: Webhooks,
        daemon_runs: Callable[[], bool],
        texts: Texts,
        clock: Clock,
        ids: Ids,
        changes: WorkspaceChanges,
    ) -> None:
        self._storage, self._directory, self._webhooks, self._changes = storage, directory, webhooks, changes
        self._daemon_runs, self._texts, self._clock, self._ids = daemon_runs, texts, clock, ids
        self._tested: set[WorkspaceId] = set()
        self._is_ending = False

    def end(self) -> None:
        """Let nobody wait any longer, and begin no test: the daemon is about to end."""
        self._is_ending = True

    async def test(self, name: str, issue_key: str, *, by: Principal) -> Tested:
        """Comment a nonce on an issue and wait for its webhook; a workspace that was not proved is active then.

        The nonce counts from a delivery that has proved itself in the workspace's own way. Whoever claimed it knows its
        secret, though, and may read the comment: so the account that they gave must administer that Jira, as who sets
        up a webhook does. The comment is removed.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
            Conflict: it is being tested.
            DaemonSilent: no daemon runs that could receive it.
            DaemonEnding: the daemon is about to end.
            WebhookMissing: nothing came; the message says why, as far as that can be told.
            JiraGone, JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        workspace = await self._storage.read(lambda tx: administered(tx, name, by))
        if not self._daemon_runs():
            raise DaemonSilent("no daemon runs that could receive a webhook", hint="start it with `jirabot serve`")
        with self._alone(workspace):
            return await self._test(workspace, issue_key)

    @contextlib.contextmanager
    def _alone(self, workspace: Workspace) -> Iterator[None]:
        """Test a workspace once at a time: each test waits for long, and who may ask for one may ask for many."""
        if workspace.id in self._tested:
            raise Conflict(f"the webhook of `{workspace.name}` is being tested", hint="wait until that has ended")
        self._tested.add(workspace.id)
        try:
            yield
        finally:
            self._tested.discard(workspace.id)

    async def _test(self, workspace: Workspace, issue_key: str) -> Tested:
        served = await self._directory.get(workspace.id)
        site = self._directory.site(served)
        issue = await site.get_issue(IssueKey(issue_key))
        nonce, began = self._ids.sortable(), self._clock.now()
        comment_id = await site.post_comment(
            issue.id,
            self._texts.say("comment.webhook-test", nonce=nonce),
            visibility=Internal() if issue.is_service_desk else Public(),
            mark=EffectId(nonce),
        )
        left = ""
        try:
            delivery_id = await self._await(workspace.id, nonce, began)
        finally:
            left = await self._remove(site, issue.id, comment_id)
        if delivery_id is None:
            raise await self._cause(served, site, began)
        activated, doubt = await self._prove(served.workspace, site)
        took = self._clock.now() - began
        now = await self._storage.read(lambda tx: named(tx, workspace.name))
        return Tested(
            workspace=now,
            issue_key=issue.key,
            delivery_id=delivery_id,
            took=took,
            activated=activated,
            doubt=doubt,
            left=left,
        )

    async def _prove(self, workspace: Workspace, site: JiraSite) -> tuple[bool, str]:
        """Activate a workspace that was claimed, if it is proved now; else say why it is not."""
        if workspace.state is not WorkspaceState.UNPROVED:
            return False, ""
        if ADMINISTER not in await site.permissions([ADMINISTER]):
            account = workspace.service_account.label
            return False, f"`{account}` does not administer that Jira, and so may have sent the webhook itself"
        return await self._changes.prove(workspace.id, by=DAEMON), ""

    async def _await(self, workspace_id: WorkspaceId, nonce: str, began: datetime) -> DeliveryId | None:
        until = began + WITHIN
        while True:
            if self._is_ending:
                raise DaemonEnding("the daemon is about to end", hint="test it again once it has started")
            seen = self._storage.generation()
            if found := await self._storage.read(lambda tx: _delivery_with(tx, workspace_id, nonce, began)):
                return found
            if self._clock.now() >= until:
                return None
            await self._storage.changed(seen, within_seconds=LOOK_SECONDS)

    async def _remove(self, site: JiraSite, issue_id: IssueId, comment_id: CommentId) -> str:
        """Remove the comment, and say why where that can't be done."""
        try:
            async with asyncio.timeout(REMOVING_SECONDS):
                await site.delete_comment(issue_id, comment_id)
        except JirabotError as error:
            return error.message
        except TimeoutError:
            return f"Jira did not answer in {REMOVING_SECONDS:.0f} s"
        return ""

    async def _cause(self, served: Served, site: JiraSite, began: datetime) -> WebhookMissing:
        """Say why nothing came, as far as that can be told."""
        name = served.workspace.name
        rejections = await self._storage.read(lambda tx: tx.rejections.list(served.workspace.id))
        rejected = next((each for each in rejections if each.at >= began), None)
        if rejected is not None:
            return WebhookMissing(
                f"a request came from {rejected.remote} that did not prove itself: {rejected.cause}",
                hint=f"`jirabot webhook register {name}` gives Jira the workspace's present secret",
            )
        try:
            held: Sequence[HeldWebhook] | None = await self._webhooks.held(served, site)
        except JirabotError:
            held = None
        anew = f"`jirabot webhook register {name}` sets it up"
        if held is not None and not held:
            return WebhookMissing("nothing came: no webhook in Jira sends to this workspace", hint=anew)
        if held and all(each.enabled is False for each in held):
            return WebhookMissing("nothing came: the webhook is switched off in Jira", hint=f"{anew} anew")
        filters = ", ".join(f"`{each.jql}`" for each in held or () if each.jql)
        about = f", and whether its filter {filters} lets this issue through" if filters else ""
        return WebhookMissing(
            f"nothing came within {WITHIN.seconds} s",
            hint=f"see whether Jira reaches `[server] public_url` (network, proxy, certificate){about}",
        )


def _delivery_with(tx: Transaction, workspace_id: WorkspaceId, nonce: str, began: datetime) -> DeliveryId | None:
    """Find the delivery that brought a nonce back.

    A replay proves nothing, as whoever makes one needs no secret; nor does what jirabot has found in Jira by itself.
    """
    for each in tx.deliveries.list(workspace_id=workspace_id, origin=Origin.WEBHOOK, limit=LOOKED_AT):
        if each.received_at < began or each.replay_of is not None:
            continue
        request = tx.deliveries.request_of(each.id)
        if request is not None and nonce.encode() in request.body:
            return each.id
    return None
