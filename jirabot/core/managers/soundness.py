"""`db check`: looks at the database and what lies beside it, one thing after the other. Changes nothing.

A daemon may run meanwhile: what is only on its way is no fault.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from jirabot.config import WorkspaceDefaults
from jirabot.core.access import check_operator
from jirabot.core.managers.audit import Audit
from jirabot.core.managers.directory import settings_of
from jirabot.core.managers.keys import Keys
from jirabot.core.people import Principal
from jirabot.core.ports import BodyFiles, Checkouts, Clock, Storage, Transaction
from jirabot.core.retention import LEFTOVER_GRACE
from jirabot.core.soundness import LEASE_GRACE, STUCK_AFTER, BodyFile, Fault, FaultKind, Held
from jirabot.errors import (
    ConfigurationInvalid,
    DatabaseMissing,
    DatabaseOfOtherVersion,
    DatabaseUnusable,
    Forbidden,
    JirabotError,
    MasterKeyMissing,
    SettingsOutdated,
)

_RESTORE = "run `jirabot db restore FILE` with the newest backup"
_PRUNE = "run `jirabot db prune`, which removes it"


class Soundness:
    """Checks."""

    def __init__(
        self,
        *,
        storage: Storage,
        keys: Keys,
        audit: Audit,
        checkouts: Checkouts,
        bodies: BodyFiles,
        defaults: WorkspaceDefaults,
        clock: Clock,
        daemon_runs: Callable[[], bool],
        lives: Callable[[str], bool],
    ) -> None:
        """*defaults*: what is configured for workspaces. *lives*: whether the process that owns a lease is there."""
        self._storage, self._keys, self._checkouts, self._bodies = storage, keys, checkouts, bodies
        self._audit, self._clock, self._daemon_runs, self._lives = audit, clock, daemon_runs, lives
        self._defaults = defaults

    async def check(self, *, by: Principal) -> Sequence[Fault]:
        """List what is wrong; what can't be looked at is one fault more.

        Raises:
            Forbidden: *by* is no administrator of everything.
        """
        check_operator(by)
        looks: list[Callable[[], Awaitable[Sequence[Fault]]]] = [
            self._damage,
            self._rows,
            self._files,
            self._folders,
            lambda: self._secrets(by),
            self._settings,
            self._stranded,
            self._leases,
            self._comments,
            lambda: self._chain(by),
        ]
        found: list[Fault] = []
        for look in looks:
            try:
                found += await look()
            except Forbidden:
                raise  # what somebody may not look at is no fault
            except JirabotError as error:
                found.append(unusable(error))
        return list(dict.fromkeys(found))

    async def _damage(self) -> Sequence[Fault]:
        told = await self._storage.read(lambda tx: tx.soundness.damage())
        return [Fault(kind=FaultKind.DAMAGED, text=f"the file is damaged: {line}", fix=_RESTORE) for line in told]

    async def _rows(self) -> Sequence[Fault]:
        found = await self._storage.read(lambda tx: tx.soundness.dangling())
        return [
            Fault(
                kind=FaultKind.DANGLING,
                text=f"{each.count} rows of `{each.table}` name rows of `{each.names}` that are gone",
                fix=f"{_RESTORE}, and report it: no command of jirabot leaves such rows",
            )
            for each in found
        ]

    async def _files(self) -> Sequence[Fault]:
        """Compare the bodies that rows name with the files; what changes meanwhile is looked at again."""
        missing, unnamed = await self._compared()
        if missing:
            again, _ = await self._compared()
            missing = [each for each in missing if each in again]
        gone = [
            Fault(
                kind=FaultKind.BODY_MISSING,
                text=f"the body of event `{each.delivery_id}` is missing: there is no file `{each.name}`",
                fix=f"put it back into the folder `spool`; what is known without it tells "
                f"`jirabot event explain {each.delivery_id}`",
            )
            for each in missing
        ]
        left = [
            Fault(kind=FaultKind.FILE_UNNAMED, text=f"no event names the file `{name}` of a body", fix=_PRUNE)
            for name in unnamed
        ]
        return [*gone, *left]

    async def _compared(self) -> tuple[Sequence[BodyFile], Sequence[str]]:
        """Give the bodies whose file is missing, and the files, none of them young, that nobody names."""
        files = await asyncio.to_thread(self._bodies.list)
        rows = await self._storage.read(lambda tx: tx.soundness.bodies())
        there = await asyncio.to_thread(self._bodies.list)
        grace = self._clock.now() - LEFTOVER_GRACE
        named = {row.name for row in rows}
        unnamed = [name for name, at in sorted(files.items()) if name not in named and at < grace and name in there]
        return [row for row in rows if row.name not in there], unnamed

    async def _folders(self) -> Sequence[Fault]:
        modified = await self._checkouts.folders()
        grace = self._clock.now() - LEFTOVER_GRACE
        old = [conversation_id for conversation_id, at in sorted(modified.items()) if at < grace]
        unnamed = await self._storage.read(lambda tx: [id_ for id_ in old if tx.conversations.find(id_) is None])
        text = "the folder `conversations/{}` is of no conversation"
        return [Fault(kind=FaultKind.FOLDER_UNNAMED, text=text.format(id_), fix=_PRUNE) for id_ in unnamed]

    async def _secrets(self, by: Principal) -> Sequence[Fault]:
        try:
            await self._keys.check(by=by)
        except ConfigurationInvalid as error:
            return [Fault(kind=FaultKind.SECRET_SEALED, text=text, fix=error.hint) for text in error.problems]
        except MasterKeyMissing as error:
            return [Fault(kind=FaultKind.SECRET_SEALED, text=error.message, fix=error.hint)]
        return []

    async def _settings(self) -> Sequence[Fault]:
        found: list[Fault] = []
        for workspace in await self._storage.read(lambda tx: tx.workspaces.list()):
            try:
                settings_of(workspace, self._defaults)
            except SettingsOutdated as error:
                found += [Fault(kind=FaultKind.SETTING_REFUSED, text=text, fix=error.hint) for text in error.problems]
        return found

    async def _stranded(self) -> Sequence[Fault]:
        found = await self._storage.read(lambda tx: tx.soundness.stranded())
        return [
            Fault(
                kind=FaultKind.EVENT_STRANDED,
                text=f"event `{delivery_id}` waits, and nobody comes by: its issue's lane is not ready",
                fix="stop and start the daemon: it wakes such lanes as it starts",
            )
            for delivery_id in found
        ]

    async def _leases(self) -> Sequence[Fault]:
        held = await self._storage.read(lambda tx: tx.soundness.held())
        daemon_runs = self._daemon_runs()
        told = "stop and start the daemon" if daemon_runs else "run `jirabot serve`"
        return [
            Fault(
                kind=FaultKind.LEASE_LOST,
                text=f"{each.what} is held by the process `{each.owner}`, which does not work on it",
                fix=f"{told}: it takes over what others have left",
            )
            for each in held
            if self._is_lost(each, daemon_runs=daemon_runs)
        ]

    def _is_lost(self, held: Held, *, daemon_runs: bool) -> bool:
        """Where a daemon runs, its leases are renewed; without one, a command may hold one for as long as it lives."""
        has_run_out = held.until + LEASE_GRACE < self._clock.now()
        return has_run_out or (not daemon_runs and not self._lives(held.owner))

    async def _comments(self) -> Sequence[Fault]:
        before = self._clock.now() - STUCK_AFTER

        def query(tx: Transaction) -> Sequence[str]:
            return tx.soundness.overdue(before=before)

        if not self._daemon_runs():
            return []
        return [
            Fault(
                kind=FaultKind.COMMENT_STUCK,
                text=f"the comment `{effect_id}` was due over an hour ago, and is not known to stand on its issue",
                fix=f"`jirabot outbox show {effect_id}` tells why; `jirabot outbox discard {effect_id}` gives it up",
            )
            for effect_id in await self._storage.read(query)
        ]

    async def _chain(self, by: Principal) -> Sequence[Fault]:
        verdict = await self._audit.verify(by=by)
        fix = "somebody has written into the database past jirabot: compare it with a backup, which has the audit too"
        return [Fault(kind=FaultKind.AUDIT_BROKEN, text=f"the audit: {each.text}", fix=fix) for each in verdict.broken]


def unusable(error: JirabotError) -> Fault:
    """Make a fault of what can't be looked at."""
    match error:
        case DatabaseMissing():
            kind = FaultKind.MISSING
        case DatabaseOfOtherVersion():
            kind = FaultKind.OTHER_VERSION
        case DatabaseUnusable():
            kind = FaultKind.DAMAGED
        case _:
            kind = FaultKind.UNUSABLE
    return Fault(kind=kind, text=error.message, fix=error.hint)
