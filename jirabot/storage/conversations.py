"""The rows of conversations and of the messages that people have for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Text, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert

from jirabot.core.access import EVERYTHING, Sight
from jirabot.core.conversations import Conversation, Message, Run, RunEvent, State
from jirabot.core.deliveries import Lease
from jirabot.core.ids import AccountId, ConversationId, IssueId, IssueKey, RepositoryId, RunId, WorkspaceId
from jirabot.core.people import Account
from jirabot.core.visibility import Internal, Public
from jirabot.storage import runs, schema
from jirabot.storage.columns import columns_of, row_of
from jirabot.storage.schema import conversations, messages, open_conversation, participants, run_events

_SELECT = select(*columns_of(conversations, Conversation))
_FIND = _SELECT.where(conversations.c.id == bindparam("of_conversation"))
_NEWEST = _SELECT.order_by(conversations.c.created_at.desc(), conversations.c.id.desc())
_NEWEST_OF = _NEWEST.where(
    conversations.c.workspace_id == bindparam("of_workspace"), conversations.c.issue_id == bindparam("of_issue")
).limit(1)
_ALL_ON = _NEWEST.where(conversations.c.issue_key == bindparam("of_issue"))

_is_open = open_conversation(conversations.c.state)
_TOUCH = (
    update(conversations)
    .where(conversations.c.id == bindparam("of_conversation"), _is_open)
    .values(updated_at=bindparam("now"))
)
_OPEN_OF = _is_open & (conversations.c.workspace_id == bindparam("of_workspace"))
_IDLE = (
    _SELECT.where(_OPEN_OF, conversations.c.updated_at <= bindparam("since"))
    .order_by(conversations.c.updated_at)
    .limit(bindparam("at_most"))
)
_IDLE_SINCE = select(func.min(conversations.c.updated_at)).where(_OPEN_OF)

_MESSAGES = (
    select(*columns_of(messages, Message))
    .where(messages.c.conversation_id == bindparam("of_conversation"))
    .order_by(messages.c.seq)
)
_WAITING = _MESSAGES.where(messages.c.given_to.is_(None))
_GIVEN = _MESSAGES.where(messages.c.given_to == bindparam("run_id"))
_GIVE = (
    update(messages)
    .where(messages.c.conversation_id == bindparam("of_conversation"), messages.c.given_to.is_(None))
    .values(given_to=bindparam("run_id"))
)
_TAKE_BACK = update(messages).where(messages.c.conversation_id == bindparam("of_conversation")).values(given_to=None)
_next_seq = (
    select(func.coalesce(func.max(messages.c.seq), 0) + 1)
    .where(messages.c.conversation_id == bindparam("of_conversation"))
    .scalar_subquery()
)

_EVENTS = (
    select(*columns_of(run_events, RunEvent))
    .where(run_events.c.conversation_id == bindparam("of_conversation"), run_events.c.no > bindparam("after"))
    .order_by(run_events.c.no)
)

_COUNTS = select(conversations.c.workspace_id, conversations.c.state, func.count()).group_by(
    conversations.c.workspace_id, conversations.c.state
)

_TAKE_PART = insert(participants).on_conflict_do_nothing()
_PARTICIPANTS = select(participants.c.account_id).where(participants.c.conversation_id == bindparam("of_conversation"))

_DELETE = [
    *(
        delete(table).where(table.c.conversation_id == bindparam("of_conversation"))
        for table in (run_events, messages, schema.runs, participants)
    ),
    delete(conversations).where(conversations.c.id == bindparam("of_conversation")),
]


def _is_insider(seen: Sight) -> ColumnElement[bool]:
    """Say of a row of `conversations` what `core.access.insiders` says; no to all that are internal."""
    own, written, part = conversations.c, messages.c, participants.c
    takes_part = select(part.conversation_id).where(tuple_(part.workspace_id, part.account_id).in_(seen.accounts))
    author_id = func.json_extract(written.author, "$.id", type_=Text)
    wrote_to_its_readers = (
        select(written.id)
        .where(
            written.conversation_id == own.id,
            written.visibility == own.visibility,
            tuple_(written.workspace_id, author_id).in_(seen.accounts),
        )
        .exists()
    )
    is_restricted = own.visibility != Internal()
    return own.id.in_(takes_part) & ((own.visibility == Public()) | (is_restricted & wrote_to_its_readers))


class Conversations:
    """Fulfils `ConversationStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, conversation: Conversation) -> None:
        self._connection.execute(insert(conversations), row_of(conversation))
        self._takes_part(conversation.asker, conversation.workspace_id, conversation.id)

    def save(self, conversation: Conversation) -> None:
        changed = row_of(conversation, without=["id"])
        self._connection.execute(update(conversations).where(conversations.c.id == conversation.id).values(changed))

    def delete(self, conversation_id: ConversationId) -> None:
        for statement in _DELETE:
            self._connection.execute(statement, {"of_conversation": conversation_id})

    def find(self, conversation_id: ConversationId) -> Conversation | None:
        row = self._connection.execute(_FIND, {"of_conversation": conversation_id}).mappings().one_or_none()
        return Conversation(**row) if row else None

    def newest_of(self, workspace_id: WorkspaceId, issue_id: IssueId) -> Conversation | None:
        asked = {"of_workspace": workspace_id, "of_issue": issue_id}
        row = self._connection.execute(_NEWEST_OF, asked).mappings().one_or_none()
        return Conversation(**row) if row else None

    def newest_on(self, issue_key: IssueKey) -> Sequence[Conversation]:
        # An issue has few: they are sorted out here, and not by a query that would sort them twice.
        newest: dict[WorkspaceId, Conversation] = {}
        for row in self._connection.execute(_ALL_ON, {"of_issue": issue_key}).mappings():
            newest.setdefault(row["workspace_id"], Conversation(**row))
        return list(newest.values())

    def list(
        self,
        *,
        workspace_id: WorkspaceId | None = None,
        limit: int = 50,
        seen: Sight = EVERYTHING,
        before: str | None = None,
    ) -> Sequence[Conversation]:
        query = _NEWEST.limit(limit)
        if workspace_id is not None:
            query = query.where(conversations.c.workspace_id == workspace_id)
        if seen.workspaces is not None:
            whole = conversations.c.workspace_id.in_(seen.workspaces)
            query = query.where(or_(whole, _is_insider(seen)) if seen.accounts else whole)
        if before is not None:
            other = conversations.alias("other")
            at, own = select(other.c.created_at).where(other.c.id == before).scalar_subquery(), conversations.c
            query = query.where((own.created_at < at) | ((own.created_at == at) & (own.id < before)))
        return [Conversation(**row) for row in self._connection.execute(query).mappings()]

    def touch(self, conversation_id: ConversationId, *, now: datetime) -> None:
        self._connection.execute(_TOUCH, {"of_conversation": conversation_id, "now": now})

    def find_idle(self, workspace_id: WorkspaceId, *, since: datetime, limit: int) -> Sequence[Conversation]:
        asked = {"of_workspace": workspace_id, "since": since, "at_most": limit}
        return [Conversation(**row) for row in self._connection.execute(_IDLE, asked).mappings()]

    def idle_since(self, workspace_id: WorkspaceId) -> datetime | None:
        oldest: datetime | None = self._connection.execute(_IDLE_SINCE, {"of_workspace": workspace_id}).scalar_one()
        return oldest

    def counts(self) -> Mapping[tuple[WorkspaceId, State], int]:
        rows = self._connection.execute(_COUNTS)
        return {(WorkspaceId(workspace_id), state): count for workspace_id, state, count in rows}

    def add_message(self, message: Message) -> None:
        row = row_of(message, without=["seq"])
        statement = insert(messages).values(seq=_next_seq)
        self._connection.execute(statement, {**row, "of_conversation": message.conversation_id})
        self._takes_part(message.author, message.workspace_id, message.conversation_id)

    def _takes_part(self, account: Account, workspace_id: WorkspaceId, conversation_id: ConversationId) -> None:
        if account.id and not account.is_principal:
            row = {"workspace_id": workspace_id, "account_id": account.id, "conversation_id": conversation_id}
            self._connection.execute(_TAKE_PART, row)

    def participants(self, conversation_id: ConversationId) -> frozenset[AccountId]:
        found = self._connection.execute(_PARTICIPANTS, {"of_conversation": conversation_id})
        return frozenset(AccountId(each) for each in found.scalars())

    def messages(self, conversation_id: ConversationId) -> Sequence[Message]:
        rows = self._connection.execute(_MESSAGES, {"of_conversation": conversation_id})
        return [Message(**row) for row in rows.mappings()]

    def give_messages(self, conversation_id: ConversationId, run_id: RunId) -> Sequence[Message]:
        asked = {"of_conversation": conversation_id, "run_id": run_id}
        self._connection.execute(_GIVE, asked)
        return [Message(**row) for row in self._connection.execute(_GIVEN, asked).mappings()]

    def take_messages_back(self, conversation_id: ConversationId) -> None:
        self._connection.execute(_TAKE_BACK, {"of_conversation": conversation_id})

    def waiting_messages(self, conversation_id: ConversationId) -> Sequence[Message]:
        rows = self._connection.execute(_WAITING, {"of_conversation": conversation_id})
        return [Message(**row) for row in rows.mappings()]

    def add_run(self, run: Run) -> None:
        runs.add(self._connection, run)

    def save_run(self, run: Run) -> None:
        runs.save(self._connection, run)

    def find_run(self, run_id: RunId) -> Run | None:
        return runs.find(self._connection, run_id)

    def runs(self, conversation_id: ConversationId) -> Sequence[Run]:
        return runs.list_of(self._connection, conversation_id)

    def live_run(self, conversation_id: ConversationId) -> Run | None:
        return runs.find_live(self._connection, conversation_id)

    def running(self) -> Sequence[Run]:
        return runs.list_running(self._connection)

    def request_stop(self, run_id: RunId, *, cause: str) -> None:
        runs.request_stop(self._connection, run_id, cause=cause)

    def claim_run(
        self,
        *,
        owner: str,
        now: datetime,
        until: datetime,
        limits: Mapping[str, int],
        only: ConversationId | None = None,
    ) -> Run | None:
        return runs.claim(self._connection, owner=owner, now=now, until=until, limits=limits, only=only)

    def run_times(self, *, now: datetime) -> Sequence[datetime]:
        return runs.times(self._connection, now=now)

    def count_leased(self, repository_id: RepositoryId | None = None, *, now: datetime) -> int:
        return runs.count_leased(self._connection, repository_id, now=now)

    def renew_run(self, lease: Lease, *, until: datetime) -> bool:
        return runs.renew(self._connection, lease, until=until)

    def holds_run(self, lease: Lease) -> bool:
        return runs.holds(self._connection, lease)

    def release_run(self, lease: Lease) -> None:
        runs.release(self._connection, lease)

    def record_event(self, event: RunEvent) -> None:
        self._connection.execute(insert(run_events), row_of(event, without=["no"]))

    def events(self, conversation_id: ConversationId, *, after: int = 0) -> Sequence[RunEvent]:
        rows = self._connection.execute(_EVENTS, {"of_conversation": conversation_id, "after": after})
        return [RunEvent(**row) for row in rows.mappings()]
