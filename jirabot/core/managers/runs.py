"""Runs: from the messages that a run is given, over the agent's turn, to its end.

A run is a row with a lease. Every transaction of it asks first whether the lease still stands, so that of two daemons
only one can conclude it. A daemon that dies leaves the row: the next one sweeps what is left of the agent and begins
the turn again, or reports it, by setting.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jirabot.config import GitSettings, RunsSettings
from jirabot.core import views
from jirabot.core.agents import Ending, Failed, FailureKind, Message, Progress, Resumed, RunSpec, Stopped
from jirabot.core.audit import Act
from jirabot.core.conversations import Conversation, Happening, Run, RunEvent, State, advance
from jirabot.core.deliveries import Lease
from jirabot.core.ids import ConversationId
from jirabot.core.managers import breakers, first_answers
from jirabot.core.managers.briefing import Briefing
from jirabot.core.managers.budgets import Budgets
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.endings import Endings
from jirabot.core.managers.preparation import Full, Preparation, Put, Ready
from jirabot.core.managers.work import RunLost, Work, held, record_run, stopped
from jirabot.core.network import Network, network_of
from jirabot.core.openings import Circumstances
from jirabot.core.people import Principal
from jirabot.core.ports import AgentBackend, Checkouts, Clock, Events, Ids, Storage, Transaction, Vault
from jirabot.core.tasks import together
from jirabot.core.texts import Texts
from jirabot.errors import AgentUnavailable, JirabotError, fault_of, kind_and_place

RUN_LEASE = timedelta(seconds=60)
RENEW_EVERY_SECONDS = 20
LOOK_FOR_STOP_SECONDS = 0.5
"""How long a stop may take to be noticed."""

TELL_AT_ONCE = 20
"""So many issues are told in one transaction that their runs wait."""

TOUCH_EVERY = timedelta(minutes=1)
"""How exactly a conversation's row says when its agent was last heard: not a write for each of its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A turn whose agent works."""

    work: Work
    ready: Ready
    backend: AgentBackend


