"""How a run ends: published and written down once with what is owed for it, tried again, or put back for a person."""

from dataclasses import replace
from datetime import datetime, timedelta

from jirabot.config import RunsSettings
from jirabot.core import reports, views
from jirabot.core.agents import Ending, Failed, FailureKind, Finished, Stopped
from jirabot.core.audit import Act
from jirabot.core.checkouts import Published
from jirabot.core.conversations import Conversation, Happening, Run, RunEvent, RunState, State, advance
from jirabot.core.effects import AddComment, EffectKind
from jirabot.core.managers import breakers, first_answers, troubles
from jirabot.core.managers.preparation import Put, Ready
from jirabot.core.managers.troubles import Found
from jirabot.core.managers.work import Work, held, record_run, stopped
from jirabot.core.openings import Circumstances, next_run
from jirabot.core.ports import Checkouts, Clock, Events, Ids, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.texts import Texts
from jirabot.core.troubles import Reason
from jirabot.errors import AgentUnavailable, GitFailed, JirabotError, Kind, RateLimited, SecretSealed


class Endings:
    """Ends runs."""

    def __init__(
        self,
        *,
        storage: Storage,
        checkouts: Checkouts,
        texts: Texts,
        clock: Clock,
        ids: Ids,
        log: Events,
        settings: RunsSettings,
    ) -> None:
        self._storage, self._checkouts, self._texts = storage, checkouts, texts
        self._clock, self._ids, self._log, self._settings = clock, ids, log, settings

    def around(self, work: Work, *, cause: str = "") -> Circumstances:
        """Give what everything that a run owes is made with."""
        return Circumstances(
            workspace_id=work.run.workspace_id,
            texts=self._texts,
            cause=cause or f"run:{work.run.id}",
            now=self._clock.now(),
            new_id=self._ids.sortable,
        )

    async def conclude(self, work: Work, ending: Ending, ready: Ready) -> None:
        """Publish what was done, and write the end of the run with what is owed for it, once."""
        published, cause = await self._publish(work, ready)
        commits = published.commits_count if published else 0
        ending = reports.settle(ending, commits_count=commits)

        def change(tx: Transaction) -> None:
            conversation, now = held(tx, work), self._clock.now()
            run = tx.conversations.find_run(work.run.id) or work.run
            run = replace(work.run, stop_requested=run.stop_requested, stop_cause=run.stop_cause)
            end = Stopped() if run.stop_requested else ending
            breakers.judge(tx, run, conversation.agent, end, new_id=self._ids.sortable, now=now)
            if self._may_try_again(run, end):
                self._again(tx, work, conversation, now + self._settings.retry_delay)
                return
            said = reports.conclude(
                self._texts,
                conversation,
                end,
                published,
                asked=conversation.asker,
                stopped_by=run.stop_cause,
                session=work.served.limits.session,
                spent=views.duration(now - (run.started_at or now)),
            )
            if cause and isinstance(end, Finished):
                said = replace(said, text=views.not_published(self._texts, conversation, said.summary, cause))
            self._write_end(tx, work, conversation, run, said)

        await self._storage.write(change)
        self._tell_finished(work, ending, commits)

    def _tell_finished(self, work: Work, ending: Ending, commits: int) -> None:
        self._log.tell(
            "run.finished",
            run_id=work.run.id,
            conversation_id=work.conversation.id,
            ending=type(ending).__name__.lower(),
            commits=commits,
        )

    async def _publish(self, work: Work, ready: Ready) -> tuple[Published | None, str]:
        if ready.remote is None:
            return None, ""
        message = f"{ready.issue.key}: work in progress"
        try:
            return await self._checkouts.publish(
                ready.checkout, ready.remote, signature=ready.signature, message=message
            ), ""
        except GitFailed as error:
            self._log.tell("run.unpublished", level="error", run_id=work.run.id, cause=error.message, hint=error.hint)
            return None, error.message

    def _may_try_again(self, run: Run, ending: Ending) -> bool:
        return isinstance(ending, Failed) and ending.retryable and run.attempts < self._settings.attempts

    def _again(self, tx: Transaction, work: Work, conversation: Conversation, due_at: datetime) -> None:
        """Put the run back to be begun again."""
        if conversation.is_open:
            conversation = advance(conversation, Happening.RUN_INTERRUPTED, now=self._clock.now())
        tx.conversations.save(conversation)
        tx.conversations.save_run(replace(work.run, state=RunState.WAITING, started_at=None, due_at=due_at))
        tx.conversations.release_run(work.lease)

    def _write_end(
        self, tx: Transaction, work: Work, conversation: Conversation, run: Run, said: reports.Conclusion
    ) -> None:
        now, around = self._clock.now(), self.around(work)
        tx.conversations.record_event(
            RunEvent(
                no=0,
                workspace_id=run.workspace_id,
                conversation_id=conversation.id,
                run_id=run.id,
                kind=said.run_state.value,
                text=said.summary,
                at=now,
            )
        )
        asked = conversation.asker.id if said.happening is Happening.RUN_ASKED else None
        result = said.summary or conversation.result
        if conversation.state is State.IN_PROGRESS:
            conversation = advance(conversation, said.happening, now=now, asked=asked, result=result)
        comment = AddComment(kind=said.kind, text=said.text, visibility=conversation.visibility)
        tx.outbox.owe([around.owe(comment, conversation.issue_id, seq=0, conversation_id=conversation.id)])
        first_answers.close(tx, conversation, said.closing, around)
        ended = replace(run, state=said.run_state, summary=said.summary, failure=said.failure, ended_at=now)
        tx.conversations.save_run(ended)
        record_run(tx, Act.RUN_ENDED, work.served.workspace, conversation, ended, now=now)
        tx.conversations.release_run(work.lease)
        self._next(tx, conversation, around)

    def _next(self, tx: Transaction, conversation: Conversation, around: Circumstances) -> None:
        """Save the conversation; what was said during the turn goes to the next one at once."""
        waiting = tx.conversations.waiting_messages(conversation.id)
        if not waiting:
            tx.conversations.save(conversation)
            return
        asked = waiting[-1]
        answer = AddComment(
            kind=EffectKind.FIRST_ANSWER,
            text=views.first_answer(self._texts, asker=asked.author, request=asked.text, again=True),
            visibility=conversation.visibility,
        )
        owed = around.owe(answer, conversation.issue_id, seq=1, conversation_id=conversation.id)
        conversation = advance(
            conversation,
            Happening.TRIGGERED,
            now=around.now,
            asker=conversation.asker if asked.author.is_principal else asked.author,
            asked=None,
            first_answer=owed.id,
            runs_count=conversation.runs_count + 1,
        )
        tx.conversations.save(conversation)
        tx.conversations.add_run(next_run(conversation, around))
        tx.outbox.owe([owed])

    async def put(self, work: Work, put: Put) -> None:
        """Tell the issue what a person has to say or do before the run can begin."""

        def change(tx: Transaction) -> None:
            conversation, now = held(tx, work), self._clock.now()
            if (run := stopped(tx, work)) is not None:
                self._write_stopped(tx, work, conversation, run)
                return
            asked = conversation.asker.id if put.state is RunState.HELD else None
            conversation = advance(conversation, put.happening, now=now, asked=asked)
            around = self.around(work, cause=f"put:{self._ids.sortable()}")
            comment = AddComment(kind=put.kind, text=put.text, visibility=conversation.visibility)
            tx.outbox.owe([around.owe(comment, conversation.issue_id, seq=0, conversation_id=conversation.id)])
            ended_at = None if put.state is RunState.HELD else now
            # What was said up to now is this run's, so that only a new comment makes it try again.
            tx.conversations.give_messages(conversation.id, work.run.id)
            # One that is held begins again as if it never had: whoever answers is not told of an interruption.
            started_at = None if put.state is RunState.HELD else work.run.started_at
            ended = replace(work.run, state=put.state, failure=put.failure, started_at=started_at, ended_at=ended_at)
            tx.conversations.save_run(ended)
            if ended_at is not None:
                record_run(tx, Act.RUN_ENDED, work.served.workspace, conversation, ended, now=now)
            tx.conversations.release_run(work.lease)
            tx.conversations.save(conversation)

        await self._storage.write(change)

    async def wait(self, work: Work) -> None:
        """Put a run back to wait for room in its repository, in its place by age, as if it had not been begun."""

        def change(tx: Transaction) -> None:
            conversation = held(tx, work)
            if (run := stopped(tx, work)) is not None:
                self._write_stopped(tx, work, conversation, run)
                return
            if conversation.state in (State.CREATED, State.ACTIVE):
                known = advance(conversation, Happening.REPOSITORY_KNOWN, now=self._clock.now(), asked=None)
                tx.conversations.save(known)
            tx.conversations.save_run(replace(work.run, state=RunState.WAITING))
            tx.conversations.release_run(work.lease)

        await self._storage.write(change)

    async def stop(self, work: Work) -> None:
        """End a run that was stopped before its agent worked; what was said since then goes to the next one."""

        def change(tx: Transaction) -> None:
            self._write_stopped(tx, work, held(tx, work), stopped(tx, work) or work.run)

        await self._storage.write(change)
        self._tell_finished(work, Stopped(), 0)

    def _write_stopped(self, tx: Transaction, work: Work, conversation: Conversation, run: Run) -> None:
        """Write the end of a run that was stopped, where there is nothing to publish."""
        if not conversation.is_open:
            # Nothing was said since it was ended: what it had been asked before goes down with it.
            tx.conversations.give_messages(conversation.id, run.id)
        said = reports.conclude(
            self._texts,
            conversation,
            Stopped(),
            None,
            asked=conversation.asker,
            stopped_by=run.stop_cause,
            session=work.served.limits.session,
            spent="",
        )
        self._write_end(tx, work, conversation, run, said)

    async def fail(self, work: Work, error: JirabotError) -> None:
        """Try the run again where time may mend what failed; else say on the issue what went wrong.

        One that was stopped is ended as such, whatever failed.
        """
        self._log.tell("run.failed", level="warning", run_id=work.run.id, cause=error.message, hint=error.hint)
        again = self._is_worth_another_try(work, error)
        await self._storage.write(lambda tx: self._write_failure(tx, work, held(tx, work), error, again=again))

    async def fail_to_start(self, work: Work, error: JirabotError) -> None:
        """Fail a run in whose conversation no agent has begun: nothing is left of that but what says so.

        Administrators are told until another conversation begins in that workspace; not of one that was stopped.
        """
        self._log.tell("run.failed", level="warning", run_id=work.run.id, cause=error.message, hint=error.hint)
        again = self._is_worth_another_try(work, error)
        await self._storage.read(lambda tx: held(tx, work))
        if not again:
            await self._remove_checkout(work)

        def change(tx: Transaction) -> bool:
            conversation, is_failure = replace(held(tx, work), session={}, context_until=None), False
            if not again:
                conversation = replace(conversation, repository_id=None, repository_name="", branch="", base="")
                is_failure = stopped(tx, work) is None
            if is_failure:
                troubles.begin(tx, _not_started(work, error), new_id=self._ids.sortable(), now=self._clock.now())
            self._write_failure(tx, work, conversation, error, again=again)
            return is_failure

        if await self._storage.write(change):
            self._log.tell(
                "conversation.not_started",
                level="warning",
                workspace=work.served.workspace.name,
                conversation_id=work.conversation.id,
                cause=error.message,
                hint=error.hint,
            )

    async def has_started(self, work: Work) -> None:
        """End the trouble that conversations of the workspace can't begin: one has."""
        scope, reason = of_workspace(work.run.workspace_id), Reason.NOT_STARTED
        if any(each.reason is reason for each in await self._storage.read(lambda tx: tx.troubles.standing(scope))):
            await self._storage.write(lambda tx: tx.troubles.end(scope, reason, now=self._clock.now()))

    async def _remove_checkout(self, work: Work) -> None:
        try:
            await self._checkouts.remove(work.conversation.id)
        except GitFailed as error:
            # It is a closed conversation's then, and goes with the others.
            self._log.tell("checkout.left", level="warning", folder=work.conversation.id, cause=error.message)

    def _is_worth_another_try(self, work: Work, error: JirabotError) -> bool:
        """Say whether time may mend it; where we were asked to wait, nothing has failed, however often that was."""
        if isinstance(error, RateLimited):
            return True
        transient = error.kind in (Kind.UNREACHABLE, Kind.LIMITED, Kind.UNAVAILABLE)
        return (transient or getattr(error, "retryable", False)) and work.run.attempts + 1 < self._settings.attempts

    def _write_failure(
        self, tx: Transaction, work: Work, conversation: Conversation, error: JirabotError, *, again: bool
    ) -> None:
        if (stopping := stopped(tx, work)) is not None:
            self._write_stopped(tx, work, conversation, stopping)
            return
        now = self._clock.now()
        if again and isinstance(error, RateLimited):
            wait = max(timedelta(seconds=error.retry_after_seconds), self._settings.retry_delay)
            self._again(tx, work, conversation, now + wait)
            return
        run = replace(work.run, attempts=work.run.attempts + 1)
        if again:
            self._again(tx, replace(work, run=run), conversation, now + self._settings.retry_delay)
            return
        if isinstance(error, SecretSealed):
            found = troubles.sealed(run.workspace_id, error)
            troubles.begin(tx, found, new_id=self._ids.sortable(), now=now)
        kind = _failure_entry(error)
        text = views.failure(self._texts, conversation, kind, cause=error.message, hint=error.hint)
        said = reports.Conclusion(
            happening=Happening.RUN_FAILED,
            run_state=RunState.FAILED,
            kind=EffectKind.FAILURE,
            text=text,
            closing=self._texts.say("comment.closed-failed"),
            summary="",
            failure=error.code,
        )
        tx.conversations.give_messages(conversation.id, run.id)
        if conversation.is_open and conversation.state is not State.IN_PROGRESS:
            conversation = advance(conversation, Happening.RUN_FAILED, now=now)
        self._write_end(tx, work, conversation, run, said)


def _not_started(work: Work, error: JirabotError) -> Found:
    key, name = work.conversation.issue_key, work.served.workspace.name
    return Found(
        scope=of_workspace(work.run.workspace_id),
        reason=Reason.NOT_STARTED,
        text=f"the work on {key} in the workspace `{name}` could not be begun: {error.message}",
        fix=error.hint or f"run `jirabot conversation show {work.conversation.id}`",
    )


def _failure_entry(error: JirabotError) -> str:
    if isinstance(error, GitFailed):
        return "git"
    if isinstance(error, AgentUnavailable):
        return FailureKind.CONFIG.value
    if isinstance(error, SecretSealed):
        return "secret"
    return "jira" if error.code.startswith("jira-") or error.kind is Kind.LIMITED else "internal"
