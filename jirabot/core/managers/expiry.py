"""Ends conversations that rest for longer than a session lasts, with what they hold, and says so on their issues."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from jirabot.core.conversations import Conversation, RunState
from jirabot.core.managers import orders
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.openings import Circumstances
from jirabot.core.people import Principal
from jirabot.core.ports import AgentBackend, Clock, Events, Ids, Storage, Transaction
from jirabot.core.texts import Texts
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import AgentUnavailable

BATCH = 20
"""So many conversations of a workspace are ended before the others have their turn."""


class Expiry:
    """Looks for conversations at rest. What is kept of a paused workspace may be news for them: they wait for it."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        backends: Mapping[str, AgentBackend],
        texts: Texts,
        clock: Clock,
        ids: Ids,
        log: Events,
        stop_grace: timedelta,
    ) -> None:
        self._storage, self._directory, self._backends, self._texts = storage, directory, backends, texts
        self._clock, self._ids, self._log, self._stop_grace = clock, ids, log, stop_grace

    async def expire_once(self, *, by: Principal) -> bool:
        """End a batch in each workspace; False where none was due."""
        expired = 0
        for served in await self._served():
            since = self._clock.now() - served.limits.session
            for idle in await self._idle(served, since):
                expired += await self._expire(served, idle, since)
        return expired > 0

    async def next_due_seconds(self) -> float | None:
        """Tell in how many seconds the next conversation is due; None where none is open."""
        served = await self._served()

        def query(tx: Transaction) -> list[datetime]:
            rest = [(tx.conversations.idle_since(each.workspace.id), each.limits.session) for each in served]
            return [since + session for since, session in rest if since is not None]

        due = await self._storage.read(query)
        return max(0.0, (min(due) - self._clock.now()).total_seconds()) if due else None

    async def _served(self) -> Sequence[Served]:
        """List the workspaces whose sessions end."""
        every = await self._directory.all()
        return [s for s in every if s.workspace.state is WorkspaceState.ACTIVE and s.limits.session]

    async def _idle(self, served: Served, since: datetime) -> Sequence[Conversation]:
        workspace_id = served.workspace.id
        return await self._storage.read(lambda tx: tx.conversations.find_idle(workspace_id, since=since, limit=BATCH))

    async def _expire(self, served: Served, idle: Conversation, since: datetime) -> bool:
        def change(tx: Transaction) -> Conversation | None:
            conversation = tx.conversations.find(idle.id)
            if conversation is None or not conversation.is_open or conversation.updated_at > since:
                return None
            orders.expire(tx, conversation, served.limits.session, self._around(conversation))
            return conversation

        expired = await self._storage.write(change)
        if expired is None:
            return False
        self._log.tell(
            "conversation.expired",
            workspace=served.workspace.name,
            conversation_id=expired.id,
            issue_key=expired.issue_key,
        )
        await self._end_what_it_holds(expired)
        return True

    def _around(self, conversation: Conversation) -> Circumstances:
        return Circumstances(
            workspace_id=conversation.workspace_id,
            texts=self._texts,
            cause=f"expired:{conversation.id}#{conversation.runs_count}",
            now=self._clock.now(),
            new_id=self._ids.sortable,
        )

    async def _end_what_it_holds(self, conversation: Conversation) -> None:
        """End what a backend keeps running between turns; a turn that goes on is ended by whoever carries its run."""
        live = await self._storage.read(lambda tx: tx.conversations.live_run(conversation.id))
        if not conversation.session or (live is not None and live.state is RunState.RUNNING):
            return
        with contextlib.suppress(AgentUnavailable):
            backend = self._backends.get(conversation.agent)
            if backend is not None:
                await backend.stop(conversation.session, grace_seconds=self._stop_grace.total_seconds())
