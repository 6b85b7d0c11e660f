"""Short ways to make the values that the pure tests are about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jirabot.core.bodies import Body, Line
from jirabot.core.commands import Address
from jirabot.core.conversations import Conversation, State
from jirabot.core.decisions import Facts
from jirabot.core.ids import (
    AccountId,
    BackendName,
    CommentId,
    ConversationId,
    IssueId,
    IssueKey,
    LinkId,
    UserId,
    WorkspaceId,
)
from jirabot.core.issues import Issue, IssueComment, IssueRef
from jirabot.core.people import Account, Link, LinkState, Role
from jirabot.core.permissions import UNASKED, Linked
from jirabot.core.triggers import Bot, TriggerKind
from jirabot.core.visibility import Public, Visibility

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
WS = WorkspaceId("ws")
ADA = Account(id=AccountId("ada-id"), name="ada", display_name="Ada Lovelace")
GRACE = Account(id=AccountId("grace-id"), name="grace", display_name="Grace Hopper")
BOT = Account(id=AccountId("bot-id"), name="openhands", display_name="OpenHands")
ISSUE = IssueRef(id=IssueId("10007"), key=IssueKey("PAY-7"))
BOT_HERE = Bot(
    address=Address(words=("@openhands",), accounts=frozenset({"bot-id", "openhands"})),
    label="openhands",
    kinds=frozenset(TriggerKind),
)


def body(text: str, *lines: Line) -> Body:
    """A body whose every line is said by its writer, unless *lines* say otherwise."""
    return Body(raw=text, markdown=text, lines=lines or tuple((line,) for line in text.splitlines()))


def comment(
    text: str = "@openhands fix it",
    *,
    id: str = "20001",
    author: Account = ADA,
    visibility: Visibility = Public(),
    editor: Account | None = None,
    updated_at: datetime = NOW,
) -> IssueComment:
    return IssueComment(
        id=CommentId(id),
        author=author,
        body=body(text),
        editor=editor,
        created_at=NOW,
        updated_at=updated_at,
        visibility=visibility,
    )


def issue(**changes: Any) -> Issue:
    given: dict[str, Any] = {
        "id": IssueId("10007"),
        "key": IssueKey("PAY-7"),
        "summary": "The login page is broken",
        "description": body("It shows nothing."),
        "project_key": "PAY",
        "is_service_desk": False,
        "labels": (),
        "components": (),
        "status": "To Do",
        "creator": ADA,
        "assignee": None,
        "reporter": ADA,
        "issue_type": "Bug",
    }
    return Issue(**{**given, **changes})


def link(account: Account = ADA, **changes: Any) -> Link:
    given: dict[str, Any] = {
        "id": LinkId("link"),
        "workspace_id": WS,
        "user_id": UserId("user"),
        "user_name": "ada",
        "account": account,
        "role": Role.USER,
        "state": LinkState.ACTIVE,
        "created_at": NOW,
    }
    return Link(**{**given, **changes})


def conversation(state: State = State.IN_PROGRESS, **changes: Any) -> Conversation:
    given: dict[str, Any] = {
        "id": ConversationId("c0ffee0001"),
        "workspace_id": WS,
        "issue_id": IssueId("10007"),
        "issue_key": IssueKey("PAY-7"),
        "state": state,
        "agent": BackendName("local"),
        "asker": ADA,
        "visibility": Public(),
        "repository_name": "acme/shop",
        "branch": "jirabot/PAY-7-0001",
        "base": "main",
        "runs_count": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Conversation(**{**given, **changes})


def facts(**changes: Any) -> Facts:
    given: dict[str, Any] = {
        "service_account": BOT,
        "own_comment": False,
        "link": link(),
        "acted": None,
        "newest": None,
        "question": None,
        "can_continue": False,
        "agent": BackendName("local"),
        "who_may": Linked(),
        "standing": UNASKED,
        "is_too_old": False,
    }
    return Facts(**{**given, **changes})
