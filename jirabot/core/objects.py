"""The JSON objects that CLI, API and pages show: one shape each, whoever asks (DESIGN.md section 5). Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from jirabot.core import cures
from jirabot.core.audit import Broken, Row, Verdict, facts_of
from jirabot.core.catching_up import Checkpoint
from jirabot.core.checks import Check
from jirabot.core.conversations import Attendance, Conversation, Run, RunEvent
from jirabot.core.deliveries import Delivery, Step
from jirabot.core.effects import OwedEffect
from jirabot.core.forgetting import Forgotten
from jirabot.core.issues import LimitsSeen, ServerInfo
from jirabot.core.pauses import Pause
from jirabot.core.people import Account, Link
from jirabot.core.ports import Rejection
from jirabot.core.repositories import Repository
from jirabot.core.retention import Pruned
from jirabot.core.soundness import Fault
from jirabot.core.tokens import Token, TokenState
from jirabot.core.troubles import Alert, Placed
from jirabot.core.webhooks import HeldWebhook, Registration, masked
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import ConfigurationInvalid, FieldsInvalid, JirabotError

Object = dict[str, Any]


def instant(at: datetime | None) -> str | None:
    """Write a time as RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def workspace(
    value: Workspace, *, events_url: str, agent: str | None, settings: Mapping[str, Any] | None = None
) -> Object:
    """Show a workspace; its secrets are no part of it. *settings*: each with its value and origin."""
    return {
        "id": value.id,
        "name": value.name,
        "deployment": value.deployment,
        "base_url": value.base_url,
        "also_known_as": list(value.also_known_as),
        "state": value.state.value,
        "degraded": list(value.degraded),
        "auth": value.auth,
        "authenticity": value.authenticity,
        "service_account": value.service_account.label,
        "key_expires_at": instant(value.key_expires_at),
        "cloud_id": value.cloud_id or None,
        "agent": value.agent or agent,
        "events_url": events_url,
        "settings": dict(settings or {}),
        "created_at": instant(value.created_at),
    }


def looked(value: Checkpoint | None) -> Object:
    """Show how far a Jira was looked through: when last, and how many calls that took in the present hour."""
    return {
        "looked_at": instant(value.looked_at if value else None),
        "look_calls": value.calls_count if value else 0,
    }


def validation(
    value: Workspace,
    account: Account,
    info: ServerInfo,
    warnings: Sequence[str],
    *,
    permissions: Collection[str] = (),
    signs_webhooks: bool = True,
    clock_seconds: float | None = None,
    limits: LimitsSeen | None = None,
) -> Object:
    """Show what a workspace's Jira answered; `status` as the reference's endpoints say it."""
    active = value.state is WorkspaceState.ACTIVE
    return {
        "id": value.id,
        "workspace": value.name,
        "status": "active" if active else "inactive",
        "deployment": info.deployment,
        "version": info.version_name,
        "base_url": info.base_url or value.base_url,
        "cloud_id": value.cloud_id or None,
        "auth": value.auth,
        "key_expires_at": instant(value.key_expires_at),
        "service_account": account.label,
        "account": account.id,
        "permissions": sorted(permissions),
        "signs_webhooks": signs_webhooks,
        "clock_seconds": round(clock_seconds, 1) if clock_seconds is not None else None,
        "limits": _limits(limits) if limits else None,
        "warnings": list(warnings),
    }


def _limits(value: LimitsSeen) -> Object:
    told = {
        "limit": value.limit,
        "remaining": value.remaining,
        "near": value.is_near,
        "interval_seconds": value.interval_seconds,
        "fill_rate": value.fill_rate,
    }
    return {name: count for name, count in told.items() if count is not None}


def pause(value: Pause) -> Object:
    """Show what holds new runs back: `all`, `workspace` or `agent`."""
    return {"of": value.scope.partition("/")[0], "by": value.paused_by, "at": instant(value.paused_at)}


def remains(issue_keys: Sequence[str], branches: Sequence[str], *, events_url: str | None) -> Object:
    """Show what a deleted workspace leaves: what its Jira sends to, issues with comments, branches at git hosts.

    *events_url*: None where the webhook was removed.
    """
    return {"webhook": events_url, "issues": list(issue_keys), "branches": list(branches)}


def link(value: Link, *, workspace_name: str) -> Object:
    """Show a link."""
    return {
        "id": value.id,
        "workspace": workspace_name,
        "account": value.account.id,
        "name": value.account.label,
        "user": value.user_name,
        "role": value.role.value,
        "state": value.state.value,
        "origin": value.origin.value,
        "created_at": instant(value.created_at),
    }


def forgotten(value: Forgotten) -> Object:
    """Show what was removed of a person, and where else they still stand."""
    return {
        "workspace": value.workspace_name,
        "pseudonym": value.pseudonym,
        **value.counts,
        "issues": list(value.issues),
        "branches": list(value.branches),
        "copies": list(value.beside),
        "swept": value.swept,
    }


