"""What a trigger leads to. Functions of values: the facts are gathered by the pipeline. Pure.

`decide` asks its questions in the order of DESIGN.md section 2; `confirm` judges what was read back from Jira.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from jirabot.core.bodies import Body
from jirabot.core.commands import Command, request_in
from jirabot.core.conversations import Conversation, MessageKind, State
from jirabot.core.effects import EffectState, OwedEffect
from jirabot.core.events import Event, Incomplete, Unrecognised
from jirabot.core.ids import AccountId, BackendName, CommentId, DeliveryId
from jirabot.core.issues import ChangelogEntry, Issue, IssueComment
from jirabot.core.people import Account, Link
from jirabot.core.permissions import Denied, Standing, WhoMay, allowed, is_named
from jirabot.core.triggers import (
    Bot,
    ByChange,
    ByComment,
    ByCreation,
    Order,
    Remark,
    Trigger,
    TriggerRemoved,
    mention,
)
from jirabot.core.visibility import narrower


class Reason(StrEnum):
    """Why a delivery came to its outcome; each has a sentence for people, `reason.<code>` in the texts."""

    NO_TRIGGER = "no-trigger"
    UNKNOWN_EVENT = "unknown-event"
    INCOMPLETE = "incomplete"
    TRIGGER_REMOVED = "trigger-removed"
    NOT_ASKED = "not-asked"
    OWN_COMMENT = "own-comment"
    OWN_ACCOUNT = "own-account"
    APP_ACCOUNT = "app-account"
    ALREADY_ACTED = "already-acted"
    OBSERVED = "observed"
    GONE = "gone"
    NO_LONGER_ASKED = "no-longer-asked"
    OTHER_PROJECT = "other-project"
    NOT_LINKED = "not-linked"
    LINK_ENDED = "link-ended"
    NOT_ALLOWED = "not-allowed"
    CUSTOMER = "customer"
    PERMISSION_UNREADABLE = "permission-unreadable"
    NO_AGENT = "no-agent"
    OTHER_AUDIENCE = "other-audience"
    TOO_OLD = "too-old"
    HOST_MISMATCH = "host-mismatch"
    MISMATCH = "mismatch"
    INVALID_PAYLOAD = "invalid-payload"
    GIVEN_UP = "given-up"
    TRY_AGAIN = "try-again"
    PAUSED = "paused"
    SWITCHED_OFF = "switched-off"
    DISCARDED = "discarded"
    GAP = "gap"
    CAUGHT_UP = "caught-up"
    STARTED = "started"
    CONTINUED = "continued"
    REOPENED = "reopened"
    ANSWERED = "answered"
    HELPED = "helped"
    STOPPED = "stopped"
    NOTHING_TO_STOP = "nothing-to-stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Begin a new conversation; `previous` is the closed one whose result it should know."""

    trigger: Trigger
    agent: BackendName
    previous: Conversation | None = None
    reason: Reason = Reason.STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Give what was asked to the issue's conversation, which is made active again where it is closed."""

    conversation: Conversation
    trigger: Trigger | Remark | Order
    kind: MessageKind
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the conversation's run, or its waiting."""

    conversation: Conversation
    trigger: Trigger | Order
    reason: Reason = Reason.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Say something on the issue and do nothing else."""

    trigger: Trigger
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Decline, and tell the person why."""

    trigger: Trigger | Remark
    reason: Reason


ECHOES = frozenset({Reason.OWN_COMMENT, Reason.OWN_ACCOUNT, Reason.ALREADY_ACTED})
"""What the bot's own comments lead to, and the second copy that Data Center sends of each: true, but nobody's story."""

UNPERMITTED = frozenset(Reason(denied.value) for denied in Denied)
"""The reasons by which somebody may not trigger the bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """Nothing is asked of the bot, or nothing that it may hear. `instead_of`: what is only observed."""

    reason: Reason
    instead_of: "Acting | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distrust:
    """Jira does not say what the delivery says: somebody may hold the webhook's secret. Kept as dead, with an alert."""

    reason: Reason = Reason.MISMATCH


Decision = Start | Continue | Stop | Answer | Refuse | Ignore | Distrust
Acting = Start | Continue | Stop | Answer | Refuse
"""The decisions that do something that can be seen, and so are taken only on what Jira itself confirms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What `decide` must know beside the trigger. `newest` is the issue's newest conversation, open or closed.

    `link` is the newest of the account that asks, active or ended; `standing` is what Jira says of it.
    """

    service_account: Account
    own_comment: bool
    link: Link | None
    who_may: WhoMay
    standing: Standing
    acted: DeliveryId | None
    newest: Conversation | None
    question: OwedEffect | None
    """What the newest conversation asked last, if it waits for the account that asks; None: nothing that is known."""
    can_continue: bool
    """The newest conversation is closed, and its checkout is kept; or no agent has begun in it."""
    agent: BackendName | None
    is_too_old: bool
    """The delivery came longer ago than a session lasts."""


