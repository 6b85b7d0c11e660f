"""Since when to look, by Jira's own clock, and what lies too far back to be acted on unasked."""

from datetime import UTC, datetime, timedelta

import pytest

from jirabot.core.catching_up import Checkpoint, Span, begun, is_new_hour, looked, span
from jirabot.core.ids import WorkspaceId

pytestmark = pytest.mark.fast

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WS = WorkspaceId("ws")


def at(**after: float) -> datetime:
    return NOON + timedelta(**after)


def known(begun_at: datetime = at(days=-30), seen_until: datetime = NOON) -> Checkpoint:
    return Checkpoint(workspace_id=WS, begun_at=begun_at, seen_until=seen_until, calls_since=NOON)


@pytest.mark.parametrize(
    ("checkpoint", "now", "since"),
    [
        pytest.param(known(), at(minutes=5), at(minutes=-5), id="what was seen is overlapped"),
        pytest.param(known(), at(hours=24), at(minutes=-5), id="up to a day is caught up"),
        pytest.param(known(begun_at=NOON), at(minutes=5), NOON, id="nothing from before the workspace"),
        pytest.param(known(), at(minutes=-1), at(hours=-24, minutes=-1), id="a clock set back: the last day again"),
        pytest.param(known(begun_at=at(hours=-2)), at(hours=-1), at(hours=-2), id="or since the workspace began"),
        pytest.param(known(begun_at=NOON), at(hours=-1), at(hours=-1, minutes=-5), id="set back before it began"),
    ],
)
def test_it_is_looked_since(checkpoint: Checkpoint, now: datetime, since: datetime):
    assert span(checkpoint, now) == (Span(since=since), None)


@pytest.mark.parametrize(
    ("checkpoint", "now", "since"),
    [
        pytest.param(known(), at(minutes=5), at(minutes=-115), id="two hours"),
        pytest.param(known(begun_at=at(minutes=-10)), at(minutes=5), at(minutes=-10), id="nothing from before"),
        pytest.param(known(), at(hours=3), at(minutes=-5), id="no less than the others"),
    ],
)
def test_the_first_look_of_an_hour_goes_further_back(checkpoint: Checkpoint, now: datetime, since: datetime):
    assert span(checkpoint, now, back=timedelta(hours=2)) == (Span(since=since), None)


@pytest.mark.parametrize(
    ("now", "is_first"),
    [(at(), False), (at(minutes=59), False), (at(hours=1), True), (at(hours=30), True), (at(minutes=-1), True)],
)
def test_which_look_is_the_first_of_an_hour(now: datetime, is_first: bool):
    """It is by the hour that calls are counted in: a restart changes nothing."""
    assert is_new_hour(known(), now) is is_first


def test_what_lies_more_than_a_day_back_is_a_gap():
    """F72: neither clamped without a word, nor acted on unasked. The two overlap."""
    now = at(hours=30)
    assert span(known(), now) == (
        Span(since=at(hours=6, minutes=-5)),
        Span(since=at(minutes=-5), until=at(hours=6)),
    )


@pytest.mark.parametrize(
    ("since", "minutes"),
    [(at(), 10), (at(seconds=1), 10), (at(seconds=-1), 11), (at(minutes=10), 1), (at(minutes=11), 1)],
)
def test_jql_is_asked_for_whole_minutes_and_none_too_few(since: datetime, minutes: int):
    assert Span(since=since).minutes_before(at(minutes=10)) == minutes


def test_the_calls_of_an_hour_are_counted_together():
    first = looked(begun(WS, at=NOON, now=NOON), until=at(minutes=1), calls=3, now=at(minutes=1))
    second = looked(first, until=at(minutes=59), calls=4, now=at(minutes=59))
    third = looked(second, until=at(minutes=61), calls=5, now=at(minutes=61))
    assert [(each.calls_count, each.calls_since) for each in (first, second, third)] == [
        (3, NOON),
        (7, NOON),
        (5, at(minutes=61)),
    ]
    assert (third.seen_until, third.looked_at, third.begun_at) == (at(minutes=61), at(minutes=61), NOON)
