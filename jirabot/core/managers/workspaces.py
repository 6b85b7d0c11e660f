"""Workspaces: made, listed, shown. A secret comes in here and is never shown again."""

import re
import secrets as random_secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from jirabot.config import Settings, shown_settings
from jirabot.core import objects
from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.authenticity import Authenticity, secret_problems, text_problems
from jirabot.core.catching_up import begun
from jirabot.core.credentials import Credentials
from jirabot.core.deliveries import Origin
from jirabot.core.ids import AccountId, BackendName, WorkspaceId, WorkspaceName
from jirabot.core.managers import audit
from jirabot.core.managers.directory import Directory, settings_of
from jirabot.core.managers.gate import administered, check_administers, rights_in
from jirabot.core.managers.grants import Grants
from jirabot.core.managers.own_links import domains_of, link_caller, proved_account
from jirabot.core.managers.pauses import over
from jirabot.core.managers.sign_in import SignIn, SignInFields
from jirabot.core.managers.users import add_link, find_account
from jirabot.core.managers.workspace_rules import WorkspaceRules, check_free
from jirabot.core.pauses import Pause
from jirabot.core.people import Account, Link, Principal, Role
from jirabot.core.permissions import Linked, is_named, who_may
from jirabot.core.ports import Clock, Deployment, Ids, Sites, Storage, Transaction, Vault
from jirabot.core.workspaces import OAUTH_GRANT, WEBHOOK_SECRET, Workspace, WorkspaceState
from jirabot.errors import InvalidInput

