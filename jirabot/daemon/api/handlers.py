"""What each endpoint does: asks one manager, and shows what it gives. Who may what is decided by the managers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jirabot.app import App
from jirabot.core import objects
from jirabot.core.managers import conversations, status
from jirabot.core.managers.claims import Claim
from jirabot.core.managers.consent_flow import Begun
from jirabot.core.managers.own_links import OwnLink
from jirabot.core.managers.workspaces import NAME
from jirabot.core.people import LinkState, Principal
from jirabot.core.workspaces import Workspace, WorkspaceState
from jirabot.errors import InvalidInput, WebhookMissing

Object = objects.Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that is understood: who asks for what. `given` and `query`: as it declares them."""

    app: App
    by: Principal
    deployment: str
    path: Mapping[str, str] = field(default_factory=dict)
    given: Any
    query: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAway:
    """An answer that sends the caller's browser to a consent page, which it is known by when it comes back."""

    answer: Object
    cookie: str = field(repr=False)


async def save_workspace(call: Call) -> Object | SentAway:
    """Make or change a workspace, and link the caller."""
    given = call.given
    claim = Claim(
        deployment=call.deployment,
        name=given.workspace_name.lower(),
        base_url=given.base_url or "",
        email=given.svc_acc_email or "",
        api_key=given.svc_acc_api_key or "",
        webhook_secret=given.webhook_secret or "",
        active=given.is_active,
    )
    saved = await call.app.claims.save(claim, by=call.by)
    begun = await call.app.consent_flow.begin_saved(saved.workspace, by=call.by)
    secret = {"webhook_secret": saved.webhook_secret} if saved.webhook_secret else {}
    answer = {
        "success": True,
        "eventsUrl": call.app.workspaces.events_url(saved.workspace),
        "webhookEnrolled": saved.has_heard,
        "id": saved.workspace.id,
        "workspace": saved.workspace.name,
        "status": _status(saved.workspace),
        "state": saved.workspace.state.value,
        **secret,
        "warnings": list(saved.warnings),
    }
    return _sent(answer, begun)


async def link(call: Call) -> Object | SentAway:
    """Link the caller, or send them to prove whose their account is."""
    begun = await call.app.consent_flow.begin_link(call.deployment, call.given.workspace_name, by=call.by)
    if begun is not None:
        return _sent({"success": True, "status": None}, begun)
    own = await call.app.own_links.link(call.deployment, call.given.workspace_name, by=call.by)
    return _sent({"success": True, "status": own.link.state.value}, None)


async def show_link(call: Call) -> Object:
    """Show the caller's links."""
    name = call.query.workspace_name or ""
    found = [_own(call, each) for each in await call.app.own_links.show(call.deployment, name=name, by=call.by)]
    return {**found[0], "links": found}


async def unlink(call: Call) -> Object:
    """End the caller's link."""
    ended = await call.app.own_links.unlink(call.deployment, name=call.given.workspace_name or "", by=call.by)
    return {"success": True, "workspace": ended.workspace.name}


async def validate(call: Call) -> Object:
    """Say whether a workspace is there."""
    name = call.path["workspace_name"]
    if not NAME.fullmatch(name.lower()):
        raise InvalidInput(f"`{name}` is no workspace's name", hint="at most 100 letters, digits, `.`, `_` and `-`")
    found = await call.app.own_links.validate(call.deployment, name, by=call.by)
    return {"name": found.name, "status": "active", "message": f"The workspace {found.name} is there, and active."}


async def list_workspaces(call: Call) -> Object:
    """List workspaces; there are not so many that pages were needed."""
    found = await call.app.workspaces.list(by=call.by)
    return _page([call.app.workspaces.as_object(each) for each in found], most=len(found) + 1)


async def show_workspace(call: Call) -> Object:
    """Show a workspace."""
    found, missing = await call.app.workspaces.show(call.path["name"], by=call.by)
    told = [{"what": item.what, "text": item.text, "command": item.command} for item in missing]
    return {**call.app.workspaces.as_object(found), "missing": told}


