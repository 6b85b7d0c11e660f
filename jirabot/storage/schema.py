"""The tables. Their constraints are the promises: one delivery a fingerprint, one open conversation an issue, ...

Every row of a tenant carries its `workspace_id`, first in each unique key that is made of what Jira or people name;
ids are our own and unique by themselves. Foreign keys are checked at the commit, so that the order of statements
within a transaction does not matter; the inbox has none: it takes what the door has proved, and one bad row must not
refuse the others of its batch.
"""

from datetime import datetime

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    literal_column,
)

from jirabot.core.conversations import MessageKind, RunState, State
from jirabot.core.deliveries import DeliveryState, Origin
from jirabot.core.effects import EffectKind, EffectState
from jirabot.core.oauth_states import Purpose
from jirabot.core.people import LinkState, Role
from jirabot.core.people import Origin as LinkOrigin
from jirabot.core.troubles import Reason, Strike
from jirabot.core.workspaces import CommentMark, WorkspaceState
from jirabot.storage import views
from jirabot.storage.columns import (
    Choice,
    Instant,
    Json,
    account_column,
    steps_column,
    visibility_column,
    words_column,
)

metadata = MetaData()


def _one_of(column: ColumnElement[str], *words: str) -> ColumnElement[bool]:
    # SQLite uses a partial index only where the query repeats its condition literally: bound parameters hide it.
    return column.in_([literal_column(f"'{word}'") for word in words])


