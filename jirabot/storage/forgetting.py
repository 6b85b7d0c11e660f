"""The rows that hold something of a person: found by account, or by reading; rewritten, so that outcomes stay."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    delete,
    func,
    literal,
    select,
    type_coerce,
    update,
)

from jirabot.core.conversations import Conversation
from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import EffectState
from jirabot.core.forgetting import Held, Named, Words
from jirabot.core.ids import AccountId, ConversationId, WorkspaceId
from jirabot.core.people import Account, LinkState
from jirabot.core.scopes import of_workspace
from jirabot.storage.columns import columns_of
from jirabot.storage.people import PERSON
from jirabot.storage.schema import (
    actions,
    conversations,
    deliveries,
    links,
    messages,
    numbers,
    outbox,
    participants,
    pauses,
    run_events,
    runs,
    tokens,
    troubles,
    unfinished_effect,
    users,
    workspaces,
)
from jirabot.storage.spool import Spool

_UNFINISHED = (DeliveryState.RECEIVED, DeliveryState.WAITING, DeliveryState.PAUSED)


class _Place(NamedTuple):
    """A table whose rows have texts, the column that orders it, and those that hold them."""

    table: Table
    key: Column[str] | Column[int]
    texts: tuple[Column[str], ...]


_PLACES = {
    place.table.name: place
    for place in (
        _Place(deliveries, deliveries.c.no, (deliveries.c.text, deliveries.c.steps)),
        _Place(conversations, conversations.c.id, (conversations.c.result,)),
        _Place(messages, messages.c.id, (messages.c.text,)),
        _Place(runs, runs.c.id, (runs.c.summary, runs.c.failure, runs.c.stop_cause)),
        _Place(run_events, run_events.c.no, (run_events.c.text,)),
        _Place(outbox, outbox.c.no, (outbox.c.text, outbox.c.error)),
        _Place(troubles, troubles.c.id, (troubles.c.text, troubles.c.fix)),
    )
}


def _id_in(account: Column[str]) -> ColumnElement[str]:
    return func.json_extract(type_coerce(account, Text), "$.id")


class Forgetting:
    """Fulfils `ForgettingStore`."""

    def __init__(self, connection: Connection, spool: Spool) -> None:
        self._connection, self._spool = connection, spool

    def held(self, workspace_id: WorkspaceId, account_id: AccountId) -> Held:
        mine = self._conversations_of(workspace_id, account_id)
        theirs = [
            select(links.c.account).where(links.c.workspace_id == workspace_id, links.c.account_id == account_id),
            select(conversations.c.asker).where(
                conversations.c.workspace_id == workspace_id, _id_in(conversations.c.asker) == account_id
            ),
            select(messages.c.author).where(
                messages.c.workspace_id == workspace_id, _id_in(messages.c.author) == account_id
            ),
        ]
        accounts = {account for query in theirs for account in self._connection.execute(query).scalars()}
        service: Account | None = self._connection.execute(
            select(workspaces.c.service_account).where(workspaces.c.id == workspace_id)
        ).scalar_one_or_none()
        return Held(
            accounts=tuple(sorted(accounts, key=repr)),
            service=service is not None and service.id == account_id,
            open=tuple(each for each in mine if each.is_open),
            closed=tuple(each for each in mine if not each.is_open),
            owed=self._connection.execute(
                select(func.count()).where(
                    outbox.c.conversation_id.in_([each.id for each in mine]), unfinished_effect(outbox.c.state)
                )
            ).scalar_one(),
        )

    def _conversations_of(self, workspace_id: WorkspaceId, account_id: AccountId) -> Sequence[Conversation]:
        """List those that an account asked for, was asked in, or wrote in."""
        wrote = select(messages.c.conversation_id).where(
            messages.c.workspace_id == workspace_id, _id_in(messages.c.author) == account_id
        )
        query = select(*columns_of(conversations, Conversation)).where(
            conversations.c.workspace_id == workspace_id,
            (_id_in(conversations.c.asker) == account_id)
            | (conversations.c.asked == account_id)
            | conversations.c.id.in_(wrote),
        )
        rows = self._connection.execute(query.order_by(conversations.c.created_at, conversations.c.id))
        return [Conversation(**row) for row in rows.mappings()]

    def named(self, workspace_id: WorkspaceId, words: Words, *, after: int, limit: int) -> tuple[Named, int | None]:
        query = (
            select(deliveries.c.no, deliveries.c.state, deliveries.c.body, deliveries.c.spool)
            .where(
                deliveries.c.workspace_id == workspace_id,
                deliveries.c.no > after,
                deliveries.c.body.is_not(None) | deliveries.c.spool.is_not(None),
            )
            .order_by(deliveries.c.no)
            .limit(limit)
        )
        over: list[int] = []
        unfinished, last = 0, None
        for row in self._connection.execute(query):
            last = row.no
            body = self._spool.read(row.spool) if row.spool else row.body
            if body is None or not words.are_in(body):
                continue
            if row.state in _UNFINISHED:
                unfinished += 1
            else:
                over.append(row.no)
        return Named(over=tuple(over), unfinished=unfinished), last

    def forget_bodies(self, numbers: Sequence[int]) -> Sequence[str]:
        asked = deliveries.c.no.in_(numbers)
        files = self._connection.execute(select(deliveries.c.spool).where(asked, deliveries.c.spool.is_not(None)))
        names = list(files.scalars())
        self._connection.execute(update(deliveries).where(asked).values(body=None, spool=None, headers={}))
        return names

    def texts(self) -> Sequence[str]:
        return list(_PLACES)

    def take_out(
        self, workspace_id: WorkspaceId, words: Words, place: str, *, after: object, limit: int
    ) -> tuple[int, object]:
        table, key, texts = _PLACES[place]
        own = (
            table.c.scope == of_workspace(workspace_id) if "scope" in table.c else table.c.workspace_id == workspace_id
        )
        query = select(key, *(type_coerce(text, Text) for text in texts)).where(own).order_by(key).limit(limit)
        if after is not None:
            query = query.where(key > literal(after))
        changed, last = 0, None
        for last, *found in self._connection.execute(query).all():
            cleaned = [words.taken_out(text) for text in found]
            if cleaned != found:
                values = {text: type_coerce(literal(new), Text) for text, new in zip(texts, cleaned, strict=True)}
                self._connection.execute(update(table).where(key == last).values(values))
                changed += 1
        return changed, last

    def forget(self, workspace_id: WorkspaceId, account_id: AccountId, *, instead: str) -> Mapping[str, int]:
        talks = [each.id for each in self._conversations_of(workspace_id, account_id)]
        return {
            "links": self._forget_links(workspace_id, account_id, instead),
            "messages": self._forget_messages(workspace_id, account_id, instead),
            "reports": self._connection.execute(
                delete(run_events).where(run_events.c.conversation_id.in_(talks))
            ).rowcount,
            "comments": self._forget_comments(talks),
            "conversations": self._forget_asker(workspace_id, account_id, instead),
        }

    def _forget_comments(self, talks: Sequence[ConversationId]) -> int:
        """Empty what was said; what is dead is given up, so that nobody owes it again without its text."""
        said = outbox.c.conversation_id.in_(talks)
        given_up = {"state": EffectState.DISCARDED, "epoch": outbox.c.epoch + 1}
        self._connection.execute(update(outbox).where(said, outbox.c.state == EffectState.DEAD).values(given_up))
        return self._connection.execute(update(outbox).where(said, outbox.c.text != "").values(text="")).rowcount

    def _forget_messages(self, workspace_id: WorkspaceId, account_id: AccountId, instead: str) -> int:
        wrote = (messages.c.workspace_id == workspace_id) & (_id_in(messages.c.author) == account_id)
        return self._connection.execute(
            update(messages).where(wrote).values(author=Account(id=AccountId(instead)), text="")
        ).rowcount

    def _forget_asker(self, workspace_id: WorkspaceId, account_id: AccountId, instead: str) -> int:
        """Put the pseudonym where the account was the asker or the asked; its number is the pseudonym's then."""
        own, nobody = conversations.c.workspace_id == workspace_id, AccountId(instead)
        self._connection.execute(
            update(numbers)
            .where(numbers.c.workspace_id == workspace_id, numbers.c.kind == PERSON, numbers.c.id == account_id)
            .values(id=instead)
        )
        self._connection.execute(
            update(conversations).where(own, conversations.c.asked == account_id).values(asked=nobody)
        )
        self._connection.execute(
            update(runs)
            .where(runs.c.workspace_id == workspace_id, runs.c.asker_id == account_id)
            .values(asker_id=nobody)
        )
        self._connection.execute(
            update(participants)
            .where(participants.c.workspace_id == workspace_id, participants.c.account_id == account_id)
            .values(account_id=nobody)
        )
        key = func.replace(actions.c.trigger_key, f":{account_id}:", f":{instead}:")
        self._connection.execute(
            update(actions)
            .where(actions.c.workspace_id == workspace_id, func.instr(actions.c.trigger_key, f":{account_id}:") > 0)
            .values(trigger_key=key)
        )
        asked = own & (_id_in(conversations.c.asker) == account_id)
        return self._connection.execute(update(conversations).where(asked).values(asker=Account(id=nobody))).rowcount

    def _forget_links(self, workspace_id: WorkspaceId, account_id: AccountId, instead: str) -> int:
        own = (links.c.workspace_id == workspace_id) & (links.c.account_id == account_id)
        user_ids = self._connection.execute(select(links.c.user_id).where(own).distinct()).scalars().all()
        ended = self._connection.execute(
            update(links)
            .where(own)
            .values(account_id=instead, account=Account(id=AccountId(instead)), state=LinkState.ENDED)
        ).rowcount
        for place, user_id in enumerate(user_ids):
            others = select(links.c.id).where(links.c.user_id == user_id, links.c.account_id != instead)
            if self._connection.execute(others.limit(1)).first() is None:
                self._rename_user(user_id, instead if place == 0 else f"{instead}-{place}")
        return ended

    def _rename_user(self, user_id: str, instead: str) -> None:
        """Rename a user who is nobody else, and whoever is named after them."""
        name = self._connection.execute(select(users.c.name).where(users.c.id == user_id)).scalar_one()
        self._connection.execute(update(users).where(users.c.id == user_id).values(name=instead))
        self._connection.execute(update(tokens).where(tokens.c.user == name).values(user=instead))
        self._connection.execute(update(pauses).where(pauses.c.paused_by == name).values(paused_by=instead))
        self._connection.execute(update(links).where(links.c.ended_by == name).values(ended_by=instead))
        self._connection.execute(update(workspaces).where(workspaces.c.claimed_by == name).values(claimed_by=instead))
