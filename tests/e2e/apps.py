"""An OAuth app of Jira Cloud: what sets up webhooks, signed in by its token in place of an account's."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from jirabot.app import App
from jirabot.core.managers.directory import Directory
from jirabot.core.managers.webhooks import Webhooks
from jirabot.core.ports import Clock
from jirabot.jira import bases
from jirabot.jira.authenticity import scheme_of
from jirabot.jira.client import Clients
from jirabot.jira.connections import Connections
from jirabot.jira.deployments import DEPLOYMENTS, Cloud, Deployment
from jirabot.sandbox.issues import Grant
from jirabot.storage.master_key import MasterKeys, NoKeyring
from jirabot.storage.secrets import EnvelopeVault


class AsAnApp(Cloud):
    """Cloud, asked as an app: by the token that a person has consented to."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def authorization(self, auth: str, token: str, *, email: str) -> str:
        return f"Bearer {self._grant.access_token}"


@contextlib.asynccontextmanager
async def directory_of_app(app: App, grant: Grant, clock: Clock) -> AsyncIterator[Directory]:
    """Give the workspaces of *app*, whose Jira is asked as an app."""
    deployments: Mapping[str, Deployment] = {**DEPLOYMENTS, "cloud": AsAnApp(grant)}
    connections = Connections()
    clients = Clients(
        deployments,
        connections=connections,
        api_url=app.settings.oauth.cloud_api_url,
        clock=clock,
        log=app.log,
        defaults=app.settings.workspace,
    )
    try:
        yield Directory(
            storage=app.storage,
            vault=EnvelopeVault(MasterKeys(app.settings.data_dir, value=None, file=None, keyring=NoKeyring())),
            grants=app.grants,
            sites=clients,
            deployments=DEPLOYMENTS,
            schemes=scheme_of,
            defaults=app.settings.workspace,
            limits=app.settings.limits,
            agent=None,
        )
    finally:
        await connections.aclose()


@contextlib.asynccontextmanager
async def webhooks_of_app(app: App, grant: Grant, clock: Clock) -> AsyncIterator[Webhooks]:
    """Give what sets up webhooks, signed in as an app."""
    async with directory_of_app(app, grant, clock) as directory:
        yield Webhooks(
            storage=app.storage,
            directory=directory,
            workspaces=app.workspaces,
            is_loopback=bases.is_loopback,
            clock=clock,
        )
