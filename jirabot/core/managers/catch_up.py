"""Looks through each workspace's Jira for what no webhook told: now and then, or as the only way in (`events = poll`).

How far it has looked is written in one transaction with what it found, or, of much, with the last of it: a daemon that
dies before looks again, and what it finds twice acts once.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.core import catching_up
from jirabot.core.catching_up import ChangedIssue, Checkpoint, Span
from jirabot.core.ids import IssueId, WorkspaceId
from jirabot.core.managers import troubles
from jirabot.core.managers.directory import Directory, Served, named
from jirabot.core.managers.finds import Finds
from jirabot.core.managers.gaps import Gaps
from jirabot.core.managers.jitter import jitter
from jirabot.core.managers.probes import Probes
from jirabot.core.managers.troubles import Found
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, Events, Ids, Storage, Transaction
from jirabot.core.retry import RetryAt, next_attempt
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import Conflict, JirabotError, JiraRefused, JiraRejected, Kind, SecretSealed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """The looks at a workspace, as it was changed last at `changed_at`, that failed one after the other."""

    count: int
    changed_at: datetime
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some of what a look has found; the last of it is written with the checkpoint `after`, and what was `missed`."""

    issues: Sequence[ChangedIssue] = ()
    after: Checkpoint | None = None
    missed: Span | None = None


