"""What every `UserStore` promises."""

from dataclasses import replace

import pytest

from jirabot.core.ids import AccountId, UserId
from jirabot.core.people import Account, LinkState, Role
from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.values import ADA, GRACE, NOW, OTHER, WS, at, link


@pytest.fixture
async def peopled(storage: Storage) -> Storage:
    """A storage that has the users `ada` and `grace`."""

    def change(tx: Transaction) -> None:
        for name in ("ada", "grace"):
            tx.users.user_named(name, new_id=UserId(f"user-{name}"), now=NOW)

    await storage.write(change)
    return storage


async def test_a_new_name_gets_the_given_id(storage: Storage):
    made = await storage.write(lambda tx: tx.users.user_named("ada", new_id=UserId("u1"), now=NOW))
    assert made == "u1"


async def test_a_known_name_keeps_its_id(peopled: Storage):
    found = await peopled.write(lambda tx: tx.users.user_named("ada", new_id=UserId("another"), now=NOW))
    assert found == "user-ada"


async def test_an_added_link_is_returned_and_found(peopled: Storage):
    added = await peopled.write(lambda tx: tx.users.add_link(link(role=Role.ADMIN)))
    assert added == link(role=Role.ADMIN)
    assert await peopled.read(lambda tx: tx.users.find_link(WS, ADA.id)) == link(role=Role.ADMIN)


async def test_a_link_tells_its_users_name_as_it_is(peopled: Storage):
    added = await peopled.write(lambda tx: tx.users.add_link(link(user_id="user-grace", user_name="somebody")))
    assert added.user_name == "grace"


async def test_a_link_is_active_when_it_is_added(peopled: Storage):
    added = await peopled.write(lambda tx: tx.users.add_link(link(state=LinkState.ENDED)))
    assert added.state is LinkState.ACTIVE


async def test_an_account_has_one_active_link_which_a_second_updates(peopled: Storage):
    await peopled.write(lambda tx: tx.users.add_link(link(id="first")))
    renamed = replace(ADA, display_name="Ada King")
    second = link(renamed, id="second", user_id="user-grace", user_name="grace", role=Role.ADMIN, created_at=at(9))
    returned = await peopled.write(lambda tx: tx.users.add_link(second))
    expected = link(renamed, id="first", user_id="user-grace", user_name="grace", role=Role.ADMIN, created_at=NOW)
    assert returned == expected
    assert await peopled.read(lambda tx: tx.users.list_links(WS)) == [expected]


async def test_an_account_has_a_link_of_its_own_in_each_workspace(peopled: Storage):
    def change(tx: Transaction) -> None:
        tx.users.add_link(link(id="here"))
        tx.users.add_link(link(id="there", workspace_id=OTHER, role=Role.ADMIN))

    await peopled.write(change)
    assert await peopled.read(lambda tx: tx.users.find_link(WS, ADA.id)) == link(id="here")
    there = await peopled.read(lambda tx: tx.users.find_link(OTHER, ADA.id))
    assert there == link(id="there", workspace_id=OTHER, role=Role.ADMIN)


@pytest.mark.parametrize(
    ("workspace_id", "account_id"),
    [
        pytest.param(WS, "grace-id", id="another account"),
        pytest.param(OTHER, "ada-id", id="another workspace"),
        pytest.param(WS, "ADA-ID", id="another case"),
    ],
)
async def test_no_link_is_found_for(peopled: Storage, workspace_id, account_id):
    await peopled.write(lambda tx: tx.users.add_link(link()))
    assert await peopled.read(lambda tx: tx.users.find_link(workspace_id, AccountId(account_id))) is None


async def test_links_are_listed_newest_first_of_one_workspace_or_all(peopled: Storage):
    hopper = Account(id=AccountId("hopper-id"))

    def change(tx: Transaction) -> None:
        tx.users.add_link(link(id="b", created_at=at(2)))
        tx.users.add_link(link(GRACE, id="c", created_at=at(3)))
        tx.users.add_link(link(hopper, id="a", created_at=at(1)))
        tx.users.add_link(link(id="elsewhere", workspace_id=OTHER, created_at=at(4)))

    await peopled.write(change)
    here = await peopled.read(lambda tx: tx.users.list_links(WS))
    everywhere = await peopled.read(lambda tx: tx.users.list_links(None))
    assert [each.id for each in here] == ["c", "b", "a"]
    assert [each.id for each in everywhere] == ["elsewhere", "c", "b", "a"]


async def test_an_ended_link_is_listed_as_ended_and_found_no_more(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.users.user_named("ada", new_id=link().user_id, now=NOW)
        tx.users.add_link(link())
        tx.users.end_link(link().id, now=NOW)

    await storage.write(change)

    assert await storage.read(lambda tx: tx.users.find_link(WS, ADA.id)) is None
    (kept,) = await storage.read(lambda tx: tx.users.list_links(WS))
    assert (kept.id, kept.state) == (link().id, LinkState.ENDED)
