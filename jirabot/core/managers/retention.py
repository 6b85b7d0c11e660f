"""Forgets what was kept for its time: bodies, logs, checkouts, and files that nobody names. Never what is open.

What is old is found by reading, which holds nobody up, and forgotten in short transactions that look again.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from jirabot.config import RetentionSettings
from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.conversations import Conversation
from jirabot.core.ids import ConversationId
from jirabot.core.managers import audit
from jirabot.core.people import Principal
from jirabot.core.ports import AgentBackend, BodyFiles, Checkouts, Clock, Storage, Transaction
from jirabot.core.retention import LEFTOVER_GRACE, Cutoffs, Pruned, cutoffs, next_night
from jirabot.errors import AgentUnavailable

BATCH = 100
"""Rows of one transaction: some milliseconds of the writer's time."""

BREATH_SECONDS = 0.05
"""Between two of them, so that what comes in meanwhile does not wait behind all of it."""


class Retention:
    """Prunes."""

    def __init__(
        self,
        *,
        storage: Storage,
        checkouts: Checkouts,
        backends: Mapping[str, AgentBackend],
        bodies: BodyFiles,
        settings: RetentionSettings,
        clock: Clock,
    ) -> None:
        self._storage, self._checkouts, self._backends = storage, checkouts, backends
        self._bodies, self._settings, self._clock = bodies, settings, clock

    async def due_seconds(self) -> float:
        """Tell in how many seconds it is time to prune by the settings, once a night; 0 where a night was missed."""
        pruned_at = await self._storage.read(lambda tx: tx.retention.pruned_at())
        if pruned_at is None:
            return 0.0
        return max(0.0, (next_night(pruned_at.astimezone()) - self._clock.now()).total_seconds())

    async def prune(self, *, older_than: timedelta | None = None, dry_run: bool = False, by: Principal) -> Pruned:
        """Forget what is old, by the settings or *older_than* that; *dry_run*: only count it.

        Raises:
            Forbidden: *by* is no administrator of everything.
        """
        check_operator(by)
        now = self._clock.now()
        before = cutoffs(self._settings, now=now, older_than=older_than)
        pruned = Pruned(
            bodies=await self._requests(before, dead=False, dry_run=dry_run),
            dead_bodies=await self._requests(before, dead=True, dry_run=dry_run),
            reports=await self._reports(before, dry_run=dry_run),
        )
        pruned = await self._small(before, pruned, dry_run=dry_run)
        checkouts, folders = await self._folders(before, now - LEFTOVER_GRACE, dry_run=dry_run)
        files = await self._files(now - LEFTOVER_GRACE, dry_run=dry_run)
        left = () if dry_run else tuple(await self._checkouts.clear())
        done = replace(pruned, checkouts=checkouts, leftovers=folders + files, left=left)
        if not dry_run:
            await self._storage.write(lambda tx: self._note(tx, done, now, nightly=older_than is None, by=by))
        return done

    def _note(self, tx: Transaction, done: Pruned, now: datetime, *, nightly: bool, by: Principal) -> None:
        """Write down that it was done; a night in which nothing was old is no act."""
        if nightly:
            tx.retention.record_pruned(at=now)
        if done.count:
            audit.record(tx, Act.DATABASE_PRUNED, by=by, now=now, count=done.count)

    async def _requests(self, before: Cutoffs, *, dead: bool, dry_run: bool) -> int:
        """Forget bodies and headers; the file of a large body goes once the row no longer names it."""
        cutoff = before.dead if dead else before.deliveries
        files: list[str] = []

        def forget(numbers: Sequence[int], tx: Transaction) -> int:
            forgotten = tx.retention.forget_requests(numbers, before=cutoff, dead=dead)
            files[:] = forgotten.files
            return forgotten.count

        def old(tx: Transaction) -> Sequence[int]:
            return tx.retention.old_requests(before=cutoff, dead=dead, after=after, limit=BATCH)

        count = after = 0
        while found := await self._storage.read(old):
            after = found[-1]
            if dry_run:
                count += len(found)
                continue
            count += await self._storage.write(partial(forget, found))
            await asyncio.to_thread(self._forget_files, list(files))
            await self._clock.sleep(BREATH_SECONDS)
        return count

    async def _reports(self, before: Cutoffs, *, dry_run: bool) -> int:
        """Forget what agents reported in conversations that are closed."""

        def old(tx: Transaction) -> Sequence[int]:
            return tx.retention.old_reports(before=before.logs, after=after, limit=BATCH)

        def forget(tx: Transaction) -> int:
            return tx.retention.forget_reports(found, before=before.logs)

        count = after = 0
        while found := await self._storage.read(old):
            after = found[-1]
            if dry_run:
                count += len(found)
                continue
            count += await self._storage.write(forget)
            await self._clock.sleep(BREATH_SECONDS)
        return count

    async def _small(self, before: Cutoffs, pruned: Pruned, *, dry_run: bool) -> Pruned:
        """Forget what there is little of: rejected requests, single failures, troubles that are over and told."""
        if dry_run:
            counted = await self._storage.read(lambda tx: _count_small(tx, before.logs))
            return replace(pruned, rejections=counted[0], troubles=counted[1])

        def forget(tx: Transaction) -> Pruned:
            rejections = tx.rejections.forget(before=before.logs)
            return replace(pruned, rejections=rejections, troubles=tx.troubles.forget(before=before.logs))

        return await self._storage.write(forget)

    async def _folders(self, before: Cutoffs, grace: datetime, *, dry_run: bool) -> tuple[int, int]:
        """Remove the checkouts of closed conversations, and folders of none; count both."""
        modified = await self._checkouts.folders()
        closed = unnamed = 0
        for conversation_id in await self._old(list(modified), before.checkouts):
            closed += 1 if dry_run else await self._close(conversation_id, before.checkouts)
        old = [conversation_id for conversation_id, at in modified.items() if at < grace]
        for conversation_id in await self._unnamed(old):
            unnamed += 1 if dry_run else await self._storage.write(partial(self._set_aside_unnamed, conversation_id))
        return closed, unnamed

    def _set_aside_unnamed(self, conversation_id: ConversationId, tx: Transaction) -> bool:
        return tx.conversations.find(conversation_id) is None and self._checkouts.set_aside(conversation_id)

    async def _old(self, ids: Sequence[ConversationId], before: datetime) -> Sequence[ConversationId]:
        def closed(some: Sequence[ConversationId], tx: Transaction) -> Sequence[ConversationId]:
            return tx.retention.closed_of(some, before=before)

        found: list[ConversationId] = []
        for first in range(0, len(ids), BATCH):
            found += await self._storage.read(partial(closed, ids[first : first + BATCH]))
        return found

    async def _unnamed(self, ids: Sequence[ConversationId]) -> Sequence[ConversationId]:
        return await self._storage.read(lambda tx: [id_ for id_ in ids if tx.conversations.find(id_) is None])

    async def _close(self, conversation_id: ConversationId, before: datetime) -> bool:
        """Take the checkout of a closed conversation away, so that it is not taken up again at the same time.

        The rename is done within the transaction: whoever takes the conversation up again commits before it, and is
        seen, or after it, and finds no checkout.
        """

        def change(tx: Transaction) -> Conversation | None:
            is_old = bool(tx.retention.closed_of([conversation_id], before=before))
            if not is_old or not self._checkouts.set_aside(conversation_id):
                return None
            return tx.conversations.find(conversation_id)

        conversation = await self._storage.write(change)
        if conversation is None:
            return False
        # An agent that can't be used any more has nothing that could be asked of it.
        with contextlib.suppress(AgentUnavailable):
            backend = self._backends.get(conversation.agent)
            if backend is not None and conversation.session:
                await backend.discard(conversation.session)
        return True

    async def _files(self, grace: datetime, *, dry_run: bool) -> int:
        """Remove the files of bodies that no row names."""
        modified = await asyncio.to_thread(self._bodies.list)
        old = [name for name, at in modified.items() if at < grace]
        count = 0
        for first in range(0, len(old), BATCH):
            some = old[first : first + BATCH]
            named = await self._storage.read(partial(_named_files, some))
            unnamed = [name for name in some if name not in named]
            count += len(unnamed)
            if not dry_run:
                await asyncio.to_thread(self._forget_files, unnamed)
        return count

    def _forget_files(self, names: Sequence[str]) -> None:
        for name in names:
            self._bodies.forget(name)


def _named_files(names: Sequence[str], tx: Transaction) -> Collection[str]:
    return tx.retention.named_files(names)


def _count_small(tx: Transaction, before: datetime) -> tuple[int, int]:
    rejections = [each for workspace in tx.workspaces.list() for each in tx.rejections.list(workspace.id)]
    over = [each for each in tx.troubles.list(limit=1_000_000) if each.ended_at and each.ended_at < before]
    return sum(each.at < before for each in rejections), sum(each.end_told_at is not None for each in over)
