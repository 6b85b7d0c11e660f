"""Whether an issue is told that an event of it was given up, who may read that, and why it says it was."""

from datetime import timedelta
from typing import Any

import pytest

from jirabot.core.commands import Task
from jirabot.core.conversations import MessageKind, State
from jirabot.core.decisions import Answer, Continue, Distrust, Ignore, Reason, Refuse, Start, Stop
from jirabot.core.given_up import Cause, Notice, cause_of, notice
from jirabot.core.ids import BackendName, IssueId, TriggerKey
from jirabot.core.issues import IssueRef
from jirabot.core.triggers import ByChange, ByComment, Remark, Trigger, TriggerKind
from jirabot.core.visibility import Internal, Public, Restricted, Visibility
from jirabot.errors import (
    BudgetSpent,
    ConsentNeeded,
    JirabotError,
    JiraBroken,
    JiraGone,
    JiraRefused,
    JiraRejected,
    JiraSilent,
    JiraUnreachable,
)

from .values import ADA, ISSUE, NOW, comment, conversation

pytestmark = pytest.mark.fast

DEVELOPERS = Restricted(type="role", value="Developers")
LABEL = ByChange(changelog_id="7", label="openhands")


def trigger(visibility: Visibility = Public(), *, issue: IssueRef = ISSUE, evidence: Any = None) -> Trigger:
    return Trigger(
        key=TriggerKey("comment:20001"),
        kind=TriggerKind.MENTION,
        issue=issue,
        actor=ADA,
        request=Task(text="fix it"),
        visibility=visibility,
        evidence=evidence or ByComment(comment=comment(visibility=visibility)),
    )


def remark(visibility: Visibility = Public()) -> Remark:
    return Remark(
        key=TriggerKey("comment:20001"), issue=ISSUE, actor=ADA, comment=comment("blue", visibility=visibility)
    )


def start(visibility: Visibility = Public(), **changes: Any) -> Start:
    return Start(trigger=trigger(visibility, **changes), agent=BackendName("local"))


def replied(visibility: Visibility = Public()) -> Continue:
    asking = conversation(State.AWAITING_INPUT, asked=ADA.id)
    return Continue(conversation=asking, trigger=remark(visibility), kind=MessageKind.ANSWER, reason=Reason.ANSWERED)


def refuse(reason: Reason) -> Refuse:
    return Refuse(trigger=trigger(), reason=reason)


def told(decision: Any, **changes: Any) -> Notice | None:
    given: dict[str, Any] = {"mode": "act", "projects": (), "service_desk": "public", "now": NOW}
    return notice(decision, **{**given, **changes})


@pytest.mark.parametrize(
    ("decision", "settings"),
    [
        pytest.param(start(), {}, id="a mention"),
        pytest.param(start(evidence=LABEL), {}, id="the label"),
        pytest.param(replied(), {}, id="the reply to a question"),
        pytest.param(Stop(conversation=conversation(), trigger=trigger()), {}, id="stop"),
        pytest.param(Answer(trigger=trigger(), reason=Reason.HELPED), {}, id="help"),
        pytest.param(refuse(Reason.TOO_OLD), {}, id="what came too late"),
        pytest.param(refuse(Reason.NO_AGENT), {}, id="without an agent"),
        pytest.param(refuse(Reason.OTHER_AUDIENCE), {}, id="with other readers than the open conversation's"),
        pytest.param(start(), {"projects": ("WEB", "pay")}, id="in a project that the workspace is for"),
    ],
)
def test_who_asked_is_told(decision: Any, settings: dict[str, Any]) -> None:
    owed = told(decision, **settings)

    assert owed is not None
    assert owed.issue_id == "10007"


@pytest.mark.parametrize(
    ("decision", "settings"),
    [
        pytest.param(Ignore(reason=Reason.NO_TRIGGER), {}, id="nothing was asked"),
        pytest.param(Ignore(reason=Reason.NOT_ASKED), {}, id="nobody waits for the remark"),
        pytest.param(Ignore(reason=Reason.OWN_COMMENT), {}, id="the bot's own comment"),
        pytest.param(Ignore(reason=Reason.OWN_ACCOUNT), {}, id="the bot's own account"),
        pytest.param(Ignore(reason=Reason.APP_ACCOUNT), {}, id="an app"),
        pytest.param(Ignore(reason=Reason.ALREADY_ACTED), {}, id="acted on by another event"),
        pytest.param(Distrust(), {}, id="what Jira does not confirm"),
        pytest.param(refuse(Reason.NOT_LINKED), {}, id="who is not linked"),
        pytest.param(refuse(Reason.LINK_ENDED), {}, id="whose link was ended"),
        pytest.param(start(), {"mode": "observe"}, id="where it is only observed"),
        pytest.param(replied(), {"mode": "observe"}, id="a reply where it is only observed"),
        pytest.param(start(), {"projects": ("WEB", "PAYMENTS")}, id="in another project"),
        pytest.param(
            start(issue=IssueRef(id=IssueId("10007"))), {"projects": ("PAY",)}, id="in a project that is not told"
        ),
    ],
)
def test_nobody_is_told(decision: Any, settings: dict[str, Any]) -> None:
    assert told(decision, **settings) is None


@pytest.mark.parametrize("of", [start, replied])
@pytest.mark.parametrize(
    ("asked", "service_desk", "answered"),
    [
        pytest.param(Public(), "internal", Internal(), id="public, which may be a service desk's"),
        pytest.param(Public(), "public", Public(), id="public, and so is the service desk"),
        pytest.param(DEVELOPERS, "internal", DEVELOPERS, id="restricted"),
        pytest.param(DEVELOPERS, "public", DEVELOPERS, id="restricted, on a public service desk"),
        pytest.param(Internal(), "public", Internal(), id="internal"),
    ],
)
def test_it_is_read_by_no_more_people_than_what_was_asked(
    of: Any, asked: Visibility, service_desk: str, answered: Visibility
) -> None:
    owed = told(of(asked), service_desk=service_desk)

    assert owed is not None
    assert owed.visibility == answered


def test_it_is_told_once_a_day_issue_and_readers() -> None:
    later = NOW + timedelta(hours=11)
    names = [
        owed.once if owed else ""
        for owed in (
            told(start()),
            told(replied(), now=later),
            told(start(), now=NOW + timedelta(days=1)),
            told(start(issue=IssueRef(id=IssueId("10008")))),
            told(start(DEVELOPERS)),
        )
    ]

    assert names[0] == names[1]
    assert len(set(names)) == 4
    assert trigger().key not in names


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (JiraUnreachable("no connection to http://10.0.0.7"), Cause.JIRA),
        (JiraSilent("no answer"), Cause.JIRA),
        (JiraBroken("503"), Cause.JIRA),
        (JiraRefused("401"), Cause.JIRA),
        (ConsentNeeded("consent"), Cause.JIRA),
        (JiraRejected("400", status=400), Cause.JIRA),
        (JiraGone("404", status=404), Cause.JIRA),
        (BudgetSpent("spent", retry_after_seconds=1), Cause.JIRA),
        (JirabotError("a fault in jirabot: `KeyError`"), Cause.INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, JirabotError) else "",
)
def test_it_says_whose_failure_it_was(error: JirabotError, cause: Cause) -> None:
    assert cause_of(error) is cause