class CatchUp:
    """Catches up, workspaces side by side."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        finds: Finds,
        gaps: Gaps,
        probes: Probes,
        clock: Clock,
        ids: Ids,
        log: Events,
        switched_off: Collection[str],
    ) -> None:
        """*switched_off*: the deployments that nothing is heard from."""
        self._storage, self._directory, self._probes = storage, directory, probes
        self._finds, self._gaps, self._switched_off = finds, gaps, switched_off
        self._clock, self._ids, self._log = clock, ids, log
        self._going: set[WorkspaceId] = set()
        self._failures: dict[WorkspaceId, _Failure] = {}
        self._known: dict[WorkspaceId, Mapping[IssueId, datetime]] = {}

    async def claim(self, *, by: Principal) -> Served | None:
        """Take the workspace that is due the longest; None where none is. `carry` gives it back."""
        due_at, served = min(await self._due(), key=lambda each: each[0], default=(None, None))
        if due_at is None or served is None or due_at > self._clock.now():
            return None
        self._going.add(served.workspace.id)
        return served

    async def next_due_seconds(self) -> float | None:
        """Tell in how many seconds the next workspace is due; None where there is none to look at."""
        due = [due_at for due_at, _ in await self._due()]
        return max(0.0, (min(due) - self._clock.now()).total_seconds()) if due else None

    async def carry(self, served: Served, *, by: Principal) -> None:
        """Look at a workspace that was claimed; a failure is noted, and the next look comes later.

        Raises:
            StorageUnavailable, DatabaseUnusable: the database is what fails.
        """
        workspace_id = served.workspace.id
        try:
            await self.look(served, by=by)
            self._failures.pop(workspace_id, None)
        except JirabotError as error:
            await self._failed(served, error)
        finally:
            self._going.discard(workspace_id)

    async def look(self, served: Served, *, by: Principal) -> int:
        """Look for what happened since the last look, and write it down; count what was new.

        Where nobody looked for longer than a day, the last day is caught up, and what was before waits for a person.

        Raises:
            JirabotError: Jira did not answer, or knows us as somebody else; how far we looked is as it was before.
        """
        workspace = served.workspace
        known = await self._storage.read(lambda tx: tx.checkpoints.find(workspace.id))
        site, now_there = await self._finds.open(served)
        if known is None:
            # A workspace that an earlier release has made: nobody has ever promised to look further back.
            begun = catching_up.begun(workspace.id, at=now_there, now=self._clock.now())
            await self._storage.write(lambda tx: self._begin(tx, begun))
            return 0
        back = served.settings.looks_back
        wide = catching_up.is_new_hour(known, self._clock.now())
        span, missed = catching_up.span(known, now_there, back=back if wide else timedelta())
        read = self._read_since(workspace, min(span.since, now_there - back))
        found = site.iter_changes(span, now=now_there, projects=served.settings.projects, known=read)
        count, last = 0, Batch()
        try:
            async for issues in found:
                count += await self._write(served, known, last)
                last = Batch(issues=issues)
        except JirabotError:
            # What was read until then stands, so that a Jira that stops us each time is looked through all the same.
            await self._write(served, known, last)
            raise
        after = catching_up.looked(known, until=now_there, calls=site.calls_count, now=self._clock.now())
        count += await self._write(served, known, Batch(issues=last.issues, after=after, missed=missed))
        level = "info" if count else "debug"
        self._log.tell("catch_up.looked", level=level, workspace=workspace.name, count=count, calls=site.calls_count)
        return count

    async def checkpoint(self, name: str, *, by: Principal) -> Checkpoint | None:
        """Tell how far a workspace's Jira was looked through; None before the first look.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """
        return await self._storage.read(lambda tx: tx.checkpoints.find(named(tx, name).id))

    def _begin(self, tx: Transaction, begun: Checkpoint) -> None:
        if tx.workspaces.find(begun.workspace_id) is not None and tx.checkpoints.find(begun.workspace_id) is None:
            tx.checkpoints.save(begun)

    def _read_since(self, workspace: Workspace, since: datetime) -> Mapping[IssueId, datetime]:
        """Give the issues that are known as of when they were last read; those that no search finds are forgotten."""
        known = self._known.get(workspace.id, {})
        self._known[workspace.id] = {issue_id: at for issue_id, at in known.items() if at >= since}
        return self._known[workspace.id]

    async def _write(self, served: Served, known: Checkpoint, batch: Batch) -> int:
        """Write down some of what was found, the last of it with the checkpoint; count what was new.

        What was written is not read again by the next look, should this one not come to its end.

        Raises:
            Conflict: the workspace was changed meanwhile; nothing was written.
        """
        if batch == Batch():
            return 0
        workspace_id = served.workspace.id
        finds = await asyncio.to_thread(self._finds.detect, served, batch.issues)

        def change(tx: Transaction) -> int:
            present = tx.workspaces.find(workspace_id)
            unchanged = present is not None and _is_same(present, served.workspace)
            if not unchanged or tx.checkpoints.find(workspace_id) != known:
                raise Conflict("the workspace was changed while its Jira was looked through")
            if batch.missed is not None:
                self._gaps.record(tx, served, batch.missed)
            if batch.after is not None:
                tx.checkpoints.save(batch.after)
                tx.troubles.end(of_workspace(workspace_id), Reason.CATCH_UP_FAILING, now=self._clock.now())
            return self._finds.record(tx, served, finds)

        count = await self._storage.write(change)
        read = {issue.id: issue.updated_at for issue in batch.issues}
        self._known[workspace_id] = {**self._known.get(workspace_id, {}), **read}
        return count

    async def _due(self) -> list[tuple[datetime, Served]]:
        """List the workspaces that nobody looks at now, each with the time when somebody is to."""
        checkpoints = await self._storage.read(lambda tx: tx.checkpoints.list())
        waiting = [each for each in await self._directory.all() if self._is_looked_at(each)]
        return [(self._due_at(each, checkpoints.get(each.workspace.id)), each) for each in waiting]

    def _is_looked_at(self, served: Served) -> bool:
        workspace = served.workspace
        if workspace.state is not WorkspaceState.ACTIVE or workspace.deployment in self._switched_off:
            return False
        return workspace.id not in self._going and bool(served.settings.looks_every)

    def _due_at(self, served: Served, known: Checkpoint | None) -> datetime:
        """Say when to look; at once where nobody has, or our clock was set back behind the last look."""
        now, failure = self._clock.now(), self._failures.get(served.workspace.id)
        if failure is not None and failure.changed_at == served.workspace.updated_at:
            return failure.due_at if failure.at <= now else now
        if known is None:
            return now
        last = known.looked_at or known.calls_since
        return last + served.settings.looks_every if last <= now else now

    async def _failed(self, served: Served, error: JirabotError) -> None:
        """Put off the next look, and tell who is to know; the database's own faults are told by who watches it."""
        workspace, now, before = served.workspace, self._clock.now(), self._failures.get(served.workspace.id)
        count = before.count + 1 if before else 1
        chosen = next_attempt(error, count, now, jitter=jitter(), most=None)
        due_at = max(now + served.settings.looks_every, chosen.at if isinstance(chosen, RetryAt) else now)
        self._failures[workspace.id] = _Failure(count=count, changed_at=workspace.updated_at, at=now, due_at=due_at)
        if error.kind is Kind.UNAVAILABLE:
            raise error
        level = "warning" if count == 1 else "debug"
        self._log.tell("catch_up.failed", level=level, workspace=workspace.name, cause=error.message, hint=error.hint)
        if isinstance(error, JiraRefused | SecretSealed) or error.kind is Kind.UNREACHABLE:
            await self._probes.note(served, error)
        elif isinstance(error, JiraRejected):
            await self._storage.write(lambda tx: self._tell(tx, workspace, error))

    def _tell(self, tx: Transaction, workspace: Workspace, error: JirabotError) -> None:
        found = Found(
            scope=of_workspace(workspace.id),
            reason=Reason.CATCH_UP_FAILING,
            text=f"the Jira of `{workspace.name}` can't be searched: {error.message}",
            fix=f"{error.hint or 'mend what it says'}; `jirabot workspace show {workspace.name}` tells its settings",
        )
        troubles.begin(tx, found, new_id=self._ids.sortable(), now=self._clock.now())


def _is_same(workspace: Workspace, looked_at: Workspace) -> bool:
    """Say whether what was found is of the Jira, and for the account, that the workspace still has, and is served."""
    same = (workspace.base_url, workspace.service_account.id) == (looked_at.base_url, looked_at.service_account.id)
    return same and workspace.state is WorkspaceState.ACTIVE
