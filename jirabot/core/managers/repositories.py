"""The repositories of a workspace: added, listed, tried, removed."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from jirabot.config import WorkspaceDefaults
from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.checkouts import Remote, remote_of
from jirabot.core.ids import RepositoryId, WorkspaceId
from jirabot.core.managers import audit
from jirabot.core.managers.directory import named
from jirabot.core.managers.gate import administered
from jirabot.core.network import network_of
from jirabot.core.people import Principal
from jirabot.core.ports import Checkouts, Clock, Ids, Storage, Transaction, Vault
from jirabot.core.repositories import Repository
from jirabot.core.workspaces import repository_token_place
from jirabot.errors import GitFailed, InvalidInput, NotFound

NAME = re.compile(r"[\w][\w./-]{0,199}")
_CREDENTIALS = re.compile(r"(?:https?|git|ftps?)://[^/]*@|ssh://[^/@]*:[^/@]*@")
ADDRESS = re.compile(r"(file:///|https?://[^\s@/]+/|ssh://|[\w.-]+@[\w.-]+:)\S+")
PROJECT_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""In either case, as issues are looked up; how long a key may be is for each Jira to say.

Source: "Changing the project key format", Jira's administration.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRepository:
    """What `repo add` is given. The token is not in `repr`."""

    name: str
    url: str
    base: str = ""
    projects: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    is_default: bool = False
    user: str = ""
    token: str = field(default="", repr=False)


class Repositories:
    """Adds, lists, tries and removes repositories."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        checkouts: Checkouts,
        defaults: WorkspaceDefaults,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._defaults = defaults
        self._storage, self._vault, self._checkouts = storage, vault, checkouts
        self._clock, self._ids = clock, ids

    async def add(self, workspace_name: str, wanted: NewRepository, *, by: Principal) -> Repository:
        """Add a repository to a workspace.

        Raises:
            WorkspaceNotFound: there is none of that name.
            InvalidInput: name, address or a project's key can't be used.
            Conflict: the name is taken.
        """
        check_operator(by)
        _check(wanted)

        def change(tx: Transaction) -> Repository:
            workspace = named(tx, workspace_name)
            now = self._clock.now()
            repository = Repository(
                id=RepositoryId(self._ids.sortable()),
                workspace_id=workspace.id,
                name=wanted.name,
                url=wanted.url,
                base=wanted.base,
                projects=wanted.projects,
                components=wanted.components,
                labels=wanted.labels,
                is_default=wanted.is_default,
                user=wanted.user,
                has_token=bool(wanted.token),
                created_at=now,
            )
            tx.repositories.add(repository)
            if wanted.token:
                place = repository_token_place(repository.id)
                self._vault.seal(tx, workspace.id, place, wanted.token, now=now)
            audit.record(tx, Act.REPOSITORY_ADDED, by=by, now=now, workspace=workspace, subject=repository.name)
            return repository

        return await self._storage.write(change)

    async def list(self, workspace_name: str, *, by: Principal) -> Sequence[Repository]:
        """List a workspace's repositories, oldest first.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """
        return await self._storage.read(lambda tx: tx.repositories.list(administered(tx, workspace_name, by).id))

    async def remove(self, workspace_name: str, name: str, *, by: Principal) -> tuple[Repository, int]:
        """Remove a repository and its token; gives also how many open conversations work in it.

        Its mirror and what was pushed to it stay.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace or repository.
        """

        def change(tx: Transaction) -> tuple[Repository, int]:
            workspace, now = administered(tx, workspace_name, by), self._clock.now()
            repository = _named(tx, workspace.id, name)
            tx.repositories.remove(workspace.id, repository.id)
            audit.record(tx, Act.REPOSITORY_REMOVED, by=by, now=now, workspace=workspace, subject=repository.name)
            tx.secrets.remove(workspace.id, repository_token_place(repository.id))
            every = tx.conversations.list(workspace_id=workspace.id, limit=NEWEST_CONVERSATIONS)
            return repository, sum(each.is_open and each.repository_id == repository.id for each in every)

        return await self._storage.write(change)

    async def test(self, workspace_name: str, name: str, *, by: Principal) -> tuple[Repository, str]:
        """Ask a repository's remote, with its token, for the branch that work would start from.

        Raises:
            WorkspaceNotFound, NotFound: no such workspace or repository.
            GitUnreachable: the remote does not answer.
            GitFailed: it does not let us in, is empty, or lacks the branch that is set.
        """

        def query(tx: Transaction) -> tuple[Repository, Remote]:
            workspace = administered(tx, workspace_name, by)
            repository = _named(tx, workspace.id, name)
            token = self._vault.open(tx, workspace.id, repository_token_place(repository.id))
            network = network_of(self._defaults, workspace.settings)
            return repository, remote_of(repository, token=token, network=network)

        repository, remote = await self._storage.read(query)
        head = await self._checkouts.default_branch(remote)
        if repository.base and not await self._checkouts.has_branch(remote, repository.base):
            raise GitFailed(
                f"`{repository.name}` has no branch `{repository.base}`",
                hint="remove the repository and add it with another `--base`",
            )
        if not (repository.base or head):
            raise GitFailed(
                f"`{repository.name}` has no branch to start from: its HEAD names none",
                hint="push a first commit, or remove the repository and add it with `--base`",
            )
        return repository, repository.base or head


NEWEST_CONVERSATIONS = 10_000
"""Among so many it is counted who works in a repository: more than are ever open."""


def _named(tx: Transaction, workspace_id: WorkspaceId, name: str) -> Repository:
    """Give the repository of that name.

    Raises:
        NotFound: there is none; the hint names the nearest.
    """
    known = {repository.name: repository for repository in tx.repositories.list(workspace_id)}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean `{near[0]}`?" if near else "run `jirabot repo list WORKSPACE` to see the names"
        raise NotFound(f"there is no repository `{name}`", hint=hint)
    return known[name]


def _check(wanted: NewRepository) -> None:
    if not NAME.fullmatch(wanted.name):
        raise InvalidInput(
            f"`{wanted.name}` is no name for a repository",
            hint="letters, digits, `.`, `_`, `-` and `/`, as `owner/name`",
        )
    if _CREDENTIALS.match(wanted.url):
        # The address is not repeated: what stands before its `@` is a secret, or looks like one.
        raise InvalidInput(
            "the git address holds a user or token, which would be shown with it",
            hint="give the address without it, and the token with `--token -` or `--token-file`",
        )
    if not ADDRESS.fullmatch(wanted.url):
        raise InvalidInput(
            f"`{wanted.url}` is no git address that can be used",
            hint="give `https://…`, `ssh://…`, `git@host:path` or `file:///…`",
        )
    for key in wanted.projects:
        if not PROJECT_KEY.fullmatch(key):
            raise InvalidInput(
                f"`{key}` is no key of a project",
                hint="a letter, then letters, digits and `_`: of the issue `PAY-7` it is `PAY`",
            )
