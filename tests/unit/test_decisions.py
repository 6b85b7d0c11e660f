"""What a trigger leads to, and whether Jira confirms it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from jirabot.core.commands import Command, Request, Task
from jirabot.core.conversations import MessageKind, State
from jirabot.core.decisions import (
    Answer,
    Continue,
    Distrust,
    Ignore,
    ReadBack,
    Reason,
    Refuse,
    Start,
    Stop,
    confirm,
    decide,
    is_of_another_project,
    only_observed,
    unasked_by,
)
from jirabot.core.effects import AddComment, EffectKind, EffectState, OwedEffect
from jirabot.core.events import CommentCreated, Event, Incomplete, Lack, Source, Unrecognised
from jirabot.core.ids import AccountId, BackendName, CommentId, DeliveryId, EffectId, TriggerKey
from jirabot.core.issues import ChangelogEntry
from jirabot.core.people import Account, Origin
from jirabot.core.permissions import Anyone, Standing, Verdict
from jirabot.core.triggers import ByChange, ByComment, ByCreation, Remark, Trigger, TriggerKind, TriggerRemoved
from jirabot.core.visibility import Internal, Public, Restricted

from .values import ADA, BOT, BOT_HERE, GRACE, ISSUE, LATER, NOW, WS, body, comment, conversation, facts, issue, link

pytestmark = pytest.mark.fast

DEVELOPERS = Restricted(type="role", value="Developers")


def trigger(request: Request = Task(text="fix it"), **changes: Any) -> Trigger:
    given: dict[str, Any] = {
        "key": TriggerKey("comment:20001"),
        "kind": TriggerKind.MENTION,
        "issue": ISSUE,
        "actor": ADA,
        "request": request,
        "visibility": Public(),
        "evidence": ByComment(comment=comment()),
    }
    return Trigger(**{**given, **changes})


def remark(**changes: Any) -> Remark:
    given: dict[str, Any] = {
        "key": TriggerKey("comment:20001"),
        "issue": ISSUE,
        "actor": ADA,
        "comment": comment("blue"),
    }
    return Remark(**{**given, **changes})


APP = Account(id=AccountId("app"), app=True)
AUTO = link(origin=Origin.AUTO)
ANYONE: dict[str, Any] = {"who_may": Anyone()}
DENIED = Standing(verdict=Verdict.DENIED)
ASKED = conversation(State.AWAITING_INPUT, asked=ADA.id)


@pytest.mark.parametrize(
    ("found", "facts_", "type_", "reason"),
    [
        pytest.param(None, {}, Ignore, Reason.NO_TRIGGER, id="nothing asked"),
        pytest.param(TriggerRemoved(), {}, Ignore, Reason.TRIGGER_REMOVED, id="label removed"),
        pytest.param(trigger(), {"own_comment": True}, Ignore, Reason.OWN_COMMENT, id="own comment, by id or mark"),
        pytest.param(
            trigger(actor=BOT), {"link": None}, Ignore, Reason.OWN_ACCOUNT, id="service account that no link names"
        ),
        pytest.param(
            trigger(actor=BOT),
            {"link": link(BOT)},
            Start,
            Reason.STARTED,
            id="person with their own API token is heard",
        ),
        pytest.param(trigger(actor=APP), {"link": None}, Ignore, Reason.APP_ACCOUNT, id="app that is not linked"),
        pytest.param(trigger(actor=APP), {"link": link(APP)}, Start, Reason.STARTED, id="app linked by name"),
        pytest.param(trigger(), {"acted": DeliveryId("d1")}, Ignore, Reason.ALREADY_ACTED, id="acted on already"),
        pytest.param(trigger(), {"link": None}, Refuse, Reason.NOT_LINKED, id="F47: person who is not linked"),
        pytest.param(
            trigger(),
            {"link": AUTO},
            Refuse,
            Reason.NOT_LINKED,
            id="a link made by itself, where it does not count",
        ),
        pytest.param(trigger(actor=APP), {"link": AUTO, **ANYONE}, Ignore, Reason.APP_ACCOUNT, id="nor for an app"),
        pytest.param(
            trigger(actor=BOT), {"link": AUTO, **ANYONE}, Ignore, Reason.OWN_ACCOUNT, id="nor for the service account"
        ),
        pytest.param(trigger(actor=APP), {"link": None, **ANYONE}, Ignore, Reason.APP_ACCOUNT, id="an app is nobody"),
        pytest.param(trigger(), {"link": None, **ANYONE}, Start, Reason.STARTED, id="anyone"),
        pytest.param(
            trigger(), {**ANYONE, "standing": DENIED}, Refuse, Reason.NOT_ALLOWED, id="linked, and Jira says no"
        ),
        pytest.param(
            remark(),
            {"newest": ASKED, "link": None},
            Refuse,
            Reason.NOT_LINKED,
            id="F47: reply of one unlinked",
        ),
        pytest.param(
            remark(),
            {"newest": ASKED, **ANYONE, "standing": DENIED},
            Refuse,
            Reason.NOT_ALLOWED,
            id="F47: reply of one whom Jira allows no more",
        ),
        pytest.param(
            trigger(Command.HELP), {"link": None}, Refuse, Reason.NOT_LINKED, id="help for one who is not linked"
        ),
        pytest.param(trigger(Command.HELP), {}, Answer, Reason.HELPED, id="help"),
        pytest.param(trigger(Command.STOP), {}, Answer, Reason.NOTHING_TO_STOP, id="stop without a conversation"),
        pytest.param(
            trigger(Command.STOP),
            {"newest": conversation(State.COMPLETED)},
            Answer,
            Reason.NOTHING_TO_STOP,
            id="stop after the end",
        ),
        pytest.param(trigger(Command.STOP), {"newest": conversation()}, Stop, Reason.STOPPED, id="stop"),
        pytest.param(trigger(), {"agent": None}, Refuse, Reason.NO_AGENT, id="no agent configured"),
        pytest.param(trigger(), {}, Start, Reason.STARTED, id="a new conversation"),
        pytest.param(trigger(), {"newest": conversation()}, Continue, Reason.CONTINUED, id="an open conversation"),
        pytest.param(
            trigger(),
            {"newest": conversation(State.COMPLETED), "can_continue": True},
            Continue,
            Reason.REOPENED,
            id="a closed conversation whose checkout is kept",
        ),
        pytest.param(
            trigger(),
            {"newest": conversation(State.COMPLETED)},
            Start,
            Reason.STARTED,
            id="a closed conversation whose checkout is gone",
        ),
        pytest.param(
            trigger(visibility=Internal()),
            {"newest": conversation(visibility=DEVELOPERS)},
            Refuse,
            Reason.OTHER_AUDIENCE,
            id="other readers than the open conversation's",
        ),
        pytest.param(
            remark(comment=comment("blue", visibility=Internal())),
            {"newest": replace(ASKED, visibility=DEVELOPERS)},
            Refuse,
            Reason.OTHER_AUDIENCE,
            id="reply to other readers than the question's",
        ),
        pytest.param(
            trigger(visibility=DEVELOPERS),
            {"newest": conversation()},
            Continue,
            Reason.CONTINUED,
            id="fewer readers than the open conversation's",
        ),
        pytest.param(trigger(), {"is_too_old": True}, Refuse, Reason.TOO_OLD, id="too old to start"),
        pytest.param(
            trigger(), {"is_too_old": True, "newest": conversation()}, Refuse, Reason.TOO_OLD, id="too old to go on"
        ),
        pytest.param(
            trigger(), {"is_too_old": True, "link": None}, Refuse, Reason.NOT_LINKED, id="too old, of a stranger"
        ),
        pytest.param(
            trigger(Command.STOP),
            {"is_too_old": True, "newest": conversation()},
            Stop,
            Reason.STOPPED,
            id="a stop is never too old",
        ),
        pytest.param(trigger(Command.HELP), {"is_too_old": True}, Answer, Reason.HELPED, id="nor is help"),
        pytest.param(remark(), {"is_too_old": True, "newest": ASKED}, Refuse, Reason.TOO_OLD, id="reply too old"),
        pytest.param(remark(), {"is_too_old": True}, Ignore, Reason.NOT_ASKED, id="old remark that nobody waits for"),
        pytest.param(remark(), {}, Ignore, Reason.NOT_ASKED, id="remark without a conversation"),
        pytest.param(remark(), {"newest": conversation()}, Ignore, Reason.NOT_ASKED, id="remark while it works"),
        pytest.param(remark(), {"newest": ASKED}, Continue, Reason.ANSWERED, id="reply of the person asked"),
        pytest.param(remark(actor=GRACE), {"newest": ASKED}, Ignore, Reason.NOT_ASKED, id="reply of another person"),
        pytest.param(
            remark(),
            {"newest": conversation(State.CREATED, asked=ADA.id)},
            Continue,
            Reason.ANSWERED,
            id="reply to which repository",
        ),
        pytest.param(
            remark(),
            {"newest": conversation(State.EXPIRED, asked=ADA.id)},
            Continue,
            Reason.ANSWERED,
            id="reply to an expired question",
        ),
        pytest.param(remark(), {"own_comment": True, "newest": ASKED}, Ignore, Reason.OWN_COMMENT, id="own question"),
    ],
)
def test_decide(found: Any, facts_: dict, type_: type, reason: Reason) -> None:
    decision = decide(found, facts(**facts_))

    assert (type(decision), decision.reason) == (type_, reason)


def asked(state: EffectState, comment_id: str | None = None, **changes: Any) -> OwedEffect:
    """The question of a conversation, sent at `NOW` if it was."""
    question = AddComment(kind=EffectKind.QUESTION, text="Which colour?", visibility=Public())
    given: dict[str, Any] = {
        "id": EffectId("e1"),
        "workspace_id": WS,
        "issue_id": ISSUE.id,
        "conversation_id": ASKED.id,
        "cause": "run:1",
        "seq": 0,
        "effect": question,
        "state": state,
        "due_at": NOW,
        "sent_at": None if state is EffectState.PENDING else NOW,
        "comment_id": CommentId(comment_id) if comment_id else None,
    }
    return OwedEffect(**{**given, **changes})


BEFORE, AFTER = NOW - timedelta(seconds=10), NOW + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("question", "id_", "created_at", "is_answer"),
    [
        pytest.param(asked(EffectState.SENT, "20000"), "20001", AFTER, True, id="after the question"),
        pytest.param(asked(EffectState.SENT, "20002"), "20001", BEFORE, False, id="before the question"),
        pytest.param(asked(EffectState.SENT, "9999"), "10000", BEFORE, True, id="ids are numbers; its clock is behind"),
        pytest.param(asked(EffectState.SENT, "10000"), "9999", BEFORE, False, id="ids are numbers"),
        pytest.param(asked(EffectState.SENT, "20002"), "20001", AFTER, True, id="numbered by another node"),
        pytest.param(asked(EffectState.SENDING), "20001", AFTER, True, id="after it was sent, by an answer not heard"),
        pytest.param(asked(EffectState.SENDING), "20001", NOW, True, id="as it was sent"),
        pytest.param(asked(EffectState.SENDING), "20001", BEFORE, False, id="before it was sent"),
        pytest.param(asked(EffectState.SENDING), "20001", None, True, id="nobody knows when"),
        pytest.param(asked(EffectState.PENDING), "20001", AFTER, False, id="not sent yet"),
        pytest.param(asked(EffectState.PENDING, sent_at=NOW), "20001", AFTER, False, id="refused, to be sent again"),
        pytest.param(asked(EffectState.DEAD), "20001", AFTER, False, id="refused for good"),
        pytest.param(asked(EffectState.DISCARDED), "20001", AFTER, False, id="given up by a person"),
        pytest.param(None, "20001", AFTER, True, id="a question that is forgotten"),
    ],
)
@pytest.mark.parametrize("state", [State.AWAITING_INPUT, State.CREATED, State.EXPIRED])
def test_a_reply_comes_after_its_question(
    question: OwedEffect | None, id_: str, created_at: datetime | None, is_answer: bool, state: State
) -> None:
    """A remark that is looked at only now, by a poll or a late webhook, answers nothing that was asked since."""
    written = replace(comment("blue", id=id_), created_at=created_at)
    waiting = conversation(state, asked=ADA.id)

    decision = decide(remark(comment=written), facts(newest=waiting, question=question))

    assert decision.reason is (Reason.ANSWERED if is_answer else Reason.NOT_ASKED)


@pytest.mark.parametrize(
    "decision",
    [
        Start(trigger=trigger(), agent=BackendName("local")),
        Refuse(trigger=trigger(), reason=Reason.NOT_LINKED),
        Answer(trigger=trigger(), reason=Reason.HELPED),
        Stop(conversation=conversation(), trigger=trigger()),
        Continue(conversation=ASKED, trigger=remark(), kind=MessageKind.ANSWER, reason=Reason.ANSWERED),
    ],
    ids=lambda decision: type(decision).__name__,
)
def test_what_would_be_seen_is_only_recorded_where_it_is_observed(decision: Any) -> None:
    assert only_observed(decision) == Ignore(reason=Reason.OBSERVED, instead_of=decision)


@pytest.mark.parametrize("decision", [Ignore(reason=Reason.GONE), Distrust()], ids=["ignored", "not to be trusted"])
def test_what_is_not_seen_is_recorded_as_ever(decision: Any) -> None:
    assert only_observed(decision) is decision


@pytest.mark.parametrize(
    ("projects", "elsewhere"),
    [((), False), (("PAY",), False), (("web", "pay"), False), (("WEB",), True), (("PAYMENTS",), True)],
)
def test_an_issue_is_of_the_projects_or_of_another(projects: tuple[str, ...], elsewhere: bool) -> None:
    assert is_of_another_project("PAY", projects) is elsewhere


SOURCE = Source(kind="comment_created", issue=ISSUE, actor=ADA, actor_from="user", base_url="")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param(CommentCreated(source=SOURCE, issue=ISSUE, comment=comment()), Reason.NO_TRIGGER, id="known"),
        pytest.param(Incomplete(source=SOURCE, lack=Lack.COMMENT), Reason.INCOMPLETE, id="incomplete"),
        pytest.param(Unrecognised(source=SOURCE), Reason.UNKNOWN_EVENT, id="unknown"),
    ],
)
def test_why_an_event_asks_nothing_is_told_by_what_it_is(event: Event, reason: Reason) -> None:
    assert decide(None, facts(), unasked=unasked_by(event)) == Ignore(reason=reason)


def test_a_mention_that_answers_a_question_is_an_answer() -> None:
    decision = decide(trigger(), facts(newest=ASKED))

    assert isinstance(decision, Continue)
    assert decision.kind is MessageKind.ANSWER


def test_a_new_conversation_knows_the_closed_one() -> None:
    closed = conversation(State.STOPPED)
    decision = decide(trigger(), facts(newest=closed))

    assert isinstance(decision, Start)
    assert decision.previous == closed


HERE = issue(labels=("openhands",), description=body("see @openhands"))
ENTRY = ChangelogEntry(id="301", author=ADA, labels_added=("openhands",), labels_removed=())
LABELLED = trigger(evidence=ByChange(changelog_id="301", label="openhands"))
CREATED = trigger(evidence=ByCreation(label="openhands"))


@pytest.mark.parametrize(
    ("found", "read", "result"),
    [
        pytest.param(trigger(), ReadBack(issue=HERE, comment=comment()), Trigger, id="the comment stands"),
        pytest.param(
            trigger(),
            ReadBack(issue=HERE, comment=comment(" @openhands fix it \r\n")),
            Trigger,
            id="line ends and outer blanks do not matter",
        ),
        pytest.param(trigger(), ReadBack(issue=HERE), Ignore(reason=Reason.GONE), id="the comment is gone"),
        pytest.param(trigger(), ReadBack(issue=None), Ignore(reason=Reason.GONE), id="the issue is gone"),
        pytest.param(trigger(), ReadBack(issue=HERE, comment=comment(author=GRACE)), Distrust(), id="another author"),
        pytest.param(
            trigger(),
            ReadBack(issue=HERE, comment=comment(author=GRACE, updated_at=LATER)),
            Distrust(),
            id="another author, edited since",
        ),
        pytest.param(
            trigger(), ReadBack(issue=HERE, comment=comment("hello")), Distrust(), id="another text, not edited since"
        ),
        pytest.param(
            trigger(evidence=ByComment(comment=comment(author=GRACE, editor=ADA))),
            ReadBack(issue=HERE, comment=comment(author=GRACE)),
            Distrust(),
            id="an editor whom Jira does not know of",
        ),
        pytest.param(
            trigger(),
            ReadBack(issue=HERE, comment=comment("hello", updated_at=LATER)),
            Ignore(reason=Reason.NO_LONGER_ASKED),
            id="edited since, asks no longer",
        ),
        pytest.param(
            trigger(),
            ReadBack(issue=HERE, comment=comment("@openhands other", updated_at=LATER)),
            Trigger,
            id="edited since, asks for something else",
        ),
        pytest.param(remark(), ReadBack(issue=HERE, comment=comment("blue")), Remark, id="the reply stands"),
        pytest.param(LABELLED, ReadBack(issue=HERE, change=ENTRY), Trigger, id="the change stands"),
        pytest.param(LABELLED, ReadBack(issue=HERE), Distrust(), id="no such change"),
        pytest.param(
            LABELLED, ReadBack(issue=HERE, change=replace(ENTRY, author=GRACE)), Distrust(), id="another's change"
        ),
        pytest.param(
            LABELLED,
            ReadBack(issue=HERE, change=replace(ENTRY, labels_added=("bug",))),
            Distrust(),
            id="the change added another label",
        ),
        pytest.param(
            LABELLED,
            ReadBack(issue=issue(), change=ENTRY),
            Ignore(reason=Reason.NO_LONGER_ASKED),
            id="the label is gone again",
        ),
        pytest.param(CREATED, ReadBack(issue=HERE), Trigger, id="created with the label"),
        pytest.param(CREATED, ReadBack(issue=replace(HERE, creator=GRACE)), Distrust(), id="created by another"),
        pytest.param(
            CREATED, ReadBack(issue=issue()), Ignore(reason=Reason.NO_LONGER_ASKED), id="label and mention are gone"
        ),
    ],
)
def test_confirm(found: Any, read: ReadBack, result: Any) -> None:
    confirmed = confirm(found, read, BOT_HERE)

    assert isinstance(confirmed, result) if isinstance(result, type) else confirmed == result


FORGED = Account(id=ADA.id, name="grace", display_name="Grace Hopper", customer=False)
TOLD = replace(ADA, customer=True)


@pytest.mark.parametrize(
    ("found", "read"),
    [
        pytest.param(trigger(actor=FORGED), ReadBack(issue=HERE, comment=comment(author=TOLD)), id="a mention"),
        pytest.param(remark(actor=FORGED), ReadBack(issue=HERE, comment=comment("blue", author=TOLD)), id="a reply"),
        pytest.param(
            replace(LABELLED, actor=FORGED), ReadBack(issue=HERE, change=replace(ENTRY, author=TOLD)), id="the label"
        ),
        pytest.param(replace(CREATED, actor=FORGED), ReadBack(issue=replace(HERE, creator=TOLD)), id="a creation"),
    ],
)
def test_what_an_account_is_is_taken_from_jira(found: Any, read: ReadBack) -> None:
    """A role's members are known by their logins on Data Center, and customers by their kind on Cloud."""
    confirmed = confirm(found, read, BOT_HERE)

    assert isinstance(confirmed, Trigger | Remark)
    assert (confirmed.actor.name, confirmed.actor.customer) == ("ada", True)


