"""What core needs of Jira: its client, its two kinds, and how its webhooks are proved and read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from jirabot.core.authenticity import Authenticity
from jirabot.core.budgets import UNLIMITED, Bucket, Limit, Urgency
from jirabot.core.catching_up import ChangedIssue, Span
from jirabot.core.credentials import Credentials
from jirabot.core.deliveries import Envelope, RawDelivery
from jirabot.core.events import Dialect
from jirabot.core.grants import Authority, Grant, OAuthApp, Site
from jirabot.core.ids import CommentId, EffectId, IssueId, IssueKey, WorkspaceId
from jirabot.core.issues import ChangelogEntry, Issue, IssueComment, LimitsSeen, ServerInfo
from jirabot.core.people import Account
from jirabot.core.visibility import Visibility
from jirabot.core.webhooks import HeldWebhook, WantedWebhook
from jirabot.core.workspaces import Workspace


class Proof(NamedTuple):
    """What proves a delivery: headers, and a last segment of the address where that is the secret's place."""

    headers: Mapping[str, str]
    token: str = ""


class Scheme(Protocol):
    """One way in which deliveries prove themselves."""

    def verify(self, raw: RawDelivery, secrets: Sequence[bytes]) -> None:
        """Prove a delivery with any of *secrets*.

        Raises:
            SignatureRejected: it does not prove itself.
        """

    def prove(self, body: bytes, secret: bytes, *, now: datetime) -> Proof:
        """Make what proves a body."""


class Schemes(Protocol):
    """Gives the scheme of each way."""

    def __call__(self, way: str, *, header: str) -> Scheme:
        """Give what proves deliveries that *way*; *header*: the name of the header that holds the secret."""


PostWebhook = Callable[[str, Mapping[str, str], bytes], Awaitable[tuple[int, str]]]
"""Post a body with headers to an address, and give the answer's status and text, or raise Unreachable."""


ReadEnvelope = Callable[[bytes], Envelope]
"""Read the little that is needed of a proved body, or raise InvalidPayload."""


Decode = Callable[[bytes], Mapping[str, Any]]
"""Decode a body to a JSON object, or raise InvalidPayload."""


FindBases = Callable[[bytes], Sequence[str]]
"""List the bases of a body that has not proved itself: nothing but its `self` addresses is looked at."""


NormalBase = Callable[[str], str]
"""Bring a base URL into its one form, or raise InvalidInput where it is none (or not fit for its purpose)."""


class WebhookAdministration(Protocol):
    """The webhooks of one workspace's Jira; raises as `JiraSite`."""

    @property
    def dynamic(self) -> bool:
        """Whether they expire, and have to be refreshed."""

    async def list(self) -> Sequence[HeldWebhook]: ...
    async def put(self, wanted: WantedWebhook, *, in_place_of: HeldWebhook | None) -> HeldWebhook:
        """Make a webhook, or change the one that stands; gives it as Jira shows it afterwards.

        Raises:
            InvalidInput: Jira does not take it, and says why.
        """

    async def delete(self, webhook_id: str) -> None:
        """Remove one.

        Raises:
            JiraGone: it is not there.
        """

    async def refresh(self, webhook_ids: Sequence[str]) -> datetime | None:
        """Put off when they expire, and give that time; None where it is not told, or they never do."""