class Runs:
    """Carries runs from their messages to their end."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        vault: Vault,
        checkouts: Checkouts,
        backends: Mapping[str, AgentBackend],
        texts: Texts,
        clock: Clock,
        ids: Ids,
        log: Events,
        budgets: Budgets,
        settings: RunsSettings,
        git: GitSettings,
        owner: str,
    ) -> None:
        self._budgets = budgets
        self._storage, self._directory, self._backends, self._texts = storage, directory, backends, texts
        self._clock, self._ids, self._log, self._settings, self._owner = clock, ids, log, settings, owner
        self._carried: dict[Lease, datetime] = {}
        self._preparation = Preparation(
            storage=storage,
            directory=directory,
            vault=vault,
            checkouts=checkouts,
            texts=texts,
            clock=clock,
            git=git,
            parallel_per_repository=settings.parallel_per_repository,
        )
        self._briefing = Briefing(storage=storage, directory=directory)
        self._endings = Endings(
            storage=storage,
            checkouts=checkouts,
            texts=texts,
            clock=clock,
            ids=ids,
            log=log,
            settings=settings,
        )

    async def claim(self, *, by: Principal, only: ConversationId | None = None) -> Run | None:
        """Take the next run that may begin now (of the conversation *only*, if given); None where none may."""
        limits = {
            "daemon": self._settings.parallel,
            "workspace": self._settings.parallel_per_workspace,
            "user": self._settings.parallel_per_user,
            "repository": self._settings.parallel_per_repository,
        }
        now = self._clock.now()
        until = now + RUN_LEASE
        # A database that refused for longer than a lease does not take from us what we carry. The others are left
        # alone: each renewal is a commit, which wakes whoever looks for something to do, and so would ask for the next.
        overdue = {lease for lease, held_until in self._carried.items() if held_until <= now}

        def change(tx: Transaction) -> Run | None:
            for lease in overdue:
                tx.conversations.renew_run(lease, until=until)
            return tx.conversations.claim_run(owner=self._owner, now=now, until=until, limits=limits, only=only)

        claimed = await self._storage.write(change)
        self._carried.update(dict.fromkeys(self._carried.keys() & overdue, until))
        return claimed

    def times(self, tx: Transaction, now: datetime) -> Sequence[datetime]:
        """Tell when a run may begin, go on, or have its issue told why it waits; nothing where none does."""
        return tx.conversations.run_times(now=now)

    async def tell_waiting(self, *, by: Principal) -> bool:
        """Say on the issues of runs that wait for an agent whose breaker is open that they do; False where all know."""
        now = self._clock.now()
        if not await self._storage.read(lambda tx: tx.breakers.untold(now=now, limit=1)):
            return False

        def change(tx: Transaction) -> None:
            for run in tx.breakers.untold(now=now, limit=TELL_AT_ONCE):
                breakers.tell_waiting(tx, run, self._around(run))

        await self._storage.write(change)
        return True

    def _around(self, run: Run) -> Circumstances:
        return Circumstances(
            workspace_id=run.workspace_id,
            texts=self._texts,
            cause=f"run:{run.id}",
            now=self._clock.now(),
            new_id=self._ids.sortable,
        )

    async def carry(self, run: Run, *, by: Principal) -> None:
        """Bring a claimed run to its end, or to where it waits for a person. Renews its lease meanwhile."""
        lease = Lease(key=run.id, workspace_id=run.workspace_id, owner=self._owner, epoch=run.epoch)
        self._carried[lease] = run.lease_until or self._clock.now()
        try:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(self._renew(lease))
                try:
                    await self._carry(run, lease)
                finally:
                    renewing.cancel()
        finally:
            del self._carried[lease]

    async def _renew(self, lease: Lease) -> None:
        while True:
            await self._clock.sleep(RENEW_EVERY_SECONDS)
            await self._prolong(lease)

    async def _prolong(self, lease: Lease) -> None:
        until = self._clock.now() + RUN_LEASE
        await self._storage.write(lambda tx: tx.conversations.renew_run(lease, until=until))
        self._carried[lease] = until

    async def _carry(self, run: Run, lease: Lease) -> None:
        work = await self._gather(run, lease)
        with contextlib.suppress(RunLost):
            try:
                await self._work(work)
            except RunLost:
                raise
            except Exception as error:  # noqa: BLE001 - what fails while a run is ended ends it too, or it never ends
                await self._endings.fail(work, self._foreseen(run, error))

    async def _work(self, work: Work) -> None:
        begun: Begun | None = None
        try:
            begun = await self._start(work)
            if begun is not None:
                ending = await self._listen(begun)
                await self._endings.conclude(begun.work, ending, begun.ready)
        except Put as put:
            await self._endings.put(work, put)
        except Full:
            await self._endings.wait(work)
        except RunLost:
            raise
        except Exception as error:  # noqa: BLE001 - one run never takes the daemon down
            await self._fail(work, begun, self._foreseen(work.run, error))

    def _foreseen(self, run: Run, error: Exception) -> JirabotError:
        """Give *error* as an issue may be told it; what nobody foresaw is in the log alone."""
        if isinstance(error, JirabotError):
            return error
        self._log.tell("run.broken", level="error", run_id=run.id, error=kind_and_place(error))
        return fault_of(error)

    async def _fail(self, work: Work, begun: Begun | None, error: JirabotError) -> None:
        """Say that the run failed; where no agent has ever begun in its conversation, leave nothing of that."""
        if begun is not None or work.conversation.session:
            await self._endings.fail(work, error)
            return
        made = await self._storage.read(lambda tx: tx.conversations.find(work.conversation.id))
        if made is not None and made.session:
            with contextlib.suppress(AgentUnavailable):
                await self._backends[made.agent].discard(made.session)
        await self._endings.fail_to_start(work, error)

    async def _gather(self, run: Run, lease: Lease) -> Work:
        served = await self._directory.get(run.workspace_id)
        conversation = await self._storage.read(lambda tx: tx.conversations.find(run.conversation_id))
        if conversation is None:
            raise RunLost("the run's conversation is gone")
        return Work(run=run, conversation=conversation, served=served, lease=lease)

    async def _start(self, work: Work) -> Begun | None:
        """Prepare the run, and let its agent begin; None where it came to its end before that."""
        backend = self._backends.get(work.conversation.agent)
        if backend is None:
            raise AgentUnavailable(f"no agent `{work.conversation.agent}` is configured")
        interrupted = work.run.started_at is not None
        resumed = await backend.resume(work.conversation.session) if work.conversation.session else None
        ready = await self._prepare(work)
        if ready is None:
            await self._endings.stop(work)
            return None
        if work.run.stop_requested:
            await self._endings.conclude(work, Stopped(), ready)
            return None
        if interrupted and (self._settings.on_restart == "report" or work.run.attempts > 1):
            await self._endings.conclude(work, Failed(kind=FailureKind.LOST), ready)
            return None
        if resumed is Resumed.LOST:
            work = replace(work, conversation=replace(work.conversation, session={}))
        begun = await self._begin(work, ready, backend, interrupted=interrupted)
        if begun is None:
            await (self._endings.conclude(work, Stopped(), ready) if interrupted else self._endings.stop(work))
            return None
        work, spec = begun
        await backend.start(work.conversation.session, spec)
        return Begun(work=work, ready=ready, backend=backend)

    async def _prepare(self, work: Work) -> Ready | None:
        """Prepare the run; None where it is stopped before its agent has worked, which ends the preparation too.

        One that was interrupted is prepared in any case: what its agent did is published.
        """
        if work.run.started_at is not None:
            return await self._preparation.prepare(work)
        if work.run.stop_requested:
            return None
        async with together() as tasks:
            preparing = tasks.create_task(self._preparation.prepare(work))
            watching = tasks.create_task(self._stop_asked(work))
            preparing.add_done_callback(lambda _: watching.cancel())
            watching.add_done_callback(lambda _: preparing.cancel())
        return None if preparing.cancelled() else preparing.result()

    async def _begin(
        self, work: Work, ready: Ready, backend: AgentBackend, *, interrupted: bool
    ) -> tuple[Work, RunSpec] | None:
        """Give the run its messages, write down that it begins, and make the prompt; None where it was stopped."""
        brief = await self._briefing.brief(work, ready, interrupted=interrupted)

        def change(tx: Transaction) -> tuple[Work, RunSpec] | None:
            conversation, now = held(tx, work), self._clock.now()
            if stopped(tx, work) is not None:
                return None
            messages = tx.conversations.give_messages(conversation.id, work.run.id)
            run = replace(work.run, attempts=work.run.attempts + 1, started_at=now)
            network = network_of(work.served.settings)
            spec = _spec(run, conversation, ready, prompt=brief.prompt(messages), network=network)
            session = work.conversation.session or backend.new_session(spec)
            if conversation.state is State.ACTIVE:
                conversation = advance(conversation, Happening.RUN_STARTED, now=now)
            conversation = replace(conversation, session=session, context_until=brief.until)
            tx.conversations.save(conversation)
            tx.conversations.save_run(run)
            record_run(tx, Act.RUN_STARTED, work.served.workspace, conversation, run, now=now)
            lines = [views.working(self._texts, conversation)]
            lines += [self._texts.say("comment.interrupted")] if interrupted else []
            first_answers.show_progress(tx, conversation, lines, self._endings.around(work))
            return replace(work, run=run, conversation=conversation), spec

        begun = await self._storage.write(change)
        if begun is None:
            return None
        work, _ = begun
        self._log.tell(
            "run.started",
            run_id=work.run.id,
            conversation_id=work.conversation.id,
            agent=work.conversation.agent,
            attempts=work.run.attempts,
        )
        return begun

    async def _listen(self, begun: Begun) -> Ending:
        """Follow the turn to its end; a stop that was asked for ends it."""
        work, backend = begun.work, begun.backend
        session = work.conversation.session
        ending: Ending = Failed(kind=FailureKind.CRASH, retryable=True)
        shown_at = self._clock.now()
        async with together() as tasks:
            watching = tasks.create_task(self._watch_for_stop(work, backend))
            try:
                await self._endings.has_started(work)
                async for event in backend.events(session):
                    if isinstance(event, Ending):
                        ending = event
                    if isinstance(event, Progress | Message):
                        shown_at = await self._report(work, event, shown_at)
            finally:
                watching.cancel()
                await asyncio.shield(backend.stop(session, grace_seconds=self._settings.stop_grace.total_seconds()))
        return ending

    async def _report(self, work: Work, event: Progress | Message, shown_at: datetime) -> datetime:
        """Keep what the agent reports, and show it in the first answer once in a while."""
        now = self._clock.now()
        due = isinstance(event, Progress) and now - shown_at >= self._budgets.progress_interval(work.served)

        def change(tx: Transaction) -> None:
            conversation = held(tx, work)
            tx.conversations.record_event(_event(work, event, now))
            if now - conversation.updated_at >= _touch_every(work.served.limits.session):
                tx.conversations.touch(conversation.id, now=now)
            if due:
                lines = [views.working(self._texts, conversation), views.progress(self._texts, event.text)]
                first_answers.show_progress(tx, conversation, lines, self._endings.around(work))

        await self._storage.write(change)
        return now if due else shown_at

    async def _watch_for_stop(self, work: Work, backend: AgentBackend) -> None:
        await self._stop_asked(work)
        await backend.stop(work.conversation.session, grace_seconds=self._settings.stop_grace.total_seconds())

    async def _stop_asked(self, work: Work) -> None:
        """Wait until the run is to be stopped."""
        while True:
            seen = self._storage.generation()
            run = await self._storage.read(lambda tx: tx.conversations.find_run(work.run.id))
            if run is None or run.stop_requested:
                return
            await self._storage.changed(seen, within_seconds=RENEW_EVERY_SECONDS)
            # Every delivery is a change, and hardly one is a stop: what comes meanwhile is seen by one look.
            await self._clock.sleep(LOOK_FOR_STOP_SECONDS)


def _touch_every(session: timedelta) -> timedelta:
    return min(TOUCH_EVERY, session / 10) if session else TOUCH_EVERY


def _spec(run: Run, conversation: Conversation, ready: Ready, *, prompt: str, network: Network) -> RunSpec:
    return RunSpec(
        run_id=run.attempt(run.attempts),
        conversation_id=conversation.id,
        issue_key=ready.issue.key,
        prompt=prompt,
        cwd=ready.checkout.clone,
        home=ready.checkout.home,
        session_dir=ready.checkout.session,
        base=ready.checkout.base,
        network=network,
    )


def _event(work: Work, event: Progress | Message, now: datetime) -> RunEvent:
    return RunEvent(
        no=0,
        workspace_id=work.run.workspace_id,
        conversation_id=work.conversation.id,
        run_id=work.run.id,
        kind="progress" if isinstance(event, Progress) else "message",
        text=event.text,
        at=now,
    )
