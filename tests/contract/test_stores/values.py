"""Short ways to make what the stores keep, and the two workspaces that everything belongs to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jirabot.core.audit import Act, Entry
from jirabot.core.conversations import Conversation, Message, MessageKind, Run, RunEvent, RunState, State
from jirabot.core.deliveries import DeliveryState, Lease, NewDelivery, lane_of
from jirabot.core.effects import AddComment, EditComment, Effect, EffectKind, OwedEffect
from jirabot.core.ids import (
    AccountId,
    BackendName,
    ConversationId,
    DeliveryId,
    EffectId,
    IssueId,
    IssueKey,
    LinkId,
    MessageId,
    RepositoryId,
    RunId,
    TriggerKey,
    UserId,
    WorkspaceId,
    WorkspaceName,
)
from jirabot.core.people import Account, Link, LinkState, Principal, Role
from jirabot.core.ports import Rejection, Sealed, Transaction
from jirabot.core.repositories import Repository
from jirabot.core.visibility import Internal, Public, Restricted
from jirabot.core.workspaces import Workspace, WorkspaceState

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
WS, OTHER = WorkspaceId("ws"), WorkspaceId("other-ws")
ADA = Account(id=AccountId("ada-id"), name="ada", display_name="Ada Lovelace", email="ada@example.org")
GRACE = Account(id=AccountId("grace-id"), display_name="Grace Hopper", app=True)
VISIBILITIES = {
    "public": Public(),
    "role": Restricted(type="role", value="Developers", identifier="10001"),
    "internal": Internal(),
}


def at(seconds: float) -> datetime:
    """The instant that many seconds after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def workspace(id: str = WS, **changes: Any) -> Workspace:
    given: dict[str, Any] = {
        "id": WorkspaceId(id),
        "name": WorkspaceName(f"{id}.example.org"),
        "deployment": "cloud",
        "base_url": f"https://{id}.example.org",
        "state": WorkspaceState.ACTIVE,
        "auth": "api-token",
        "authenticity": "hmac",
        "service_account": Account(id=AccountId("bot-id"), display_name="OpenHands"),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Workspace(**{**given, **changes})


def seed(tx: Transaction) -> None:
    """Add the two workspaces."""
    tx.workspaces.add(workspace(WS))
    tx.workspaces.add(workspace(OTHER))


def link(account: Account = ADA, *, id: str = "link", user_id: str = "user-ada", **changes: Any) -> Link:
    given: dict[str, Any] = {
        "id": LinkId(id),
        "workspace_id": WS,
        "user_id": UserId(user_id),
        "user_name": "ada",
        "account": account,
        "role": Role.USER,
        "state": LinkState.ACTIVE,
        "created_at": NOW,
    }
    return Link(**{**given, **changes})


def repository(name: str = "acme/shop", **changes: Any) -> Repository:
    given: dict[str, Any] = {
        "id": RepositoryId(f"id-of-{name}"),
        "workspace_id": WS,
        "name": name,
        "url": f"https://git.example.org/{name}.git",
        "created_at": NOW,
    }
    return Repository(**{**given, **changes})


def entry(act: Act = Act.USER_LINKED, **changes: Any) -> Entry:
    given: dict[str, Any] = {
        "at": NOW,
        "by": Principal(kind="shell", name="shell"),
        "act": act,
        "workspace_id": WS,
        "workspace_name": "ws.example.org",
        "subject": "person-1",
        "facts": {"role": "user"},
    }
    return Entry(**{**given, **changes})


def sealed(ciphertext: bytes = b"\x00\xff sealed", key_id: str = "key-1") -> Sealed:
    return Sealed(key_id=key_id, nonce=b"twelve bytes", ciphertext=ciphertext)


def delivery(id: str = "d1", *, issue: str | None = "1", workspace_id: WorkspaceId = WS, **changes: Any) -> NewDelivery:
    """A delivery about an issue; its fingerprint is its own."""
    issue_id = None if issue is None else IssueId(issue)
    given: dict[str, Any] = {
        "id": DeliveryId(id),
        "workspace_id": workspace_id,
        "lane_id": lane_of(workspace_id, issue_id),
        "fingerprint": f"fingerprint of {id}",
        "kind": "comment_created",
        "issue_id": issue_id,
        "issue_key": None if issue is None else IssueKey(f"PAY-{issue}"),
        "state": DeliveryState.RECEIVED,
        "headers": {"content-type": "application/json"},
        "body": b"{}",
        "received_at": NOW,
    }
    return NewDelivery(**{**given, **changes})


def conversation(id: str = "c1", *, issue: str = "1", **changes: Any) -> Conversation:
    given: dict[str, Any] = {
        "id": ConversationId(id),
        "workspace_id": WS,
        "issue_id": IssueId(issue),
        "issue_key": IssueKey(f"PAY-{issue}"),
        "state": State.ACTIVE,
        "agent": BackendName("local"),
        "asker": ADA,
        "visibility": Public(),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Conversation(**{**given, **changes})


def message(id: str = "m1", *, of: str = "c1", **changes: Any) -> Message:
    given: dict[str, Any] = {
        "id": MessageId(id),
        "workspace_id": WS,
        "conversation_id": ConversationId(of),
        "seq": 0,
        "kind": MessageKind.REQUEST,
        "author": ADA,
        "visibility": Public(),
        "text": f"text of {id}",
        "cause": TriggerKey(f"comment:{id}"),
        "given_to": None,
        "created_at": NOW,
    }
    return Message(**{**given, **changes})


def run(id: str = "r1", *, of: str = "c1", number: int = 1, **changes: Any) -> Run:
    given: dict[str, Any] = {
        "id": RunId(id),
        "workspace_id": WS,
        "conversation_id": ConversationId(of),
        "number": number,
        "state": RunState.WAITING,
        "due_at": NOW,
        "created_at": NOW,
    }
    return Run(**{**given, **changes})


def lease_of(claimed: Run | None) -> Lease:
    """The lease of a run that was claimed."""
    assert claimed is not None
    return Lease(key=claimed.id, workspace_id=claimed.workspace_id, owner=claimed.owner, epoch=claimed.epoch)


def run_event(text: str, *, run_id: str = "r1", of: str = "c1", no: int = 0) -> RunEvent:
    return RunEvent(
        no=no,
        workspace_id=WS,
        conversation_id=ConversationId(of),
        run_id=RunId(run_id),
        kind="progress",
        text=text,
        at=NOW,
    )


def comment(text: str = "On it.", **changes: Any) -> AddComment:
    return AddComment(**{"kind": EffectKind.FIRST_ANSWER, "text": text, "visibility": Public(), **changes})


def edit(target: str = "e1", text: str = "Half done.") -> EditComment:
    return EditComment(kind=EffectKind.PROGRESS, target=EffectId(target), text=text, visibility=Public())


def effect(id: str = "e1", *, issue: str = "1", does: Effect | None = None, **changes: Any) -> OwedEffect:
    """An effect on an issue; its cause is its own."""
    given: dict[str, Any] = {
        "id": EffectId(id),
        "workspace_id": WS,
        "issue_id": IssueId(issue),
        "conversation_id": None,
        "cause": f"cause of {id}",
        "seq": 0,
        "effect": does or comment(),
        "due_at": NOW,
    }
    return OwedEffect(**{**given, **changes})


def rejection(cause: str = "signature", workspace_id: WorkspaceId = WS) -> Rejection:
    return Rejection(
        workspace_id=workspace_id,
        at=NOW,
        remote="203.0.113.9",
        header_names=("content-type", "user-agent"),
        cause=cause,
    )