class JiraSite(Protocol):
    """One workspace's Jira, asked as its service account.

    Every method raises JiraUnreachable, JiraRefused, RateLimited or JiraRejected where what was asked did not happen,
    JiraSilent or JiraBroken where that is not known.
    """

    async def server_info(self) -> ServerInfo: ...
    async def myself(self) -> Account:
        """Ask who the service account is."""

    def limits_seen(self) -> LimitsSeen | None:
        """Give what Jira last told of its rate limits, in any answer; None where it told nothing."""

    async def key_expires_at(self) -> datetime | None:
        """Ask until when the service account's key counts; None where Jira does not tell, or it is for ever."""

    async def permissions(self, names: Sequence[str], *, on: IssueId | None = None) -> frozenset[str]:
        """Ask which of these permissions the service account has: on an issue, else anywhere on the site.

        Raises:
            JiraGone: the issue is not there, or the service account may not see it.
        """

    async def can_see(self, issue: IssueKey, account: Account) -> bool:
        """Say whether somebody may see an issue, by Jira's own check; JiraRefused where we may not ask that."""

    async def find_accounts(self, query: str) -> Sequence[Account]:
        """Find accounts: one by its id, key or name, else those whose e-mail equals *query*."""

    async def is_member(self, group: str, account: Account) -> bool:
        """Say whether somebody is in a group: by its id on Cloud, by its name on Data Center.

        This and the next three answers may be five minutes old. They raise JiraRejected where the service account may
        not ask, or there is no such group, role or account.
        """

    async def has_role(self, role: str, project_key: str, account: Account) -> bool:
        """Say whether somebody has the role of that id in a project, themselves or by a group."""

    async def can_edit(self, issue: IssueKey, account: Account) -> bool:
        """Say whether somebody may edit an issue, by Jira's own check."""

    async def is_customer(self, account: Account) -> bool:
        """Say whether somebody has no more rights than a service desk's customers."""

    async def list_members(self, group: str) -> Sequence[Account]:
        """List the active members of a group, as it is now."""

    def forget_issue(self, issue_id: IssueId) -> None:
        """Read an issue anew when it is asked for next: something has happened to it."""

    async def get_issue(self, issue: IssueId | IssueKey) -> Issue:
        """Read an issue; by its id it may be as it was half a minute ago, unless it was forgotten.

        Raises:
            JiraGone: it is not there, or the service account may not see it.
        """

    async def find_comment(self, issue_id: IssueId, comment_id: CommentId) -> IssueComment | None: ...
    async def list_comments(self, issue_id: IssueId, *, newest: int) -> Sequence[IssueComment]:
        """List the newest comments, oldest of them first."""

    async def find_change(self, issue_id: IssueId, change_id: str) -> ChangelogEntry | None: ...
    async def list_web_links(self, issue_id: IssueId) -> Sequence[str]: ...
    async def post_comment(
        self, issue_id: IssueId, markdown: str, *, visibility: Visibility, mark: EffectId, footer: str = ""
    ) -> CommentId:
        """Add a comment that carries *mark* as a comment property, and ends with *footer*."""

    async def edit_comment(
        self, issue_id: IssueId, comment_id: CommentId, markdown: str, *, visibility: Visibility, footer: str = ""
    ) -> None: ...
    async def is_marked(self, comment_id: CommentId, mark: EffectId) -> bool:
        """Say whether a comment carries *mark* as a property."""

    async def find_marked(
        self, issue_id: IssueId, mark: EffectId, *, since: datetime, words: str = ""
    ) -> CommentId | None:
        """Look among the service account's comments made after *since* for the one that carries *mark*.

        By its property or footer; with *words* given, one that bears neither and says the same is found, too.
        """

    def iter_changes(
        self,
        span: Span,
        *,
        now: datetime,
        projects: Sequence[str] = (),
        known: Mapping[IssueId, datetime] = ...,
        updated_since: datetime | None = None,
    ) -> AsyncIterator[Sequence[ChangedIssue]]:
        """Find the issues that changed since *span* began, a few at a time, each with what happened on it within.

        Those that changed longest ago come first.

        With *projects*, of no others than these (keys). *known*: issues that are left out where they have not been
        updated since. *updated_since* leaves out those that were updated last before it, and so were told of before.
        *now* is Jira's time; so are the others.
        """

    @property
    def calls_count(self) -> int:
        """How many requests this client has made."""

    async def delete_comment(self, issue_id: IssueId, comment_id: CommentId) -> None: ...
    async def search_updated(
        self, *, since_minutes: int, until_minutes: int = 0, jql: str = "", most: int
    ) -> Sequence[IssueId]:
        """Find issues that changed between so many minutes ago, the one that did last first; no more than *most*.

        *jql*: a condition more. Asks first who we are: with bad credentials Jira Cloud finds nothing, and does not say.
        """

    def webhooks(self, info: ServerInfo, *, dynamic: bool) -> WebhookAdministration:
        """Give the administration of its webhooks; *dynamic*: of those of an OAuth app."""

    def issue_address(self, issue_key: IssueKey) -> str:
        """Make the address where people see an issue."""


