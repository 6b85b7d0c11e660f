"""The client of one workspace's Jira: requests out, values or errors in. The only module that talks to Jira.

Everything is read with REST version 2, the same on both deployments: its texts are wiki markup, as in webhooks, so that
what was told can be compared with what stands. Credentials go to the workspace's base URL and nowhere else: redirects
are not followed, and no address from a payload or answer is ever asked.
"""

import asyncio
import hashlib
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from yarl import URL

from jirabot.config import WorkspaceDefaults
from jirabot.core import footers
from jirabot.core.budgets import UNLIMITED, Bucket, Limit, Urgency
from jirabot.core.catching_up import ChangedIssue, Span
from jirabot.core.credentials import AccessToken, Credentials
from jirabot.core.ids import CommentId, EffectId, IssueId, IssueKey, WorkspaceId, WorkspaceName
from jirabot.core.issues import ChangelogEntry, Issue, IssueComment, LimitsSeen, ServerInfo
from jirabot.core.network import network_of
from jirabot.core.people import Account
from jirabot.core.ports import Clock, Events, JiraSite, WebhookAdministration
from jirabot.core.visibility import Public, Restricted, Visibility
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import (
    JiraBroken,
    JiraGone,
    JiraRefused,
    JiraRejected,
    JiraSilent,
    JiraUnreachable,
    RateLimited,
)
from jirabot.jira import addresses, answers, shapes
from jirabot.jira.administration import DynamicWebhooks, PermanentWebhooks
from jirabot.jira.caches import Ages, Caches, Kept
from jirabot.jira.changes import Changes
from jirabot.jira.connections import LARGEST_ANSWER_BYTES, LARGEST_UNPROVED_BYTES, Connection, Connections
from jirabot.jira.deployments import CommentBody, Deployment
from jirabot.jira.limits import Limits
from jirabot.jira.membership import EDIT, SEE, Membership

T = TypeVar("T")

MARK = "jirabot"
"""The key of the comment property that carries the effect's id."""

INTERNAL = "sd.public.comment"
"""The comment property that keeps a comment from a service desk's customers. Used alike by several public clients;
without it a comment of the platform API is public there, even one that is restricted to a role."""

INVALID_ADF = "INVALID_INPUT"
"""What Jira says of a document that it does not take, and no more."""

MARKED_LOOKED_AT = 100
"""How many of an issue's newest comments are looked through for a mark."""

LOOKING_SECONDS = 45.0
"""How long a mark is looked for: shorter than an effect is left alone meanwhile."""

TOKEN_SECONDS = 15.0
"""How long a write waits for a token that another process is renewing, or was when it died: it is tried again later."""

WRITING_SECONDS = 45.0
"""How long all of a write may take: no request leaves later, when somebody else has begun to look for its mark."""

LONG_BYTES = 8 * 1024
"""An answer of more is read on a thread: markup made for it takes 35 µs a letter. Others need not wait for one."""

CLOCKS_APART = timedelta(hours=1)
"""How far Jira's clock may be from ours before a mark is not found."""


