"""Workspaces that are there already: changed, paused, given new secrets, looked at. Seen by a running daemon."""

import secrets as random_secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from jirabot.core import key_ends
from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.authenticity import Authenticity, secret_problems, text_problems
from jirabot.core.checks import NEEDED
from jirabot.core.credentials import Credentials
from jirabot.core.ids import AccountId, BackendName, WorkspaceId
from jirabot.core.issues import LimitsSeen, ServerInfo
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.gate import administered
from jirabot.core.managers.grants import Grants
from jirabot.core.managers.own_links import domains_of, link_caller, proved_account
from jirabot.core.managers.sign_in import Given, SignIn, SignInFields
from jirabot.core.managers.users import add_link, find_account
from jirabot.core.managers.workspace_rules import WorkspaceRules, check_free, unset_problems
from jirabot.core.network import Network
from jirabot.core.people import Account, Link, Principal, Role
from jirabot.core.ports import Clock, Ids, Sites, Storage, Transaction, Vault
from jirabot.core.workspaces import (
    OAUTH_APP,
    OAUTH_GRANT,
    PREVIOUS_WEBHOOK_SECRET,
    WEBHOOK_SECRET,
    Workspace,
    WorkspaceState,
)
from jirabot.errors import Forbidden, InvalidInput, JiraRefused, SecretSealed, WorkspaceNotFound

