"""How late a delivery came, as far as that can be known."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jirabot.core.deliveries import Delivery, DeliveryState, Origin, Step, fingerprint, lane_of, lateness
from jirabot.core.ids import DeliveryId, WorkspaceId

from .values import NOW, WS

pytestmark = pytest.mark.fast

CAME = Delivery(
    id=DeliveryId("d1"),
    no=1,
    workspace_id=WS,
    lane_id=lane_of(WS, None),
    kind="comment_created",
    issue_id=None,
    issue_key=None,
    state=DeliveryState.RECEIVED,
    decision="",
    reason="",
    text="",
    steps=(),
    trigger_key=None,
    conversation_id=None,
    attempts=0,
    due_at=NOW,
    received_at=NOW,
    handled_at=None,
    replay_of=None,
    origin=Origin.WEBHOOK,
)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("delivery", "happened_at", "late"),
    [
        pytest.param(CAME, NOW - 180 * MINUTE, 180 * MINUTE, id="three hours"),
        pytest.param(CAME, NOW - 5 * MINUTE - timedelta(seconds=1), 5 * MINUTE + timedelta(seconds=1), id="just late"),
        pytest.param(CAME, NOW - 5 * MINUTE, None, id="in time"),
        pytest.param(CAME, NOW + 60 * MINUTE, None, id="a Jira whose clock is ahead"),
        pytest.param(CAME, None, None, id="no time stamp"),
        pytest.param(replace(CAME, origin=Origin.CATCH_UP), NOW - 180 * MINUTE, None, id="found in Jira"),
        pytest.param(replace(CAME, replay_of=DeliveryId("d1")), NOW - 180 * MINUTE, None, id="replayed"),
    ],
)
def test_how_late_it_came(delivery: Delivery, happened_at: datetime | None, late: timedelta | None) -> None:
    assert lateness(delivery, happened_at) == late


def test_a_step_keeps_how_late_it_came() -> None:
    steps = (Step(step="arrival", outcome="late", reason="10800"), Step(step="parsed", outcome="Unrecognised"))
    assert replace(CAME, steps=steps).late_seconds == 10_800
    assert CAME.late_seconds is None


def test_a_fingerprint_is_of_the_workspace_the_body_and_the_salt() -> None:
    same = {fingerprint(WS, b"body"), fingerprint(WS, b"body", salt=""), fingerprint(WS, b"body", timestamp=0)}
    others = {
        fingerprint(WorkspaceId("other"), b"body"),
        fingerprint(WS, b"another"),
        fingerprint(WS, b"body", salt="5932"),
        fingerprint(WS, b"body", timestamp=1706692865788),
    }
    assert len(same) == 1
    assert len(same | others) == 5


def test_what_came_together_stands_together_in_the_order_of_fingerprints() -> None:
    times = [1, 999_999_999_999, 1_706_692_865_788, 1_706_692_865_789, 2**47 - 1]
    assert sorted(times, key=lambda at: fingerprint(WS, b"body of %d" % at, timestamp=at)) == times
