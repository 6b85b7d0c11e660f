"""What has to be there before an agent can work: the issue, its repository, the branch to start from, the clone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jirabot.config import GitSettings
from jirabot.core import repositories, views
from jirabot.core.checkouts import Checkout, Remote, Signature, remote_of
from jirabot.core.conversations import Conversation, Happening, MessageKind, RunState, State, advance
from jirabot.core.conversations import Message as Asked
from jirabot.core.effects import EffectKind
from jirabot.core.issues import Issue
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.work import Work, held
from jirabot.core.network import network_of
from jirabot.core.ports import Checkouts, Clock, Storage, Transaction, Vault
from jirabot.core.repositories import IssueFacts, Repository, Said, Unresolved
from jirabot.core.texts import Texts
from jirabot.core.workspaces import repository_token_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A run whose repository is known and cloned."""

    checkout: Checkout
    remote: Remote | None
    issue: Issue
    signature: Signature


class Put(Exception):
    """The run can't begin: the issue is asked, or told why."""

    def __init__(self, text: str, kind: EffectKind, happening: Happening, state: RunState, failure: str = "") -> None:
        super().__init__(text)
        self.text, self.kind, self.happening, self.state, self.failure = text, kind, happening, state, failure


class Full(Exception):
    """As many runs as may be work in the run's repository, which was not known when it was begun: it waits."""


class Preparation:
    """Prepares runs."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        vault: Vault,
        checkouts: Checkouts,
        texts: Texts,
        clock: Clock,
        git: GitSettings,
        parallel_per_repository: int,
    ) -> None:
        self._storage, self._directory, self._vault = storage, directory, vault
        self._parallel_per_repository = parallel_per_repository
        self._checkouts, self._texts, self._clock, self._git = checkouts, texts, clock, git

    async def prepare(self, work: Work) -> Ready:
        """Read the issue, find its repository and make the clone.

        Raises:
            Put: a person has to say which repository or branch.
            Full: as many runs as may be work in that repository.
        """
        site = self._directory.site(work.served)
        issue = await site.get_issue(work.conversation.issue_id)
        signature = Signature(
            name=self._git.name,
            email=self._git.email,
            issue_key=issue.key,
            requested_by=work.conversation.asker.label,
        )
        repository = await self._repository(work, issue)
        if repository is not None and repository.id != work.conversation.repository_id:
            await self._enter(work, repository)
        remote = await self._remote(work, repository) if repository else None
        base = await self._base(work, issue, repository, remote)
        branch = work.conversation.branch or _branch(issue.key, work.conversation.id)
        checkout = await self._checkouts.prepare(
            work.conversation.id, remote, base=base, branch=branch if remote else "", signature=signature
        )

        def change(tx: Transaction) -> None:
            conversation = held(tx, work)
            known = replace(
                conversation,
                issue_key=issue.key,
                repository_id=repository.id if repository else None,
                repository_name=repository.name if repository else "",
                branch=checkout.branch,
                base=checkout.base,
            )
            if known.state in (State.CREATED, State.ACTIVE):
                known = advance(known, Happening.REPOSITORY_KNOWN, now=self._clock.now(), asked=None)
            tx.conversations.save(known)

        await self._storage.write(change)
        return Ready(checkout=checkout, remote=remote, issue=issue, signature=signature)

    async def _enter(self, work: Work, repository: Repository) -> None:
        """Write down which repository a run is in, so that it counts there, and look whether there is room.

        Raises:
            Full: there is none.
        """

        def change(tx: Transaction) -> int:
            known = replace(held(tx, work), repository_id=repository.id, repository_name=repository.name)
            tx.conversations.save(known)
            return tx.conversations.count_leased(repository.id, now=self._clock.now())

        if await self._storage.write(change) > self._parallel_per_repository:
            raise Full(repository.name)

    async def _repository(self, work: Work, issue: Issue) -> Repository | None:
        conversation = work.conversation

        def query(tx: Transaction) -> tuple[Sequence[Repository], Sequence[Asked]]:
            return tx.repositories.list(conversation.workspace_id), tx.conversations.messages(conversation.id)

        known, messages = await self._storage.read(query)
        if conversation.branch:
            return next((r for r in known if r.id == conversation.repository_id), None)
        links = await self._directory.site(work.served).list_web_links(issue.id)
        resolved = repositories.resolve(
            known,
            _comments(conversation, messages),
            IssueFacts(
                description=issue.description.markdown,
                project_key=issue.project_key,
                components=issue.components,
                labels=issue.labels,
                links=tuple(links),
            ),
        )
        if isinstance(resolved, Unresolved):
            self._undecided(work, resolved)
            return None
        return resolved.repository

    def _undecided(self, work: Work, unresolved: Unresolved) -> None:
        """Do what the workspace wants where no repository, or more than one, fits.

        Raises:
            Put: a person is asked, or told why not.
        """
        wanted = work.served.settings.no_repository
        if wanted == "empty":
            return
        asker, names = work.conversation.asker, [r.name for r in unresolved.candidates]
        if wanted == "refuse":
            text = views.repository_refused(self._texts, asked=asker, names=names)
            raise Put(text, EffectKind.FAILURE, Happening.RUN_FAILED, RunState.FAILED, "config")
        text = views.which_repository(
            self._texts, asked=asker, names=names, ambiguous=unresolved.ambiguous, workspace=work.served.workspace
        )
        if not names:
            raise Put(text, EffectKind.FAILURE, Happening.RUN_FAILED, RunState.FAILED, "config")
        raise Put(text, EffectKind.QUESTION, Happening.REPOSITORY_ASKED, RunState.HELD)

    async def _remote(self, work: Work, repository: Repository) -> Remote:
        place = repository_token_place(repository.id)
        token = await self._storage.read(lambda tx: self._vault.open(tx, repository.workspace_id, place))
        return remote_of(repository, token=token, network=network_of(work.served.settings))

    async def _base(self, work: Work, issue: Issue, repository: Repository | None, remote: Remote | None) -> str:
        """Find the branch to start from: the one asked for, which must exist; else the repository's; else its HEAD."""
        if work.conversation.base or repository is None or remote is None:
            return work.conversation.base
        messages = await self._storage.read(lambda tx: tx.conversations.messages(work.conversation.id))
        asked = repositories.base_branch([message.text for message in reversed(messages)], issue.description.markdown)
        if asked and not await self._checkouts.has_branch(remote, asked):
            text = views.which_branch(
                self._texts, asked=work.conversation.asker, repository=repository.name, branch=asked
            )
            raise Put(text, EffectKind.QUESTION, Happening.REPOSITORY_ASKED, RunState.HELD)
        return asked or repository.base


def _comments(conversation: Conversation, messages: Sequence[Asked]) -> Sequence[Said]:
    """Give what was asked, newest first: who is asked by us may answer by a name alone, and so may others then.

    Before an agent has begun, all that is an answer is one to us.
    """
    is_ours = not conversation.session
    said = [Said(text=each.text, is_answer=is_ours and each.kind is MessageKind.ANSWER) for each in reversed(messages)]
    if said and conversation.asked is not None:
        said[0] = replace(said[0], is_answer=True)
    return said


def _branch(issue_key: str, conversation_id: str) -> str:
    """Name the branch so that Jira finds it by the issue's key, and two conversations never share one."""
    return f"jirabot/{issue_key}-{conversation_id[-4:]}"
