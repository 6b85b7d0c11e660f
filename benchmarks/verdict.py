"""What must hold after any chaos, judged by what stands in Jira, then by what the database says of it.

Jira is asked first, and without the database: on each issue a first answer, then its end, then the next first answer,
in the order of the mentions. The database tells which mention led to which of them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jirabot.app import App
from jirabot.core.conversations import LIVE_RUNS, Conversation, Message, Run, RunState
from jirabot.core.deliveries import Delivery, DeliveryState
from jirabot.core.effects import AddComment, EffectKind, EffectState, OwedEffect
from jirabot.core.ports import Transaction
from jirabot.sandbox.issues import Comment
from jirabot.sandbox.server import Sandbox

ALL = 1_000_000
"""More rows than any run of a benchmark makes."""

FIRST_ANSWER = re.compile(r"^Ada Lovelace, I|^Grace Hopper, I ")
ENDS = (EffectKind.RESULT, EffectKind.FAILURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A comment that asked for work; `token` is a word of it and of no other."""

    issue_key: str
    comment_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that the database holds, the oldest first."""

    deliveries: Sequence[Delivery]
    conversations: Sequence[Conversation]
    runs: Sequence[Run]
    messages: Mapping[str, Sequence[Message]]
    effects: Sequence[OwedEffect]


async def judge(app: App, jira: Sandbox, mentions: Sequence[Mention]) -> Sequence[str]:
    """List what is lost, was done twice, is out of order or has no end."""
    kept = await app.storage.read(_read)
    said = {issue.key: [c for c in issue.comments if c.author is jira.bot] for issue in jira.jira.issues.values()}
    return [
        *_on_issues(said),
        *_of_deliveries(kept),
        *_of_mentions(kept, mentions),
        *_of_runs(kept),
        *_of_effects(kept, [comment for comments in said.values() for comment in comments]),
    ]


def counts(tx: Transaction) -> Mapping[str, int]:
    """Count what came of it all."""
    kept = _read(tx)
    by_decision = Counter(delivery.decision for delivery in kept.deliveries)
    return {
        "deliveries accepted": len(kept.deliveries),
        "  that acted": by_decision["start"] + by_decision["continue"],
        "  of what was acted on already": sum(d.reason == "already-acted" for d in kept.deliveries),
        "conversations": len(kept.conversations),
        "runs": len(kept.runs),
        "  begun more than once": sum(run.attempts > 1 for run in kept.runs),
        "  that failed": sum(run.state is RunState.FAILED for run in kept.runs),
        "comments posted": sum(isinstance(effect.effect, AddComment) for effect in kept.effects),
        "comments edited": sum(not isinstance(effect.effect, AddComment) for effect in kept.effects),
        "  effects sent more than once": sum(effect.attempts > 1 for effect in kept.effects),
    }


def _read(tx: Transaction) -> Kept:
    conversations = tx.conversations.list(limit=ALL)
    return Kept(
        deliveries=tx.deliveries.list(limit=ALL)[::-1],
        conversations=conversations,
        runs=[run for conversation in conversations for run in tx.conversations.runs(conversation.id)],
        messages={conversation.id: tx.conversations.messages(conversation.id) for conversation in conversations},
        effects=tx.outbox.list(limit=ALL)[::-1],
    )


def _on_issues(said: Mapping[str, Sequence[Comment]]) -> Iterator[str]:
    """Read the bot's comments as a person does."""
    for key, comments in said.items():
        tokens: list[str] = []
        for number, comment in enumerate(comments):
            is_first = FIRST_ANSWER.match(comment.text) is not None
            if is_first != (number % 2 == 0):
                yield f"{key}: comment {number} is {comment.text[:60]!r}, out of turn"
            if is_first:
                tokens += re.findall(r"m\d{5}", comment.text)[:1]
        if len(comments) % 2:
            yield f"{key}: the last first answer has no end"
        if len(set(tokens)) != len(tokens):
            yield f"{key}: a mention was answered twice: {tokens}"


