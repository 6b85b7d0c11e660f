"""What every `UserStore` promises."""

from dataclasses import replace

import pytest

from jirabot.core.ids import AccountId, UserId
from jirabot.core.people import Account, LinkState, Origin, Role
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
    expected = link(renamed, id="first", user_id="user-grace", user_name="grace", role=Role.ADMIN)
    expected = replace(expected, created_at=NOW, updated_at=at(9))
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


async def test_who_made_a_link_is_kept_and_changed_with_it(peopled: Storage):
    """F75. Who was let in by what Jira says, and is then linked by hand, is linked by hand."""
    await peopled.write(lambda tx: tx.users.add_link(link(origin=Origin.AUTO)))
    assert (await peopled.read(lambda tx: tx.users.find_link(WS, ADA.id))) == link(origin=Origin.AUTO)

    again = await peopled.write(lambda tx: tx.users.add_link(link(id="another", origin=Origin.OAUTH)))

    assert again == link(origin=Origin.OAUTH, updated_at=link().created_at)


async def test_the_newest_link_of_an_account_is_the_active_one_else_the_last_that_was_ended(peopled: Storage):
    """F78. What was ended can be seen, and so is not made again."""

    def ended(tx: Transaction, id: str, minute: int) -> None:
        tx.users.add_link(link(id=id, created_at=at(minute)))
        tx.users.end_link(link(id=id).id, now=at(minute))

    def change(tx: Transaction) -> None:
        ended(tx, "first", 1)
        ended(tx, "second", 2)
        tx.users.add_link(link(GRACE, id="of-grace", created_at=at(3)))
        tx.users.add_link(link(id="elsewhere", workspace_id=OTHER, created_at=at(4)))

    await peopled.write(change)
    newest = await peopled.read(lambda tx: tx.users.newest_link(WS, ADA.id))
    assert newest is not None
    assert (newest.id, newest.state) == ("second", LinkState.ENDED)
    await peopled.write(lambda tx: tx.users.add_link(link(id="third", created_at=at(0))))
    newest = await peopled.read(lambda tx: tx.users.newest_link(WS, ADA.id))
    assert newest is not None
    assert (newest.id, newest.state) == ("third", LinkState.ACTIVE)
    assert await peopled.read(lambda tx: tx.users.newest_link(WS, AccountId("nobody"))) is None


async def test_an_ended_link_tells_who_ended_it_and_when(peopled: Storage):
    def change(tx: Transaction) -> None:
        tx.users.add_link(link())
        tx.users.end_link(link().id, by="ada", now=at(5))

    await peopled.write(change)

    (kept,) = await peopled.read(lambda tx: tx.users.list_links(WS))
    assert (kept.state, kept.ended_by, kept.updated_at) == (LinkState.ENDED, "ada", at(5))


NOBODY = Account(id=AccountId(""))


async def test_a_pending_link_is_listed_and_is_nobodys_active_one(peopled: Storage):
    made = await peopled.write(lambda tx: tx.users.add_pending(link(NOBODY, id="waits", role=Role.ADMIN)))

    assert (made.id, made.state, made.user_name) == ("waits", LinkState.PENDING, "ada")
    assert await peopled.read(lambda tx: tx.users.list_links(WS)) == [made]
    assert await peopled.read(lambda tx: tx.users.find_link(WS, NOBODY.id)) is None


async def test_a_user_has_one_pending_link_a_workspace(peopled: Storage):
    def change(tx: Transaction) -> list[str]:
        asked = [
            link(NOBODY, id="first"),
            link(NOBODY, id="again"),
            link(NOBODY, id="graces", user_id="user-grace"),
            link(NOBODY, id="there", workspace_id=OTHER),
        ]
        return [tx.users.add_pending(each).id for each in asked]

    assert await peopled.write(change) == ["first", "first", "graces", "there"]


async def test_a_pending_link_can_be_removed_and_an_active_one_stays(peopled: Storage):
    def change(tx: Transaction) -> None:
        tx.users.add_pending(link(NOBODY, id="waits"))
        tx.users.add_link(link(id="active"))
        tx.users.remove_pending(WS, link().user_id)

    await peopled.write(change)

    assert [each.id for each in await peopled.read(lambda tx: tx.users.list_links(WS))] == ["active"]


async def test_the_links_of_a_user_are_listed_newest_first_wherever_they_are(peopled: Storage):
    def change(tx: Transaction) -> None:
        tx.users.add_link(link(id="here", created_at=at(1)))
        tx.users.add_pending(link(NOBODY, id="there", workspace_id=OTHER, created_at=at(2)))
        tx.users.add_link(link(GRACE, id="graces", user_id="user-grace"))

    await peopled.write(change)

    assert [each.id for each in await peopled.read(lambda tx: tx.users.links_of("ada"))] == ["there", "here"]
    assert await peopled.read(lambda tx: tx.users.links_of("nobody")) == []