class Sites(Protocol):
    """The Jira of each workspace, by its row and secrets as they are now."""

    def site(
        self,
        workspace: Workspace,
        credentials: Credentials,
        *,
        calls: Limit = UNLIMITED,
        urgency: Urgency = Urgency.ROUTINE,
    ) -> JiraSite:
        """Give the client of that workspace, one session each. *calls* is its budget.

        Where it has nothing left for *urgency*, or Jira asked to wait, a method raises BudgetSpent or RateLimited, and
        Jira is not asked.
        """

    def forget(self) -> None:
        """Forget what is kept of Jira's answers."""

    async def drop(self, workspace_id: WorkspaceId) -> None:
        """Close what is open for a workspace that was not made, or is gone."""

    def budgets(self) -> Mapping[WorkspaceId, Bucket]:
        """Tell what is left of each workspace's budget; those that nothing was taken from are left out."""

    def set_budget(self, workspace: Workspace, left: Bucket) -> None:
        """Say what is left of a workspace's budget, as another process has left it."""


class OAuth(Protocol):
    """What makes OAuth tokens. No workspace has to be there: people are proved by it, too.

    Every method that asks raises JiraUnreachable, JiraSilent, JiraBroken, RateLimited, JiraRefused where the app is
    refused, ConsentNeeded where what was given counts no more.
    """

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
        """Make the address where a person consents; *verifier*: PKCE's, which Data Center needs.

        *only_identity*: they are asked for no more than to be known.
        """

    async def exchange(
        self, at: Authority, app: OAuthApp, *, code: str, redirect_uri: str, verifier: str = ""
    ) -> Grant:
        """Take the grant that a code stands for."""

    async def refresh(self, at: Authority, app: OAuthApp, grant: Grant) -> Grant:
        """Take a grant in place of *grant*, whose refresh token counts no more then."""

    async def accessible_resources(self, at: Authority, access_token: str) -> Sequence[Site]:
        """List the Cloud sites that a token opens; none on Data Center, where it opens the one."""

    async def identity(self, at: Authority, access_token: str, *, cloud_id: str = "") -> Account:
        """Ask whose a token is; on Cloud, as which account of that site."""

    async def cloud_id(self, at: Authority) -> str:
        """Ask a Cloud site for its id, without credentials.

        Raises:
            InvalidInput: no such host is asked. Forbidden: its name leads into a private network.
        """


class Deployment(Dialect, Protocol):
    """What core needs to know of a kind of Jira; `jirabot.jira.deployments` has the whole of it."""

    @property
    def name(self) -> str:
        """`cloud` or `dc`."""

    @property
    def route(self) -> str:
        """`jira` or `jira-dc`: the path segment of its routes."""

    @property
    def link_field(self) -> str:
        """The reference's name of the field that holds a link's workspace."""

    @property
    def site_domain(self) -> str:
        """The domain that every site of it is in; empty where a site may be anywhere."""

    @property
    def auth_methods(self) -> Sequence[str]:
        """The ways to authenticate, the default first."""

    @property
    def oauth_methods(self) -> Sequence[str]:
        """Those of them that need a person's consent, and no API key."""

    @property
    def has_central_oauth(self) -> bool:
        """Whether one authority is asked for all of its sites; else each is its own, and has apps of its own."""

    def needs_email(self, auth: str) -> bool:
        """Say whether the service account needs an e-mail address to authenticate that way."""

    def needs_cloud_id(self, auth: str) -> bool:
        """Say whether Jira is called by its cloud id that way."""

    def consent_lasts(self) -> timedelta | None:
        """Say how long a consent lasts that is not used; None where that is not told."""

    @property
    def authenticities(self) -> Sequence[Authenticity]:
        """The ways in which its deliveries can prove themselves, the default first."""

    @property
    def person_key(self) -> str:
        """The field that names an account for good: `accountId` or `key`."""

    @property
    def sends_again(self) -> bool:
        """Whether it sends a webhook again that is answered 429."""

    def signs_webhooks(self, info: ServerInfo) -> bool:
        """Say whether that Jira can sign what it sends."""
