"""The client of what makes OAuth tokens, and of what tells a Cloud site's id. It keeps nothing; values come and go."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from yarl import URL

from jirabot.config import OAuthSettings
from jirabot.core.grants import Authority, Grant, OAuthApp, Site
from jirabot.core.people import Account
from jirabot.core.ports import Clock
from jirabot.errors import Forbidden, InvalidInput, JiraBroken
from jirabot.jira import oauth
from jirabot.jira.answers import Answer
from jirabot.jira.connections import Connections
from jirabot.jira.deployments import Deployment
from jirabot.jira.oauth import Asked, Provider

_CLOUD_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Authorities:
    """Fulfils `jirabot.core.ports.OAuth`, for workspaces and for people alike."""

    def __init__(
        self,
        deployments: Mapping[str, Deployment],
        *,
        connections: Connections,
        settings: OAuthSettings,
        clock: Clock,
    ) -> None:
        self._deployments, self._connections = deployments, connections
        self._settings, self._clock = settings, clock

    def authorize_url(
        self,
        at: Authority,
        app: OAuthApp,
        *,
        redirect_uri: str,
        state: str,
        verifier: str = "",
        only_identity: bool = False,
    ) -> str:
        return self._provider(at).authorize_url(
            app, redirect_uri=redirect_uri, state=state, verifier=verifier, only_identity=only_identity
        )

    async def exchange(
        self, at: Authority, app: OAuthApp, *, code: str, redirect_uri: str, verifier: str = ""
    ) -> Grant:
        asked = self._provider(at).exchange(app, code=code, redirect_uri=redirect_uri, verifier=verifier)
        answer = await self._send(at, asked)
        return oauth.read_grant(answer, redirect_uri=redirect_uri, now=self._clock.now())

    async def refresh(self, at: Authority, app: OAuthApp, grant: Grant) -> Grant:
        answer = await self._send(at, self._provider(at).renew(app, grant))
        return oauth.read_grant(answer, redirect_uri=grant.redirect_uri, now=self._clock.now(), before=grant)

    async def accessible_resources(self, at: Authority, access_token: str) -> Sequence[Site]:
        address = self._provider(at).sites_url
        if not address:
            return []
        return oauth.read_sites(await self._get(at, address, access_token), now=self._clock.now())

    async def identity(self, at: Authority, access_token: str, *, cloud_id: str = "") -> Account:
        address = self._provider(at).identity_url(cloud_id)
        told = oauth.read_json(await self._get(at, address, access_token), now=self._clock.now())
        account = self._deployments[at.deployment].account(told)
        if not account.id:
            raise JiraBroken("Jira does not say who has consented")
        return account

    async def cloud_id(self, at: Authority) -> str:
        """Ask a Cloud site's host. Undocumented, but widely used. Source: jira-platform facts, section 1."""
        parts = urlsplit(at.base_url)
        host, domain = parts.hostname or "", self._deployments[at.deployment].site_domain
        is_own = bool(domain) and host.endswith(f".{domain}")
        if not is_own and host not in self._settings.cloud_sites:
            raise InvalidInput(
                f"`{host}` is not under {domain}, and so is not asked for its cloud id",
                hint="if it is a Cloud site of yours, name it in `[oauth] cloud_sites`",
            )
        # Atlassian's own names lead into no private network.
        public = not (is_own or _is_address(host))
        connection = self._connections.to(
            f"cloud id of {at.base_url}", at.base_url, at.network, keep=False, public=public
        )
        url = URL(f"{parts.scheme}://{parts.netloc}/_edge/tenant_info", encoded=True)
        try:
            answer = await connection.ask("GET", url, headers={}, body=None, whom=f"the site `{host}`")
        except Forbidden as error:
            raise Forbidden(error.message, hint=f"give the site's address under {domain} as base URL") from error
        told = oauth.read_json(answer, now=self._clock.now()).get("cloudId")
        if not isinstance(told, str) or not _CLOUD_ID.fullmatch(told):
            raise JiraBroken(f"`{host}` does not tell its cloud id", hint="check the base URL: is it Jira Cloud?")
        return told

    def _provider(self, at: Authority) -> Provider:
        settings = self._settings
        return self._deployments[at.deployment].provider(
            at.base_url, auth_url=settings.cloud_auth_url, api_url=settings.cloud_api_url
        )

    async def _send(self, at: Authority, asked: Asked) -> Answer:
        return await self._ask(at, "POST", asked.url, {"Content-Type": asked.content_type}, asked.body)

    async def _get(self, at: Authority, address: str, access_token: str) -> Answer:
        return await self._ask(at, "GET", address, {"Authorization": f"Bearer {access_token}"}, None)

    async def _ask(
        self, at: Authority, method: str, address: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        url = URL(address, encoded=True)
        base = f"{url.scheme}://{url.authority}"
        connection = self._connections.to(f"OAuth of {at.base_url}", base, at.network, keep=False)
        return await connection.ask(method, url, headers=headers, body=body, whom=f"the OAuth server `{base}`")


def _is_address(host: str) -> bool:
    """Say whether a host is an IP address: an operator who lists one means it."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
