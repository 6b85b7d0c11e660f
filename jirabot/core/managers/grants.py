"""The grants of workspaces that speak by OAuth: kept sealed, renewed, each once, and given up when refused.

A refresh token counts once. So a process first claims a grant in the database, then renews it, then stores what it got,
and only then uses it; who finds it claimed waits for what will stand there. What is stored is compared first: a
consent that came meanwhile is not overwritten.

A process that dies between renewal and storing has used the token up: after `RENEWING` another tries the old one.
Cloud takes it once more within ten minutes; Data Center does not, and a person has to consent again.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from jirabot.config import OAuthAppSettings, WorkspaceDefaults
from jirabot.core.credentials import Credentials
from jirabot.core.grants import (
    RENEWING,
    Authority,
    Grant,
    KeptGrant,
    OAuthApp,
    app_from_text,
    app_to_text,
    from_text,
    to_text,
)
from jirabot.core.ids import WorkspaceId
from jirabot.core.managers import troubles
from jirabot.core.managers.troubles import Found
from jirabot.core.network import network_of
from jirabot.core.ports import Clock, Deployment, Events, Ids, NormalBase, OAuth, Storage, Transaction, Vault
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import API_KEY, OAUTH_APP, OAUTH_GRANT, Workspace
from jirabot.errors import (
    ConfigurationInvalid,
    ConsentNeeded,
    InvalidInput,
    JirabotError,
    JiraSilent,
    SecretSealed,
    WorkspaceNotFound,
)

LOOK_SECONDS = 0.5
"""How often it is looked whether another process has renewed a grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A grant that this process may renew, and what that takes."""

    workspace: Workspace
    kept: KeptGrant
    app: OAuthApp


class Grants:
    """Gives access tokens. Closed by `aclose`, which lets no renewal be lost."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        oauth: OAuth,
        deployments: Mapping[str, Deployment],
        apps: Mapping[str, OAuthAppSettings],
        usual_bases: Mapping[str, str],
        normal_base: NormalBase,
        defaults: WorkspaceDefaults,
        clock: Clock,
        ids: Ids,
        log: Events,
    ) -> None:
        """*apps*: of each deployment the app of workspaces that have none of their own.

        Where each site is an authority of its own, that is of the one at *usual_bases* alone: no other is told its
        secret.
        """
        self._storage, self._vault, self._oauth = storage, vault, oauth
        self._deployments, self._defaults = deployments, defaults
        self._apps, self._usual_bases, self._normal_base = apps, usual_bases, normal_base
        self._clock, self._ids, self._log = clock, ids, log
        self._known: dict[WorkspaceId, Grant] = {}
        self._generation = -1
        self._renewals: set[asyncio.Task[object]] = set()
        self._unstored: dict[WorkspaceId, tuple[Claim, Grant]] = {}

    def needs_consent(self, workspace: Workspace) -> bool:
        """Say whether a workspace signs in by somebody's consent."""
        return workspace.auth in self._deployments[workspace.deployment].oauth_methods

    def credentials(self, tx: Transaction, workspace: Workspace) -> Credentials:
        """Open what signs in to a workspace's Jira, within a transaction; who uses it is told if it does not open."""
        if self.needs_consent(workspace):
            return Credentials(access=partial(self.access, workspace.id))
        try:
            return Credentials(api_key=self._vault.open(tx, workspace.id, API_KEY) or "")
        except SecretSealed as error:
            return Credentials(sealed=error.anew())

    def keep_app(self, tx: Transaction, workspace: Workspace, app: OAuthApp) -> None:
        """Store an OAuth app of a workspace's own, sealed, within a transaction."""
        self._vault.seal(tx, workspace.id, OAUTH_APP, app_to_text(app), now=self._clock.now())

    def app_of(self, tx: Transaction, workspace: Workspace) -> OAuthApp:
        """Give the OAuth app that a workspace uses, within a transaction.

        Raises:
            ConfigurationInvalid: there is none.
        """
        own = self._vault.open(tx, workspace.id, OAUTH_APP)
        if own is not None:
            return app_from_text(own)
        usual = self.usual_app(workspace.deployment, workspace.base_url)
        if usual is None:
            raise ConfigurationInvalid(
                [f"the workspace `{workspace.name}` has no OAuth app"],
                hint=f"register one in Jira, then `jirabot workspace update {workspace.name} "
                "--oauth-client-id ID --oauth-client-secret -`",
            )
        return OAuthApp(client_id=usual.client_id, client_secret=usual.client_secret.get_secret_value())

    def usual_app(self, deployment: str, base_url: str) -> OAuthAppSettings | None:
        """Give the app of workspaces there that have none of their own; None where there is none."""
        app, usual_base = self._apps.get(deployment), self._usual_bases.get(deployment, "")
        if app is None or self._deployments[deployment].has_central_oauth:
            return app
        with contextlib.suppress(InvalidInput):
            return app if self._normal_base(usual_base) == self._normal_base(base_url) else None
        return None

    def authority_of(self, workspace: Workspace) -> Authority:
        """Say where consents to a workspace are given."""
        network = network_of(self._defaults, workspace.settings)
        return Authority(deployment=workspace.deployment, base_url=workspace.base_url, network=network)

    def keep(self, tx: Transaction, workspace: Workspace, kept: KeptGrant) -> None:
        """Store a grant, sealed, within a transaction; with it is known when the consent ends that is not used."""
        now, lasts = self._clock.now(), self._deployments[workspace.deployment].consent_lasts()
        self._vault.seal(tx, workspace.id, OAUTH_GRANT, to_text(kept), now=now)
        if kept.renewing_until is None and not kept.is_refused:
            ends_at = now + lasts if lasts is not None else None
            tx.workspaces.save(replace(self._present(tx, workspace.id), key_expires_at=ends_at))

    def forget(self) -> None:
        """Read again at the next question: this process has stored a grant."""
        self._known.clear()

    async def aclose(self) -> None:
        """Wait until renewals that go on have stored what they got."""
        await asyncio.gather(*self._renewals, return_exceptions=True)

    async def access(self, workspace_id: WorkspaceId, refused: str = "") -> str:
        """Give an access token that is good now; *refused*: one that Jira did not take, and is not given again.

        Raises:
            ConsentNeeded: nobody has consented, or the authority takes the consent no more.
            ConfigurationInvalid: there is no OAuth app.
            JiraUnreachable, JiraSilent, JiraBroken, RateLimited, JiraRefused: what the authority answered.
        """
        generation = self._storage.foreign_generation()
        if generation != self._generation:
            self._known.clear()
            self._generation = generation
        known = self._known.get(workspace_id)
        if known is not None and self._is_good(known, refused):
            return known.access_token
        return await self._current(workspace_id, refused)

    def _is_good(self, grant: Grant, refused: str) -> bool:
        return grant.access_token != refused and grant.is_fresh(self._clock.now())

    async def _current(self, workspace_id: WorkspaceId, refused: str) -> str:
        """Give what stands in the database, or claim it and renew it; where somebody is at it, wait for them."""
        deadline = self._clock.now() + RENEWING
        while True:
            seen = self._storage.generation()
            await self._store_again(workspace_id)
            kept = await self._storage.read(lambda tx: self._standing(tx, workspace_id))
            if self._is_good(kept.grant, refused):
                self._known[workspace_id] = kept.grant
                return kept.grant.access_token
            claim = await self._storage.write(lambda tx: self._claim(tx, workspace_id, refused))
            if claim is not None:
                # To the end: who waits for it may be cancelled, and the refresh token is used up by then.
                return await asyncio.shield(self._carry(claim))
            if self._clock.now() >= deadline:
                raise JiraSilent("another process renews the OAuth token, and does not come to an end")
            await self._storage.changed(seen, within_seconds=LOOK_SECONDS)

    def _standing(self, tx: Transaction, workspace_id: WorkspaceId) -> KeptGrant:
        text = self._vault.open(tx, workspace_id, OAUTH_GRANT)
        fix = fix_of(self._present(tx, workspace_id))
        if text is None:
            raise ConsentNeeded("nobody has consented yet that the bot works in their name", hint=fix)
        kept = from_text(text)
        if kept.is_refused:
            raise ConsentNeeded("Jira takes the consent for the bot no more", hint=fix)
        return kept

    def _claim(self, tx: Transaction, workspace_id: WorkspaceId, refused: str) -> Claim | None:
        """Claim a grant that is to be renewed; None where somebody has that, or it is done already."""
        kept, now = self._standing(tx, workspace_id), self._clock.now()
        if kept.is_being_renewed(now) or self._is_good(kept.grant, refused):
            return None
        workspace = self._present(tx, workspace_id)
        app, claimed = self.app_of(tx, workspace), kept.claimed(now)
        self.keep(tx, workspace, claimed)
        return Claim(workspace=workspace, kept=claimed, app=app)

    async def _carry(self, claim: Claim) -> str:
        """Renew, as a task that `aclose` waits for."""
        task = asyncio.current_task()
        assert task is not None
        self._renewals.add(task)
        try:
            return await self._renew(claim)
        finally:
            self._renewals.discard(task)

    async def _renew(self, claim: Claim) -> str:
        workspace, grant = claim.workspace, claim.kept.grant
        try:
            renewed = await self._oauth.refresh(self.authority_of(workspace), claim.app, grant)
        except ConsentNeeded as error:
            await self._storage.write(lambda tx: self._give_up(tx, claim))
            self._known.pop(workspace.id, None)
            raise ConsentNeeded(error.message, status=error.status, hint=fix_of(workspace)) from error
        except JirabotError:
            await self._storage.write(lambda tx: self._put(tx, claim, replace(claim.kept, renewing_until=None)))
            raise
        self._unstored[workspace.id] = (claim, renewed)
        await self._store_again(workspace.id)
        self._log.tell("grant.renewed", workspace=workspace.name)
        return self._known[workspace.id].access_token

    async def _store_again(self, workspace_id: WorkspaceId) -> None:
        """Store what a renewal brought; a disk that refuses it now is asked again by who needs it next.

        Raises:
            StorageUnavailable: it refuses. What was brought is kept here, and not used.
        """
        claim, renewed = self._unstored.get(workspace_id, (None, None))
        if claim is None or renewed is None:
            return
        self._known[workspace_id] = await self._storage.write(lambda tx: self._put(tx, claim, KeptGrant(grant=renewed)))
        self._unstored.pop(workspace_id, None)

    def _put(self, tx: Transaction, claim: Claim, kept: KeptGrant) -> Grant:
        """Store what became of a claim, and give what stands: another consent, or a later claim, is not overwritten."""
        text = self._vault.open(tx, claim.workspace.id, OAUTH_GRANT)
        stands = from_text(text) if text is not None else claim.kept
        if stands != claim.kept:
            return stands.grant
        self.keep(tx, claim.workspace, kept)
        return kept.grant

    def _give_up(self, tx: Transaction, claim: Claim) -> None:
        """Record that a person has to consent again, and degrade the workspace."""
        given_up = replace(claim.kept, renewing_until=None, is_refused=True)
        self._put(tx, claim, given_up)
        if from_text(self._vault.open(tx, claim.workspace.id, OAUTH_GRANT) or "") != given_up:
            return
        found = Found(
            scope=of_workspace(claim.workspace.id),
            reason=Reason.CONSENT_NEEDED,
            text="Jira takes the consent for the bot no more",
            fix=fix_of(claim.workspace),
        )
        troubles.degrade(tx, found, new_id=self._ids.sortable(), now=self._clock.now())

    def _present(self, tx: Transaction, workspace_id: WorkspaceId) -> Workspace:
        workspace = tx.workspaces.find(workspace_id)
        if workspace is None:
            raise WorkspaceNotFound("there is no such workspace", hint="it was deleted meanwhile")
        return workspace


def fix_of(workspace: Workspace) -> str:
    """Say what ends the lack of a consent."""
    return f"consent for the bot; `jirabot workspace show {workspace.name}` says where"
