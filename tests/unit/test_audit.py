"""The chain tells which row was changed, removed, inserted or cut off, and knows a whole one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jirabot.core.audit import GENESIS, Act, Entry, Head, How, Row, digest, examine, facts_of, row_after
from jirabot.core.people import SHELL

pytestmark = pytest.mark.fast

THEN = datetime(2026, 11, 24, tzinfo=UTC)


def chain(length: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(length):
        head = Head(rows[-1].no, rows[-1].hash) if rows else Head(0, GENESIS)
        made = Entry(at=THEN, by=SHELL, act=Act.USER_LINKED, subject=f"person-{number}")
        rows.append(row_after(head, made, at=number))
    return rows


def head_of(rows: list[Row]) -> Head:
    return Head(rows[-1].no, rows[-1].hash)


def found(rows: list[Row], head: Head | None) -> list[tuple[int, How]]:
    return [(each.no, each.how) for each in examine(rows, head).broken]


def resealed(row: Row, **changes: Any) -> Row:
    """A row changed by somebody who knows how its hash is made."""
    changed = row._replace(**changes)
    return changed._replace(hash=digest(changed))


WHOLE = chain(5)
HEAD = head_of(WHOLE)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_a_whole_chain_has_nothing_wrong(length):
    rows = chain(length)
    head = head_of(rows) if rows else None
    verdict = examine(rows, head)
    assert (verdict.head, verdict.broken) == (head or Head(0, GENESIS), ())


@pytest.mark.parametrize("field", [name for name in Row._fields if name not in ("no", "hash")])
def test_a_changed_value_is_found_in_every_column(field):
    forged: dict[str, Any] = {field: "forged"}
    rows = [*WHOLE[:2], WHOLE[2]._replace(**forged), *WHOLE[3:]]
    assert found(rows, HEAD) == [(3, How.CHANGED)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([*WHOLE[:2], *WHOLE[3:]], [(3, How.REMOVED)], id="one removed"),
        pytest.param(WHOLE[1:], [(1, How.REMOVED)], id="the first removed"),
        pytest.param([WHOLE[0], *WHOLE[3:]], [(2, How.REMOVED)], id="two removed"),
        pytest.param(WHOLE[:3], [(4, How.CUT_OFF)], id="two cut off"),
        pytest.param([], [(1, How.CUT_OFF)], id="all cut off"),
        pytest.param([*WHOLE[:2], resealed(WHOLE[2], subject="x"), *WHOLE[3:]], [(3, How.CHANGED)], id="resealed"),
        pytest.param([*WHOLE[:4], resealed(WHOLE[4], subject="x")], [(5, How.CHANGED)], id="the last resealed"),
        pytest.param([resealed(WHOLE[0], no=-1), *WHOLE], [(-1, How.INSERTED)], id="inserted before the first"),
        pytest.param([*WHOLE, row_after(HEAD, Entry(at=THEN, by=SHELL, act=Act.RUN_ENDED), at=9)],
                     [(6, How.INSERTED)], id="inserted after the last"),
        pytest.param([WHOLE[0]._replace(at=7), WHOLE[1], *WHOLE[3:]], [(1, How.CHANGED), (3, How.REMOVED)],
                     id="one changed and one removed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(rows, told):
    assert found(rows, HEAD) == told


def test_rows_without_a_head_are_too_many():
    assert found(WHOLE, None) == [(1, How.INSERTED)]


def test_at_most_twenty_are_named():
    rows = [row._replace(subject="x") for row in chain(30)]
    assert len(examine(rows, head_of(chain(30))).broken) == 20


def test_values_of_any_type_have_a_digest():
    row = WHOLE[0]._replace(facts=b"\xff", at=None)  # type: ignore[arg-type]  # as a stranger writes it
    assert found([row, *WHOLE[1:]], HEAD) == [(1, How.CHANGED)]
    assert facts_of(row) == {}
    assert facts_of(WHOLE[0]._replace(facts="[1]")) == {}