def unfinished_delivery(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Say that a delivery has no outcome yet and is not kept back."""
    return _one_of(state, "received", "waiting")


def settled_delivery(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Say that a delivery has an outcome or is kept back: that it is not unfinished."""
    return _one_of(state, "paused", "done", "ignored", "refused", "dead", "discarded")


def open_conversation(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Say that a conversation is open."""
    return _one_of(state, "created", "active", "in_progress", "awaiting_input")


def unfinished_effect(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Say that an effect is still owed, or its fate not known."""
    return _one_of(state, "pending", "sending")


def standing_trouble(ended_at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Say that a trouble has not ended."""
    return ended_at.is_(None)


def active_link(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Say that a link counts."""
    return _one_of(state, "active")


def pending_link(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Say that a link waits for its account."""
    return _one_of(state, "pending")


def _belongs(table: str, *columns: str, to: Table) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        columns,
        [to.c.id],
        name=f"{table}_{columns[0]}_fk",
        deferrable=True,
        initially="DEFERRED",
    )


def _unique_where(name: str, condition: ColumnElement[bool], *columns: Column[str]) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=condition)


def _index_where(name: str, condition: ColumnElement[bool], *columns: Column[str]) -> Index:
    return Index(name, *columns, sqlite_where=condition)


meta = Table(
    "meta",
    metadata,
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("key", name="meta_pk"),
)
"""What is true of the whole database: the master key's identity."""

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("deployment", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("also_known_as", words_column(), nullable=False),
    Column("state", Choice(WorkspaceState), nullable=False),
    Column("degraded", words_column(), nullable=False),
    Column("auth", Text, nullable=False),
    Column("authenticity", Text, nullable=False),
    Column("service_account", account_column(), nullable=False),
    Column("service_account_email", Text, nullable=False),
    Column("agent", Text),
    Column("settings", Json(), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("comment_mark", Choice(CommentMark), nullable=False, server_default="unproved"),
    Column("cloud_id", Text, nullable=False, server_default=""),
    Column("key_expires_at", Instant),
    Column("claimed_by", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("id", name="workspaces_pk"),
    UniqueConstraint("name", name="workspaces_name_key"),
    UniqueConstraint("base_url", name="workspaces_base_url_key"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("expires_at", Instant),
    PrimaryKeyConstraint("workspace_id", "place", name="secrets_pk"),
    _belongs("secrets", "workspace_id", to=workspaces),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="users_pk"),
    UniqueConstraint("name", name="users_name_key"),
)

links = Table(
    "links",
    metadata,
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("account", account_column(), nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("state", Choice(LinkState), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("origin", Choice(LinkOrigin), nullable=False, server_default=LinkOrigin.HAND.value),
    Column("updated_at", Instant),
    Column("ended_by", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("id", name="links_pk"),
    _belongs("links", "workspace_id", to=workspaces),
    _belongs("links", "user_id", to=users),
)
_unique_where("links_one_active_key", active_link(links.c.state), links.c.workspace_id, links.c.account_id)
Index("links_of_account", links.c.workspace_id, links.c.account_id, links.c.created_at)
_unique_where("links_one_pending_key", pending_link(links.c.state), links.c.workspace_id, links.c.user_id)
Index("links_user", links.c.user_id)

repositories = Table(
    "repositories",
    metadata,
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("projects", words_column(), nullable=False),
    Column("components", words_column(), nullable=False),
    Column("labels", words_column(), nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("user", Text, nullable=False),
    Column("has_token", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="repositories_pk"),
    UniqueConstraint("workspace_id", "name", name="repositories_name_key"),
    _belongs("repositories", "workspace_id", to=workspaces),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("no", Integer, autoincrement=True, nullable=False),
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("lane_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("issue_id", Text),
    Column("issue_key", Text),
    Column("state", Choice(DeliveryState), nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("steps", steps_column(), nullable=False),
    Column("trigger_key", Text),
    Column("conversation_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("handled_at", Instant),
    Column("replay_of", Text),
    Column("headers", Json(), nullable=False),
    Column("body", LargeBinary),
    Column("spool", Text),
    Column("origin", Choice(Origin), nullable=False, server_default="webhook"),
    PrimaryKeyConstraint("no", name="deliveries_pk"),
    UniqueConstraint("id", name="deliveries_id_key"),
    UniqueConstraint("workspace_id", "fingerprint", name="deliveries_fingerprint_key"),
    sqlite_autoincrement=True,
)
"""The inbox. `no` is the order of arrival; a body is in `body`, or in the spool file of that name, or pruned.

A new row goes into as few indexes as can be, since its sender waits: into the others it comes with its outcome.
"""
_index_where("deliveries_head", unfinished_delivery(deliveries.c.state), deliveries.c.lane_id, deliveries.c.no)
_index_where("deliveries_issue", settled_delivery(deliveries.c.state), deliveries.c.issue_key, deliveries.c.no)
_index_where(
    "deliveries_trigger", deliveries.c.trigger_key.is_not(None), deliveries.c.workspace_id, deliveries.c.trigger_key
)
_index_where(
    "deliveries_state",
    settled_delivery(deliveries.c.state),
    deliveries.c.workspace_id,
    deliveries.c.state,
    deliveries.c.no,
)

lanes = Table(
    "lanes",
    metadata,
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("issue_id", Text),
    Column("state", Text, nullable=False),
    Column("ready_at", Instant, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("lease_until", Instant),
    PrimaryKeyConstraint("id", name="lanes_pk"),
)
"""One row an issue, the unit of claim: `idle`, `ready` (from `ready_at` on) or `leased`.

On SQLite `deliveries.no` is the order within a lane, for there is one writer. PostgreSQL will number deliveries from
this row: there a sequence is not the order of commits.
"""
Index("lanes_ready", lanes.c.state, lanes.c.ready_at)
Index("lanes_leased", lanes.c.state, lanes.c.lease_until)

actions = Table(
    "actions",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("trigger_key", Text, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("acted_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "trigger_key", name="actions_pk"),
)
"""The trigger keys that were acted on: each once."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("issue_id", Text, nullable=False),
    Column("issue_key", Text, nullable=False),
    Column("state", Choice(State), nullable=False),
    Column("agent", Text, nullable=False),
    Column("asker", account_column(), nullable=False),
    Column("visibility", visibility_column(), nullable=False),
    Column("asked", Text),
    Column("repository_id", Text),
    Column("repository_name", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("session", Json(), nullable=False),
    Column("first_answer", Text),
    Column("result", Text, nullable=False),
    Column("context_until", Instant),
    Column("previous_id", Text),
    Column("runs_count", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="conversations_pk"),
    _belongs("conversations", "workspace_id", to=workspaces),
)
_unique_where(
    "conversations_one_open_key",
    open_conversation(conversations.c.state),
    conversations.c.workspace_id,
    conversations.c.issue_id,
)
Index("conversations_issue", conversations.c.workspace_id, conversations.c.issue_id, conversations.c.created_at)
Index("conversations_issue_key", conversations.c.issue_key, conversations.c.created_at)
Index("conversations_newest", conversations.c.workspace_id, conversations.c.created_at)
_index_where(
    "conversations_idle",
    open_conversation(conversations.c.state),
    conversations.c.workspace_id,
    conversations.c.updated_at,
)

participants = Table(
    "participants",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "account_id", "conversation_id", name="participants_pk"),
    _belongs("participants", "workspace_id", to=workspaces),
    _belongs("participants", "conversation_id", to=conversations),
)
"""Who asked in a conversation or wrote in it: to whom it is their own."""
Index("participants_conversation", participants.c.conversation_id)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Choice(MessageKind), nullable=False),
    Column("author", account_column(), nullable=False),
    Column("visibility", visibility_column(), nullable=False),
    Column("text", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("given_to", Text),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", name="messages_pk"),
    UniqueConstraint("conversation_id", "seq", name="messages_seq_key"),
    UniqueConstraint("workspace_id", "conversation_id", "cause", name="messages_cause_key"),
    _belongs("messages", "workspace_id", to=workspaces),
    _belongs("messages", "conversation_id", to=conversations),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Choice(RunState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("stop_requested", Boolean, nullable=False),
    Column("stop_cause", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("lease_until", Instant),
    Column("summary", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("asker_id", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("id", name="runs_pk"),
    UniqueConstraint("conversation_id", "number", name="runs_number_key"),
    _belongs("runs", "workspace_id", to=workspaces),
    _belongs("runs", "conversation_id", to=conversations),
)
Index("runs_due", runs.c.state, runs.c.due_at)

run_events = Table(
    "run_events",
    metadata,
    Column("no", Integer, autoincrement=True, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("no", name="run_events_pk"),
    _belongs("run_events", "workspace_id", to=workspaces),
    _belongs("run_events", "run_id", to=runs),
    sqlite_autoincrement=True,
)
"""What agents reported, in order of `no`."""
Index("run_events_conversation", run_events.c.conversation_id, run_events.c.no)

outbox = Table(
    "outbox",
    metadata,
    Column("no", Integer, autoincrement=True, nullable=False),
    Column("id", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("issue_id", Text, nullable=False),
    Column("conversation_id", Text),
    Column("cause", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Choice(EffectKind), nullable=False),
    Column("target", Text),
    Column("text", Text, nullable=False),
    Column("visibility", visibility_column(), nullable=False),
    Column("state", Choice(EffectState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("comment_id", Text),
    Column("error", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("asked_at", Instant),
    PrimaryKeyConstraint("no", name="outbox_pk"),
    UniqueConstraint("id", name="outbox_id_key"),
    UniqueConstraint("workspace_id", "cause", "seq", name="outbox_cause_key"),
    _belongs("outbox", "workspace_id", to=workspaces),
    sqlite_autoincrement=True,
)
"""What is owed to Jira, in order of `no`. `target` is the effect whose comment is edited; NULL: a new comment.

`asked_at`: of a first answer, when the delivery that asked came.
"""
_index_where("outbox_owed", unfinished_effect(outbox.c.state), outbox.c.no)
_index_where(
    "outbox_owed_issue", unfinished_effect(outbox.c.state), outbox.c.workspace_id, outbox.c.issue_id, outbox.c.no
)
Index("outbox_comment", outbox.c.workspace_id, outbox.c.comment_id)
Index("outbox_conversation", outbox.c.conversation_id, outbox.c.no)
Index("outbox_target", outbox.c.target)

rejections = Table(
    "rejections",
    metadata,
    Column("no", Integer, autoincrement=True, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("remote", Text, nullable=False),
    Column("header_names", words_column(), nullable=False),
    Column("cause", Text, nullable=False),
    PrimaryKeyConstraint("no", name="rejections_pk"),
    sqlite_autoincrement=True,
)
Index("rejections_newest", rejections.c.workspace_id, rejections.c.no)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("user", Text, nullable=False),
    Column("workspace_id", Text),
    Column("hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("id", name="tokens_pk"),
    UniqueConstraint("name", name="tokens_name_key"),
    UniqueConstraint("hash", name="tokens_hash_key"),
    _belongs("tokens", "workspace_id", to=workspaces),
)
"""Tokens of the management API: of each only its hash. No workspace: the whole instance."""

oauth_states = Table(
    "oauth_states",
    metadata,
    Column("hash", Text, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("purpose", Choice(Purpose), nullable=False),
    Column("user_name", Text, nullable=False),
    Column("role", Choice(Role), nullable=False),
    Column("browser_hash", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("account", account_column()),
    Column("code_hash", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("hash", name="oauth_states_pk"),
    _belongs("oauth_states", "workspace_id", to=workspaces),
)
"""Visits to consent pages, for minutes each: of what they are known by, only the hashes."""

pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, nullable=False),
    Column("paused_by", Text, nullable=False),
    Column("paused_at", Instant, nullable=False),
    PrimaryKeyConstraint("scope", name="pauses_pk"),
)
"""Where no new run may begin: `all`, `workspace/<id>`, `agent/<name>`."""

troubles = Table(
    "troubles",
    metadata,
    Column("id", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("reason", Choice(Reason), nullable=False),
    Column("text", Text, nullable=False),
    Column("fix", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("begin_told_at", Instant),
    Column("end_told_at", Instant),
    PrimaryKeyConstraint("id", name="troubles_pk"),
)
"""What administrators are told: of each trouble its begin and its end, once.

`scope` is where it is: `all`, `workspace/<id>`, `agent/<name>`.
"""
_unique_where("troubles_standing_key", standing_trouble(troubles.c.ended_at), troubles.c.scope, troubles.c.reason)
Index("troubles_newest", troubles.c.begun_at)

strikes = Table(
    "strikes",
    metadata,
    Column("no", Integer, autoincrement=True, nullable=False),
    Column("scope", Text, nullable=False),
    Column("kind", Choice(Strike), nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("no", name="strikes_pk"),
    sqlite_autoincrement=True,
)
"""Single failures, counted within a few minutes: enough of one kind in a scope are a trouble.

`scope`: as of troubles, or `effect/<id>`.
"""
Index("strikes_counted", strikes.c.scope, strikes.c.kind, strikes.c.at)

breakers = Table(
    "breakers",
    metadata,
    Column("agent", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("probe_run_id", Text),
    PrimaryKeyConstraint("agent", name="breakers_pk"),
)
"""The agents that no run is begun with, for they fail; from `due_at` on one run may try."""

budgets = Table(
    "budgets",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("level", Float, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "name", name="budgets_pk"),
    _belongs("budgets", "workspace_id", to=workspaces),
)
"""How much of an hourly budget was left at an instant, so that a restart does not fill it up."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("seen_until", Instant, nullable=False),
    Column("looked_at", Instant),
    Column("calls_count", Integer, nullable=False),
    Column("calls_since", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", name="checkpoints_pk"),
    _belongs("checkpoints", "workspace_id", to=workspaces),
)
"""How far each workspace's Jira was looked through for what no webhook told."""

numbers = Table(
    "numbers",
    metadata,
    Column("no", Integer, autoincrement=True, nullable=False),
    Column("workspace_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    PrimaryKeyConstraint("no", name="numbers_pk"),
    UniqueConstraint("workspace_id", "kind", "id", name="numbers_id_key"),
    sqlite_autoincrement=True,
)
"""Whole numbers for workspaces, people and conversations: given once by the triggers, never to two.

The views show them as ids, and the audit names people by them.
"""

audit = Table(
    "audit",
    metadata,
    Column("no", Integer, autoincrement=False, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by_kind", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("workspace", Text, nullable=False),
    Column("workspace_name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    PrimaryKeyConstraint("no", name="audit_pk"),
)
"""Who changed or ran what: each row has the hash of the one before. It refers to nothing, and outlives everything."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("webhook_id", Text, nullable=False),
    Column("dynamic", Boolean, nullable=False),
    Column("url", Text, nullable=False),
    Column("jql", Text, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("refreshed_at", Instant, nullable=False),
    Column("expires_at", Instant),
    PrimaryKeyConstraint("workspace_id", "webhook_id", name="webhooks_pk"),
    _belongs("webhooks", "workspace_id", to=workspaces),
)
"""The webhooks that jirabot has made in Jira, by Jira's id: what it may remove again. `url` is masked."""

for _statement in (*views.TRIGGERS, *views.VIEWS):
    _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    event.listen(metadata, "after_create", _ddl)