def held_webhook(
    value: HeldWebhook, made: Registration | None, *, workspace: Workspace, newest_at: datetime | None
) -> Object:
    """Show a webhook that stands in Jira, its address masked; *made*: what we remember, where jirabot has made it."""
    return {
        "kind": "webhook",
        "id": value.id,
        "workspace": workspace.name,
        "url": masked(value.url, workspace.id),
        "events": list(value.events),
        "jql": value.jql or None,
        "enabled": value.enabled,
        "signed": value.signed,
        "dynamic": made.dynamic if made else value.expires_at is not None,
        "made_by_jirabot": made is not None,
        "registered_at": instant(made.registered_at) if made else None,
        "expires_at": instant(value.expires_at or (made.expires_at if made else None)),
        "last_delivery_at": instant(newest_at),
    }


def registration(value: Registration, *, workspace_name: str, newest_at: datetime | None) -> Object:
    """Show a webhook that jirabot has made, as far as we remember it: Jira does not show it."""
    return {
        "kind": "remembered",
        "id": value.webhook_id,
        "workspace": workspace_name,
        "url": value.url,
        "jql": value.jql or None,
        "dynamic": value.dynamic,
        "made_by_jirabot": True,
        "registered_at": instant(value.registered_at),
        "expires_at": instant(value.expires_at),
        "last_delivery_at": instant(newest_at),
    }


def webhook_test(
    value: Workspace, *, delivery_id: str | None, took: timedelta | None, activated: bool = False
) -> Object:
    """Show what came of a test: the event that its webhook is, and the workspace's state then; None: nothing came."""
    return {
        "id": delivery_id,
        "workspace": value.name,
        "seconds": round(took.total_seconds(), 1) if took is not None else None,
        "state": value.state.value,
        "activated": activated,
    }


def rejection(value: Rejection, *, workspace_name: str, number: int) -> Object:
    """Show a request that did not prove itself; *number* it among those that are kept, the newest first."""
    return {
        "kind": "rejected",
        "id": f"rejected-{number}",
        "workspace": workspace_name,
        "at": instant(value.at),
        "remote": value.remote,
        "headers": list(value.header_names),
        "cause": value.cause,
    }


def token(value: Token, *, workspace_name: str | None, state: TokenState, secret: str = "") -> Object:
    """Show a token; itself only where it was just made."""
    return {
        "id": value.id,
        "name": value.name,
        "role": value.role.value,
        "user": value.user,
        "workspace": workspace_name,
        "state": state.value,
        "created_at": instant(value.created_at),
        "expires_at": instant(value.expires_at),
        **({"token": secret} if secret else {}),
    }


def repository(value: Repository, *, workspace_name: str) -> Object:
    """Show a repository; its token is no part of it."""
    return {
        "id": value.id,
        "workspace": workspace_name,
        "name": value.name,
        "url": value.url,
        "base": value.base or None,
        "projects": list(value.projects),
        "components": list(value.components),
        "labels": list(value.labels),
        "default": value.is_default,
        "has_token": value.has_token,
        "created_at": instant(value.created_at),
    }


def delivery(value: Delivery, *, workspace_name: str) -> Object:
    """Show a delivery, without its body."""
    return {
        "id": value.id,
        "workspace": workspace_name,
        "event": value.kind,
        "issue_key": value.issue_key,
        "issue_id": value.issue_id,
        "state": value.state.value,
        "decision": value.decision or None,
        "reason": value.reason or None,
        "text": value.text or None,
        "hint": cures.of_delivery(value, workspace_name=workspace_name) or None,
        "conversation": value.conversation_id,
        "attempts": value.attempts,
        "received_at": instant(value.received_at),
        "handled_at": instant(value.handled_at),
        "late_seconds": value.late_seconds,
        "origin": value.origin.value,
        "replayed": value.replay_of is not None,
        "replay_of": value.replay_of if value.replay_of != value.id else None,
    }


def explained(value: Delivery, held_back: Sequence[Check], *, workspace_name: str) -> Object:
    """Show a delivery with what was done with it, and what keeps the work that it led to from being begun."""
    return {
        **delivery(value, workspace_name=workspace_name),
        "steps": [step(each) for each in value.steps],
        "held_back": [check(each) for each in held_back],
    }


def step(value: Step) -> Object:
    """Show a step of handling a delivery."""
    return {"step": value.step, "outcome": value.outcome, "reason": value.reason or None, "text": value.text or None}


def conversation(value: Conversation, *, workspace_name: str, interrupted: bool) -> Object:
    """Show a conversation. *interrupted*: its agent had begun, and nobody works on that now."""
    return {
        "id": value.id,
        "workspace": workspace_name,
        "issue_key": value.issue_key,
        "issue_id": value.issue_id,
        "state": value.state.value,
        "interrupted": interrupted,
        "agent": value.agent,
        "repository": value.repository_name or None,
        "branch": value.branch or None,
        "base": value.base or None,
        "asker": value.asker.label,
        "runs": value.runs_count,
        "created_at": instant(value.created_at),
        "updated_at": instant(value.updated_at),
    }