def _of_deliveries(kept: Kept) -> Iterator[str]:
    """Each has its outcome, and those of one issue had it in the order they came."""
    handled: dict[str, Delivery] = {}
    for delivery in kept.deliveries:
        if delivery.state not in (DeliveryState.DONE, DeliveryState.IGNORED):
            yield f"delivery {delivery.id} is {delivery.state}: {delivery.text}"
        before = handled.get(delivery.lane_id)
        if before and before.handled_at and delivery.handled_at and before.handled_at > delivery.handled_at:
            yield f"delivery {delivery.id} was handled before {before.id}, which came earlier"
        handled[delivery.lane_id] = delivery


def _of_mentions(kept: Kept, mentions: Sequence[Mention]) -> Iterator[str]:
    """Each acted once, became one message, and went to a run that has ended."""
    acted = Counter(str(d.trigger_key) for d in kept.deliveries if d.trigger_key and d.state is DeliveryState.DONE)
    given: dict[str, list[Message]] = {}
    for messages in kept.messages.values():
        for message in messages:
            given.setdefault(message.cause, []).append(message)
    ended = {run.id for run in kept.runs if run.state not in LIVE_RUNS}
    for mention in mentions:
        key = f"comment:{mention.comment_id}"
        if acted[key] != 1:
            yield f"{mention.issue_key} {mention.token}: {acted[key]} deliveries acted"
        messages = given.get(key, [])
        if len(messages) != 1 or mention.token not in messages[0].text:
            yield f"{mention.issue_key} {mention.token}: {len(messages)} messages"
        elif messages[0].given_to not in ended:
            yield f"{mention.issue_key} {mention.token}: given to no run that ended"
    yield from _of_messages(kept, order={key: number for number, key in enumerate(acted)})


def _of_messages(kept: Kept, *, order: Mapping[str, int]) -> Iterator[str]:
    """Those of a conversation stand in the order in which their deliveries came."""
    for conversation_id, said in kept.messages.items():
        numbers = [order.get(message.cause, -1) for message in said]
        if numbers != sorted(numbers):
            yield f"conversation {conversation_id}: messages are not in the order in which they came"


def _of_runs(kept: Kept) -> Iterator[str]:
    """Each has ended, with one first answer and one end."""
    owed = Counter(
        (effect.conversation_id, effect.effect.kind in ENDS)
        for effect in kept.effects
        if isinstance(effect.effect, AddComment)
    )
    per_conversation = Counter(run.conversation_id for run in kept.runs)
    for run in kept.runs:
        if run.state in LIVE_RUNS:
            yield f"run {run.id} is still {run.state}"
    for conversation in kept.conversations:
        runs, key = per_conversation[conversation.id], conversation.issue_key
        answers, ends = owed[conversation.id, False], owed[conversation.id, True]
        if not runs == answers == ends:
            yield f"{key}: {runs} runs have {answers} first answers and {ends} ends"


def _of_effects(kept: Kept, standing: Sequence[Comment]) -> Iterator[str]:
    """Each comment stands once, where it belongs, in the order in which they were owed; and no other stands."""
    places: dict[str, list[Comment]] = {}
    for comment in standing:
        places.setdefault(comment.properties.get("jirabot", {}).get("effect", ""), []).append(comment)
    last: dict[str, int] = {}
    for effect in kept.effects:
        if effect.state is not EffectState.SENT:
            yield f"effect {effect.id} is {effect.state}: {effect.error}"
        if not isinstance(effect.effect, AddComment):
            continue
        stands = places.pop(effect.id, [])
        if [comment.id for comment in stands] != [effect.comment_id]:
            yield f"effect {effect.id} ({effect.effect.kind}) stands {len(stands)} times on issue {effect.issue_id}"
        elif stands[0].issue_id != effect.issue_id or int(stands[0].id) < last.get(effect.issue_id, 0):
            yield f"effect {effect.id} stands on the wrong issue, or before an earlier one"
        else:
            last[effect.issue_id] = int(stands[0].id)
    for mark, comments in places.items():
        yield f"{len(comments)} comments stand that nobody owed (mark {mark or 'none'})"