def test_the_present_text_of_an_edited_comment_is_judged() -> None:
    edited = comment("@openhands stop", updated_at=LATER)
    confirmed = confirm(trigger(), ReadBack(issue=HERE, comment=edited), BOT_HERE)

    assert isinstance(confirmed, Trigger)
    assert confirmed.request is Command.STOP


@pytest.mark.parametrize("found", [trigger(), remark()], ids=["a mention", "a reply"])
def test_a_text_that_somebody_else_edited_since_is_theirs(found: Any) -> None:
    edited = comment("@openhands other", editor=GRACE, updated_at=LATER)
    confirmed = confirm(found, ReadBack(issue=HERE, comment=edited), BOT_HERE)

    assert isinstance(confirmed, Trigger | Remark)
    assert confirmed.actor == GRACE


def test_who_may_read_the_comment_is_taken_from_jira() -> None:
    """A delivery that leaves out the restriction does not make the answer public."""
    restricted = comment(visibility=DEVELOPERS)
    confirmed = confirm(trigger(), ReadBack(issue=HERE, comment=restricted), BOT_HERE)

    assert isinstance(confirmed, Trigger)
    assert confirmed.visibility == DEVELOPERS


def test_the_key_of_the_issue_is_taken_from_jira() -> None:
    nameless = trigger(issue=ISSUE._replace(key=None))
    confirmed = confirm(nameless, ReadBack(issue=HERE, comment=comment()), BOT_HERE)

    assert isinstance(confirmed, Trigger)
    assert confirmed.issue.key == "PAY-7"