async def try_webhook(call: Call) -> Object:
    """Test a workspace's webhook; that nothing came is an answer, too."""
    name = call.path["name"]
    try:
        tested = await call.app.webhook_tests.test(name, call.given.issue, by=call.by)
    except WebhookMissing as missing:
        workspace, _ = await call.app.workspaces.show(name, by=call.by)
        shown = objects.webhook_test(workspace, delivery_id=None, took=None)
        return {**shown, "came": False, "warnings": [], "cause": missing.message, "fix": missing.hint}
    shown = objects.webhook_test(
        tested.workspace, delivery_id=tested.delivery_id, took=tested.took, activated=tested.activated
    )
    return {**shown, "came": True, "warnings": list(tested.warnings), "cause": None, "fix": None}


async def list_events(call: Call) -> Object:
    """List what came."""
    asked = call.query
    found = await call.app.deliveries.list(
        by=call.by, workspace_name=asked.workspace, state=asked.state, limit=asked.limit, before=asked.before
    )
    return _page([objects.delivery(each, workspace_name=name) for each, name in found], most=asked.limit)


async def show_event(call: Call) -> Object:
    """Show an event and what was done with it."""
    found, name = await call.app.deliveries.show(call.path["id"], by=call.by)
    held_back = await call.app.deliveries.held_back(found, by=call.by)
    return objects.explained(found, held_back, workspace_name=name)


async def list_conversations(call: Call) -> Object:
    """List conversations."""
    asked = call.query
    found = await call.app.conversations.list(
        by=call.by, workspace_name=asked.workspace, limit=asked.limit, before=asked.before
    )
    return _page([conversations.listed(each) for each in found], most=asked.limit)


async def show_conversation(call: Call) -> Object:
    """Show a conversation with all that belongs to it."""
    return conversations.as_object(await call.app.conversations.show(call.path["id"], by=call.by))


async def list_runs(call: Call) -> Object:
    """List a conversation's runs."""
    whole = await call.app.conversations.show(call.path["id"], by=call.by)
    return _page([objects.run(run) for run in reversed(whole.runs)], most=len(whole.runs) + 1)


async def list_outbox(call: Call) -> Object:
    """List what is owed to Jira, or was."""
    asked = call.query
    found = await call.app.outbox.list(
        by=call.by, workspace_name=asked.workspace, state=asked.state, limit=asked.limit, before=asked.before
    )
    return _page([objects.effect(each, workspace_name=name) for each, name in found], most=asked.limit)


async def show_effect(call: Call) -> Object:
    """Show an effect."""
    found, name = await call.app.outbox.show(call.path["id"], by=call.by)
    return objects.effect(found, workspace_name=name)


async def list_troubles(call: Call) -> Object:
    """List what is wrong now."""
    found = (await call.app.overview.status(by=call.by)).troubles
    return _page([objects.trouble(each) for each in found], most=len(found) + 1)


async def show_status(call: Call) -> Object:
    """Tell what goes on."""
    return status.as_object(await call.app.overview.status(by=call.by), daemon_runs=True)


def _sent(answer: Object, begun: Begun | None) -> Object | SentAway:
    """Say in the reference's fields whether the caller's browser has to go elsewhere."""
    if begun is None:
        return {**answer, "redirect": False, "authorizationUrl": ""}
    return SentAway(answer={**answer, "redirect": True, "authorizationUrl": begun.url}, cookie=begun.cookie)


def _page(items: Sequence[Object], *, most: int) -> Object:
    return {"items": list(items), "next": items[-1]["id"] if items and len(items) >= most else None}


def _status(workspace: Workspace) -> str:
    return "active" if workspace.state is WorkspaceState.ACTIVE else "inactive"


def _own(call: Call, own: OwnLink) -> Object:
    """Show a link in the reference's fields; its workspace is named by the field of its deployment."""
    known, workspace = own.link, own.workspace
    of_deployment = call.app.deployments[workspace.deployment].link_field
    return {
        "id": known.id,
        "keycloak_user_id": known.user_name,
        of_deployment: workspace.id,
        "account": known.account.id or None,
        "status": "pending" if known.state is LinkState.PENDING else "active",
        "role": known.role.value,
        "created_at": objects.instant(known.created_at),
        "updated_at": objects.instant(known.updated_at or known.created_at),
        "workspace": {
            "id": workspace.id,
            "name": workspace.name,
            "jira_cloud_id": workspace.cloud_id,
            "status": _status(workspace),
            "editable": own.administers,
            "created_at": objects.instant(workspace.created_at),
            "updated_at": objects.instant(workspace.updated_at),
            "svc_acc_email": workspace.service_account_email if own.administers else "",
            "events_url": call.app.workspaces.events_url(workspace),
        },
    }
