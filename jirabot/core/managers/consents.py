"""Takes what a person's consent gave: from then on a workspace's bot speaks by it."""

from collections.abc import Mapping
from dataclasses import replace

from jirabot.core.audit import Act
from jirabot.core.grants import Authority, Grant, KeptGrant
from jirabot.core.managers import audit, troubles
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.gate import administered
from jirabot.core.managers.grants import Grants
from jirabot.core.people import Account, Principal
from jirabot.core.ports import Clock, Deployment, Events, OAuth, Storage, Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import Workspace
from jirabot.errors import InvalidInput, SiteNotAccessible

ENDED = (Reason.CONSENT_NEEDED, Reason.TOKEN_REFUSED, Reason.TOKEN_EXPIRES)
"""What a new consent ends."""


class Consents:
    """Takes consents for workspaces."""

    def __init__(
        self,
        *,
        storage: Storage,
        grants: Grants,
        oauth: OAuth,
        directory: Directory,
        deployments: Mapping[str, Deployment],
        clock: Clock,
        log: Events,
    ) -> None:
        self._storage, self._grants, self._oauth, self._directory = storage, grants, oauth, directory
        self._deployments, self._clock, self._log = deployments, clock, log

    async def accept(self, name: str, grant: Grant, *, by: Principal) -> Account:
        """Take a grant, once Jira has said whose it is (`whose`).

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
            InvalidInput: the workspace signs in otherwise.
            SiteNotAccessible, ConsentNeeded, JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered;
                nothing was stored.
        """
        workspace = await self._storage.read(lambda tx: administered(tx, name, by))
        if not self._grants.needs_consent(workspace):
            raise InvalidInput(f"the workspace `{name}` signs in by `{workspace.auth}`, which needs no consent")
        account, cloud_id = await self.whose(workspace, grant)

        def change(tx: Transaction) -> None:
            now = self._clock.now()
            saved = replace(administered(tx, name, by), service_account=account, cloud_id=cloud_id, updated_at=now)
            who = audit.person(tx, saved.id, account.id)
            audit.record(tx, Act.WORKSPACE_CONSENTED, by=by, now=now, workspace=saved, subject=who)
            tx.workspaces.save(saved)
            self._grants.keep(tx, saved, KeptGrant(grant=grant))
            troubles.mend(tx, of_workspace(saved.id), ENDED, now=now)

        await self._storage.write(change)
        self._grants.forget()
        self._directory.forget()
        self._log.tell("grant.accepted", workspace=workspace.name)
        return account

    async def whose(self, workspace: Workspace, grant: Grant) -> tuple[Account, str]:
        """Ask who has consented, and on Cloud for the id of the workspace's site, which the grant has to open.

        Raises:
            SiteNotAccessible: it opens other sites, and not that.
            ConsentNeeded, JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        at = self._grants.authority_of(workspace)
        cloud_id = await self._site_of(workspace, at, grant)
        return await self._oauth.identity(at, grant.access_token, cloud_id=cloud_id), cloud_id

    async def _site_of(self, workspace: Workspace, at: Authority, grant: Grant) -> str:
        """Give the cloud id of the workspace's site; empty on Data Center."""
        if not self._deployments[workspace.deployment].has_central_oauth:
            return ""
        for site in await self._oauth.accessible_resources(at, grant.access_token):
            if site.url in workspace.base_urls:
                return site.cloud_id
        raise SiteNotAccessible(
            f"the consent was not for `{workspace.base_url}`",
            hint="begin again, and choose that site on Atlassian's page; who can't choose it has no access to it",
        )