def decide(
    found: Trigger | Remark | TriggerRemoved | None, facts: Facts, *, unasked: Reason = Reason.NO_TRIGGER
) -> Decision:
    """Choose what *found* leads to. *unasked*: why, where nothing is found."""
    if found is None and facts.own_comment:
        return Ignore(reason=Reason.OWN_COMMENT)
    if found is None:
        return Ignore(reason=unasked)
    if isinstance(found, TriggerRemoved):
        return Ignore(reason=Reason.TRIGGER_REMOVED)
    if unheard := _unheard(found, facts):
        return Ignore(reason=unheard)
    return _answer_to(found, facts) if isinstance(found, Remark) else _triggered(found, facts)


def unasked_by(event: Event) -> Reason:
    """Say why an event in which nothing was found asks nothing."""
    match event:
        case Unrecognised():
            return Reason.UNKNOWN_EVENT
        case Incomplete():
            return Reason.INCOMPLETE
        case _:
            return Reason.NO_TRIGGER


def only_observed(decision: Decision) -> Decision:
    """Put what is recorded in place of what would be done, where a workspace only observes."""
    return Ignore(reason=Reason.OBSERVED, instead_of=decision) if isinstance(decision, Acting) else decision


def is_of_another_project(project_key: str, projects: Sequence[str]) -> bool:
    """Say whether a project is none of the *projects* that a workspace is for; without any it is for all."""
    return bool(projects) and project_key.upper() not in {key.upper() for key in projects}


def _unheard(found: Trigger | Remark, facts: Facts) -> Reason | None:
    """The loop guard, then what was acted on already.

    The service account alone decides only where no link names it: a person who tries jirabot with their own API
    token is heard.
    """
    if facts.own_comment:
        return Reason.OWN_COMMENT
    if not is_named(facts.link) and found.actor.id == facts.service_account.id:
        return Reason.OWN_ACCOUNT
    if not is_named(facts.link) and found.actor.app:
        return Reason.APP_ACCOUNT
    if facts.acted is not None:
        return Reason.ALREADY_ACTED
    return None


def _answer_to(remark: Remark, facts: Facts) -> Decision:
    waiting = facts.newest
    if waiting is None or not waits_for(waiting, remark.actor.id) or not _came_after(remark.comment, facts.question):
        return Ignore(reason=Reason.NOT_ASKED)
    if unpermitted := _unpermitted(facts):
        return Refuse(trigger=remark, reason=unpermitted)
    if narrower(waiting.visibility, remark.comment.visibility) is None:
        return Refuse(trigger=remark, reason=Reason.OTHER_AUDIENCE)
    if facts.is_too_old:
        return Refuse(trigger=remark, reason=Reason.TOO_OLD)
    return Continue(conversation=waiting, trigger=remark, kind=MessageKind.ANSWER, reason=Reason.ANSWERED)


def waits_for(conversation: Conversation, account: AccountId) -> bool:
    """Say whether the conversation waits for this person's plain reply; an expired question counts too."""
    waits = conversation.state in (State.AWAITING_INPUT, State.CREATED, State.EXPIRED)
    return waits and conversation.asked == account


def _came_after(comment: IssueComment, question: OwedEffect | None) -> bool:
    """Say whether a comment was written when *question* stood on the issue, or may have stood there already.

    A higher id or a later time is enough: two nodes of one Jira may number side by side, and two clocks differ.
    """
    if question is None:
        return True
    if question.state not in (EffectState.SENDING, EffectState.SENT):
        return False
    if question.comment_id is not None and _number(comment.id) > _number(question.comment_id):
        return True
    return comment.created_at is None or question.sent_at is None or comment.created_at >= question.sent_at


def _number(comment_id: CommentId) -> int:
    return int(comment_id) if comment_id.isdecimal() else 0


def _unpermitted(facts: Facts) -> Reason | None:
    denied = allowed(facts.who_may, facts.link, facts.standing)
    return Reason(denied.value) if denied else None


def _triggered(trigger: Trigger, facts: Facts) -> Decision:
    if unpermitted := _unpermitted(facts):
        return Refuse(trigger=trigger, reason=unpermitted)
    if trigger.request is Command.HELP:
        return Answer(trigger=trigger, reason=Reason.HELPED)
    if trigger.request is Command.STOP:
        if facts.newest is None or not facts.newest.is_open:
            return Answer(trigger=trigger, reason=Reason.NOTHING_TO_STOP)
        return Stop(conversation=facts.newest, trigger=trigger)
    return _tasked(trigger, facts)


