"""A person forgotten: what is held of them in a workspace removed or put under a pseudonym; outcomes stay.

What names them goes first, and what they are known by last: interrupted at any point, it can be asked for again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from jirabot.core import audit as acts
from jirabot.core.forgetting import Forgotten, Held, Named, Words, pseudonym
from jirabot.core.ids import AccountId
from jirabot.core.managers import audit, troubles
from jirabot.core.managers.consent_codes import remove
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.gate import administered
from jirabot.core.managers.users import linked
from jirabot.core.people import Principal
from jirabot.core.ports import AgentBackend, BodyFiles, Checkouts, Clock, Storage, Transaction
from jirabot.core.workspaces import Workspace
from jirabot.errors import AgentUnavailable, Conflict, InvalidInput, NotFound

BATCH = 200
"""Rows of one transaction: some milliseconds of the writer's time."""

LARGEST_BESIDE_A_DAEMON_BYTES = 200_000_000
"""Rebuilding a larger database would hold up webhooks for longer than they are waited for."""


class Forgetting:
    """Forgets people."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        checkouts: Checkouts,
        backends: Mapping[str, AgentBackend],
        bodies: BodyFiles,
        beside: Callable[[], Sequence[str]],
        daemon_runs: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """*beside*: lists the copies of the database that lie beside it."""
        self._storage, self._directory, self._checkouts, self._backends = storage, directory, checkouts, backends
        self._bodies, self._beside, self._daemon_runs, self._clock = bodies, beside, daemon_runs, clock

    async def look(self, workspace_name: str, asked: str, *, by: Principal) -> Forgotten:
        """Count what would be forgotten of an account (its id, name or e-mail) or user. Changes nothing.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace; nothing is known of anybody of that name.
            Forbidden: *by* does not administer the workspace.
            InvalidInput: more than one account fits, or it is the bot's own.
            Conflict: it can't be forgotten now.
        """
        workspace, account_id, held = await self._find(workspace_name, asked, by)
        words = Words(account_id, held.accounts, instead="")
        numbers = await self._named(workspace, words)
        if not held.accounts and not numbers:
            raise NotFound(
                f"nothing is known of `{asked}` in `{workspace.name}`",
                hint=f"give an account id; `jirabot user list {workspace.name}` shows those who were linked",
            )
        counts = {"bodies": len(numbers), "conversations": len(held.closed)}
        return Forgotten(workspace_name=workspace.name, pseudonym="", counts=counts)

    async def forget(self, workspace_name: str, asked: str, *, by: Principal) -> Forgotten:
        """Forget an account (its id, name or e-mail) or user; what they asked for keeps its outcome.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace; nothing is known of anybody of that name.
            Forbidden: *by* does not administer the workspace.
            InvalidInput: more than one account fits, or it is the bot's own.
            Conflict: a conversation or an event of theirs is not over, or the database is too large for now.
        """
        await self.look(workspace_name, asked, by=by)
        workspace, account_id, held = await self._find(workspace_name, asked, by)
        instead = await self._storage.write(lambda tx: pseudonym(tx.people.number_of(workspace.id, account_id)))
        words = Words(account_id, held.accounts, instead=instead)
        numbers = await self._named(workspace, words)
        for first in range(0, len(numbers), BATCH):
            files = await self._storage.write(partial(_forget_bodies, numbers[first : first + BATCH]))
            await asyncio.to_thread(self._forget_files, files)
        changed = await self._take_out(workspace, words)
        await self._remove_checkouts(held)
        counts = await self._storage.write(lambda tx: self._forget(tx, workspace, account_id, instead, by))
        self._directory.forget()
        return Forgotten(
            workspace_name=workspace.name,
            pseudonym=instead,
            counts={**counts, "bodies": len(numbers), "texts": changed, "checkouts": len(held.closed)},
            issues=sorted({each.issue_key for each in held.closed}),
            branches=sorted({f"{each.repository_name}: {each.branch}" for each in held.closed if each.branch}),
            beside=await asyncio.to_thread(self._beside),
            swept=await self._storage.sweep(),
        )

    async def _find(self, workspace_name: str, asked: str, by: Principal) -> tuple[Workspace, AccountId, Held]:
        """Find what is held of somebody who may be forgotten now."""

        def query(tx: Transaction) -> tuple[Workspace, AccountId, Held]:
            workspace = administered(tx, workspace_name, by)
            account_id = AccountId(asked)
            with contextlib.suppress(NotFound):
                account_id = linked(tx.users.list_links(workspace.id), asked, workspace.name).account.id
            return workspace, account_id, tx.forgetting.held(workspace.id, account_id)

        workspace, account_id, held = await self._storage.read(query)
        if held.service:
            raise InvalidInput(
                f"`{asked}` is the account that jirabot itself uses in `{workspace.name}`",
                hint=f"`jirabot workspace delete {workspace.name}` removes all of it",
            )
        if held.open:
            ids = ", ".join(f"`{each.id}`" for each in held.open)
            raise Conflict(
                f"{len(held.open)} of their conversations are not over: {ids}",
                hint="`jirabot conversation stop ID` ends what runs, `jirabot conversation close ID` what waits",
            )
        if held.owed:
            raise Conflict(
                f"{held.owed} comments in their conversations are not sent yet",
                hint="wait for them, or give them up: `jirabot outbox list --state pending` shows them",
            )
        if self._daemon_runs() and self._storage.size_bytes() > LARGEST_BESIDE_A_DAEMON_BYTES:
            raise Conflict(
                "the database is too large to be rebuilt while webhooks are waited for",
                hint="stop the daemon first, and start it again afterwards",
            )
        return workspace, account_id, held

    async def _named(self, workspace: Workspace, words: Words) -> Sequence[int]:
        """Find the deliveries whose bodies name somebody.

        Raises:
            Conflict: one of them is not handled yet.
        """
        numbers: list[int] = []
        unfinished, after = 0, 0
        while True:
            found, last = await self._storage.read(partial(_look_for, workspace=workspace, words=words, after=after))
            numbers += found.over
            unfinished += found.unfinished
            if last is None:
                break
            after = last
        if unfinished:
            raise Conflict(
                f"{unfinished} events that name them are not handled yet",
                hint="try again when they are, or give them up: `jirabot event list --state waiting` shows them",
            )
        return numbers

    async def _take_out(self, workspace: Workspace, words: Words) -> int:
        changed = 0
        for place in await self._storage.read(lambda tx: tx.forgetting.texts()):
            after: object = None
            while True:
                count, after = await self._storage.write(
                    partial(_take_out, workspace=workspace, words=words, place=place, after=after)
                )
                changed += count
                if after is None:
                    break
        return changed

    def _forget(
        self, tx: Transaction, workspace: Workspace, account_id: AccountId, instead: str, by: Principal
    ) -> Mapping[str, int]:
        for visit in tx.oauth_states.list():
            if visit.workspace_id == workspace.id:
                remove(tx, visit)  # whosever: it lasts for minutes, and can be begun again
        act, now = acts.Act.USER_FORGOTTEN, self._clock.now()
        counts = tx.forgetting.forget(workspace.id, account_id, instead=instead)
        troubles.end_if_none_is_dead(tx, workspace.id, now=now)
        audit.record(tx, act, by=by, now=now, workspace=workspace, subject=instead, count=sum(counts.values()))
        return counts

    async def _remove_checkouts(self, held: Held) -> None:
        """Remove what the agents had of it: prompts, sessions, clones. What was pushed stays where it is."""
        for conversation in held.closed:
            await self._checkouts.remove(conversation.id)
            # An agent that can't be used any more has nothing that could be asked of it.
            with contextlib.suppress(AgentUnavailable):
                backend = self._backends.get(conversation.agent)
                if backend is not None and conversation.session:
                    await backend.discard(conversation.session)

    def _forget_files(self, names: Sequence[str]) -> None:
        for name in names:
            self._bodies.forget(name)


def _look_for(tx: Transaction, *, workspace: Workspace, words: Words, after: int) -> tuple[Named, int | None]:
    return tx.forgetting.named(workspace.id, words, after=after, limit=BATCH)


def _forget_bodies(numbers: Sequence[int], tx: Transaction) -> Sequence[str]:
    return tx.forgetting.forget_bodies(numbers)


def _take_out(tx: Transaction, *, workspace: Workspace, words: Words, place: str, after: object) -> tuple[int, object]:
    return tx.forgetting.take_out(workspace.id, words, place, after=after, limit=BATCH)
