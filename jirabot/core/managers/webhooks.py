"""Webhooks set up in a workspace's Jira: registered, listed, refreshed, removed; what jirabot made is remembered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jirabot.core.authenticity import Authenticity
from jirabot.core.deliveries import Delivery, Origin
from jirabot.core.ids import WorkspaceId
from jirabot.core.issues import ServerInfo
from jirabot.core.managers import troubles
from jirabot.core.managers.directory import Directory, Served
from jirabot.core.managers.gate import administered, check_administers
from jirabot.core.managers.workspaces import Workspaces
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, JiraSite, Rejection, Storage, Transaction, WebhookAdministration
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.webhooks import (
    HeldWebhook,
    Registration,
    WantedWebhook,
    automation_steps,
    differences,
    dynamic_jql_problems,
    is_of,
    masked,
    steps,
)
from jirabot.core.workspaces import Workspace
from jirabot.errors import (
    ConfigurationInvalid,
    Forbidden,
    InvalidInput,
    JirabotError,
    JiraGone,
    JiraRefused,
    NotFound,
)

DYNAMIC_LIFE = timedelta(days=30)
"""How long a dynamic webhook lives. Source: "The Jira Cloud platform REST API", group Webhooks."""

LOOKED_AT = 20
"""How many of the newest deliveries are looked through for one that a webhook brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A webhook that stands. `created`: it did not before. `warnings`: what Jira has not kept of it."""

    workspace: Workspace
    held: HeldWebhook
    registration: Registration
    created: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is known of a workspace's webhooks. `held` are those in Jira that send here; None: it can't be asked.

    `unlisted` says why; `newest_at` is when the last delivery came; `rejections` did not prove themselves.
    """

    workspace: Workspace
    held: tuple[HeldWebhook, ...] | None
    unlisted: str
    registrations: tuple[Registration, ...]
    newest_at: datetime | None
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Webhooks that were removed from a workspace's Jira; `left`: why some were not."""

    workspace: Workspace
    webhook_ids: tuple[str, ...]
    left: str = ""