MASK = "***"
"""What stands in place of a secret that is not shown."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkspace(SignInFields):
    """What `workspace create` is given. Secrets are not in `repr`.

    `settings` are those that differ from the configured ones; `link` is an account that may trigger the bot at once.
    `owner` is who becomes its administrator; one who is none of this jirabot has to prove first that it is theirs.
    """

    name: str
    deployment: str = ""
    base_url: str = ""
    also_known_as: tuple[str, ...] = ()
    email: str = ""
    webhook_secret: str = field(default="", repr=False)
    auth: str = ""
    authenticity: str = ""
    agent: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    owner: Principal | None = None
    active: bool = True
    validate: bool = True

    @property
    def claimed_by(self) -> str:
        """The user who claims it; empty where an administrator of this jirabot vouches for it."""
        return self.owner.user if self.owner is not None and not self.owner.is_operator else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What still stands between a workspace and its first answer, and the command that brings it."""

    what: str
    text: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new workspace; `webhook_secret` only where it was generated, `link` where one was asked for.

    None is generated where no webhook is wanted.

    `warnings`: what its Jira told that a person has to know.
    """

    workspace: Workspace
    webhook_secret: str = field(repr=False)
    missing: tuple[Missing, ...]
    link: Link | None = None
    warnings: tuple[str, ...] = ()


LACKING = {
    "name": "`NAME` is missing",
    "deployment": "`--deployment` is missing: `cloud` or `dc`",
    "base_url": "`--base-url` is missing",
    "email": "`--svc-acc-email` is missing",
    "api_key": "`--svc-acc-api-key` is missing: give `-` to read it from standard input",
    "oauth_client_id": "`--oauth-client-id` is missing: the app as it is registered in Jira",
    "oauth_client_secret": "`--oauth-client-secret` is missing: give `-` to read it from standard input",
}
"""What is needed of a new workspace, and how it is told that it is not there."""


class Workspaces:
    """Makes and shows workspaces."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        grants: Grants,
        sign_in: SignIn,
        sites: Sites,
        directory: Directory,
        deployments: Mapping[str, Deployment],
        rules: WorkspaceRules,
        settings: Settings,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._storage, self._vault, self._sites, self._directory = storage, vault, sites, directory
        self._grants, self._sign_in = grants, sign_in
        self._deployments, self._rules = deployments, rules
        self._settings, self._clock, self._ids = settings, clock, ids

    async def create(self, wanted: NewWorkspace, *, by: Principal) -> Created:
        """Make a workspace, after its Jira said who the service account is; all of it, or nothing.

        Raises:
            InvalidInput: something is missing or malformed; all of it is named.
            WorkspaceExists: name or base URL is taken.
            NotFound: Jira knows no account to link.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered; nothing was stored.
            ConfigurationInvalid: the agent is not configured.
        """
        if not wanted.claimed_by or wanted.owner != by:
            check_operator(by)
        wanted = self._checked(wanted)
        self._rules.check_agent(wanted.agent)
        draft = self._draft(wanted)
        await self._storage.read(lambda tx: check_free(tx, draft, by))
        try:
            return await self._make(draft, wanted, by)
        except BaseException:
            # Its id was made for it, and nobody will ask by that again.
            await self._sites.drop(draft.id)
            raise

    async def _make(self, draft: Workspace, wanted: NewWorkspace, by: Principal) -> Created:
        account = Account(id=AccountId(wanted.link))
        own_account: Account | None = None
        draft = await self._sign_in.located(draft, ask=wanted.validate)
        warnings = self._sign_in.warnings(draft)
        begun_at = draft.created_at
        if wanted.validate and not self._grants.needs_consent(draft):
            site = self._sites.site(draft, Credentials(api_key=wanted.api_key))
            info = await site.server_info()
            begun_at = info.server_time or begun_at
            hint = f"give `--deployment {info.deployment}`"
            self._rules.check_deployment(draft, info, hint=hint)
            if not wanted.authenticity:
                draft, told = self._rules.authenticity_for(draft, info)
                warnings += told
            draft, told = self._rules.as_jira_says(draft, info, hint=hint, trusted=not wanted.claimed_by)
            warnings += told
            draft = replace(draft, service_account=await site.myself())
            draft = replace(draft, key_expires_at=draft.key_expires_at or await site.key_expires_at())
            account = await find_account(site, wanted.link) if wanted.link else account
            if wanted.owner is not None:
                domains = domains_of(draft, settings_of(draft, self._settings.workspace).email_domains)
                own_account = await proved_account(site, wanted.owner, domains)
        if problems := secret_problems(Authenticity(draft.authenticity), wanted.webhook_secret):
            raise InvalidInput("; ".join(problems))
        generated = random_secrets.token_urlsafe(32) if self._rules.takes_webhooks(draft) else ""
        secret = wanted.webhook_secret or generated

        def change(tx: Transaction) -> tuple[Link | None, tuple[Missing, ...]]:
            now = draft.created_at
            check_free(tx, draft, by)
            tx.workspaces.add(draft)
            tx.checkpoints.save(begun(draft.id, at=begun_at, now=now))
            self._sign_in.store(tx, draft, wanted.given)
            if secret:
                self._vault.seal(tx, draft.id, WEBHOOK_SECRET, secret, now=now)
            audit.record(tx, Act.WORKSPACE_CREATED, by=by, now=now, workspace=draft, subject=draft.base_url)
            link = None
            if account.id:
                link = add_link(tx, draft, account, user="", role=Role.ADMIN, ids=self._ids, now=now, by=by)
            if wanted.owner is not None and wanted.owner.user:
                link = link_caller(tx, draft, wanted.owner, own_account, role=Role.ADMIN, ids=self._ids, now=now)
            return link, self._missing(tx, draft)

        link, missing = await self._storage.write(change)
        self._directory.forget()
        return Created(
            workspace=draft,
            webhook_secret="" if wanted.webhook_secret else secret,
            missing=missing,
            link=link,
            warnings=warnings,
        )

    async def list(self, *, by: Principal) -> Sequence[Workspace]:
        """List the workspaces that *by* administers, newest first."""

        def query(tx: Transaction) -> Sequence[Workspace]:
            rights = rights_in(tx, by)
            return [workspace for workspace in tx.workspaces.list() if rights.may_administer(workspace.id)]

        return await self._storage.read(query)

    async def pauses(self, name: str, *, by: Principal) -> Sequence[Pause]:
        """List the pauses that hold back new runs of a workspace, the newest first.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
        """

        def query(tx: Transaction) -> Sequence[Pause]:
            workspace = administered(tx, name, by)
            agent = workspace.agent or self._settings.agent_name() or ""
            return over(tx, workspace.id, agent)

        return await self._storage.read(query)

    async def show(self, name: str, *, by: Principal) -> tuple[Workspace, tuple[Missing, ...]]:
        """Give a workspace and what is missing for its first answer.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
        """

        def query(tx: Transaction) -> tuple[Workspace, tuple[Missing, ...]]:
            workspace = administered(tx, name, by)
            return workspace, self._missing(tx, workspace)

        return await self._storage.read(query)

    def base_of(self, url: str) -> str:
        """Bring a base URL into its one form.

        Raises:
            InvalidInput: it is none, or would send credentials in the clear.
        """
        return self._rules.safe_base(url)

    def events_url(self, workspace: Workspace, *, secret: str = MASK) -> str:
        """Give the canonical address of a workspace's webhook; a secret that belongs into it is masked if not given."""
        token = f"/{secret}" if workspace.authenticity == Authenticity.URL_TOKEN else ""
        return self._address(workspace, f"events/{workspace.id}{token}")

    def _address(self, workspace: Workspace, path: str) -> str:
        route = self._deployments[workspace.deployment].route
        return f"{self._settings.server.reached_at()}/integration/{route}/{path}"

    async def unmasked_events_url(self, workspace: Workspace, *, by: Principal) -> str:
        """Give the address as Jira has to be given it, with the secret that may be in it.

        Raises:
            Forbidden: *by* does not administer it.
        """

        def query(tx: Transaction) -> str | None:
            check_administers(tx, workspace.id, by)
            return self._vault.open(tx, workspace.id, WEBHOOK_SECRET)

        secret = await self._storage.read(query)
        return self.events_url(workspace, secret=secret or "")

    def as_object(self, workspace: Workspace, *, events_url: str = "") -> objects.Object:
        """Show a workspace, with its settings and where each comes from. *events_url*: in place of the masked one."""
        effective = settings_of(workspace, self._settings.workspace)
        return objects.workspace(
            workspace,
            events_url=events_url or self.events_url(workspace),
            agent=self._settings.agent_name(),
            settings=shown_settings(effective, workspace.settings, self._settings),
        )

    def lacking(self, wanted: NewWorkspace) -> Sequence[str]:
        """List the fields of *wanted* that are needed and neither given nor told by the others."""
        filled = self._filled(wanted)
        needed = [
            "name",
            "deployment",
            "base_url",
            *self._sign_in.needed(filled.deployment, filled.auth, filled.base_url),
        ]
        return [name for name in LACKING if name in needed and not getattr(filled, name)]

    def _filled(self, wanted: NewWorkspace) -> NewWorkspace:
        """Fill in what can be told from the rest."""
        name = wanted.name.lower()
        host = _host(wanted.base_url) or name
        told = _deployment_of(host, self._deployments)
        deployment = wanted.deployment or told
        usual = f"https://{host}" if told else self._settings.base_urls.get(deployment, "")
        known = self._deployments.get(deployment)
        return replace(
            wanted,
            name=name,
            deployment=deployment,
            base_url=wanted.base_url or usual,
            auth=wanted.auth or (known.auth_methods[0] if known else ""),
        )

    def _checked(self, wanted: NewWorkspace) -> NewWorkspace:
        """Complete what is wanted, and name at once all that is missing or malformed."""
        filled = self._filled(wanted)
        problems = [LACKING[name] for name in self.lacking(wanted)]
        if filled.name and not NAME.fullmatch(filled.name):
            problems.append(f"`{wanted.name}` is no workspace's name: at most 100 letters, digits, `.`, `_` and `-`")
        known = self._deployments.get(filled.deployment)
        if filled.deployment and known is None:
            problems.append(f"`{filled.deployment}` is no deployment: `cloud` or `dc`")
        problems += self._rules.auth_problems(filled.deployment, filled.auth)
        problems += text_problems("API key", filled.api_key, least=1)
        problems += filled.given.problems(self._clock.now())
        problems += self._authenticity_problems(filled)
        hint = "run `jirabot workspace create --help` for two examples"
        try:
            base_url = self._rules.safe_base(filled.base_url) if filled.base_url else ""
            aliases = tuple(self._rules.normal_base(url) for url in filled.also_known_as)
        except InvalidInput as error:
            raise InvalidInput("; ".join([*problems, error.message]), hint=error.hint) from error
        if problems:
            raise InvalidInput("; ".join(problems), hint=hint)
        return replace(filled, base_url=base_url, also_known_as=aliases)

    def _authenticity_problems(self, wanted: NewWorkspace) -> Sequence[str]:
        way = wanted.authenticity or Authenticity.HMAC
        if problems := self._rules.authenticity_problems(wanted.deployment, way, wanted.settings):
            return problems
        if way == Authenticity.JWT and not wanted.webhook_secret:
            return ["`--webhook-secret` is missing: with `jwt` it is the client secret of the OAuth app"]
        return secret_problems(Authenticity(way), wanted.webhook_secret)

    def _draft(self, wanted: NewWorkspace) -> Workspace:
        now = self._clock.now()
        return Workspace(
            id=WorkspaceId(self._ids.secret()),
            name=WorkspaceName(wanted.name),
            deployment=wanted.deployment,
            base_url=wanted.base_url,
            also_known_as=wanted.also_known_as,
            state=_state(wanted),
            claimed_by=wanted.claimed_by,
            auth=wanted.auth,
            authenticity=wanted.authenticity or Authenticity.HMAC.value,
            service_account=Account(id=AccountId(""), email=wanted.email),
            service_account_email=wanted.email,
            agent=BackendName(wanted.agent) if wanted.agent else None,
            settings=wanted.settings,
            key_expires_at=wanted.key_expires_at,
            created_at=now,
            updated_at=now,
        )

    def _missing(self, tx: Transaction, workspace: Workspace) -> tuple[Missing, ...]:
        name = workspace.name
        found: list[Missing] = []
        if self._grants.needs_consent(workspace) and tx.secrets.find(workspace.id, OAUTH_GRANT) is None:
            found.append(
                Missing(
                    what="consent",
                    text="nobody has consented yet that the bot works in their name",
                    command=f"jirabot workspace consent {name}",
                )
            )
        settings = settings_of(workspace, self._settings.workspace)
        rule = who_may(settings.who_may)
        if rule == Linked() and not any(is_named(link) for link in tx.users.list_links(workspace.id)):
            found.append(
                Missing(
                    what="person", text="nobody may trigger the bot yet", command=f"jirabot user link {name} ACCOUNT"
                )
            )
        if settings.no_repository != "empty" and not tx.repositories.list(workspace.id):
            found.append(
                Missing(
                    what="repository",
                    text="no repository is set up",
                    command=f"jirabot repo add {name} NAME --url GIT_URL",
                )
            )
        found += self._missing_agent(workspace)
        hears_by_webhook = settings.events == "webhook"
        if hears_by_webhook and not tx.deliveries.list(workspace_id=workspace.id, origin=Origin.WEBHOOK, limit=1):
            found.append(
                Missing(
                    what="webhook",
                    text="no webhook has arrived yet",
                    command=f"jirabot webhook register {name}",
                )
            )
        return tuple(found)

    def _missing_agent(self, workspace: Workspace) -> Sequence[Missing]:
        """Tell why a workspace has no agent that could work, if that is so."""
        agents, agent = self._settings.agents, workspace.agent or self._settings.agent_name()
        choice = f"`jirabot workspace update {workspace.name} --agent AGENT`"
        if agent in agents:
            return ()
        if agent:
            text = f"its agent `{agent}` is not configured"
            command = f"add a section `[agents.{agent}]` to the configuration, or choose another with {choice}"
        elif agents:
            text = f"no agent is chosen of those that are configured: {', '.join(f'`{name}`' for name in agents)}"
            command = f"set `default` in `[agents]` of the configuration, or choose one with {choice}"
        else:
            text, command = "no agent is configured", "add a section `[agents.NAME]` to the configuration"
        return (Missing(what="agent", text=text, command=command),)


def _state(wanted: NewWorkspace) -> WorkspaceState:
    if wanted.claimed_by:
        return WorkspaceState.UNPROVED
    return WorkspaceState.ACTIVE if wanted.active else WorkspaceState.PAUSED


def _deployment_of(host: str, deployments: Mapping[str, Deployment]) -> str:
    """Tell the deployment by the domain that all of its sites are in; empty where the host is in none."""
    domains = {name: each.site_domain for name, each in deployments.items() if each.site_domain}
    return next((name for name, domain in domains.items() if host.endswith(f".{domain}")), "")


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
