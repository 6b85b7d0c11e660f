"""What is left of a budget, what may take from it, and how long to wait for it."""

from datetime import UTC, datetime, timedelta

import pytest

from jirabot.core import budgets
from jirabot.core.budgets import Bucket, Limit

pytestmark = pytest.mark.fast

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOURLY = Limit(count=1000, per=timedelta(hours=1))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def left(level: float, since: float = 0) -> Bucket:
    return Bucket(level=level, at=at(since))


@pytest.mark.parametrize(
    ("level", "seconds", "present"),
    [
        pytest.param(0, 0, 0, id="empty"),
        pytest.param(0, 36, 10, id="36 s of an hour bring 10 of 1000"),
        pytest.param(995, 36, 1000, id="never over the limit"),
        pytest.param(-10, 36, 0, id="what was promised comes first"),
        pytest.param(500, -3600, 500, id="a clock that was set back"),
    ],
)
def test_a_bucket_fills_with_time(level: float, seconds: float, present: float) -> None:
    filled = budgets.filled(left(level), HOURLY, at(seconds))

    assert filled.level == pytest.approx(present)
    assert filled.at == at(seconds)


@pytest.mark.parametrize(
    ("level", "keep", "outcome"),
    [
        pytest.param(1000, 0, left(999), id="full"),
        pytest.param(1, 0, left(0), id="the last one"),
        pytest.param(0, 0, timedelta(seconds=3.6), id="one comes in 3.6 s"),
        pytest.param(0.5, 0, timedelta(seconds=1.8), id="half of it is there"),
        pytest.param(201, 200, left(200), id="the last one that is not kept"),
        pytest.param(200, 200, timedelta(seconds=3.6), id="what is kept is not taken"),
        pytest.param(200, 0, left(199), id="but by what it is kept for"),
        pytest.param(-10, 0, timedelta(seconds=39.6), id="what was promised comes first"),
    ],
)
def test_one_is_taken_or_has_to_be_waited_for(level: float, keep: float, outcome: Bucket | timedelta) -> None:
    assert budgets.take(left(level), HOURLY, NOW, keep=keep) == outcome


def test_who_waited_as_long_as_told_may_take() -> None:
    wait = budgets.take(left(0.3), HOURLY, NOW)
    assert isinstance(wait, timedelta)

    later = NOW + wait + timedelta(microseconds=1)
    assert isinstance(budgets.take(left(0.3), HOURLY, later), Bucket)


def test_what_comes_too_fast_is_spread_evenly() -> None:
    minutely, bucket = Limit(count=2, per=timedelta(minutes=1)), Bucket(level=2, at=NOW)
    waits = []
    for _ in range(5):
        bucket, wait = budgets.promise(bucket, minutely, NOW)
        waits.append(wait.total_seconds())

    assert waits == [0, 0, 30, 60, 90]


@pytest.mark.parametrize(("count", "kept"), [(1000, 200), (10, 2), (2, 0.4), (1, 0), (0, 0)])
def test_a_fifth_is_kept_and_one_is_always_left_for_the_rest(count: int, kept: float) -> None:
    assert Limit(count=count, per=timedelta(hours=1)).kept == pytest.approx(kept)


@pytest.mark.parametrize(("level", "share"), [(1000, 1), (600, 0.5), (200, 0), (100, 0), (-5, 0)])
def test_the_share_that_is_left_does_not_count_what_is_kept(level: float, share: float) -> None:
    assert budgets.share_left(left(level), HOURLY, NOW) == share


def test_without_a_limit_everything_is_left() -> None:
    assert budgets.share_left(left(0), Limit(count=0, per=timedelta(hours=1)), NOW) == 1


@pytest.mark.parametrize(
    ("share", "interval"),
    [
        pytest.param(1.0, timedelta(seconds=60), id="ample"),
        pytest.param(0.5, timedelta(seconds=60), id="just enough"),
        pytest.param(0.25, timedelta(seconds=120), id="half of that"),
        pytest.param(0.05, timedelta(seconds=600), id="a tenth of that"),
        pytest.param(0.0, timedelta.max, id="none"),
        pytest.param(5e-324, timedelta.max, id="next to none"),
    ],
)
def test_progress_is_shown_less_often_the_less_is_left(share: float, interval: timedelta) -> None:
    assert budgets.progress_interval(timedelta(seconds=60), share) == interval


@pytest.mark.parametrize(
    ("level", "count", "keep", "seconds"),
    [
        pytest.param(0.0, 1.0, 0.0, 36, id="one"),
        pytest.param(0.0, 8.0, 0.0, 288, id="some"),
        pytest.param(5.0, 8.0, 0.0, 108, id="some are there"),
        pytest.param(9.0, 8.0, 0.0, 0, id="all are there"),
        pytest.param(20.0, 8.0, 20.0, 288, id="beside what is kept"),
        pytest.param(0.0, 1000.0, 20.0, 3600, id="never more than there can be"),
    ],
)
def test_how_long_it_is_until_several_may_be_taken(level: float, count: float, keep: float, seconds: float) -> None:
    hourly = Limit(count=100, per=timedelta(hours=1))
    found = budgets.time_until(Bucket(level=level, at=NOW), hourly, NOW, count=count, keep=keep)
    assert found == timedelta(seconds=seconds)
