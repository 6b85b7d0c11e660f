"""The one outcome of a delivery, phrased: what was found, who asked, what was decided, and the steps there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from jirabot.core import cures
from jirabot.core.decisions import (
    UNPERMITTED,
    Answer,
    Continue,
    Decision,
    Distrust,
    Ignore,
    Refuse,
    Start,
    Stop,
)
from jirabot.core.deliveries import ARRIVAL, UNLINKED, DeliveryState, Outcome, Step
from jirabot.core.events import Event, Incomplete
from jirabot.core.ids import BackendName, ConversationId
from jirabot.core.issues import Issue
from jirabot.core.people import Account
from jirabot.core.permissions import Standing
from jirabot.core.texts import Texts
from jirabot.core.triggers import Remark, Trigger, TriggerRemoved
from jirabot.core.views import duration

Found = Trigger | Remark | TriggerRemoved | None

_NAMES: Mapping[type, str] = {
    Start: "start",
    Continue: "continue",
    Stop: "stop",
    Answer: "answer",
    Refuse: "refuse",
    Ignore: "ignore",
    Distrust: "distrust",
}
_FOUND: Mapping[type, str] = {Trigger: "trigger", Remark: "remark", TriggerRemoved: "removal"}
_STATES: Mapping[type, DeliveryState] = {
    Ignore: DeliveryState.IGNORED,
    Refuse: DeliveryState.REFUSED,
    Distrust: DeliveryState.DEAD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a delivery says by itself: what happened, and what that asks of the bot."""

    event: Event
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What is known of a delivery before anything is written."""

    event: Event
    found: Found
    decision: Decision
    own: bool
    issue: Issue | None
    standing: Standing | None = None
    """What Jira says of who asks; None where it was not asked, since nothing was to be done."""


def outcome(
    texts: Texts,
    examination: Examination,
    decision: Decision,
    *,
    label: str,
    agent: BackendName | None,
    conversation_id: ConversationId | None = None,
    late: timedelta | None = None,
    replayed: bool = False,
) -> Outcome:
    """Phrase what a delivery led to. *label* and *agent* are the workspace's; *late*: how late it came, if it did.

    *replayed*: a person has brought it, and no webhook.
    """
    found = examination.found
    actor = found.actor if isinstance(found, Trigger | Remark) else None
    who = actor.label if actor else ""
    values = {"name": who, "label": label, "agent": agent or "", **_lacking(texts, examination.event)}
    text = _why(texts, decision, values, replayed=replayed)
    name = _NAMES[type(decision)]
    issue = examination.event.source.issue
    return Outcome(
        state=_STATES.get(type(decision), DeliveryState.DONE),
        decision=name,
        reason=decision.reason.value,
        text=text,
        steps=(
            *_arrival_steps(texts, late),
            _parsed_step(texts, examination),
            _permission_step(texts, decision, actor),
            *_unlinked_steps(decision, actor),
            Step(step="decision", outcome=name, reason=decision.reason.value, text=text),
        ),
        trigger_key=found.key if isinstance(found, Trigger | Remark) else None,
        conversation_id=conversation_id,
        issue_key=(examination.issue.key if examination.issue else None) or (issue.key if issue else None),
    )


def _why(texts: Texts, decision: Decision, values: Mapping[str, str], *, replayed: bool) -> str:
    if isinstance(decision, Distrust) and replayed:
        # A webhook that Jira does not confirm was sent by somebody else; a file is old, or was written by hand.
        return texts.say("reason.mismatch-replayed")
    if isinstance(decision, Ignore) and decision.instead_of is not None:
        would = decision.instead_of
        values = {**values, "would": _NAMES[type(would)], "why": would.reason.value}
    return texts.say(f"reason.{decision.reason.value}", **values)


def _lacking(texts: Texts, event: Event) -> Mapping[str, str]:
    if not isinstance(event, Incomplete):
        return {}
    return {"kind": event.source.kind, "lack": texts.say(f"lack.{event.lack.value}")}


def _arrival_steps(texts: Texts, late: timedelta | None) -> tuple[Step, ...]:
    if late is None:
        return ()
    text = texts.say("step.late", duration=duration(late))
    return (Step(step=ARRIVAL, outcome="late", reason=str(int(late.total_seconds())), text=text),)


def _parsed_step(texts: Texts, examination: Examination) -> Step:
    event, found = examination.event, examination.found
    kind = type(event).__name__
    asked = texts.say(f"step.found-{_FOUND.get(type(found), 'nothing')}")
    key = found.key if isinstance(found, Trigger | Remark) else ""
    name = event.source.kind or texts.say("step.no-event-name")
    return Step(
        step="parsed", outcome=kind, reason=key, text=texts.say("step.parsed", name=name, kind=kind, found=asked)
    )


def _permission_step(texts: Texts, decision: Decision, actor: Account | None) -> Step:
    if actor is None:
        return Step(step="permission", outcome="not asked", text=texts.say("step.nobody-asks"))
    if isinstance(decision, Ignore) and decision.instead_of is not None:
        decision = decision.instead_of
    if isinstance(decision, Refuse) and decision.reason in UNPERMITTED:
        text = texts.say("step.not-permitted", name=actor.label)
        return Step(step="permission", outcome="refused", reason=decision.reason.value, text=text)
    if isinstance(decision, Ignore | Distrust):
        return Step(step="permission", outcome="not asked", text=texts.say("step.not-acted-on", name=actor.label))
    return Step(step="permission", outcome="allowed", text=texts.say("step.allowed", name=actor.label))


def _unlinked_steps(decision: Decision, actor: Account | None) -> tuple[Step, ...]:
    """Keep who would have to be linked for this to be heard."""
    if isinstance(decision, Ignore) and decision.instead_of is not None:
        decision = decision.instead_of
    if actor is None or not cures.names_account(decision.reason):
        return ()
    return (Step(step=UNLINKED, outcome="not linked", text=actor.to_link),)