class Clients:
    """Gives the client of each workspace; fulfils `jirabot.core.ports.Sites`."""

    def __init__(
        self,
        deployments: Mapping[str, Deployment],
        *,
        connections: Connections,
        api_url: str,
        clock: Clock,
        log: Events,
        defaults: WorkspaceDefaults,
        ages: Ages | None = None,
        private_hosts: Collection[str] = (),
    ) -> None:
        """Take where Cloud's gateway is (*api_url*), and the settings that a workspace's own stand over (*defaults*).

        *private_hosts*: where a Jira that was claimed may be although it is not public.
        """
        self._deployments, self._connections, self._api_url = deployments, connections, api_url
        self._clock, self._log, self._defaults = clock, log, defaults
        self._private_hosts = private_hosts
        self._caches = Caches(clock=clock, ages=ages or Ages())
        self._limits: dict[WorkspaceId, Limits] = {}

    def site(
        self,
        workspace: Workspace,
        credentials: Credentials,
        *,
        calls: Limit = UNLIMITED,
        urgency: Urgency = Urgency.ROUTINE,
    ) -> JiraSite:
        """Give the client of *workspace* with these credentials; its connections are kept.

        What writes takes a new one each time: on a kept one that Jira has closed meanwhile it could not be told whether
        the comment was taken.
        """
        deployment = self._deployments[workspace.deployment]
        api = deployment.api_base(workspace, self._api_url)
        network = network_of(self._defaults, workspace.settings)
        is_unproved = workspace.state is WorkspaceState.UNPROVED
        public = bool(workspace.claimed_by) and not addresses.is_among(workspace.base_url, self._private_hosts)
        return Client(
            base_url=workspace.base_url,
            api_base=api,
            deployment=deployment,
            signing=partial(deployment.authorization, workspace.auth, email=workspace.service_account_email),
            credentials=credentials,
            kept=Kept(caches=self._caches, owner=_owner(workspace, credentials)),
            reading=self._connections.to(workspace.id, api, network, keep=True, public=public),
            writing=self._connections.to(workspace.id, api, network, keep=False, public=public),
            limits=self._limits_of(workspace.id, deployment),
            most_bytes=LARGEST_UNPROVED_BYTES if is_unproved else LARGEST_ANSWER_BYTES,
            calls=calls,
            urgency=urgency,
            clock=self._clock,
            log=self._log,
            name=workspace.name,
        )

    def forget(self) -> None:
        """Forget all that is kept of what was asked."""
        self._caches.clear()

    async def drop(self, workspace_id: WorkspaceId) -> None:
        """Close what is open for a workspace, and forget its limits: it was not made, or is gone."""
        self._limits.pop(workspace_id, None)
        await self._connections.drop(workspace_id)

    def budgets(self) -> Mapping[WorkspaceId, Bucket]:
        """Tell what is left of each workspace's budget; those that nothing was taken from are left out."""
        return {key: limits.budget for key, limits in self._limits.items() if limits.budget is not None}

    def set_budget(self, workspace: Workspace, left: Bucket) -> None:
        """Say what is left of a workspace's budget, as another process has left it."""
        self._limits_of(workspace.id, self._deployments[workspace.deployment]).budget = left

    def _limits_of(self, workspace_id: WorkspaceId, deployment: Deployment) -> Limits:
        return self._limits.setdefault(workspace_id, Limits(issue_writes=deployment.issue_writes))


