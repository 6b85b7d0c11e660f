"""Workspaces made and changed over HTTP: by administrators of this jirabot, or claimed by people who must prove it.

A claim asks nothing of a Jira that is neither public nor on the operator's list; it takes no name or address that
somebody has; and what is not proved in time is forgotten.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jirabot.config import ApiSettings
from jirabot.core.audit import Act
from jirabot.core.ids import WorkspaceName
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.gate import check_administers
from jirabot.core.managers.own_links import check_is_somebody
from jirabot.core.managers.workspace_changes import WorkspaceChanges, WorkspaceUpdate
from jirabot.core.managers.workspaces import NewWorkspace, Workspaces
from jirabot.core.people import DAEMON, Principal
from jirabot.core.ports import Clock, Deployment, Storage, Transaction
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import Conflict, Forbidden, InvalidInput, WorkspaceExists

LeadsOut = Callable[[str], Awaitable[bool]]
"""Say whether the host of a base URL has public addresses only."""

IsAmong = Callable[[str, Collection[str]], bool]
"""Say whether the host of a base URL is on a list of hosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What `POST …/workspaces` is given; what is empty is made up, or stays as it is. Secrets are not in `repr`."""

    deployment: str
    name: str
    base_url: str = ""
    email: str = ""
    api_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A workspace as it is now. `has_heard`: an authentic webhook has come."""

    workspace: Workspace
    webhook_secret: str = field(default="", repr=False)
    """Only where it was generated."""
    warnings: tuple[str, ...] = ()
    has_heard: bool = False


class Claims:
    """Creates and updates workspaces for who asks over HTTP, and links them."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        workspaces: Workspaces,
        changes: WorkspaceChanges,
        deployments: Mapping[str, Deployment],
        usual_bases: Mapping[str, str],
        settings: ApiSettings,
        leads_out: LeadsOut,
        is_among: IsAmong,
        clock: Clock,
    ) -> None:
        """*usual_bases*: the base URL that is configured for a deployment."""
        self._storage, self._directory, self._clock = storage, directory, clock
        self._workspaces, self._changes = workspaces, changes
        self._deployments, self._usual_bases, self._settings = deployments, usual_bases, settings
        self._leads_out, self._is_among = leads_out, is_among

    async def save(self, claim: Claim, *, by: Principal) -> Saved:
        """Make a workspace, or change the one of that name, and link the caller as its administrator: all, or nothing.

        Raises:
            Forbidden: it is another's, or the caller may claim none there.
            WorkspaceExists: it is of the other deployment, or its base URL is served already.
            Conflict: the caller has claimed as many as may wait for their proof.
            InvalidInput: something is missing or malformed.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered; nothing was stored.
        """
        check_is_somebody(by)
        await self.expire()
        known = await self._storage.read(lambda tx: self._known(tx, claim, by))
        return await self._create(claim, by) if known is None else await self._update(known, claim, by)

    async def expire(self) -> int:
        """Forget the claims that nobody has proved in time; counts them."""
        if not await self._storage.read(self._expired):
            return 0
        forgotten = await self._storage.write(self._forget_expired)
        self._directory.forget()
        return forgotten

    def _known(self, tx: Transaction, claim: Claim, by: Principal) -> Workspace | None:
        found = tx.workspaces.find_by_name(WorkspaceName(claim.name.lower()))
        if found is None:
            return None
        check_administers(tx, found.id, by)
        if found.deployment != claim.deployment:
            raise WorkspaceExists(f"`{found.name}` is a workspace of the other deployment", hint="choose another name")
        return found

    async def _create(self, claim: Claim, by: Principal) -> Saved:
        base_url = claim.base_url or self._usual_base(claim)
        if not by.is_operator:
            await self._check_claim(claim.deployment, base_url, by)
        wanted = NewWorkspace(
            name=claim.name,
            deployment=claim.deployment,
            base_url=base_url,
            email=claim.email,
            api_key=claim.api_key,
            webhook_secret=claim.webhook_secret,
            owner=by,
            active=claim.active,
        )
        made = await self._workspaces.create(wanted, by=by)
        return Saved(workspace=made.workspace, webhook_secret=made.webhook_secret, warnings=made.warnings)

    async def _update(self, known: Workspace, claim: Claim, by: Principal) -> Saved:
        base_url = claim.base_url and self._workspaces.base_of(claim.base_url)
        moved = base_url != "" and base_url != known.base_url
        if moved and not claim.api_key:
            raise InvalidInput(
                "the service account's key is needed: the stored one is not sent to another base URL",
                hint="give `svc_acc_api_key` too",
            )
        wanted = WorkspaceUpdate(
            base_url=base_url if moved else "",
            email=claim.email,
            api_key=claim.api_key,
            webhook_secret=claim.webhook_secret,
            inactive=not claim.active,
            active=claim.active,
            owner=by,
        )
        updated = await self._changes.update(known.name, wanted, by=by)
        newest = await self._storage.read(lambda tx: tx.deliveries.list(workspace_id=known.id, limit=1))
        return Saved(workspace=updated.workspace, warnings=updated.warnings, has_heard=bool(newest))

    def _usual_base(self, claim: Claim) -> str:
        """Make the base URL of a workspace that is called as its Jira's host is, or as a site of Cloud."""
        domain = self._deployments[claim.deployment].site_domain
        if domain and "." not in claim.name:
            return f"https://{claim.name.lower()}.{domain}"
        return self._usual_bases.get(claim.deployment, "") or f"https://{claim.name.lower()}"

    async def _check_claim(self, deployment: str, base_url: str, by: Principal) -> None:
        """Let nobody have us look where they could not, or take more names than a few.

        Raises:
            Forbidden, Conflict, InvalidInput: why not.
        """
        if by.workspace_id is not None:
            raise Forbidden("the token is of another workspace", hint="use one that is of none")
        unproved = await self._storage.read(lambda tx: [e for e in tx.workspaces.list() if _is_claim(e)])
        if sum(each.claimed_by == by.user for each in unproved) >= self._settings.claims_per_user:
            raise Conflict(
                f"you have claimed {self._settings.claims_per_user} workspaces that are not proved yet",
                hint="prove one, or let an administrator delete it",
            )
        base = self._workspaces.base_of(base_url)
        if self._is_among(base, self._settings.claim_hosts):
            return
        domain = self._deployments[deployment].site_domain
        is_site = self._is_among(base, [f"*.{domain}"]) if domain else True
        if urlsplit(base).scheme != "https" or not is_site or not await self._leads_out(base):
            raise Forbidden(
                f"`{base}` is no public address of such a Jira, so that only an administrator may add it",
                hint="whoever runs jirabot can add its host to `[api] claim_hosts`, or the workspace itself",
            )

    def _expired(self, tx: Transaction) -> Sequence[Workspace]:
        ended = self._clock.now() - self._settings.claims_last
        return [each for each in tx.workspaces.list() if _is_claim(each) and each.created_at <= ended]

    def _forget_expired(self, tx: Transaction) -> int:
        expired, now = self._expired(tx), self._clock.now()
        for each in expired:
            # It has processed nothing, so that nothing runs and no checkout is there.
            tx.workspaces.remove(each.id)
            audit.record(tx, Act.WORKSPACE_EXPIRED, by=DAEMON, now=now, workspace=each, subject=each.base_url)
        return len(expired)


def _is_claim(workspace: Workspace) -> bool:
    return workspace.state is WorkspaceState.UNPROVED
