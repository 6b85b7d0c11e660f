"""Webhooks as they stand in Jira: what is wanted of one, what Jira says of it, and what we remember. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from jirabot.core.ids import WorkspaceId

EVENTS = ("jira:issue_created", "jira:issue_updated", "comment_created", "comment_updated")
"""What Jira is to tell: each kind of trigger is one of these, and answers are comments."""

NAME = "jirabot"
"""How our webhooks are called in Jira's list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWebhook:
    """A webhook as it is to stand in Jira. Its address may hold a secret: neither is in `repr`."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    """What Jira signs with; empty where it does not."""
    jql: str = ""
    events: tuple[str, ...] = EVENTS
    name: str = NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWebhook:
    """A webhook as Jira shows it. None of `signed` and `enabled`: it does not say."""

    id: str
    url: str = field(repr=False)
    name: str = ""
    events: tuple[str, ...] = ()
    jql: str = ""
    enabled: bool | None = None
    signed: bool | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A webhook that jirabot has made in a workspace's Jira. `url` is masked; `expires_at` only where it is dynamic."""

    workspace_id: WorkspaceId
    webhook_id: str
    dynamic: bool
    url: str
    jql: str
    registered_at: datetime
    refreshed_at: datetime
    expires_at: datetime | None = None


def is_of(url: str, workspace_id: WorkspaceId) -> bool:
    """Say whether an address is a workspace's events address, at whatever host and with whatever secret at its end.

    The id can't be guessed, so that no other address has it.
    """
    try:
        segments = urlsplit(url).path.split("/")
    except ValueError:
        return False
    return workspace_id in segments and "events" in segments and "integration" in segments


def masked(url: str, workspace_id: WorkspaceId) -> str:
    """Show an events address without a secret: user, query, and what follows the workspace's id are left out."""
    parts = urlsplit(url)
    before, _, after = parts.path.partition(f"/{workspace_id}")
    rest = after if after in ("", "/events") else "/***"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{before}/{workspace_id}{rest}"


def differences(wanted: WantedWebhook, held: HeldWebhook) -> list[str]:
    """Say what Jira has not kept of what it was given."""
    found: list[str] = []
    if held.url != wanted.url:
        found.append("it has another address than it was given")
    if missing := sorted(set(wanted.events) - set(held.events)):
        found.append(f"it does not send {', '.join(missing)}")
    if _plain(held.jql) != _plain(wanted.jql):
        found.append(
            f"its filter is `{held.jql}`" if held.jql else "it has dropped the filter: it sends of every issue"
        )
    if wanted.secret and held.signed is False:
        found.append("it shows no secret: what it sends may not be signed, and would be refused")
    if held.enabled is False:
        found.append("it is switched off")
    return found


_CLAUSE = re.compile(
    r"\s*(?P<field>issueKey|project|issuetype|status|priority|assignee|reporter|issue\.property\[.+?\](?:\.\w+)*|cf\[\d+\])"
    r"\s*(?:!=|=|not\s+in\b|in\b)\s*(?P<value>\(.+\)|\"[^\"]*\"|'[^']*'|[^\s()<>~!]+)\s*",
    re.IGNORECASE,
)


def dynamic_jql_problems(jql: str) -> list[str]:
    """Say why Jira would not take a filter for a dynamic webhook: it tells so only within a good answer.

    Source: "The Jira Cloud platform REST API", Register dynamic webhooks: operators `=`, `!=`, `IN`, `NOT IN`; a few
    fields; the filter is required.
    """
    if not jql.strip():
        return ["a dynamic webhook needs a filter that names projects: `--jql 'project in (ABC, DEF)'`"]
    clauses = re.split(r"\s+and\s+(?![^(]*\))", jql.strip(), flags=re.IGNORECASE)
    return [
        f"`{clause}` is no filter of a dynamic webhook: it takes `=`, `!=`, `IN`, `NOT IN` on project, issuetype, "
        "status, priority, assignee, reporter, issueKey"
        for clause in clauses
        if not _CLAUSE.fullmatch(clause)
    ]


def steps(*, base_url: str, url: str, jql: str, secret_advice: Sequence[str], name: str) -> str:
    """Say what a Jira administrator has to click where our account may not do it."""
    page = f"{base_url}/plugins/servlet/webhooks"
    told = [
        f"sign in to Jira as an administrator and open {page} (Administration > System > WebHooks)",
        "choose `Create a WebHook`",
        f"URL: {url}",
        *secret_advice,
        f"Events: Issue created and updated, Comment created and updated ({', '.join(EVENTS)}); leave the body in",
        *([f"JQL filter: {jql}"] if jql else []),
        f"save, and run `jirabot webhook test {name} --issue KEY`",
    ]
    return _numbered(told)


def automation_steps(*, url: str, header: str, person: str) -> str:
    """Say how a rule of Jira Automation tells of comments. *person*: the field that names an account in this Jira.

    Source: "Jira automation actions" and "Jira smart values - JSON functions", support.atlassian.com.
    """
    body = (
        '{"webhookEvent": "comment_created", "issue": {"id": "{{issue.id}}", "key": "{{issue.key}}"}, '
        '"comment": {"id": "{{comment.id}}", "body": {{comment.body.asJsonString}}, '
        f'"author": {{"{person}": "{{{{comment.author.{person}}}}}"}}}}}}'
    )
    told = [
        "in Jira's Automation make a rule with the trigger for a comment that is added",
        "add the action `Send web request`, method POST",
        f"URL: {url}",
        f"header `{header}`: the workspace's webhook secret; choose `Hidden`",
        f"body `Custom data`: {body}",
        "switch the rule on",
    ]
    return _numbered(told)


def nonce_in(markdown: str) -> str | None:
    """Find the nonce of a comment that `webhook test` has written."""
    found = _NONCE.search(markdown)
    return found[1] if found else None


_NONCE = re.compile(r"jirabot webhook test ([0-9a-f]{32})")


def _numbered(told: Sequence[str]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(told, start=1))


def _plain(jql: str) -> str:
    return " ".join(jql.split())
