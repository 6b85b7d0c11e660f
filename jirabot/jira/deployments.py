"""Jira Cloud and Jira Data Center: every difference is a member here, and nobody else asks which it is. Pure."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from jirabot.core import ports
from jirabot.core.authenticity import Authenticity
from jirabot.core.bodies import Body
from jirabot.core.budgets import Limit
from jirabot.core.grants import CONSENT_LASTS
from jirabot.core.ids import AccountId, IssueId
from jirabot.core.issues import IssueComment, ServerInfo
from jirabot.core.people import Account
from jirabot.core.visibility import Restricted
from jirabot.core.workspaces import Workspace, gateway
from jirabot.jira import shapes
from jirabot.jira.markup import adf, limits, markdown, reading, wiki
from jirabot.jira.markup.tree import CodeBlock, Document
from jirabot.jira.oauth import CloudProvider, DataCenterProvider, Provider
from jirabot.jira.webhooks import Classic, Modern, WebhookApi

CommentBody = str | Mapping[str, Any]
"""A comment's text as it is sent: wiki markup, or an ADF document."""

CUT = markdown.parse("*The rest was cut: Jira takes no longer comment.*")
NOTHING = markdown.parse("…")
"""Written in place of a text that shows nothing: Jira refuses an empty comment."""


ISSUE_WRITES = (Limit(count=10, per=timedelta(seconds=2)), Limit(count=50, per=timedelta(seconds=30)))
"""Jira Cloud takes 20 writes an issue in any 2 s, and 100 in any 30 s: a bucket of half of it, that fills in that time,
never lets through more. Source: "Rate limiting", developer.atlassian.com."""


SEARCH_PAGE = 100
"""How many issues are asked for at once."""


