"""What every `SecretStore` promises."""

from jirabot.core.ports import Storage, Transaction
from tests.contract.test_stores.values import NOW, OTHER, WS, at, sealed


async def test_what_was_put_is_found_equal(storage: Storage):
    await storage.write(lambda tx: tx.secrets.put(WS, "api-key", sealed(), now=NOW))
    assert await storage.read(lambda tx: tx.secrets.find(WS, "api-key")) == sealed()


async def test_a_second_at_the_same_place_replaces_the_first(storage: Storage):
    await storage.write(lambda tx: tx.secrets.put(WS, "api-key", sealed(b"old", key_id="key-1"), now=NOW))
    await storage.write(lambda tx: tx.secrets.put(WS, "api-key", sealed(b"new", key_id="key-2"), now=at(1)))
    assert await storage.read(lambda tx: tx.secrets.find(WS, "api-key")) == sealed(b"new", key_id="key-2")


async def test_each_place_of_each_workspace_is_its_own(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.secrets.put(WS, "api-key", sealed(b"1"), now=NOW)
        tx.secrets.put(WS, "webhook-secret", sealed(b"2"), now=NOW)
        tx.secrets.put(OTHER, "api-key", sealed(b"3"), now=NOW)

    await storage.write(change)
    found = await storage.read(
        lambda tx: [
            tx.secrets.find(WS, "api-key"),
            tx.secrets.find(WS, "webhook-secret"),
            tx.secrets.find(OTHER, "api-key"),
        ]
    )
    assert found == [sealed(b"1"), sealed(b"2"), sealed(b"3")]


async def test_nothing_is_found_where_nothing_was_put(storage: Storage):
    await storage.write(lambda tx: tx.secrets.put(WS, "api-key", sealed(), now=NOW))
    assert await storage.read(lambda tx: tx.secrets.find(WS, "webhook-secret")) is None
    assert await storage.read(lambda tx: tx.secrets.find(OTHER, "api-key")) is None


async def test_the_places_of_all_workspaces_are_listed_in_order(storage: Storage):
    def change(tx: Transaction) -> None:
        for workspace_id, place in ((WS, "webhook-secret"), (OTHER, "api-key"), (WS, "api-key")):
            tx.secrets.put(workspace_id, place, sealed(), now=NOW)

    assert await storage.read(lambda tx: tx.secrets.places()) == []
    await storage.write(change)
    listed = await storage.read(lambda tx: tx.secrets.places())
    assert listed == sorted([(WS, "api-key"), (WS, "webhook-secret"), (OTHER, "api-key")])


async def test_what_was_removed_is_gone_and_the_others_stay(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.secrets.put(WS, "api-key", sealed(b"1"), now=NOW)
        tx.secrets.put(WS, "webhook-secret", sealed(b"2"), now=NOW)
        tx.secrets.expire(WS, "api-key", at=at(60))
        tx.secrets.remove(WS, "api-key")
        tx.secrets.remove(OTHER, "api-key")

    await storage.write(change)
    assert await storage.read(lambda tx: tx.secrets.find(WS, "api-key")) is None
    assert await storage.read(lambda tx: tx.secrets.expires_at(WS, "api-key")) is None
    assert await storage.read(lambda tx: tx.secrets.find(WS, "webhook-secret")) == sealed(b"2")


async def test_a_secret_counts_for_ever_unless_it_is_said_until_when(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.secrets.put(WS, "one", sealed(b"1"), now=NOW)
        tx.secrets.put(WS, "two", sealed(b"2"), now=NOW)
        tx.secrets.expire(WS, "two", at=at(60))
        tx.secrets.expire(WS, "nothing", at=at(60))

    await storage.write(change)
    found = await storage.read(lambda tx: [tx.secrets.expires_at(WS, each) for each in ("one", "two", "nothing")])
    assert found == [None, at(60), None]


async def test_sealed_anew_a_secret_counts_no_longer_than_before(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.secrets.put(WS, "api-key", sealed(b"old"), now=NOW)
        tx.secrets.expire(WS, "api-key", at=at(60))
        tx.secrets.put(WS, "api-key", sealed(b"new"), now=at(1))

    await storage.write(change)
    assert await storage.read(lambda tx: tx.secrets.expires_at(WS, "api-key")) == at(60)


async def test_has_any_says_whether_a_secret_is_stored(storage: Storage):
    assert await storage.read(lambda tx: tx.secrets.has_any()) is False
    await storage.write(lambda tx: tx.secrets.put(OTHER, "api-key", sealed(), now=NOW))
    assert await storage.read(lambda tx: tx.secrets.has_any()) is True


async def test_no_key_is_known_before_one_is_recorded(storage: Storage):
    assert await storage.read(lambda tx: tx.secrets.key_identity()) is None


async def test_the_key_recorded_last_is_the_one_in_use(storage: Storage):
    await storage.write(lambda tx: tx.secrets.record_key_identity("id-1", "the system keyring"))
    assert await storage.read(lambda tx: tx.secrets.key_identity()) == ("id-1", "the system keyring")
    await storage.write(lambda tx: tx.secrets.record_key_identity("id-2", "JIRABOT_MASTER_KEY"))
    assert await storage.read(lambda tx: tx.secrets.key_identity()) == ("id-2", "JIRABOT_MASTER_KEY")
