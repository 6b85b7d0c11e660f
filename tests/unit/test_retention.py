"""When the daemon forgets what is old."""

from datetime import datetime, timedelta, timezone

import pytest

from jirabot.core.retention import next_night

ZONE = timezone(timedelta(hours=2))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("pruned_at", "expected"),
    [
        pytest.param(at(25, 14), at(26, 3), id="by day"),
        pytest.param(at(25, 2, 59), at(25, 3), id="just before"),
        pytest.param(at(25, 3), at(26, 3), id="then"),
        pytest.param(at(25, 3, 1), at(26, 3), id="just after"),
        pytest.param(at(30, 23), datetime(2026, 12, 1, 3, tzinfo=ZONE), id="over a month"),
    ],
)
def test_the_next_night_is_the_first_quiet_hour_after(pruned_at: datetime, expected: datetime) -> None:
    assert next_night(pruned_at) == expected