class Webhooks:
    """Sets up webhooks."""

    def __init__(
        self,
        *,
        storage: Storage,
        directory: Directory,
        workspaces: Workspaces,
        is_loopback: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self._storage, self._directory, self._workspaces = storage, directory, workspaces
        self._is_loopback, self._clock = is_loopback, clock

    async def register(self, name: str, *, by: Principal, jql: str | None = None) -> Registered:
        """Let a workspace's Jira send its events here; what stands already is changed, so that there is one.

        *jql*: what to send of; None leaves the filter that stands.

        Raises:
            WorkspaceNotFound: there is none of that name.
            ConfigurationInvalid: Jira can't reach the address.
            InvalidInput: Jira can't prove what it sends that way, or does not take the filter.
            Forbidden: *by* does not administer it, or our account may not set up webhooks; then the hint says what to
                click.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        served = await self._served(name, by)
        self._check_reachable(served.workspace)
        if not Authenticity(served.workspace.authenticity).is_registrable:
            raise Forbidden(
                "rules of Jira Automation can't be set up from outside", hint=self._automation_steps(served)
            )
        site = self._directory.site(served)
        info = await site.server_info()
        wanted = self._wanted(served, info, jql or "")
        try:
            return await self._put(served, site.webhooks(info, dynamic=_is_dynamic(served)), wanted, jql)
        except (JiraRefused, JiraGone) as error:
            await site.myself()  # a token that counts no more is another matter
            raise Forbidden(
                f"the service account may not set up webhooks in this Jira: {error.message}",
                hint=self._steps(served, info, jql or ""),
            ) from error

    async def list(self, name: str, *, by: Principal) -> Listed:
        """Tell which webhooks of a workspace's Jira send here, what was made by us, and what came.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
        """
        served = await self._served(name, by)
        held: tuple[HeldWebhook, ...] | None = None
        unlisted = ""
        try:
            held = await self.held(served, self._directory.site(served))
        except JirabotError as error:
            unlisted = error.message

        def query(tx: Transaction) -> Listed:
            of = served.workspace.id
            newest = newest_delivery(tx, of)
            return Listed(
                workspace=served.workspace,
                held=held,
                unlisted=unlisted,
                registrations=tuple(tx.registrations.list(of)),
                newest_at=newest.received_at if newest else None,
                rejections=tuple(tx.rejections.list(of)),
            )

        return await self._storage.read(query)

    async def refresh(self, name: str, *, by: Principal) -> Sequence[Registration]:
        """Put off when a workspace's webhooks expire; gives those that do, as they are now.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
            NotFound: jirabot has made none there.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered.
        """
        served = await self._served(name, by)
        made = await self._made(served.workspace)
        return await self.refreshed(served, [each for each in made if each.dynamic])

    async def refreshed(self, served: Served, dynamic: Sequence[Registration]) -> Sequence[Registration]:
        """Refresh dynamic webhooks in Jira, and write down that it was done."""
        if not dynamic:
            return []
        site = self._directory.site(served)
        api = site.webhooks(await site.server_info(), dynamic=True)
        until = await api.refresh([each.webhook_id for each in dynamic])
        now = self._clock.now()
        fresh = [replace(each, refreshed_at=now, expires_at=until or now + DYNAMIC_LIFE) for each in dynamic]

        def change(tx: Transaction) -> None:
            for each in fresh:
                tx.registrations.save(each)
            troubles.mend(tx, of_workspace(served.workspace.id), [Reason.WEBHOOK_EXPIRING], now=now)

        await self._storage.write(change)
        self._directory.forget()
        return fresh

    async def delete(self, name: str, *, by: Principal) -> Removed:
        """Remove from a workspace's Jira the webhooks that jirabot made, and no others.

        Raises:
            WorkspaceNotFound: there is none of that name.
            Forbidden: *by* does not administer it.
            NotFound: jirabot has made none there.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: what Jira answered; some may be removed.
        """
        served = await self._served(name, by)
        made = await self._made(served.workspace)
        removed = [await self._remove(served, each) for each in made]
        return Removed(workspace=served.workspace, webhook_ids=tuple(removed))

    async def delete_if_possible(self, workspace: Workspace, *, by: Principal) -> Removed:
        """Remove what jirabot made, as far as Jira lets it: its workspace goes in any case.

        Raises:
            Forbidden: *by* does not administer it.
        """

        def query(tx: Transaction) -> Sequence[Registration]:
            check_administers(tx, workspace.id, by)
            return tx.registrations.list(workspace.id)

        made = await self._storage.read(query)
        try:
            served = await self._directory.get(workspace.id)
            removed = [await self._remove(served, each) for each in made]
        except JirabotError as error:
            return Removed(workspace=workspace, webhook_ids=(), left=error.message)
        return Removed(workspace=workspace, webhook_ids=tuple(removed))

    async def held(self, served: Served, site: JiraSite) -> tuple[HeldWebhook, ...]:
        """List the webhooks of a Jira that send to its workspace. Others are not ours to show: they hold secrets."""
        api = site.webhooks(await site.server_info(), dynamic=_is_dynamic(served))
        return tuple(each for each in await api.list() if is_of(each.url, served.workspace.id))

    async def _served(self, name: str, by: Principal) -> Served:
        workspace = await self._storage.read(lambda tx: administered(tx, name, by))
        return await self._directory.get(workspace.id)

    async def _made(self, workspace: Workspace) -> Sequence[Registration]:
        made = await self._storage.read(lambda tx: tx.registrations.list(workspace.id))
        if not made:
            raise NotFound(
                f"jirabot has made no webhook in the Jira of `{workspace.name}`",
                hint=f"`jirabot webhook register {workspace.name}` makes one; others are left alone",
            )
        return made

    async def _put(
        self, served: Served, api: WebhookAdministration, wanted: WantedWebhook, jql: str | None
    ) -> Registered:
        workspace, now = served.workspace, self._clock.now()
        standing = [each for each in await api.list() if is_of(each.url, workspace.id)]
        made = {
            each.webhook_id: each for each in await self._storage.read(lambda tx: tx.registrations.list(workspace.id))
        }
        known = next((each for each in standing if each.id in made), standing[0] if standing else None)
        if known is not None and jql is None:
            wanted = replace(wanted, jql=known.jql)
        _check_filter(wanted, dynamic=api.dynamic)
        if api.dynamic and known is not None and not differences(wanted, known):
            held = known
            expires_at = await api.refresh([known.id])
        else:
            held = await api.put(wanted, in_place_of=known)
            expires_at = held.expires_at
        was = made.get(known.id) if known else None
        registration = Registration(
            workspace_id=workspace.id,
            webhook_id=held.id,
            dynamic=api.dynamic,
            url=masked(held.url, workspace.id),
            jql=held.jql,
            registered_at=was.registered_at if was else now,
            refreshed_at=now,
            expires_at=(expires_at or now + DYNAMIC_LIFE) if api.dynamic else None,
        )

        def change(tx: Transaction) -> None:
            for gone in made.keys() - {each.id for each in standing if each is not known}:
                tx.registrations.remove(workspace.id, gone)
            tx.registrations.save(registration)

        await self._storage.write(change)
        others = [
            f"the webhook `{each.id}` sends here too: remove it in Jira" for each in standing if each is not known
        ]
        warnings = (*differences(wanted, held), *others)
        return Registered(
            workspace=workspace, held=held, registration=registration, created=known is None, warnings=warnings
        )

    async def _remove(self, served: Served, registration: Registration) -> str:
        site = self._directory.site(served)
        try:
            api = site.webhooks(await site.server_info(), dynamic=registration.dynamic)
            await api.delete(registration.webhook_id)
        except JiraGone:
            await site.myself()  # gone only where Jira knows who asks
        key = served.workspace.id, registration.webhook_id
        await self._storage.write(lambda tx: tx.registrations.remove(*key))
        return registration.webhook_id

    def _wanted(self, served: Served, info: ServerInfo, jql: str) -> WantedWebhook:
        workspace = served.workspace
        secret = served.webhook_secrets[0].decode() if served.webhook_secrets else ""
        if not secret:
            raise InvalidInput(
                f"the workspace `{workspace.name}` has no webhook secret",
                hint=f"`jirabot workspace rotate-secret {workspace.name}` makes one",
            )
        signs = workspace.authenticity == Authenticity.HMAC
        if signs and not served.deployment.signs_webhooks(info):
            raise InvalidInput(
                f"this Jira ({info.version_name}) can't sign its webhooks",
                hint=f"`jirabot workspace update {workspace.name} --authenticity url-token`, then register again",
            )
        url = self._workspaces.events_url(workspace, secret=secret)
        return WantedWebhook(url=url, secret=secret if signs else "", jql=jql)

    def _check_reachable(self, workspace: Workspace) -> None:
        url = self._workspaces.events_url(workspace)
        if self._is_loopback(url) and not self._is_loopback(workspace.base_url):
            raise ConfigurationInvalid(
                [f"`[server] public_url` is on this machine (`{url}`), where `{workspace.base_url}` can't reach it"],
                hint="set `[server] public_url` to the address under which Jira reaches this daemon",
            )

    def _steps(self, served: Served, info: ServerInfo, jql: str) -> str:
        name, advice = served.workspace.name, []
        match Authenticity(served.workspace.authenticity):
            case Authenticity.HMAC:
                made_new = (
                    f"`jirabot workspace rotate-secret {name}` shows a new one, since an old one is not shown again"
                )
                advice = [f"Secret: the workspace's webhook secret; {made_new}"]
            case Authenticity.URL_TOKEN:
                advice = [f"in place of `***` stands the secret: `jirabot workspace show {name} --show-secrets`"]
        url = self._workspaces.events_url(served.workspace)
        return steps(base_url=served.workspace.base_url, url=url, jql=jql, secret_advice=advice, name=name)

    def _automation_steps(self, served: Served) -> str:
        url, header = self._workspaces.events_url(served.workspace), served.settings.events_header
        return automation_steps(url=url, header=header, person=served.deployment.person_key)


def newest_delivery(tx: Transaction, workspace_id: WorkspaceId) -> Delivery | None:
    """Find the newest delivery that Jira has sent: no replay."""
    newest = tx.deliveries.list(workspace_id=workspace_id, origin=Origin.WEBHOOK, limit=LOOKED_AT)
    return next((each for each in newest if each.replay_of is None), None)


def _is_dynamic(served: Served) -> bool:
    return served.workspace.authenticity == Authenticity.JWT


def _check_filter(wanted: WantedWebhook, *, dynamic: bool) -> None:
    """Say before Jira is asked that it would not take a filter.

    Raises:
        InvalidInput: it would not.
    """
    if dynamic and (problems := dynamic_jql_problems(wanted.jql)):
        raise InvalidInput("; ".join(problems), hint="give it with `--jql`")