def _tasked(trigger: Trigger, facts: Facts) -> Decision:
    if facts.is_too_old:
        return Refuse(trigger=trigger, reason=Reason.TOO_OLD)
    if facts.newest is not None and facts.newest.is_open:
        if narrower(facts.newest.visibility, trigger.visibility) is None:
            return Refuse(trigger=trigger, reason=Reason.OTHER_AUDIENCE)
        kind = MessageKind.ANSWER if waits_for(facts.newest, trigger.actor.id) else MessageKind.REQUEST
        return Continue(conversation=facts.newest, trigger=trigger, kind=kind, reason=Reason.CONTINUED)
    if facts.agent is None:
        return Refuse(trigger=trigger, reason=Reason.NO_AGENT)
    if facts.newest is not None and _may_go_on(facts.newest, trigger, facts):
        return Continue(conversation=facts.newest, trigger=trigger, kind=MessageKind.REQUEST, reason=Reason.REOPENED)
    return Start(trigger=trigger, agent=facts.agent, previous=facts.newest)


def _may_go_on(closed: Conversation, trigger: Trigger, facts: Facts) -> bool:
    return facts.can_continue and narrower(closed.visibility, trigger.visibility) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """What Jira itself says of a trigger: the comment, the changelog entry, and the issue. None: it is not there."""

    issue: Issue | None
    comment: IssueComment | None = None
    change: ChangelogEntry | None = None


def confirm(found: Trigger | Remark, read: ReadBack, bot: Bot) -> Trigger | Remark | Ignore | Distrust:
    """Compare *found* with what Jira says now: who wrote it, and the text, line ends and outer blanks aside.

    The same author and a later `updated`: the present text is judged, as its writer's. Otherwise the delivery is not to
    be trusted. Who asks is taken over as Jira tells it: a name or kind of account decides who may.
    """
    if read.issue is None:
        return Ignore(reason=Reason.GONE)
    issue = found.issue._replace(key=read.issue.key)
    found = replace(found, issue=issue)
    evidence = ByComment(comment=found.comment) if isinstance(found, Remark) else found.evidence
    match evidence:
        case ByComment(comment=told):
            return _confirm_comment(found, told, read.comment, bot)
        case ByChange(label=label):
            return _confirm_change(found, label, read.change, read.issue)
        case ByCreation(label=label):
            return _confirm_creation(found, label, read.issue, bot)


def _confirm_comment(
    found: Trigger | Remark, told: IssueComment, stands: IssueComment | None, bot: Bot
) -> Trigger | Remark | Ignore | Distrust:
    if stands is None:
        return Ignore(reason=Reason.GONE)
    if stands.author.id != told.author.id:
        return Distrust()
    if stands.writer.id == told.writer.id and _same_text(stands.body, told.body):
        return _with_comment(found, replace(stands, body=told.body))
    if not (stands.updated_at and told.updated_at and stands.updated_at > told.updated_at):
        return Distrust()
    if isinstance(found, Remark):
        return replace(found, actor=stands.writer, comment=stands)
    return mention(found.issue, stands, bot) or Ignore(reason=Reason.NO_LONGER_ASKED)


def _with_comment(found: Trigger | Remark, comment: IssueComment) -> Trigger | Remark:
    """Take over from Jira who may read the comment, and what its writer is: the delivery may say otherwise."""
    if isinstance(found, Remark):
        return replace(found, actor=comment.writer, comment=comment)
    return replace(found, actor=comment.writer, visibility=comment.visibility, evidence=ByComment(comment=comment))


def _same_text(one: Body, other: Body) -> bool:
    def plain(body: Body) -> str:
        return body.raw.replace("\r\n", "\n").replace("\r", "\n").strip()

    # A webhook may carry as ADF what the REST API gives as wiki markup: then the Markdown of both is compared.
    return plain(one) == plain(other) or one.markdown.strip() == other.markdown.strip()


def _confirm_change(
    found: Trigger | Remark, label: str, change: ChangelogEntry | None, issue: Issue
) -> Trigger | Remark | Ignore | Distrust:
    if change is None or change.author is None or change.author.id != found.actor.id:
        return Distrust()
    if label not in change.labels_added:
        return Distrust()
    found = replace(found, actor=change.author)
    return found if label in issue.labels else Ignore(reason=Reason.NO_LONGER_ASKED)


def _confirm_creation(
    found: Trigger | Remark, label: str, issue: Issue, bot: Bot
) -> Trigger | Remark | Ignore | Distrust:
    if issue.creator is None or issue.creator.id != found.actor.id:
        return Distrust()
    found = replace(found, actor=issue.creator)
    mentioned = request_in(issue.description, bot.address) is not None
    return found if label in issue.labels or mentioned else Ignore(reason=Reason.NO_LONGER_ASKED)
