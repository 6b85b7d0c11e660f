"""Which events ask the bot for something."""

from typing import Any

import pytest

from jirabot.core.commands import Task
from jirabot.core.events import (
    CommentCreated,
    CommentDeleted,
    CommentEdited,
    Event,
    Incomplete,
    IssueCreated,
    IssueUpdated,
    Lack,
    Source,
    Unrecognised,
    labels_of,
)
from jirabot.core.triggers import Bot, Remark, Trigger, TriggerKind, TriggerRemoved, detect

from .values import ADA, BOT_HERE, GRACE, ISSUE, body, comment

pytestmark = pytest.mark.fast

SOURCE = Source(kind="x", issue=ISSUE, actor=ADA, actor_from="user", base_url="https://jira.example")


def updated(**changes: Any) -> IssueUpdated:
    given: dict[str, Any] = {
        "source": SOURCE,
        "issue": ISSUE,
        "changelog_id": "301",
        "labels_added": (),
        "labels_removed": (),
    }
    return IssueUpdated(**{**given, **changes})


def created(*labels: str, text: str = "") -> IssueCreated:
    return IssueCreated(source=SOURCE, issue=ISSUE, labels=labels, description=body(text))


def commented(text: str) -> CommentCreated:
    return CommentCreated(source=SOURCE, issue=ISSUE, comment=comment(text))


@pytest.mark.parametrize(
    ("event", "key", "kind"),
    [
        pytest.param(commented("@openhands go"), "comment:20001", TriggerKind.MENTION, id="a mention in a comment"),
        pytest.param(
            CommentEdited(source=SOURCE, issue=ISSUE, comment=comment("@openhands go")),
            "comment:20001",
            TriggerKind.MENTION,
            id="an edited comment has the key of the comment",
        ),
        pytest.param(updated(labels_added=("openhands",)), "changelog:301", TriggerKind.LABEL, id="the label is added"),
        pytest.param(updated(labels_added=("OpenHands",)), "changelog:301", TriggerKind.LABEL, id="in any case"),
        pytest.param(created("bug", "openhands"), "created:10007", TriggerKind.LABEL, id="the label at creation"),
        pytest.param(
            created(text="@openhands please"), "created:10007", TriggerKind.MENTION, id="a mention in the description"
        ),
        pytest.param(
            updated(comment=comment("@openhands go"), labels_added=("openhands",)),
            "comment:20001",
            TriggerKind.MENTION,
            id="a comment with a change comes first",
        ),
    ],
)
def test_triggers(event: Event, key: str, kind: TriggerKind) -> None:
    found = detect(event, BOT_HERE)

    assert isinstance(found, Trigger)
    assert (found.key, found.kind, found.actor) == (key, kind, ADA)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(updated(labels_added=("openhands-later",)), id="a longer label"),
        pytest.param(updated(labels_added=("bug",)), id="another label"),
        pytest.param(updated(labels_added=("openhands",), changelog_id=""), id="a change without id"),
        pytest.param(created("bug", text="no mention"), id="an ordinary creation"),
        pytest.param(CommentDeleted(source=SOURCE, issue=ISSUE, comment=comment()), id="a deleted comment"),
        pytest.param(CommentEdited(source=SOURCE, issue=ISSUE, comment=comment("hello")), id="an edit without mention"),
        pytest.param(Incomplete(source=SOURCE, lack=Lack.COMMENT_AUTHOR), id="an incomplete event"),
        pytest.param(Unrecognised(source=SOURCE), id="an unknown event"),
    ],
)
def test_no_triggers(event: Event) -> None:
    assert detect(event, BOT_HERE) is None


def test_a_plain_comment_is_a_remark() -> None:
    found = detect(commented("yes, blue"), BOT_HERE)

    assert isinstance(found, Remark)
    assert (found.key, found.actor) == ("comment:20001", ADA)


def test_the_label_taken_away_is_told() -> None:
    assert detect(updated(labels_removed=("openhands",)), BOT_HERE) == TriggerRemoved()


def test_an_edited_comment_speaks_for_its_editor() -> None:
    """Whoever may edit others' comments can't speak in their name."""
    edited = comment("@openhands go", author=ADA, editor=GRACE)
    found = detect(CommentEdited(source=SOURCE, issue=ISSUE, comment=edited), BOT_HERE)

    assert isinstance(found, Trigger)
    assert found.actor == GRACE


def test_a_kind_that_is_switched_off_does_not_trigger() -> None:
    mute = Bot(address=BOT_HERE.address, label="openhands", kinds=frozenset({TriggerKind.LABEL}))

    assert isinstance(detect(commented("@openhands go"), mute), Remark)


def test_the_label_asks_for_the_issue_itself() -> None:
    found = detect(updated(labels_added=("openhands",)), BOT_HERE)

    assert isinstance(found, Trigger)
    assert found.request == Task(text="")


@pytest.mark.parametrize(
    ("items", "added", "removed"),
    [
        pytest.param([("labels", "jira", "bug", "bug openhands")], ("openhands",), (), id="new minus old"),
        pytest.param([("labels", "jira", "bug openhands", "openhands")], (), ("bug",), id="another label goes"),
        pytest.param([("labels", "jira", None, "openhands")], ("openhands",), (), id="the first label"),
        pytest.param([("labels", "custom", "", "openhands")], (), (), id="a custom field called labels"),
        pytest.param([("status", "jira", "a", "openhands")], (), (), id="another field"),
        pytest.param([], (), (), id="no items"),
    ],
)
def test_labels_of(items: list, added: tuple, removed: tuple) -> None:
    changelog = [
        {"field": field, "fieldtype": type_, "fromString": before, "toString": after}
        for field, type_, before, after in items
    ]

    assert labels_of(changelog) == (added, removed)
