"""What every `AuditStore` and `PeopleStore` promises."""

import pytest

from jirabot.core.audit import GENESIS, Act, Head, Row, Verdict, digest, examine
from jirabot.core.ids import AccountId
from jirabot.core.people import Principal
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.values import ADA, GRACE, NOW, OTHER, WS, at, entry


def append(tx: Transaction) -> None:
    tx.audit.append(entry())
    tx.audit.append(entry(Act.RUN_STARTED, at=at(60), subject="c1"))
    tx.audit.append(entry(Act.TOKEN_CREATED, at=at(120), workspace_id="", workspace_name="", subject="ci"))


async def test_a_row_holds_what_was_written_and_follows_the_one_before(storage: Storage):
    await storage.write(append)
    first, second, third = await storage.read(lambda tx: tx.audit.rows(limit=9))
    assert first[:-1] == (
        1,
        1_795_521_600_123_456,
        "shell",
        "shell",
        "shell",
        "user.linked",
        "ws",
        "ws.example.org",
        "person-1",
        "done",
        '{"role":"user"}',
        GENESIS,
    )
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert [digest(row) for row in (first, second, third)] == [first.hash, second.hash, third.hash]
    assert await storage.read(lambda tx: tx.audit.head()) == Head(3, third.hash)


async def test_from_where_is_the_address_of_whoever_asked_over_http(storage: Storage):
    by = Principal(kind="token", name="ci", address="192.0.2.7")
    await storage.write(lambda tx: tx.audit.append(entry(by=by)))
    (row,) = await storage.read(lambda tx: tx.audit.newest())
    assert (row.by_kind, row.by_name, row.origin) == ("token", "ci", "192.0.2.7")


async def test_without_any_row_there_is_no_head(storage: Storage):
    assert await storage.read(lambda tx: (tx.audit.head(), list(tx.audit.rows(limit=9)))) == (None, [])


async def test_rows_are_given_in_parts(storage: Storage):
    await storage.write(append)
    parts = await storage.read(lambda tx: (tx.audit.rows(limit=2), tx.audit.rows(after=2, limit=2)))
    assert [[row.no for row in part] for part in parts] == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, [3, 2, 1], id="all"),
        pytest.param({"limit": 1}, [3], id="one"),
        pytest.param({"workspace_name": "ws.example.org"}, [2, 1], id="of a workspace"),
        pytest.param({"workspace_name": "nobody"}, [], id="of none"),
        pytest.param({"since": at(60)}, [3, 2], id="since then"),
    ],
)
async def test_they_are_listed_newest_first(storage: Storage, asked, found):
    await storage.write(append)
    assert [row.no for row in await storage.read(lambda tx: tx.audit.newest(**asked))] == found


async def test_what_is_written_in_a_change_that_raises_is_not_there(storage: Storage):
    def change(tx: Transaction) -> None:
        append(tx)
        raise LookupError

    await storage.write(append)
    with pytest.raises(LookupError):
        await storage.write(change)
    await storage.write(append)
    assert await storage.read(_verdict) == Verdict(head=await storage.read(_head), broken=())
    assert (await storage.read(_head)).no == 6


async def test_it_outlives_its_workspace(storage: Storage):
    await storage.write(append)
    before = await storage.read(lambda tx: list(tx.audit.rows(limit=9)))
    await storage.write(lambda tx: tx.workspaces.remove(WS))
    assert await storage.read(lambda tx: list(tx.audit.rows(limit=9))) == before


async def test_a_person_has_one_number_in_a_workspace(storage: Storage):
    def change(tx: Transaction) -> list[int]:
        asked = [(WS, ADA.id), (WS, GRACE.id), (OTHER, ADA.id), (WS, ADA.id)]
        return [tx.people.number_of(*each) for each in asked]

    ada, grace, elsewhere, again = await storage.write(change)
    assert ada == again
    assert len({ada, grace, elsewhere}) == 3
    found = await storage.read(lambda tx: [tx.people.account_of(no) for no in (ada, grace, 999)])
    assert found == [ADA.id, GRACE.id, None]


async def test_a_number_is_never_given_to_another(storage: Storage):
    first = await storage.write(lambda tx: tx.people.number_of(OTHER, ADA.id))
    await storage.write(lambda tx: tx.workspaces.remove(OTHER))
    assert await storage.read(lambda tx: tx.people.account_of(first)) is None
    assert await storage.write(lambda tx: tx.people.number_of(WS, AccountId("new"))) > first


def _verdict(tx: Transaction) -> Verdict:
    return examine(tx.audit.rows(limit=99), tx.audit.head())


def _head(tx: Transaction) -> Head:
    head = tx.audit.head()
    assert head is not None
    return head


def test_a_rows_time_is_in_microseconds():
    assert NOW.timestamp() * 1_000_000 == pytest.approx(1_795_521_600_123_456)
    assert Row._fields[1] == "at"