NETWORK_SETTINGS = frozenset(field.name for field in fields(Network))
"""The settings that say how Jira is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceUpdate(SignInFields):
    """What `workspace update` is given; what is empty stays as it is. Secrets are not in `repr`.

    `settings` are set, those named in `unset` are as configured again; `also_known_as` takes the place of the old ones.
    """

    base_url: str = ""
    also_known_as: tuple[str, ...] = ()
    email: str = ""
    webhook_secret: str = field(default="", repr=False)
    auth: str = ""
    authenticity: str = ""
    agent: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    link: str = ""
    inactive: bool = False
    active: bool = False
    owner: Principal | None = None
    """Who is to be an administrator of it, linked as they ask."""

    @property
    def concerns_jira(self) -> bool:
        """Whether Jira has a say in it: the agent, the webhook secret and most settings are our own."""
        own = self.owner.email if self.owner is not None else ""
        told = (self.base_url, self.also_known_as, self.email, self.api_key, self.auth, self.link, own)
        return any(told) or not NETWORK_SETTINGS.isdisjoint((*self.settings, *self.unset))

    @property
    def changed(self) -> set[str]:
        """The names of what is changed, and none of the values."""
        given = {each.name for each in fields(self) if getattr(self, each.name)} - {"settings", "unset", "owner"}
        return {*given, *self.settings, *self.unset}


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A workspace as it is now. `warnings`: what its Jira told that a person has to know.

    `webhook_secret`: only where its Jira is to send webhooks from now on, and there was none.
    """

    workspace: Workspace
    webhook_secret: str = field(default="", repr=False)
    link: Link | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """A workspace with a new webhook secret, which is given only where it was generated.

    `previous_until`: how long the old one counts beside it. `dropped`: one that was older still counts no more.
    """

    workspace: Workspace
    webhook_secret: str = field(repr=False)
    previous_until: datetime | None
    dropped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What a workspace's Jira answered. `clock_seconds`: how far its clock is ahead of ours; None: it does not tell."""

    workspace: Workspace
    account: Account
    info: ServerInfo
    permissions: frozenset[str]
    signs_webhooks: bool
    clock_seconds: float | None
    limits: LimitsSeen | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A change as Jira has completed it: who is to be linked by it, and what people have to know."""

    draft: Workspace
    given: Given
    account: Account
    own_account: Account | None = None
    warnings: tuple[str, ...] = ()


class WorkspaceChanges:
    """Changes workspaces."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        grants: Grants,
        sign_in: SignIn,
        sites: Sites,
        directory: Directory,
        rules: WorkspaceRules,
        clock: Clock,
        ids: Ids,
        switched_off: Collection[str],
    ) -> None:
        """*switched_off*: the deployments whose deliveries are kept, and not processed."""
        self._storage, self._vault, self._sites, self._directory = storage, vault, sites, directory
        self._grants, self._sign_in = grants, sign_in
        self._rules, self._clock, self._ids, self._switched_off = rules, clock, ids, switched_off

    async def update(self, name: str, wanted: WorkspaceUpdate, *, by: Principal, validate: bool = True) -> Updated:
        """Change a workspace, all of it or nothing. Where it concerns Jira, that first says who the account is.

        Raises:
            WorkspaceNotFound: there is none of that name.
            InvalidInput: nothing is to be changed, or something is malformed; all of it is named.
            WorkspaceExists: the base URL is another's.
            NotFound: Jira knows no account to link.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered; nothing was changed.
            ConfigurationInvalid: the agent is not configured.
            SettingsOutdated: another version has stored a setting that this one does not take, and it would stay.
        """
        workspace, credentials = await self._storage.read(lambda tx: self._known(tx, name, by))
        if wanted.base_url and not by.is_operator:
            raise Forbidden("the base URL is what makes a workspace: it is changed by whoever runs this jirabot")
        wanted = self._checked(workspace, wanted)
        self._rules.check_agent(wanted.agent)
        draft = _changed(workspace, wanted)
        await self._storage.read(lambda tx: check_free(tx, draft, by))
        if wanted.base_url or wanted.auth:
            draft = await self._sign_in.located(draft, ask=validate)
        told = _Told(draft=draft, given=wanted.given, account=Account(id=AccountId(wanted.link)))
        if validate and wanted.concerns_jira and not self._awaits_consent(draft, workspace):
            told = await self._ask(told, wanted, credentials, by)
        draft, given, account = told.draft, told.given, told.account
        warnings = (*(self._sign_in.warnings(draft) if wanted.auth else ()), *told.warnings)

        def change(tx: Transaction) -> Updated:
            now = self._clock.now()
            # Jira was asked meanwhile: what others have changed in that time stays.
            saved = replace(
                _changed(_still_there(tx, workspace), wanted),
                also_known_as=draft.also_known_as,
                service_account=draft.service_account,
                cloud_id=draft.cloud_id,
                key_expires_at=given.ends_at(None if wanted.auth else draft.key_expires_at),
                updated_at=now,
            )
            check_free(tx, saved, by)
            self._check_proof(tx, saved, wanted)
            tx.workspaces.save(saved)
            self._sign_in.store(tx, saved, given)
            if saved.base_url != workspace.base_url:
                _forget_site(tx, saved, given)
            if wanted.webhook_secret:
                self._vault.seal(tx, saved.id, WEBHOOK_SECRET, wanted.webhook_secret, now=now)
                tx.secrets.remove(saved.id, PREVIOUS_WEBHOOK_SECRET)
            changed = sorted(wanted.changed)
            audit.record(tx, Act.WORKSPACE_UPDATED, by=by, now=now, workspace=saved, changed=changed)
            link = None
            if account.id:
                link = add_link(tx, saved, account, user="", role=Role.ADMIN, ids=self._ids, now=now, by=by)
            if wanted.owner is not None and wanted.owner.user:
                link = link_caller(tx, saved, wanted.owner, told.own_account, role=Role.ADMIN, ids=self._ids, now=now)
            if saved.state is WorkspaceState.ACTIVE and workspace.state is not WorkspaceState.ACTIVE:
                self._release(tx, saved, now)
            generated = self._first_secret(tx, saved, now=now)
            return Updated(workspace=saved, link=link, warnings=warnings, webhook_secret=generated)

        updated = await self._storage.write(change)
        self._grants.forget()
        self._directory.forget()
        return updated

    async def _ask(self, before: "_Told", wanted: WorkspaceUpdate, credentials: Credentials, by: Principal) -> "_Told":
        """Have Jira say who the service account is, and who the people are that are to be linked."""
        draft, given, account, own_account = before.draft, before.given, before.account, None
        site = self._sites.site(draft, Credentials(api_key=wanted.api_key) if wanted.api_key else credentials)
        info = await site.server_info()
        hint = f"a workspace keeps its kind: create another with `--deployment {info.deployment}`"
        draft, warnings = self._rules.as_jira_says(draft, info, hint=hint, trusted=by.is_operator)
        draft = replace(draft, service_account=await site.myself())
        if wanted.api_key and given.expires_at is None:
            given = replace(given, expires_at=await site.key_expires_at())
        if wanted.link:
            account = await find_account(site, wanted.link)
        if wanted.owner is not None:
            domains = domains_of(draft, self._rules.settings_of(draft).email_domains)
            own_account = await proved_account(site, wanted.owner, domains)
        return _Told(draft=draft, given=given, account=account, own_account=own_account, warnings=warnings)

    def _first_secret(self, tx: Transaction, workspace: Workspace, *, now: datetime) -> str:
        """Generate a webhook secret where webhooks are to come and there is none, as after `events = poll`."""
        if not self._rules.takes_webhooks(workspace) or tx.secrets.find(workspace.id, WEBHOOK_SECRET):
            return ""
        secret = random_secrets.token_urlsafe(32)
        self._vault.seal(tx, workspace.id, WEBHOOK_SECRET, secret, now=now)
        return secret

    async def activate(self, name: str, *, by: Principal, trust: bool = False) -> tuple[Workspace, int]:
        """Work on what comes again, and on what was kept meanwhile, in order; gives how many that were.

        Where the deployment's webhooks are switched off by their variable, all of it stays kept. With *trust* an
        administrator of this jirabot vouches for one that was claimed.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: it is unproved, and nobody vouches for it.
        """

        def change(tx: Transaction) -> tuple[Workspace, int]:
            now, workspace = self._clock.now(), administered(tx, name, by)
            if trust:
                check_operator(by)
            elif workspace.state is WorkspaceState.UNPROVED:
                raise Forbidden(
                    f"nothing proves yet that the Jira of `{workspace.name}` belongs to who claimed it",
                    hint=f"`jirabot webhook test {workspace.name} --issue KEY` proves it; `--trust` vouches for them",
                )
            claimed_by = "" if trust else workspace.claimed_by
            workspace = replace(workspace, state=WorkspaceState.ACTIVE, claimed_by=claimed_by, updated_at=now)
            tx.workspaces.save(workspace)
            audit.record(tx, Act.WORKSPACE_ACTIVATED, by=by, now=now, workspace=workspace)
            return workspace, self._release(tx, workspace, now)

        done = await self._storage.write(change)
        self._directory.forget()
        return done

    async def prove(self, workspace_id: WorkspaceId, *, by: Principal) -> bool:
        """Work on a workspace from now on, whose own webhook has brought a nonce back; False where it needs no proof.

        Its Jira is reached at public addresses only, as before: nobody has vouched for who claimed it.
        """

        def change(tx: Transaction) -> bool:
            check_operator(by)
            workspace, now = tx.workspaces.find(workspace_id), self._clock.now()
            if workspace is None or workspace.state is not WorkspaceState.UNPROVED:
                return False
            proved = replace(workspace, state=WorkspaceState.ACTIVE, updated_at=now)
            tx.workspaces.save(proved)
            audit.record(tx, Act.WORKSPACE_PROVED, by=by, now=now, workspace=proved)
            self._release(tx, proved, now)
            return True

        proved = await self._storage.write(change)
        self._directory.forget()
        return proved

    def _release(self, tx: Transaction, workspace: Workspace, now: datetime) -> int:
        """Let what was kept be handled, unless a variable keeps it; counts it."""
        if workspace.deployment in self._switched_off:
            return 0
        return tx.deliveries.release_kept(workspace.id, now=now)

    async def deactivate(self, name: str, *, by: Principal) -> Workspace:
        """Keep what comes from now on, and work on none of it; runs go on. One that is unproved stays so.

        Raises:
            WorkspaceNotFound: there is none of that name.
        """

        def change(tx: Transaction) -> Workspace:
            known, now = administered(tx, name, by), self._clock.now()
            workspace = replace(known, state=_paused(known), updated_at=now)
            tx.workspaces.save(workspace)
            audit.record(tx, Act.WORKSPACE_DEACTIVATED, by=by, now=now, workspace=workspace)
            return workspace

        workspace = await self._storage.write(change)
        self._directory.forget()
        return workspace

    async def rotate_secret(self, name: str, *, by: Principal, overlap: timedelta, secret: str = "") -> Rotated:
        """Give a workspace a new webhook secret; the old one counts beside it until the overlap ends.

        Two may count at once: what is older than the old one counts no more.

        Raises:
            WorkspaceNotFound: there is none of that name.
            InvalidInput: the given secret can't be used, or is the one that is in use.
        """
        new = secret or random_secrets.token_urlsafe(32)

        def change(tx: Transaction) -> Rotated:
            workspace, now = administered(tx, name, by), self._clock.now()
            if problems := secret_problems(Authenticity(workspace.authenticity), new):
                raise InvalidInput("; ".join(problems))
            if workspace.authenticity == Authenticity.JWT and not secret:
                raise InvalidInput("with `jwt` the secret is the OAuth app's", hint="give it with `--webhook-secret -`")
            try:
                old = self._vault.open(tx, workspace.id, WEBHOOK_SECRET)
            except SecretSealed:
                old = None
            if old == new:
                raise InvalidInput("that is the webhook secret already", hint="give another, or none to generate one")
            older_until = tx.secrets.expires_at(workspace.id, PREVIOUS_WEBHOOK_SECRET)
            tx.secrets.remove(workspace.id, PREVIOUS_WEBHOOK_SECRET)
            until = now + overlap if old and overlap else None
            if old and until:
                self._vault.seal(tx, workspace.id, PREVIOUS_WEBHOOK_SECRET, old, now=now)
                tx.secrets.expire(workspace.id, PREVIOUS_WEBHOOK_SECRET, at=until)
            self._vault.seal(tx, workspace.id, WEBHOOK_SECRET, new, now=now)
            audit.record(tx, Act.SECRET_ROTATED, by=by, now=now, workspace=workspace, generated=not secret)
            return Rotated(
                workspace=workspace,
                webhook_secret="" if secret else new,
                previous_until=until,
                dropped=older_until is not None and now < older_until,
            )

        rotated = await self._storage.write(change)
        self._directory.forget()
        return rotated

    async def validate(self, name: str, *, by: Principal) -> Validated:
        """Ask a workspace's Jira who the service account is, what it may, and how it calls itself. Changes nothing.

        Raises:
            WorkspaceNotFound: there is none of that name.
            JiraRefused: Jira does not let the service account in, or it lacks a permission.
            JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
            InvalidInput: Jira is of another kind than the workspace.
        """
        workspace, credentials = await self._storage.read(lambda tx: self._known(tx, name, by))
        site, asked_at = self._sites.site(workspace, credentials), self._clock.now()
        info = await site.server_info()
        hint = "delete the workspace and create it with the right `--deployment`"
        self._rules.check_deployment(workspace, info, hint=hint)
        account = await site.myself()
        held = await site.permissions(NEEDED)
        if lacking := [permission for permission in NEEDED if permission not in held]:
            raise JiraRefused(
                f"the service account `{account.label}` lacks {', '.join(lacking)}",
                hint="grant it in the project's permission scheme",
            )
        warnings = self._rules.signing_problems(workspace, info)
        if own := self._rules.unknown_address(workspace, info):
            warnings.append(
                f"this Jira calls itself `{own}`, so that its webhooks are refused: "
                f"`jirabot workspace update {workspace.name} --also-known-as {own}` lets them in"
            )
        if near := key_ends.warning(workspace, self._clock.now()):
            warnings.append(near)
        return Validated(
            workspace=workspace,
            account=account,
            info=info,
            permissions=held,
            signs_webhooks=not self._rules.signing_problems(workspace, info),
            clock_seconds=(info.server_time - asked_at).total_seconds() if info.server_time else None,
            limits=site.limits_seen(),
            warnings=tuple(warnings),
        )

    def _awaits_consent(self, draft: Workspace, before: Workspace) -> bool:
        """Say whether nobody can be asked yet who the bot is: a consent to that way of signing in comes later."""
        return self._grants.needs_consent(draft) and (
            draft.auth != before.auth or draft.base_url != before.base_url or not before.service_account.id
        )

    def _known(self, tx: Transaction, name: str, by: Principal) -> tuple[Workspace, Credentials]:
        workspace = administered(tx, name, by)
        return workspace, self._grants.credentials(tx, workspace)

    def _checked(self, workspace: Workspace, wanted: WorkspaceUpdate) -> WorkspaceUpdate:
        """Bring what is wanted into its form, and name at once all that is malformed."""
        if wanted == WorkspaceUpdate():
            raise InvalidInput(
                "nothing to change is given", hint="run `jirabot workspace update --help` to see what can be changed"
            )
        changed = {**wanted.settings, **({"agent": ""} if wanted.agent else {})}
        problems = unset_problems(wanted.unset, changed, stored=workspace.settings)
        problems += self._rules.auth_problems(workspace.deployment, wanted.auth) if wanted.auth else []
        problems += text_problems("API key", wanted.api_key, least=1)
        problems += wanted.given.problems(self._clock.now())
        if wanted.authenticity == Authenticity.JWT and not wanted.webhook_secret:
            problems.append("`--webhook-secret` is missing: with `jwt` it is the client secret of the OAuth app")
        draft = _changed(workspace, wanted)
        problems += self._rules.authenticity_problems(draft.deployment, draft.authenticity, draft.settings)
        try:
            base_url = self._rules.safe_base(wanted.base_url) if wanted.base_url else ""
            aliases = tuple(self._rules.normal_base(url) for url in wanted.also_known_as)
        except InvalidInput as error:
            raise InvalidInput("; ".join([*problems, error.message]), hint=error.hint) from error
        if problems:
            raise InvalidInput("; ".join(problems), hint=_SETTINGS_HINT if wanted.unset else "")
        self._rules.settings_of(draft)
        return replace(wanted, base_url=base_url, also_known_as=aliases)

    def _check_proof(self, tx: Transaction, saved: Workspace, wanted: WorkspaceUpdate) -> None:
        """Say that the webhook secret, given or kept, can't prove what comes as it is wanted.

        Raises:
            InvalidInput: it can't.
        """
        if not (wanted.authenticity or wanted.webhook_secret):
            return
        secret = wanted.webhook_secret or self._vault.open(tx, saved.id, WEBHOOK_SECRET) or ""
        if problems := secret_problems(Authenticity(saved.authenticity), secret):
            hint = "" if wanted.webhook_secret else "give a new one with `--webhook-secret -`"
            raise InvalidInput("; ".join(problems), hint=hint)