def run(value: Run) -> Object:
    """Show a run."""
    return {
        "id": value.id,
        "number": value.number,
        "state": value.state.value,
        "attempts": value.attempts,
        "failure": value.failure or None,
        "started_at": instant(value.started_at),
        "ended_at": instant(value.ended_at),
    }


def run_event(value: RunEvent | Attendance) -> Object:
    """Show something that an agent reported, or, without a number, that nobody works on its run, or somebody again."""
    no = value.no if isinstance(value, RunEvent) else None
    return {"no": no, "run": value.run_id, "kind": value.kind, "text": value.text, "at": instant(value.at)}


def effect(value: OwedEffect, *, workspace_name: str | None = None) -> Object:
    """Show what is owed to Jira, or was; with its workspace where it does not stand within a conversation."""
    return {
        "id": value.id,
        **({"workspace": workspace_name, "issue_id": value.issue_id} if workspace_name is not None else {}),
        "conversation": value.conversation_id,
        "kind": value.effect.kind.value,
        "state": value.state.value,
        "attempts": value.attempts,
        "due_at": instant(value.due_at),
        "comment_id": value.comment_id,
        "text": value.effect.text,
        "error": value.error or None,
    }


def check(value: Check) -> Object:
    """Show what `doctor` found of one thing."""
    return {
        "check": value.name,
        "workspace": value.workspace or None,
        "level": value.level.value,
        "text": value.text,
        "fix": value.fix or None,
    }


def pruned(value: Pruned) -> Object:
    """Show how much was forgotten of what, or would be."""
    counts = ("bodies", "dead_bodies", "reports", "rejections", "troubles", "checkouts", "leftovers")
    return {name: getattr(value, name) for name in counts}


def fault(value: Fault) -> Object:
    """Show what is wrong with the database, why, and what to do."""
    return {"fault": value.kind.value, "text": value.text, "fix": value.fix}


def audited(value: Row) -> Object:
    """Show a row of the audit: who did what, to what, from where, and how it ended."""
    return {
        "id": value.no,
        "at": instant(_moment(value.at)),
        "by": value.by_name or value.by_kind,
        "kind": value.by_kind,
        "from": value.origin,
        "act": value.act,
        "workspace": value.workspace_name or None,
        "workspace_id": value.workspace or None,
        "subject": value.subject or None,
        "outcome": value.outcome,
        "facts": facts_of(value),
        "hash": value.hash,
    }


def _moment(microseconds: object) -> datetime | None:
    """Make a time of what the row has; None where somebody has made it none."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(str(microseconds)))
    except (ValueError, OverflowError):
        return None


def verdict(value: Verdict) -> Object:
    """Show what was found of the audit as a whole."""
    return {"rows": value.head.no, "head": value.head.hash, "broken": [_broken(each) for each in value.broken]}


def _broken(value: Broken) -> Object:
    return {"id": value.no, "how": value.how.value, "text": value.text}


def trouble(value: Placed) -> Object:
    """Show what administrators are told of: what is wrong, since when, and what to do."""
    return {
        "id": value.trouble.id,
        "workspace": value.workspace or None,
        "agent": value.agent or None,
        "reason": value.trouble.reason.value,
        "cause": value.trouble.text,
        "fix": value.trouble.fix,
        "begun_at": instant(value.trouble.begun_at),
        "ended_at": instant(value.trouble.ended_at),
    }


def alert(value: Alert) -> Object:
    """Show a trouble as it is sent to administrators: `text` is what a chat shows of it."""
    ended_at = instant(value.placed.trouble.ended_at) if value.ended else None
    return {"text": value.sentence, "event": value.event, **trouble(value.placed), "ended_at": ended_at}


def problem(error: JirabotError, *, status: int | None = None) -> Object:
    """Show an error as RFC 9457 has it, with `code` and `hint`, and `success`, which the reference's clients read."""
    shown: Object = {"type": "about:blank", "title": error.kind.value, "code": error.code, "detail": error.message}
    if status is not None:
        shown["status"] = status
    if error.hint:
        shown["hint"] = error.hint
    if isinstance(error, FieldsInvalid):
        shown["fields"] = error.fields
    if isinstance(error, ConfigurationInvalid):
        shown["problems"] = error.problems
    return {**shown, "success": False}


def replay(
    *,
    delivery_id: str | None,
    dry_run: bool,
    steps: Sequence[Step],
    decision: str,
    hint: str,
    effects: Sequence[Mapping[str, Any]],
) -> Object:
    """Show what a replay did, or would do."""
    return {
        "delivery": delivery_id,
        "dry_run": dry_run,
        "steps": [step(item) for item in steps],
        "decision": decision or None,
        "hint": hint or None,
        "effects": list(effects),
    }