class Client:
    """One workspace's Jira, asked as its service account; fulfils `jirabot.core.ports.JiraSite`."""

    def __init__(
        self,
        *,
        base_url: str,
        api_base: str,
        deployment: Deployment,
        signing: Callable[[str], str],
        credentials: Credentials,
        kept: Kept,
        reading: Connection,
        writing: Connection,
        limits: Limits,
        most_bytes: int,
        calls: Limit,
        urgency: Urgency,
        clock: Clock,
        log: Events,
        name: WorkspaceName,
    ) -> None:
        self._base_url, self._api_base, self._deployment = base_url, api_base, deployment
        self._signing, self._credentials = signing, credentials
        self._reading, self._writing, self._clock = reading, writing, clock
        self._log, self._name = log, name
        self._limits, self._calls, self._urgency = limits, calls, urgency
        self._most_bytes = most_bytes
        self._kept, self._membership = kept, Membership(self._there, deployment, kept)
        self._calls_count = 0

    async def server_info(self) -> ServerInfo:
        told = _object(await _or_none(self._get("/rest/api/2/serverInfo")))
        if not told.get("version"):
            raise _no_jira("of which version it is")
        return shapes.server_info(told)

    async def myself(self) -> Account:
        return self._person(await _or_none(self._get("/rest/api/2/myself")))

    def limits_seen(self) -> LimitsSeen | None:
        return self._limits.seen

    async def key_expires_at(self) -> datetime | None:
        """Look among the account's keys: Jira does not say which is ours, and so tells only where there is one."""
        path = self._deployment.keys_path
        if not path or self._credentials.access is not None:
            return None
        try:
            keys = shapes.objects(await _or_none(self._get(path)))
        except (JiraRefused, JiraRejected):
            return None
        return shapes.instant(keys[0].get("expiringAt")) if len(keys) == 1 else None

    async def permissions(self, names: Sequence[str], *, on: IssueId | None = None) -> frozenset[str]:
        query = {"permissions": ",".join(names), **({"issueId": on} if on else {})}
        answer = _object(await self._get("/rest/api/2/mypermissions", query))
        held = _object(answer.get("permissions"))
        return frozenset(name for name in names if _object(held.get(name)).get("havePermission") is True)

    async def find_accounts(self, query: str) -> Sequence[Account]:
        for asked in self._deployment.user_queries(query):
            try:
                return [self._person(await self._get("/rest/api/2/user", asked))]
            except JiraRejected:
                continue
        accounts = await self._with_email(query) if "@" in query else []
        if not accounts:
            await self.myself()  # with bad credentials Jira Cloud finds nobody, and does not say why
        return accounts

    async def is_member(self, group: str, account: Account) -> bool:
        return await self._membership.is_member(group, account)

    async def has_role(self, role: str, project_key: str, account: Account) -> bool:
        return await self._membership.has_role(role, project_key, account)

    async def can_edit(self, issue: IssueKey, account: Account) -> bool:
        return await self._membership.may(EDIT, issue, account)

    async def can_see(self, issue: IssueKey, account: Account) -> bool:
        return await self._membership.may(SEE, issue, account)

    async def is_customer(self, account: Account) -> bool:
        return await self._membership.is_customer(account)

    async def list_members(self, group: str) -> Sequence[Account]:
        return await self._membership.list_members(group)

    async def get_issue(self, issue: IssueId | IssueKey) -> Issue:
        """Read an issue, or give the kept one. Asked for by its key it is not kept: a webhook drops it by its id."""
        if not issue.isdigit():
            return await self._issue(issue)
        return await self._kept.issue(issue, lambda: self._issue(issue))

    def forget_issue(self, issue_id: IssueId) -> None:
        self._kept.drop_issue(issue_id)

    async def _issue(self, issue: IssueId | IssueKey) -> Issue:
        query = {"fields": ",".join(shapes.ISSUE_FIELDS)}
        answer = await self._there(f"/rest/api/2/issue/{_segment(issue)}", query)
        return await _beside_if_long(lambda: shapes.issue(_with_id(answer), self._deployment.account), answer)

    async def find_comment(self, issue_id: IssueId, comment_id: CommentId) -> IssueComment | None:
        path = f"/rest/api/2/issue/{_segment(issue_id)}/comment/{_segment(comment_id)}"
        answer = await _or_none(self._there(path))
        return (await self._read([_with_id(answer)]))[0] if answer is not None else None

    async def list_comments(self, issue_id: IssueId, *, newest: int) -> Sequence[IssueComment]:
        return await self._read([*reversed(await self._comments(issue_id, newest=newest))])

    async def find_change(self, issue_id: IssueId, change_id: str) -> ChangelogEntry | None:
        """Look through the changelog from its newest page back: Cloud lists the oldest first."""
        entries, total = await self._changelog(issue_id, 0)
        start, page = total, len(entries)
        while True:
            for entry in entries:
                if str(entry.get("id")) == change_id:
                    return shapes.change(entry, self._deployment.account)
            if start <= page or not page:
                return None
            start -= page
            entries, _ = await self._changelog(issue_id, start)

    async def list_web_links(self, issue_id: IssueId) -> Sequence[str]:
        """List the addresses of an issue's web links; none where the site has links switched off."""
        try:
            answer = await self._there(f"/rest/api/2/issue/{_segment(issue_id)}/remotelink")
        except JiraRefused:
            await self.myself()
            return []
        found = (_object(link.get("object")).get("url") for link in shapes.objects(answer))
        return [url for url in found if isinstance(url, str)]

    async def post_comment(
        self, issue_id: IssueId, markdown: str, *, visibility: Visibility, mark: EffectId, footer: str = ""
    ) -> CommentId:
        path = f"{self._deployment.write_api}/issue/{_segment(issue_id)}/comment"
        marks = [{"key": MARK, "value": {"effect": mark}}]
        comments = [self._comment(body, visibility, marks) for body in await self._bodies(markdown, footer)]
        answer = await self._in_time(self._believed(self._write(issue_id, "POST", path, comments)))
        return CommentId(str(_with_id(answer)["id"]))

    async def edit_comment(
        self, issue_id: IssueId, comment_id: CommentId, markdown: str, *, visibility: Visibility, footer: str = ""
    ) -> None:
        path = f"{self._deployment.write_api}/issue/{_segment(issue_id)}/comment/{_segment(comment_id)}"
        comments = [self._comment(body, visibility, []) for body in await self._bodies(markdown, footer)]
        written = self._write(issue_id, "PUT", path, comments, self._deployment.edit_query)
        await self._in_time(self._believed(written))

    async def is_marked(self, comment_id: CommentId, mark: EffectId) -> bool:
        return await self._mark_of(comment_id) == mark

    async def find_marked(
        self, issue_id: IssueId, mark: EffectId, *, since: datetime, words: str = ""
    ) -> CommentId | None:
        """Look as whoever the credentials are of now: with bad ones, Jira Cloud shows a public project to nobody."""
        try:
            async with asyncio.timeout(LOOKING_SECONDS):
                return await self._find_marked(issue_id, mark, since, words)
        except TimeoutError as error:
            raise JiraSilent(f"the comments could not be looked through within {LOOKING_SECONDS:.0f} s") from error

    async def _find_marked(self, issue_id: IssueId, mark: EffectId, since: datetime, words: str) -> CommentId | None:
        me = await self.myself()
        same: CommentId | None = None
        for found in await self._comments(issue_id, newest=MARKED_LOOKED_AT):
            comment = self._deployment.comment(found)
            if comment.created_at and comment.created_at < since - CLOCKS_APART:
                break
            if comment.author.id != me.id:
                continue
            borne = footers.mark_in(comment.body.markdown) or await self._mark_of(comment.id)
            if borne == mark:
                return comment.id
            if borne is None and footers.is_same_text(comment.body.markdown, words):
                same = comment.id
        return same

    def iter_changes(
        self,
        span: Span,
        *,
        now: datetime,
        projects: Sequence[str] = (),
        known: Mapping[IssueId, datetime] = types.MappingProxyType({}),
        updated_since: datetime | None = None,
    ) -> AsyncIterator[Sequence[ChangedIssue]]:
        changes = Changes(self._deployment, get=self._there, post=self._search)
        return changes.find(span, now=now, projects=projects, known=known, updated_since=updated_since)

    @property
    def calls_count(self) -> int:
        return self._calls_count

    async def delete_comment(self, issue_id: IssueId, comment_id: CommentId) -> None:
        path = f"/rest/api/2/issue/{_segment(issue_id)}/comment/{_segment(comment_id)}"
        await self._believed(self._ask(self._writing, "DELETE", path, None, None, issue_id))

    async def search_updated(
        self, *, since_minutes: int, until_minutes: int = 0, jql: str = "", most: int
    ) -> Sequence[IssueId]:
        await self.myself()
        condition = f"({jql}) AND " if jql else ""
        until = f" AND updated <= -{until_minutes}m" if until_minutes else ""
        query = f"{condition}updated >= -{since_minutes}m{until} ORDER BY updated DESC"
        asked = {"jql": query, "maxResults": str(most), "fields": "id"}
        answer = _object(await self._get(self._deployment.search_path, asked))
        return [IssueId(str(each.get("id"))) for each in shapes.objects(answer.get("issues"))]

    def webhooks(self, info: ServerInfo, *, dynamic: bool) -> WebhookAdministration:
        if dynamic:
            return DynamicWebhooks(self._administer)
        return PermanentWebhooks(self._deployment.webhook_api(info), self._administer)

    def issue_address(self, issue_key: IssueKey) -> str:
        return f"{self._base_url}/browse/{_segment(issue_key)}"

    async def _search(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._ask(self._reading, "POST", path, None, orjson.dumps(body))

    async def _with_email(self, email: str) -> Sequence[Account]:
        found = await self._there("/rest/api/2/user/search", self._deployment.search_query(email))
        accounts = [self._deployment.account(user) for user in shapes.objects(found)]
        return [account for account in accounts if account.id and account.email.lower() == email.lower()]

    def _person(self, answer: object) -> Account:
        account = self._deployment.account(_object(answer))
        if not account.id:
            raise _no_jira("who that is")
        return account

    async def _mark_of(self, comment_id: CommentId) -> str | None:
        answer = await _or_none(self._get(f"/rest/api/2/comment/{_segment(comment_id)}/properties/{MARK}"))
        mark = _object(_object(answer).get("value")).get("effect")
        return mark if isinstance(mark, str) else None

    async def _comments(self, issue_id: IssueId, *, newest: int) -> Sequence[Mapping[str, Any]]:
        """Read an issue's newest comments, the newest first."""
        query = {"orderBy": "-created", "maxResults": str(newest)}
        answer = await self._there(f"/rest/api/2/issue/{_segment(issue_id)}/comment", query)
        return shapes.objects(_object(answer).get("comments"))

    async def _changelog(self, issue_id: IssueId, start: int) -> tuple[Sequence[Mapping[str, Any]], int]:
        path, query = self._deployment.changelog_request(IssueId(_segment(issue_id)), start)
        return self._deployment.changelog(_object(await self._there(path, query)))

    async def _read(self, comments: Sequence[Mapping[str, Any]]) -> Sequence[IssueComment]:
        return await _beside_if_long(lambda: [self._deployment.comment(each) for each in comments], comments)

    async def _bodies(self, markdown: str, footer: str) -> Sequence[CommentBody]:
        # A long text takes a second to be cut to size: not in the loop, where webhooks wait.
        return await asyncio.to_thread(self._deployment.comment_bodies, markdown, footer)

    async def _write(
        self,
        issue_id: IssueId,
        method: str,
        path: str,
        comments: Sequence[Mapping[str, Any]],
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Write the best of *comments* that Jira takes: a refusal is definite, so the next form is safe to try."""
        *better, plainest = comments
        for comment in better:
            try:
                return await self._send(issue_id, method, path, comment, query)
            except JiraRejected as error:
                if error.status != 400 or INVALID_ADF not in error.message:
                    raise
        return await self._send(issue_id, method, path, plainest, query)

    async def _in_time(self, written: Awaitable[Any]) -> Any:
        """Let a write end while nobody else looks after it.

        Raises:
            JiraSilent: it has not come to its end; what was sent may have happened.
        """
        try:
            async with asyncio.timeout(WRITING_SECONDS):
                return await written
        except TimeoutError as error:
            raise JiraSilent(f"the comment could not be written within {WRITING_SECONDS:.0f} s") from error

    def _comment(
        self, body: CommentBody, visibility: Visibility, properties: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Make the object that writes a comment. Who may read it is told with every edit: left out, it may widen."""
        made: dict[str, Any] = {"body": body}
        if isinstance(visibility, Restricted):
            made["visibility"] = self._deployment.restriction(visibility)
        if visibility != Public():
            properties = [*properties, {"key": INTERNAL, "value": {"internal": True}}]
        if properties:
            made["properties"] = list(properties)
        return made

    async def _there(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Get what may not be there."""
        return await self._believed(self._get(path, query))

    async def _believed(self, asked: Awaitable[Any]) -> Any:
        """Ask who we are before a no is believed: Jira Cloud takes bad credentials for nobody's, and tells nobody 404.

        Raises:
            JiraRejected: the answer that was no, if Jira knows us.
            JiraRefused: it does not.
        """
        try:
            return await asked
        except JiraRejected:
            await self.myself()
            raise

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        answer = await self._ask(self._reading, "GET", path, query, None)
        if answer is None:
            raise _no_jira("anything")
        return answer

    async def _administer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        session = self._reading if method == "GET" else self._writing
        return await self._ask(session, method, path, query, None if body is None else orjson.dumps(body))

    async def _send(
        self,
        issue_id: IssueId,
        method: str,
        path: str,
        body: Mapping[str, Any],
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Write to an issue."""
        return await self._ask(self._writing, method, path, query, orjson.dumps(body), issue_id)

    async def _ask(
        self,
        connection: Connection,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        issue_id: IssueId | None = None,
    ) -> Any:
        """Ask, once more with another token where Jira refuses one that ends within hours: it may have ended early."""
        if self._credentials.sealed is not None:
            raise self._credentials.sealed.anew()
        renew, token = self._credentials.access, self._credentials.api_key
        if renew is None:
            return await self._ask_once(connection, method, path, query, body, issue_id, token)
        if issue_id is not None:
            renew = _soon(renew)
        token = await renew("")
        try:
            return await self._ask_once(connection, method, path, query, body, issue_id, token)
        except JiraRefused as error:
            if error.status != 401:
                raise
        return await self._ask_once(connection, method, path, query, body, issue_id, await renew(token))

    async def _ask_once(
        self,
        connection: Connection,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        issue_id: IssueId | None,
        token: str,
    ) -> Any:
        now = self._clock.now()
        self._limits.admit(method, issue_id=issue_id, calls=self._calls, urgency=self._urgency, now=now)
        self._calls_count += 1
        headers = {"Authorization": self._signing(token)}
        if body is not None:
            # Without the second, Jira takes what a browser-like program writes for a forgery.
            headers |= {"Content-Type": "application/json", "X-Atlassian-Token": "no-check"}
        url = URL(self._api_base + path, encoded=True).with_query(query)
        told, whom = "none", f"Jira at `{self._base_url}`"
        try:
            answer = await connection.ask(
                method, url, headers=headers, body=body, whom=whom, most_bytes=self._most_bytes
            )
            told = answers.class_of(answer.status)
        finally:
            self._log.tell("jira.called", level="debug", workspace=self._name, method=method, answer=told)
        now = self._clock.now()
        self._limits.seen = answers.limits_seen(answer.headers) or self._limits.seen
        try:
            return answers.read(answer, now=now)
        except RateLimited as error:
            self._limits.heed(method, error, now=now)
            raise


def _soon(renew: AccessToken) -> AccessToken:
    """Let a token to write with be there soon, or else say that nothing was sent (`JiraUnreachable`)."""

    async def soon(refused: str) -> str:
        try:
            async with asyncio.timeout(TOKEN_SECONDS):
                return await renew(refused)
        except TimeoutError as error:
            raise JiraUnreachable(f"there is no OAuth token to write with within {TOKEN_SECONDS:.0f} s") from error
        except (JiraSilent, JiraBroken) as error:
            raise JiraUnreachable(f"there is no OAuth token to write with: {error.message}", hint=error.hint) from error

    return soon


def _owner(workspace: Workspace, credentials: Credentials) -> tuple[str, ...]:
    """Name whose answers they are: a workspace's, as that Jira gives them to who signs in so. No secret is in it."""
    key = hashlib.sha256(credentials.api_key.encode()).hexdigest()
    who = (workspace.service_account.id, workspace.service_account_email)
    return (workspace.id, workspace.base_url, workspace.auth, *who, key)


async def _beside_if_long(read: Callable[[], T], answer: object) -> T:
    """Read what Jira answered: beside the loop, where webhooks wait, if its texts may take long."""
    return await asyncio.to_thread(read) if len(orjson.dumps(answer)) > LONG_BYTES else read()


async def _or_none(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except JiraGone:
        return None


def _segment(name: str) -> str:
    """Make an id or key safe as a segment of a path."""
    return quote(name, safe="")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _with_id(answer: object) -> Mapping[str, Any]:
    """Give an answer that names what it tells of.

    Raises:
        JiraBroken: it does not.
    """
    told = _object(answer)
    if not told.get("id"):
        raise _no_jira("which that is")
    return told


def _no_jira(what: str) -> JiraBroken:
    """Say that what answers, and well, does not tell what Jira tells."""
    return JiraBroken(
        f"Jira does not say {what}", hint="check the base URL and its context path, and a proxy before it"
    )
