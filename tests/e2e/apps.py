"""An OAuth app of Jira Cloud by whose consent a workspace signs in, and whose secret proves its webhooks."""

from jirabot.app import App
from jirabot.config import OAuthSettings
from jirabot.core.grants import Grant
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import SHELL
from jirabot.sandbox.server import Sandbox

CALLBACK = "http://127.0.0.1:1/callback"
SCOPES = ("read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook", "offline_access")


def oauth_at(jira: Sandbox) -> OAuthSettings:
    """Say where Atlassian's own hosts are, as the sandbox plays them."""
    return OAuthSettings(cloud_auth_url=jira.root_url, cloud_api_url=jira.root_url, cloud_sites=("127.0.0.1",))


async def sign_in_as_app(app: App, jira: Sandbox) -> None:
    """Let the workspace `acme` sign in by the bot's consent to an app of its own, and believe webhooks for that app."""
    registered = jira.oauth.add_app(CALLBACK, SCOPES)
    wanted = WorkspaceUpdate(
        auth="oauth",
        oauth_client_id=registered.client_id,
        oauth_client_secret=registered.client_secret,
        authenticity="jwt",
        webhook_secret=registered.client_secret,
    )
    await app.workspace_changes.update("acme", wanted, by=SHELL)
    code = jira.oauth.consent(registered, jira.bot, SCOPES, "")
    access, refresh = jira.oauth.exchange(registered, code, redirect_uri=CALLBACK, verifier="")
    assert access.ends_at is not None
    grant = Grant(
        access_token=access.token, refresh_token=refresh.token, expires_at=access.ends_at, redirect_uri=CALLBACK
    )
    await app.consents.accept("acme", grant, by=SHELL)