class Deployment(ports.Deployment, Protocol):
    """One kind of Jira: what core needs of it, and what only this layer does."""

    def api_base(self, workspace: Workspace, api_url: str) -> str:
        """Give the base that a workspace's Jira is called under; *api_url*: where Cloud's gateway is."""

    def provider(self, base_url: str, *, auth_url: str, api_url: str) -> Provider:
        """Give the authority that makes OAuth tokens for a site."""

    def webhook_api(self, info: ServerInfo) -> WebhookApi:
        """Give the way in which that Jira's permanent webhooks are administered."""

    @property
    def search_path(self) -> str:
        """The path that issues are searched at."""

    @property
    def keys_path(self) -> str:
        """Where an account's own keys are listed; empty where they are not."""

    @property
    def write_api(self) -> str:
        """The path of the REST API that comments are written with; everything is read with version 2."""

    @property
    def issue_writes(self) -> Sequence[Limit]:
        """How often one issue may be written to, as buckets."""

    @property
    def edit_query(self) -> Mapping[str, str]:
        """What keeps an edit of a comment from notifying people."""

    def authorization(self, auth: str, token: str, *, email: str) -> str:
        """Make the header that signs a request in."""

    def comment_bodies(self, text: str, footer: str = "") -> Sequence[CommentBody]:
        """Write Markdown as a comment that fits: the best form first, then plainer ones should Jira refuse it."""

    def restriction(self, to: Restricted) -> Mapping[str, str]:
        """Write to whom a comment is restricted."""

    def user_queries(self, account: str) -> Sequence[Mapping[str, str]]:
        """Give the queries of `GET user` that find an account by its id, key or name."""

    def search_query(self, text: str) -> Mapping[str, str]:
        """Give the query of `GET user/search`."""

    def user_query(self, account: Account) -> Mapping[str, str]:
        """Give the query of `GET user` that tells what `is_customer` reads."""

    def is_customer(self, user: Mapping[str, Any]) -> bool:
        """Say whether a user that was so asked for is a service desk's customer."""

    def groups_request(self, account: Account) -> tuple[str, Mapping[str, str]]:
        """Give path and query that read somebody's groups."""

    def groups(self, answer: Any) -> frozenset[str]:
        """Read somebody's groups, as `who_may` names them."""

    def group_query(self, group: str) -> Mapping[str, str]:
        """Give the query of `GET group/member` that names a group."""

    def name_as_actor(self, account: Account) -> str:
        """Name somebody as the actors of a role do."""

    def actor(self, actor: Mapping[str, Any]) -> tuple[bool, str]:
        """Read an actor of a role: whether it is a group, and its name or id."""

    def holder_query(self, account: Account) -> Mapping[str, str]:
        """Give the query of `GET user/permission/search` that names somebody."""

    def changelog_request(self, issue_id: IssueId, start: int) -> tuple[str, Mapping[str, str]]:
        """Give path and query that read a page of an issue's changelog."""

    def changelog(self, answer: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], int]:
        """Read a page of the changelog: its entries, and how many there are in all."""

    def search_request(self, jql: str, fields: Sequence[str], after: str) -> tuple[str, Mapping[str, Any]]:
        """Give path and body that search issues; *after* is what the page before said, empty for the first."""

    def search_page(self, answer: Mapping[str, Any], after: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        """Read a page of found issues, and what names the next one; empty where there is none."""


class Cloud:
    """Jira Cloud: account ids, ADF, REST version 3 for writing. Source: "The Jira Cloud platform REST API"."""

    name = "cloud"
    route = "jira"
    link_field = "jira_workspace_id"
    site_domain = "atlassian.net"
    auth_methods = ("api-token", "scoped-token", "oauth")
    oauth_methods = ("oauth",)
    has_central_oauth = True
    person_key = "accountId"
    authenticities = (Authenticity.HMAC, Authenticity.HEADER, Authenticity.URL_TOKEN, Authenticity.JWT)
    sends_again = True
    keys_path = ""
    write_api = "/rest/api/3"
    search_path = "/rest/api/3/search/jql"
    issue_writes = ISSUE_WRITES
    edit_query: Mapping[str, str] = {"notifyUsers": "false"}
    changelog_page = 100

    def needs_email(self, auth: str) -> bool:
        """Say that an API token belongs to an e-mail; a scoped one of a service account may do without."""
        return auth == "api-token"

    def needs_cloud_id(self, auth: str) -> bool:
        """Say that the site's own host refuses scoped tokens and those of OAuth. Source: "Manage API tokens"."""
        return auth != "api-token"

    def api_base(self, workspace: Workspace, api_url: str) -> str:
        return gateway(api_url, workspace.cloud_id) if self.needs_cloud_id(workspace.auth) else workspace.base_url

    def provider(self, base_url: str, *, auth_url: str, api_url: str) -> Provider:
        return CloudProvider(auth_url=auth_url, api_url=api_url)

    def consent_lasts(self) -> timedelta | None:
        return CONSENT_LASTS

    def signs_webhooks(self, info: ServerInfo) -> bool:
        return True

    def webhook_api(self, info: ServerInfo) -> WebhookApi:
        return Classic()

    def account(self, user: Mapping[str, Any]) -> Account:
        """Read a user object; sites of before 2018 sent keys and names in place of account ids."""
        account, kind = _account(user, ("accountId", "key", "name")), user.get("accountType")
        return replace(account, customer=kind == "customer") if kind else account

    def comment(self, comment: Mapping[str, Any]) -> IssueComment:
        return shapes.comment(comment, self.account)

    def read_body(self, value: str | Mapping[str, Any] | None) -> Body:
        return shapes.read_body(value)

    def authorization(self, auth: str, token: str, *, email: str) -> str:
        """Write Basic where there is an e-mail; a service account's token goes alone, too, and OAuth's always does."""
        if auth in self.oauth_methods or not email:
            return f"Bearer {token}"
        return f"Basic {base64.b64encode(f'{email}:{token}'.encode()).decode()}"

    def comment_bodies(self, text: str, footer: str = "") -> Sequence[CommentBody]:
        """Write ADF; then, since not every site enables every node, the same words in one code block."""
        document = _document(text)
        plain = Document((CodeBlock(reading.plain(document), ""),))
        return [adf.render(_ended(form, adf.fits, footer)) for form in (document, plain)]

    def restriction(self, to: Restricted) -> Mapping[str, str]:
        """Name a group by its id where there is one, since its name may change; a role by its name."""
        if to.identifier and (to.type == "group" or not to.value):
            return {"type": to.type, "identifier": to.identifier}
        return {"type": to.type, "value": to.value}

    def user_queries(self, account: str) -> Sequence[Mapping[str, str]]:
        return [{"accountId": account}]

    def search_query(self, text: str) -> Mapping[str, str]:
        return {"query": text}

    def user_query(self, account: Account) -> Mapping[str, str]:
        return {"accountId": account.id}

    def is_customer(self, user: Mapping[str, Any]) -> bool:
        """Whoever is of no known kind is taken for a customer."""
        return user.get("accountType") not in ("atlassian", "app")

    def groups_request(self, account: Account) -> tuple[str, Mapping[str, str]]:
        return "/rest/api/2/user/groups", {"accountId": account.id}

    def groups(self, answer: Any) -> frozenset[str]:
        return frozenset(str(group.get("groupId") or "") for group in shapes.objects(answer)) - {""}

    def group_query(self, group: str) -> Mapping[str, str]:
        return {"groupId": group}

    def name_as_actor(self, account: Account) -> str:
        return account.id

    def actor(self, actor: Mapping[str, Any]) -> tuple[bool, str]:
        group, user = actor.get("actorGroup"), actor.get("actorUser")
        if isinstance(group, Mapping):
            return True, str(group.get("groupId") or "")
        return False, str(user.get("accountId") or "") if isinstance(user, Mapping) else ""

    def holder_query(self, account: Account) -> Mapping[str, str]:
        return {"accountId": account.id}

    def changelog_request(self, issue_id: IssueId, start: int) -> tuple[str, Mapping[str, str]]:
        query = {"startAt": str(start), "maxResults": str(self.changelog_page)}
        return f"/rest/api/2/issue/{issue_id}/changelog", query

    def changelog(self, answer: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], int]:
        total = answer.get("total")
        return shapes.objects(answer.get("values")), total if isinstance(total, int) else 0

    def search_request(self, jql: str, fields: Sequence[str], after: str) -> tuple[str, Mapping[str, Any]]:
        """Ask for fields by name, else there are only ids. The search with `startAt` is gone (CHANGE-2046: 410)."""
        page = {"nextPageToken": after} if after else {}
        return self.search_path, {"jql": jql, "fields": list(fields), "maxResults": SEARCH_PAGE, **page}

    def search_page(self, answer: Mapping[str, Any], after: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        """Read a page; its token is all that leads to the next, for there is no total."""
        token = answer.get("nextPageToken")
        is_last = answer.get("isLast") is True or not isinstance(token, str)
        return shapes.objects(answer.get("issues")), "" if is_last else str(token)


class DataCenter:
    """Jira Data Center, 8.14 and later: user keys and names, wiki markup, REST version 2, personal access tokens.

    Source: "Jira Data Center platform REST API"; "Using personal access tokens", confluence.atlassian.com.
    """

    name = "dc"
    route = "jira-dc"
    link_field = "jira_dc_workspace_id"
    site_domain = ""
    auth_methods = ("pat", "dc-oauth")
    oauth_methods = ("dc-oauth",)
    has_central_oauth = False
    person_key = "key"
    authenticities = (Authenticity.HMAC, Authenticity.HEADER, Authenticity.URL_TOKEN)
    sends_again = False
    keys_path = "/rest/pat/latest/tokens"
    write_api = "/rest/api/2"
    search_path = "/rest/api/2/search"
    issue_writes: Sequence[Limit] = ()
    edit_query: Mapping[str, str] = {}

    def needs_email(self, auth: str) -> bool:
        return False

    def needs_cloud_id(self, auth: str) -> bool:
        return False

    def api_base(self, workspace: Workspace, api_url: str) -> str:
        return workspace.base_url

    def provider(self, base_url: str, *, auth_url: str, api_url: str) -> Provider:
        return DataCenterProvider(base_url)

    def consent_lasts(self) -> timedelta | None:
        return None

    def signs_webhooks(self, info: ServerInfo) -> bool:
        """Data Center signs from version 10 on. Source: "Managing webhooks", confluence.atlassian.com."""
        return not 0 < info.version < 10

    def webhook_api(self, info: ServerInfo) -> WebhookApi:
        """Data Center 10 has another path and body, and no longer the old path: 404. Source: DC 10's release notes."""
        return Modern() if self.signs_webhooks(info) else Classic()

    def account(self, user: Mapping[str, Any]) -> Account:
        return replace(_account(user, ("key", "name")), name=str(user.get("name") or ""))

    def comment(self, comment: Mapping[str, Any]) -> IssueComment:
        return shapes.comment(comment, self.account)

    def read_body(self, value: str | Mapping[str, Any] | None) -> Body:
        return shapes.read_body(value)

    def authorization(self, auth: str, token: str, *, email: str) -> str:
        return f"Bearer {token}"

    def comment_bodies(self, text: str, footer: str = "") -> Sequence[CommentBody]:
        return [wiki.render(_ended(_document(text), wiki.fits, footer))]

    def restriction(self, to: Restricted) -> Mapping[str, str]:
        """Name who may read: Data Center knows no ids of roles and groups here."""
        return {"type": to.type, "value": to.value}

    def user_queries(self, account: str) -> Sequence[Mapping[str, str]]:
        return [{"username": account}, {"key": account}]

    def search_query(self, text: str) -> Mapping[str, str]:
        return {"username": text}

    def user_query(self, account: Account) -> Mapping[str, str]:
        return {"key": account.id, "expand": "applicationRoles"}

    def is_customer(self, user: Mapping[str, Any]) -> bool:
        """Customers have no licence, and so no access to any application. Data Center has no kinds of accounts."""
        roles = user.get("applicationRoles")
        return not (isinstance(roles, Mapping) and shapes.objects(roles.get("items")))

    def groups_request(self, account: Account) -> tuple[str, Mapping[str, str]]:
        return "/rest/api/2/user", {"key": account.id, "expand": "groups"}

    def groups(self, answer: Any) -> frozenset[str]:
        """Read the names: Data Center has no ids of groups, and renames none."""
        told = answer.get("groups") if isinstance(answer, Mapping) else None
        listed = shapes.objects(told.get("items") if isinstance(told, Mapping) else None)
        return frozenset(str(group.get("name") or "") for group in listed) - {""}

    def group_query(self, group: str) -> Mapping[str, str]:
        return {"groupname": group}

    def name_as_actor(self, account: Account) -> str:
        return account.name

    def actor(self, actor: Mapping[str, Any]) -> tuple[bool, str]:
        return actor.get("type") == "atlassian-group-role-actor", str(actor.get("name") or "")

    def holder_query(self, account: Account) -> Mapping[str, str]:
        return {"username": account.name}

    def changelog_request(self, issue_id: IssueId, start: int) -> tuple[str, Mapping[str, str]]:
        """Ask for the whole of it: Data Center gives no part."""
        return f"/rest/api/2/issue/{issue_id}", {"fields": "summary", "expand": "changelog"}

    def changelog(self, answer: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], int]:
        page = answer.get("changelog")
        histories = shapes.objects(page.get("histories")) if isinstance(page, Mapping) else ()
        return histories, len(histories)

    def search_request(self, jql: str, fields: Sequence[str], after: str) -> tuple[str, Mapping[str, Any]]:
        body = {"jql": jql, "fields": list(fields), "maxResults": SEARCH_PAGE, "startAt": int(after or 0)}
        return self.search_path, body

    def search_page(self, answer: Mapping[str, Any], after: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        """Go on behind what came, not behind what was asked for: administrators cap pages, and nothing says so."""
        issues, total = shapes.objects(answer.get("issues")), answer.get("total")
        end = int(after or 0) + len(issues)
        return issues, str(end) if issues and isinstance(total, int) and end < total else ""


DEPLOYMENTS: Mapping[str, Deployment] = {kind.name: kind for kind in (Cloud(), DataCenter())}
"""Both, by name."""


def tell(payload: Mapping[str, Any]) -> str | None:
    """Tell by a payload alone which kind of Jira sent it; None where it names no person.

    Cloud names people by `accountId`, which nothing else has; Data Center by `name` or `key`, as other things too.
    """
    objects = list(_objects(payload))
    if any(found.get("accountId") for found in objects):
        return Cloud.name
    people = (found.get(role) for found in objects for role in _PEOPLE)
    is_named = any(isinstance(person, dict) and (person.get("name") or person.get("key")) for person in people)
    return DataCenter.name if is_named else None


_PEOPLE = ("user", "author", "updateAuthor", "creator", "reporter", "assignee")


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    """List *value* and all objects in it, however deep."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as found:
                yield found
                waiting += found.values()
            case list() as found:
                waiting += found


def _document(text: str) -> Document:
    document = markdown.parse(text)
    return document if reading.plain(document).strip() else NOTHING


def _ended(document: Document, fits: Callable[[Document], bool], footer: str) -> Document:
    """Make a document that Jira takes: cut where it is too long, and with *footer* as its last line in any case."""
    end = markdown.parse(footer).blocks

    def ended(cut: Document) -> Document:
        return Document((*cut.blocks, *end))

    return ended(limits.shorten(document, lambda cut: fits(ended(cut)), CUT))


def _account(user: Mapping[str, Any], ids: Sequence[str]) -> Account:
    """Read a user object; the first of *ids* that is there is who it is. The e-mail stays as it was found."""
    return Account(
        id=AccountId(next((str(user[name]) for name in ids if user.get(name)), "")),
        display_name=str(user.get("displayName") or ""),
        email=str(user.get("emailAddress") or ""),
        app=user.get("accountType") == "app",
    )
