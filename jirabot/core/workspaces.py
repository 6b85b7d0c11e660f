"""A workspace: one Jira site that jirabot serves, as its row says. Secrets are not in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from jirabot.config import CLOUD_API_URL
from jirabot.core.ids import BackendName, WorkspaceId, WorkspaceName
from jirabot.core.people import Account


class WorkspaceState(StrEnum):
    """Whether a workspace's deliveries are worked on."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Authentic deliveries are kept, not processed."""
    UNPROVED = "unproved"
    """Claimed over HTTP by somebody who has not proved that the site is theirs; processes nothing."""


class CommentMark(StrEnum):
    """How the bot's comments are known again there."""

    UNPROVED = "unproved"
    """By a property, as far as is known: no comment was written yet."""
    PROPERTY = "property"
    FOOTER = "footer"
    """By their last line: that Jira drops the properties of comments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One Jira site. `base_url` is its identity: scheme, host, port and context path, without a final slash.

    `service_account` is who the bot is there; `settings` holds what `--set` changed, by key. `cloud_id` is the site's
    where Jira is called through Cloud's gateway; what is called is never the site's identity. `key_expires_at`: when
    what signs in ends, as far as that is known.
    """

    id: WorkspaceId
    name: WorkspaceName
    deployment: str
    base_url: str
    also_known_as: tuple[str, ...] = ()
    state: WorkspaceState
    degraded: tuple[str, ...] = ()
    auth: str
    authenticity: str
    service_account: Account
    service_account_email: str = ""
    agent: BackendName | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    cloud_id: str = ""
    key_expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    comment_mark: CommentMark = CommentMark.UNPROVED
    claimed_by: str = ""
    """The user who made it over HTTP without being an administrator of this jirabot; empty where one vouches for it.

    Its Jira is reached at public addresses only, for as long as that is so.
    """

    @property
    def base_urls(self) -> tuple[str, ...]:
        """Every base that a `self` address of this site may have."""
        return (self.base_url, *self.also_known_as, *self.gateways(CLOUD_API_URL))

    def gateways(self, api_url: str) -> tuple[str, ...]:
        """Give its base behind Cloud's gateway at *api_url*; none where it is not called by its cloud id."""
        return (gateway(api_url, self.cloud_id),) if self.cloud_id else ()


WEBHOOK_SECRET = "webhook-secret"  # noqa: S105 - the name of a secret's place, not a secret
PREVIOUS_WEBHOOK_SECRET = "webhook-secret/previous"  # noqa: S105 - as above
"""The one before, which counts until its row expires."""
API_KEY = "api-key"
OAUTH_APP = "oauth-app"
"""The place of an OAuth app of the workspace's own."""
OAUTH_GRANT = "oauth-grant"


def gateway(api_url: str, cloud_id: str) -> str:
    """Give the base under which Cloud's gateway answers for a site, and of `self` there.

    Source: "OAuth 2.0 (3LO) apps".
    """
    return f"{api_url}/ex/jira/{quote(cloud_id, safe='')}"


def repository_token_place(repository_id: str) -> str:
    """Name the place of a repository's token among the workspace's secrets."""
    return f"repository/{repository_id}"


_SETTING_AGAIN: Mapping[str, str] = {
    WEBHOOK_SECRET: "`jirabot workspace rotate-secret {name}`",
    PREVIOUS_WEBHOOK_SECRET: "`jirabot workspace rotate-secret {name}`",
    API_KEY: "`jirabot workspace update {name} --svc-acc-api-key -`",
    OAUTH_APP: "`jirabot workspace update {name} --oauth-client-id ID --oauth-client-secret -`",
    OAUTH_GRANT: "`jirabot workspace consent {name}`",
}


def setting_again(place: str, workspace_name: str, *, repository: str = "") -> str:
    """Say with which command another secret is stored at a place; *repository*: the name of the one whose it is."""
    if repository:
        return f"`jirabot repo remove {workspace_name} {repository}` and `jirabot repo add`"
    return _SETTING_AGAIN.get(place, "the command that stored it").format(name=workspace_name)
