"""The metrics: counted from what the log is told, and read from the database where they are about what stands.

Labels come from closed sets: the names of workspaces and agents, and our own enumerations. Never an issue's key, nor a
person. `docs/operations/metrics.md` lists them all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from jirabot.core.conversations import OPEN as OPEN_CONVERSATIONS
from jirabot.core.deliveries import DISCARDABLE as HELD_DELIVERIES
from jirabot.core.effects import EffectState
from jirabot.core.ids import WorkspaceId, WorkspaceName
from jirabot.core.managers.status import Standing

S = TypeVar("S", bound=StrEnum)

HELD_EFFECTS = frozenset({EffectState.PENDING, EffectState.SENDING, EffectState.DEAD})

ANSWER_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Bounds of the first answer's histogram: both deployments' limits are among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A metric as it is declared: what it says, and its labels in order."""

    says: str
    labels: tuple[str, ...]


COUNTERS: Mapping[str, Declared] = {
    "jirabot_deliveries_total": Declared(
        says="Webhooks that came to a workspace, by what they were answered", labels=("workspace", "status")
    ),
    "jirabot_decisions_total": Declared(says="What events led to, and why", labels=("workspace", "decision", "reason")),
    "jirabot_deliveries_late_total": Declared(
        says="Webhooks that told of what had happened more than five minutes before", labels=("workspace",)
    ),
    "jirabot_effects_total": Declared(
        says="Comments and edits that Jira has taken, or that were given up", labels=("workspace", "kind", "state")
    ),
    "jirabot_runs_total": Declared(says="Turns of agents by how they ended", labels=("ending",)),
    "jirabot_conversations_not_started_total": Declared(
        says="Conversations that could not be begun, and left nothing", labels=("workspace",)
    ),
    "jirabot_first_answer_late_total": Declared(
        says="First answers that came later than `first_answer` of `[limits.cloud]` or `[limits.dc]` says, or never",
        labels=("workspace",),
    ),
    "jirabot_jira_calls_total": Declared(
        says="Calls to Jira's REST API, by what it answered", labels=("workspace", "answer")
    ),
    "jirabot_troubles_total": Declared(says="Troubles that began", labels=("workspace", "agent", "reason")),
}
GAUGES: Mapping[str, Declared] = {
    "jirabot_database_up": Declared(says="Whether the database does what is asked of it: 1, else 0", labels=()),
    "jirabot_deliveries_held": Declared(
        says="Events that are not done with: to be handled, kept, or given up", labels=("workspace", "state")
    ),
    "jirabot_effects_held": Declared(
        says="Comments and edits that Jira does not have: owed, or given up", labels=("workspace", "state")
    ),
    "jirabot_conversations_open": Declared(says="Conversations that are open", labels=("workspace", "state")),
    "jirabot_troubles_standing": Declared(says="Troubles that stand: 1 each", labels=("workspace", "agent", "reason")),
}
HISTOGRAMS: Mapping[str, Declared] = {
    "jirabot_first_answer_seconds": Declared(
        says="From the receipt of a webhook that asked to Jira's answer to the first comment", labels=("workspace",)
    ),
}

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What an event counts: `labels` is what the event itself says, its fields say the rest."""

    counter: str
    labels: Mapping[str, str]
    when: Callable[[Facts], bool] | None = None


EVENTS: Mapping[str, tuple[Counted, ...]] = {
    "delivery.accepted": (Counted(counter="jirabot_deliveries_total", labels={}),),
    "delivery.rejected": (Counted(counter="jirabot_deliveries_total", labels={"status": "rejected"}),),
    "delivery.dead": (Counted(counter="jirabot_decisions_total", labels={}),),
    "decision.made": (
        Counted(counter="jirabot_decisions_total", labels={}),
        Counted(counter="jirabot_deliveries_late_total", labels={}, when=lambda f: bool(f.get("late_seconds"))),
    ),
    "effect.delivered": (
        Counted(counter="jirabot_effects_total", labels={"state": "sent"}),
        Counted(counter="jirabot_first_answer_late_total", labels={}, when=lambda f: bool(f.get("late"))),
    ),
    "effect.dead": (
        Counted(counter="jirabot_effects_total", labels={"state": "dead"}),
        Counted(counter="jirabot_first_answer_late_total", labels={}, when=lambda f: bool(f.get("late"))),
    ),
    "run.finished": (Counted(counter="jirabot_runs_total", labels={}),),
    "run.failed": (Counted(counter="jirabot_runs_total", labels={"ending": "error"}),),
    "conversation.not_started": (Counted(counter="jirabot_conversations_not_started_total", labels={}),),
    "jira.called": (Counted(counter="jirabot_jira_calls_total", labels={}),),
    "trouble.begun": (Counted(counter="jirabot_troubles_total", labels={}),),
}


class Metrics:
    """Counts what is told; fulfils `Events`."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._counters = {
            name: Counter(name, each.says, each.labels, registry=registry) for name, each in COUNTERS.items()
        }
        self._children: dict[tuple[str, tuple[str, ...]], Counter] = {}
        self._gauges = {name: Gauge(name, each.says, each.labels, registry=registry) for name, each in GAUGES.items()}
        self._histograms = {
            name: Histogram(name, each.says, each.labels, buckets=ANSWER_SECONDS, registry=registry)
            for name, each in HISTOGRAMS.items()
        }

    def tell(self, event: str, **fields: object) -> None:
        for counted in EVENTS.get(event, ()):
            if counted.when is None or counted.when(fields):
                facts = {**fields, **counted.labels}
                labels = tuple([str(facts.get(label, "")) for label in COUNTERS[counted.counter].labels])
                self._counter(counted.counter, labels).inc()
        if event == "effect.delivered" and isinstance(waited := fields.get("waited_seconds"), int | float):
            self._histograms["jirabot_first_answer_seconds"].labels(str(fields.get("workspace", ""))).observe(waited)

    def _counter(self, name: str, labels: tuple[str, ...]) -> Counter:
        """Give a counter's child; the library looks for it under a lock, and this is on the way of every webhook."""
        child = self._children.get((name, labels))
        if child is None:
            child = self._children[name, labels] = self._counters[name].labels(*labels)
        return child

    def write(self, standing: Standing | None, *, database_up: bool, accept: str) -> tuple[bytes, str]:
        """Write everything in the form that *accept* asks for; give its type too. *standing*: None where not known."""
        for gauge in self._gauges.values():
            gauge.clear()
        self._gauges["jirabot_database_up"].set(database_up)
        if standing is not None:
            self._take(standing)
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _take(self, standing: Standing) -> None:
        names = standing.workspaces
        self._set("jirabot_deliveries_held", _by_state(names, HELD_DELIVERIES, standing.deliveries))
        self._set("jirabot_effects_held", _by_state(names, HELD_EFFECTS, standing.effects))
        self._set("jirabot_conversations_open", _by_state(names, OPEN_CONVERSATIONS, standing.conversations))
        troubles = [(each.workspace, each.agent, each.trouble.reason.value) for each in standing.troubles]
        self._set("jirabot_troubles_standing", dict.fromkeys(troubles, 1))

    def _set(self, name: str, values: Mapping[tuple[str, ...], int]) -> None:
        for labels, value in values.items():
            self._gauges[name].labels(*labels).set(value)


def _by_state(
    names: Mapping[WorkspaceId, WorkspaceName], states: Iterable[S], counts: Mapping[tuple[WorkspaceId, S], int]
) -> dict[tuple[str, ...], int]:
    """Count by workspace and state; what there is none of is 0, so that a graph has it from the beginning."""
    return {(name, state.value): counts.get((id_, state), 0) for id_, name in names.items() for state in sorted(states)}