_SETTINGS_HINT = "`config.example.toml` tells the settings, in its section `[workspace]`"


def _changed(workspace: Workspace, wanted: WorkspaceUpdate) -> Workspace:
    """Give the workspace as it is wanted."""
    agent = BackendName(wanted.agent) if wanted.agent else workspace.agent
    settings = {**workspace.settings, **wanted.settings}
    return replace(
        workspace,
        base_url=wanted.base_url or workspace.base_url,
        also_known_as=wanted.also_known_as or workspace.also_known_as,
        service_account_email=wanted.email or workspace.service_account_email,
        auth=wanted.auth or workspace.auth,
        authenticity=wanted.authenticity or workspace.authenticity,
        agent=None if "agent" in wanted.unset else agent,
        settings={key: value for key, value in settings.items() if key not in wanted.unset},
        state=_state(workspace, wanted),
    )


def _state(workspace: Workspace, wanted: WorkspaceUpdate) -> WorkspaceState:
    """Give the state that is wanted; nobody but who proves or vouches ends that one is unproved."""
    if wanted.inactive:
        return _paused(workspace)
    unproved = workspace.state is WorkspaceState.UNPROVED
    return WorkspaceState.ACTIVE if wanted.active and not unproved else workspace.state


def _paused(workspace: Workspace) -> WorkspaceState:
    return workspace.state if workspace.state is WorkspaceState.UNPROVED else WorkspaceState.PAUSED


def _forget_site(tx: Transaction, workspace: Workspace, given: Given) -> None:
    """Forget a consent to another site, and the app that only that site may be told of."""
    tx.secrets.remove(workspace.id, OAUTH_GRANT)
    if given.app is None:
        tx.secrets.remove(workspace.id, OAUTH_APP)


def _still_there(tx: Transaction, workspace: Workspace) -> Workspace:
    found = tx.workspaces.find(workspace.id)
    if found is None:
        raise WorkspaceNotFound(f"there is no workspace `{workspace.name}`", hint="it was deleted meanwhile")
    return found
