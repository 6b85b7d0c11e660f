"""The workers behind the door: inbox, outbox, runs. One tree of tasks; a task without an owner does not exist."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from jirabot.app import App
from jirabot.core import objects
from jirabot.core.managers.delivery import Claimed
from jirabot.core.managers.directory import Served
from jirabot.core.managers.pipeline import Next
from jirabot.core.people import DAEMON
from jirabot.daemon.agenda import SWEEP_SECONDS, Agenda
from jirabot.daemon.crews import Crew, until_idle
from jirabot.daemon.database import DatabaseWatch
from jirabot.daemon.precedence import AGENDA, INBOX, Precedence
from jirabot.errors import JirabotError, Kind, fault_of, kind_and_place

T = TypeVar("T")

OUTBOX, RUNS, PROBES, LOOKS = "outbox", "runs", "probes", "looks"

ISSUES_AT_ONCE = 64
"""So many issues are decided about, and as many written to, at the same time: each waits mostly for Jira.

A first answer takes three requests one after the other: of a hundred mentions at once, to a Jira that takes 300 ms for
each, the last is answered after two seconds.
"""

LOOKS_AT_ONCE = 16
"""So many workspaces are looked through at the same time; one whose Jira does not answer holds its place for long."""

PRUNE_LOOK_SECONDS = 600.0
"""How long at most until it is looked again whether it is time to prune."""

EXPIRY_SECONDS = 60.0
"""How long nobody looks for conversations at rest, at most: a command may have shortened the sessions meanwhile."""

WATCH_SECONDS = 30.0
"""How often it is looked whether webhooks come: so soon it is noticed that one that was silent speaks again."""

LEAST_SLEEP_SECONDS = 1.0

PAUSE_AFTER_FAILURE_SECONDS = 1.0

TELL_EVERY_SECONDS = 0.5
"""How soon a trouble is told at most: the table is looked at after every change, and changes come by the thousand."""


class Workers:
    """Owns the daemon's background work from start to drain."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.precedence = Precedence()
        self._draining = asyncio.Event()
        self._running: set[str] = set()
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._outbox: Crew[Claimed] | None = None
        times = {INBOX: app.pipeline.times, OUTBOX: app.delivery.times, RUNS: app.runs.times}
        self._agenda = Agenda(times, storage=app.storage, clock=app.clock)
        self.database = DatabaseWatch(storage=app.storage, clock=app.clock, ids=app.ids, log=app.log)

    @property
    def is_draining(self) -> bool:
        """Say whether no new work is taken any more."""
        return self._draining.is_set()

    def counts(self) -> dict[str, int]:
        """Count the workers and the runs that go on."""
        return {"inbox": ISSUES_AT_ONCE, "outbox": ISSUES_AT_ONCE, "runs": len(self._running)}

    async def work(self) -> None:
        """Work until cancelled."""
        app = self._app
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.storage.watch())
            tasks.create_task(self.database.mend())
            tasks.create_task(self._repeat(app.intake.keep_rejections))
            tasks.create_task(self._repeat(self._prune_once))
            tasks.create_task(self._repeat(app.budgets.keep))
            tasks.create_task(self._repeat(self._look))
            inbox: Crew[Next] = self._crew(tasks, partial(app.pipeline.claim, by=DAEMON), self._handle_lane)
            tasks.create_task(self._loop(INBOX, inbox.begin_next))
            deliver = partial(app.delivery.deliver, by=DAEMON)
            outbox = self._outbox = self._crew(tasks, partial(app.delivery.claim, by=DAEMON), deliver)
            tasks.create_task(self._loop(OUTBOX, outbox.begin_next, while_draining=True))
            tasks.create_task(self._loop(RUNS, lambda: self._begin_run(tasks)))
            tasks.create_task(self._repeat(self._probe))
            look, claim = partial(app.catch_up.carry, by=DAEMON), partial(app.catch_up.claim, by=DAEMON)
            looks = self._crew(tasks, claim, look, at_once=LOOKS_AT_ONCE)
            tasks.create_task(self._repeat(partial(self._catch_up, looks)))
            tasks.create_task(self._repeat(self._tell))
            tasks.create_task(self._repeat(self._expire))
            tasks.create_task(self._repeat(self._warn))
            tasks.create_task(self._repeat(self._watch_webhooks))

    def _crew(
        self,
        tasks: asyncio.TaskGroup,
        claim: Callable[[], Awaitable[T | None]],
        carry: Callable[[T], Awaitable[None]],
        at_once: int = ISSUES_AT_ONCE,
    ) -> Crew[T]:
        return Crew(tasks, claim=claim, carry=carry, at_once=at_once, failed=self._failed)

    async def _handle_lane(self, first: Next) -> None:
        following = await self._app.pipeline.handle(first, by=DAEMON)
        while following is not None:
            await self.precedence.give_way(INBOX)
            following = await self._app.pipeline.handle(following, by=DAEMON)

    async def drain(self) -> None:
        """Take no new work; wait, for as long as the settings say, until the runs have ended and their issues know."""
        self._draining.set()
        self._app.webhook_tests.end()
        # A database that fails now is no reason to stay: what is owed is on the disk.
        try:
            with contextlib.suppress(TimeoutError, JirabotError):
                async with asyncio.timeout(self._app.settings.runs.drain.total_seconds()):
                    await self._at_rest.wait()
                    await self._until_said()
        finally:
            with contextlib.suppress(JirabotError):
                await self._app.intake.write_rejections(everything=True)
        if self._running:
            self._app.log.tell(
                "runs.interrupted",
                level="warning",
                count=len(self._running),
                hint="they go on when the daemon starts again",
            )

    async def _until_said(self) -> None:
        """Wait until nothing is in flight, and nothing owed that could be sent now: what has to wait outlives us."""
        if self._outbox is not None:
            await until_idle(self._outbox, is_due=self._app.delivery.is_due, storage=self._app.storage)

    async def _prune_once(self) -> None:
        """Forget what is old, if it is time; else wait. What nobody ended in time goes in between, too."""
        app = self._app
        await app.claims.expire()
        await app.consent_codes.expire()
        due = await app.retention.due_seconds()
        if due:
            # Looked at again before that: the machine may have slept, and a command may have done it.
            await app.clock.sleep(min(due, PRUNE_LOOK_SECONDS))
            return
        pruned = await app.retention.prune(by=DAEMON)
        for folder in pruned.left:
            app.log.tell(
                "checkout.left", level="warning", folder=folder, hint="give jirabot's user the right to remove it"
            )
        app.log.tell("retention.pruned", **objects.pruned(pruned))

    async def _tell(self) -> None:
        """Tell administrators what changed."""
        storage = self._app.storage
        seen = storage.generation()
        await self._app.teller.tell_once(by=DAEMON)
        await self._app.clock.sleep(TELL_EVERY_SECONDS)
        await storage.changed(seen, within_seconds=SWEEP_SECONDS)

    async def _begin_run(self, tasks: asyncio.TaskGroup) -> bool:
        run = None if self.is_draining else await self._app.runs.claim(by=DAEMON)
        if run is None:
            return not self.is_draining and await self._app.runs.tell_waiting(by=DAEMON)

        async def carry() -> None:
            try:
                await self._app.runs.carry(run, by=DAEMON)
            except Exception as error:  # noqa: BLE001 - one run never takes the daemon down
                # The lease runs out, and the run is taken up again.
                self._app.log.tell("run.lost", level="error", run_id=run.id, error=kind_and_place(error))
            finally:
                self._running.discard(run.id)
                if not self._running:
                    self._at_rest.set()

        self._running.add(run.id)
        self._at_rest.clear()
        tasks.create_task(carry())
        return True

    async def _probe(self) -> None:
        """Look whether a Jira is well, if it is time; what degrades a workspace brings that forward."""
        app = self._app
        await self.precedence.give_way(PROBES)
        if not self.is_draining and await app.probes.probe_once(by=DAEMON):
            return
        await self._rest(await app.probes.next_due_seconds(), at_most=SWEEP_SECONDS)

    async def _catch_up(self, looks: Crew[Served]) -> None:
        """Begin the next look for what no webhook told, if it is time."""
        await self.precedence.give_way(LOOKS)
        if not self.is_draining and await looks.begin_next():
            return
        await self._rest(await self._app.catch_up.next_due_seconds(), at_most=SWEEP_SECONDS)

    async def _expire(self) -> None:
        """End what rests for too long; sessions last hours, so that no commit needs to wake this."""
        app = self._app
        if not self.is_draining and await app.expiry.expire_once(by=DAEMON):
            return
        await self._rest(await app.expiry.next_due_seconds(), at_most=EXPIRY_SECONDS)

    async def _warn(self) -> None:
        """Warn ahead of the end of keys, which lies days away."""
        await self._app.key_ends.warn_once(by=DAEMON)
        await self._rest(None, at_most=EXPIRY_SECONDS)

    async def _watch_webhooks(self) -> None:
        """Look whether webhooks come, and refresh those that expire; both are a matter of hours."""
        await self.precedence.give_way(PROBES)
        if not self.is_draining:
            await self._app.webhook_watch.look_once(by=DAEMON)
        await self._app.clock.sleep(WATCH_SECONDS)

    async def _rest(self, due_seconds: float | None, *, at_most: float) -> None:
        """Sleep until something is due: at most that long, since it may be brought forward, and a second at least."""
        until_due = at_most if due_seconds is None else due_seconds
        await self._app.clock.sleep(max(LEAST_SLEEP_SECONDS, min(at_most, until_due)))

    async def _look(self) -> None:
        """Look what there is to do."""
        await self.precedence.give_way(AGENDA)
        await self._agenda.look()

    async def _loop(self, kind: str, step: Callable[[], Awaitable[bool]], *, while_draining: bool = False) -> None:
        """Do one step after another of what is due."""

        async def once() -> None:
            look = await self._agenda.until_due(kind)
            await self.precedence.give_way(kind)
            rests = self.is_draining and not while_draining
            if rests or not await step():
                self._agenda.nothing_found(kind, look)

        await self._repeat(once)

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        """Go on after a failure, whatever it is, told once for as long as it is the same; the work is still there.

        Where the database is what fails, one looks until it is well again, and everybody else waits for that.
        """
        told = ""
        while True:
            try:
                await work()
                told = ""
            except Exception as error:  # noqa: BLE001 - one step never takes the daemon, and every workspace, down
                told = self._failed(error, told=told)
                await self._app.clock.sleep(PAUSE_AFTER_FAILURE_SECONDS)
                await self.database.until_well()

    def _failed(self, error: Exception, *, told: str = "") -> str:
        """Tell of a failure that was not *told* already, and give its words; of the database's its watch tells."""
        ours = error if isinstance(error, JirabotError) else fault_of(error)
        self.database.failed(ours)
        if ours.kind is not Kind.UNAVAILABLE and ours.message != told:
            place = {} if ours is error else {"error": kind_and_place(error)}
            self._app.log.tell("worker.failed", level="error", cause=ours.message, hint=ours.hint, **place)
        return ours.message
