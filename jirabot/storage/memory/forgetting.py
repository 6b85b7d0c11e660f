"""What is held of a person."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from jirabot.core.conversations import Conversation
from jirabot.core.deliveries import DeliveryState
from jirabot.core.effects import AddComment, EditComment, EffectState
from jirabot.core.forgetting import Held, Named, Words
from jirabot.core.ids import AccountId, TriggerKey, WorkspaceId
from jirabot.core.people import Account, LinkState
from jirabot.core.scopes import of_workspace
from jirabot.storage.memory.tables import OWED, Store

_UNFINISHED = frozenset({DeliveryState.RECEIVED, DeliveryState.WAITING, DeliveryState.PAUSED})


class Forgetting(Store):
    """Fulfils `ForgettingStore`."""

    def held(self, workspace_id: WorkspaceId, account_id: AccountId) -> Held:
        state, mine = self._state, self._conversations_of(workspace_id, account_id)
        every = [
            *(each.account for each in state.links.values() if each.workspace_id == workspace_id),
            *(each.asker for each in state.conversations.values() if each.workspace_id == workspace_id),
            *(each.author for each in state.messages.values() if each.workspace_id == workspace_id),
        ]
        workspace, ids = state.workspaces.get(workspace_id), {each.id for each in mine}
        return Held(
            accounts=tuple(sorted({each for each in every if each.id == account_id}, key=repr)),
            service=workspace is not None and workspace.service_account.id == account_id,
            open=tuple(each for each in mine if each.is_open),
            closed=tuple(each for each in mine if not each.is_open),
            owed=sum(each.conversation_id in ids and each.state in OWED for each in state.outbox.values()),
        )

    def _conversations_of(self, workspace_id: WorkspaceId, account_id: AccountId) -> Sequence[Conversation]:
        wrote = {each.conversation_id for each in self._state.messages.values() if each.author.id == account_id}
        mine = [each for each in self._state.conversations.values() if each.workspace_id == workspace_id]
        found = [each for each in mine if each.id in wrote or account_id in (each.asker.id, each.asked)]
        return sorted(found, key=lambda each: (each.created_at, each.id))

    def named(self, workspace_id: WorkspaceId, words: Words, *, after: int, limit: int) -> tuple[Named, int | None]:
        every = sorted(self._state.deliveries.values(), key=lambda each: each.no)
        mine = [each for each in every if each.workspace_id == workspace_id and each.no > after]
        some = [each for each in mine if each.id in self._state.requests][:limit]
        found = [each for each in some if words.are_in(self._state.requests[each.id].body)]
        over = tuple(each.no for each in found if each.state not in _UNFINISHED)
        return Named(over=over, unfinished=len(found) - len(over)), some[-1].no if some else None

    def forget_bodies(self, numbers: Sequence[int]) -> Sequence[str]:
        for each in self._state.deliveries.values():
            if each.no in numbers:
                self._state.requests.pop(each.id, None)
        return []

    def texts(self) -> Sequence[str]:
        return list(self._places())

    def _places(self) -> dict[str, tuple[MutableMapping[Any, Any], tuple[str, ...]]]:
        state = self._state
        return {
            "deliveries": (state.deliveries, ("text",)),
            "steps": (state.deliveries, ("steps",)),
            "conversations": (state.conversations, ("result",)),
            "messages": (state.messages, ("text",)),
            "runs": (state.runs, ("summary", "failure", "stop_cause")),
            "run_events": (state.run_events, ("text",)),
            "outbox": (state.outbox, ("effect", "error")),
            "troubles": (state.troubles, ("text", "fix")),
        }

    def take_out(
        self, workspace_id: WorkspaceId, words: Words, place: str, *, after: object, limit: int
    ) -> tuple[int, object]:
        table, texts = self._places()[place]
        mine = sorted(key for key, value in table.items() if _is_of(value, workspace_id))
        some = [key for key in mine if after is None or key > after][:limit]
        changed = 0
        for key in some:
            cleaned = replace(table[key], **{text: _cleaned(getattr(table[key], text), words) for text in texts})
            changed += cleaned != table[key]
            table[key] = cleaned
        return changed, some[-1] if some else None

    def forget(self, workspace_id: WorkspaceId, account_id: AccountId, *, instead: str) -> Mapping[str, int]:
        talks = {each.id for each in self._conversations_of(workspace_id, account_id)}
        state, nobody = self._state, Account(id=AccountId(instead))
        counts = {
            "links": self._forget_links(workspace_id, account_id, nobody),
            "messages": 0,
            "reports": sum(each.conversation_id in talks for each in state.run_events.values()),
            "comments": 0,
            "conversations": 0,
        }
        for number, event in list(state.run_events.items()):
            if event.conversation_id in talks:
                del state.run_events[number]
        for id_, message in state.messages.items():
            if (message.workspace_id, message.author.id) == (workspace_id, account_id):
                state.messages[id_] = replace(message, author=nobody, text="")
                counts["messages"] += 1
        for effect_id, owed in state.outbox.items():
            if owed.conversation_id not in talks:
                continue
            forgotten = replace(owed, effect=replace(owed.effect, text=""))
            if owed.state is EffectState.DEAD:
                forgotten = replace(forgotten, state=EffectState.DISCARDED, epoch=owed.epoch + 1)
            state.outbox[effect_id] = forgotten
            counts["comments"] += bool(owed.effect.text)
        counts["conversations"] = self._forget_asker(workspace_id, account_id, nobody)
        return counts

    def _forget_asker(self, workspace_id: WorkspaceId, account_id: AccountId, nobody: Account) -> int:
        state, count = self._state, 0
        if (number := state.people.pop((workspace_id, account_id), None)) is not None:
            state.people[workspace_id, nobody.id] = number
        for id_, each in state.conversations.items():
            if each.workspace_id == workspace_id and each.asked == account_id:
                state.conversations[id_] = replace(each, asked=nobody.id)
        for id_, each in state.conversations.items():
            if (each.workspace_id, each.asker.id) == (workspace_id, account_id):
                state.conversations[id_] = replace(each, asker=nobody)
                count += 1
        for run_id, run in state.runs.items():
            if (run.workspace_id, run.asker_id) == (workspace_id, account_id):
                state.runs[run_id] = replace(run, asker_id=nobody.id)
        for workspace, key in [key for key in state.actions if key[0] == workspace_id]:
            renamed = TriggerKey(key.replace(f":{account_id}:", f":{nobody.id}:"))
            state.actions[workspace, renamed] = state.actions.pop((workspace, key))
        return count

    def _forget_links(self, workspace_id: WorkspaceId, account_id: AccountId, nobody: Account) -> int:
        state = self._state
        own = [e for e in state.links.values() if (e.workspace_id, e.account.id) == (workspace_id, account_id)]
        for link in own:
            state.links[link.id] = replace(link, account=nobody, state=LinkState.ENDED)
        for place, user_id in enumerate(dict.fromkeys(link.user_id for link in own)):
            if all(each.account.id == nobody.id for each in state.links.values() if each.user_id == user_id):
                self._rename_user(user_id, nobody.id if place == 0 else f"{nobody.id}-{place}")
        return len(own)

    def _rename_user(self, user_id: str, instead: str) -> None:
        state = self._state
        name = next(name for name, known in state.users.items() if known == user_id)
        state.users[instead] = state.users.pop(name)
        for link_id, link in state.links.items():
            if link.user_id == user_id:
                state.links[link_id] = replace(link, user_name=instead)
        _rename(state.tokens, "user", name, instead)
        _rename(state.pauses, "paused_by", name, instead)
        _rename(state.links, "ended_by", name, instead)
        _rename(state.workspaces, "claimed_by", name, instead)


def _rename(rows: MutableMapping[Any, Any], field: str, name: str, instead: str) -> None:
    rows.update({key: replace(row, **{field: instead}) for key, row in rows.items() if getattr(row, field) == name})


def _is_of(value: Any, workspace_id: WorkspaceId) -> bool:
    scope = of_workspace(workspace_id)
    return bool(getattr(value, "workspace_id", None) == workspace_id or getattr(value, "scope", None) == scope)


def _cleaned(value: Any, words: Words) -> Any:
    """Take somebody out of a text, of the text of an effect, or of those of steps."""
    match value:
        case str():
            return words.taken_out(value)
        case AddComment() | EditComment():
            return replace(value, text=words.taken_out(value.text))
        case tuple():
            return tuple(replace(step, text=words.taken_out(step.text)) for step in value)
    return value
