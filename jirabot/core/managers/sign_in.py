"""How a workspace's service account signs in: what that needs, where Jira is called then, what is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from jirabot.core.grants import OAuthApp
from jirabot.core.managers import troubles
from jirabot.core.managers.grants import Grants
from jirabot.core.ports import Clock, Deployment, OAuth, Transaction, Vault
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import API_KEY, OAUTH_GRANT, Workspace
from jirabot.errors import InvalidInput

CONSENT_WARNING = (
    "with `{auth}` the bot's comments stand under the name of who consents; it knows them again by mark and id, and "
    "what that person writes by hand is heard once they are linked"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What somebody gave to sign in with; what is empty was not given. Secrets are not in `repr`."""

    api_key: str = field(default="", repr=False)
    expires_at: datetime | None = None
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    def ends_at(self, before: datetime | None) -> datetime | None:
        """Say when what signs in ends from now on; *before*: what was known of that."""
        return self.expires_at if self.api_key or self.expires_at else before

    @property
    def app(self) -> OAuthApp | None:
        """The OAuth app, where one was given."""
        given = self.client_id and self.client_secret
        return OAuthApp(client_id=self.client_id, client_secret=self.client_secret) if given else None

    def problems(self, now: datetime) -> list[str]:
        """Say what does not fit together."""
        found = []
        if bool(self.client_id) != bool(self.client_secret):
            found.append("`--oauth-client-id` and `--oauth-client-secret` belong together: give both")
        if self.expires_at is not None and self.expires_at <= now:
            found.append(f"`--svc-acc-expires {self.expires_at:%Y-%m-%d}` is past")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFields:
    """The fields in which `workspace create` and `workspace update` are given what is to sign in."""

    api_key: str = field(default="", repr=False)
    key_expires_at: datetime | None = None
    oauth_client_id: str = ""
    oauth_client_secret: str = field(default="", repr=False)

    @property
    def given(self) -> Given:
        """What is to sign in from now on."""
        return Given(
            api_key=self.api_key,
            expires_at=self.key_expires_at,
            client_id=self.oauth_client_id,
            client_secret=self.oauth_client_secret,
        )


class SignIn:
    """Knows the ways to sign in."""

    def __init__(
        self, *, vault: Vault, grants: Grants, oauth: OAuth, deployments: Mapping[str, Deployment], clock: Clock
    ) -> None:
        self._vault, self._grants, self._oauth = vault, grants, oauth
        self._deployments, self._clock = deployments, clock

    def needed(self, deployment: str, auth: str, base_url: str) -> Sequence[str]:
        """Name the fields of `NewWorkspace` that such a sign-in to a Jira needs."""
        known = self._deployments.get(deployment)
        if known is None:
            return ("api_key",)
        if auth in known.oauth_methods:
            has_app = self._grants.usual_app(deployment, base_url) is not None
            return () if has_app else ("oauth_client_id", "oauth_client_secret")
        return ("email", "api_key") if known.needs_email(auth) else ("api_key",)

    def warnings(self, workspace: Workspace) -> tuple[str, ...]:
        """Say what people have to know of a way to sign in."""
        return (CONSENT_WARNING.format(auth=workspace.auth),) if self._grants.needs_consent(workspace) else ()

    async def located(self, workspace: Workspace, *, ask: bool) -> Workspace:
        """Give a workspace with the cloud id that Jira is called by, as its site tells it; *ask*: it may be asked.

        Raises:
            InvalidInput: it may not be asked, and nothing works without. What `OAuth.cloud_id` raises.
        """
        if not self._deployments[workspace.deployment].needs_cloud_id(workspace.auth):
            return replace(workspace, cloud_id="")
        if ask:
            return replace(workspace, cloud_id=await self._oauth.cloud_id(self._grants.authority_of(workspace)))
        if not workspace.cloud_id and not self._grants.needs_consent(workspace):
            raise InvalidInput(
                f"`{workspace.auth}` needs the site's cloud id, which is not asked for with `--no-validate`",
                hint="leave `--no-validate` out",
            )
        return workspace

    def store(self, tx: Transaction, workspace: Workspace, given: Given) -> None:
        """Keep what was given, sealed, within a transaction; a new key, or a new date of its end, ends the warning.

        What another way to sign in has left is removed.
        """
        now = self._clock.now()
        tx.secrets.remove(workspace.id, API_KEY if self._grants.needs_consent(workspace) else OAUTH_GRANT)
        if given.api_key:
            self._vault.seal(tx, workspace.id, API_KEY, given.api_key, now=now)
        if given.app is not None:
            self._grants.keep_app(tx, workspace, given.app)
        if given.api_key or given.expires_at:
            troubles.mend(tx, of_workspace(workspace.id), [Reason.TOKEN_EXPIRES], now=now)
