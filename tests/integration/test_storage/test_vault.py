"""Secrets are sealed under one master key, each bound to its workspace and place."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import Sealed, Transaction
from jirabot.errors import MasterKeyMissing, SecretSealed
from jirabot.storage.engine import Database
from jirabot.storage.master_key import MasterKeys, NoKeyring
from jirabot.storage.secrets import EnvelopeVault
from tests.contract.test_stores.values import NOW, OTHER, WS, at

TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ANOTHER = "__________________________________________8="
PLAIN = "s3cret of Größe 🤖"


def vault(folder: Path, value: str | None = TEXT) -> EnvelopeVault:
    return EnvelopeVault(MasterKeys(folder, value=value, keyring=NoKeyring()))


@pytest.fixture
def sealing(tmp_path: Path) -> EnvelopeVault:
    """A vault whose key was given."""
    return vault(tmp_path)


async def seal(database: Database, vault: EnvelopeVault, plain: str = PLAIN, place: str = "api-key") -> None:
    await database.write(lambda tx: vault.seal(tx, WS, place, plain, now=NOW))


async def open_(
    database: Database, vault: EnvelopeVault, workspace_id: WorkspaceId = WS, place: str = "api-key"
) -> str | None:
    return await database.read(lambda tx: vault.open(tx, workspace_id, place))


async def sealed(database: Database, place: str = "api-key") -> Sealed:
    found = await database.read(lambda tx: tx.secrets.find(WS, place))
    assert found is not None
    return found


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        assert other.execute(statement).rowcount == 1


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def read(file: Path) -> bytes:
    return file.read_bytes()


def put(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("plain", [PLAIN, "", "x" * 10_000, "a\0b\n"], ids=["words", "empty", "long", "odd"])
async def test_what_was_sealed_opens(database: Database, sealing: EnvelopeVault, plain):
    await seal(database, sealing, plain)
    assert await open_(database, sealing) == plain


async def test_another_process_with_the_key_opens_it(database: Database, sealing: EnvelopeVault, tmp_path: Path):
    await seal(database, sealing)
    assert await open_(database, vault(tmp_path)) == PLAIN


async def test_where_nothing_was_sealed_nothing_opens(database: Database, sealing: EnvelopeVault):
    assert await open_(database, sealing) is None
    await seal(database, sealing)
    assert await open_(database, sealing, place="webhook-secret") is None
    assert await open_(database, sealing, OTHER) is None


async def test_a_second_at_the_same_place_takes_the_place_of_the_first(database: Database, sealing: EnvelopeVault):
    await seal(database, sealing, "old")
    await seal(database, sealing, "new")
    assert await open_(database, sealing) == "new"


async def test_the_file_does_not_hold_the_plain_text(database: Database, sealing: EnvelopeVault, path: Path):
    await seal(database, sealing, "s3cret")
    files = [path, path.with_name("jirabot.db-wal")]
    assert [b"s3cret" in read(file) for file in files] == [False, False]


async def test_the_same_is_sealed_differently_each_time(database: Database, sealing: EnvelopeVault):
    await seal(database, sealing)
    first = await sealed(database)
    await seal(database, sealing)
    second = await sealed(database)
    assert first.nonce != second.nonce
    assert first.ciphertext != second.ciphertext
    assert (len(first.nonce), len(first.ciphertext)) == (12, len(PLAIN.encode()) + 16)


async def test_the_key_is_named_beside_each_secret_and_for_the_whole(database: Database, sealing: EnvelopeVault):
    await seal(database, sealing)
    assert (await sealed(database)).key_id == "0610cd25fe4ca76b"
    assert await database.read(lambda tx: tx.secrets.key_identity()) == ("0610cd25fe4ca76b", "JIRABOT_MASTER_KEY")


class TestBound:
    """A row that was moved or changed does not open."""

    @pytest.mark.parametrize(
        ("statement", "workspace_id", "place"),
        [
            pytest.param("UPDATE secrets SET place = 'webhook-secret'", WS, "webhook-secret", id="another place"),
            pytest.param("UPDATE secrets SET workspace_id = 'other-ws'", OTHER, "api-key", id="another workspace"),
            pytest.param(
                "UPDATE secrets SET ciphertext = CAST(ciphertext || x'00' AS BLOB)",
                WS,
                "api-key",
                id="ciphertext longer",
            ),
            pytest.param("UPDATE secrets SET ciphertext = x''", WS, "api-key", id="ciphertext gone"),
            pytest.param("UPDATE secrets SET nonce = zeroblob(12)", WS, "api-key", id="another nonce"),
            pytest.param("UPDATE secrets SET nonce = x''", WS, "api-key", id="nonce gone"),
        ],
    )
    async def test_by_hand(
        self, database: Database, sealing: EnvelopeVault, path: Path, statement, workspace_id, place
    ):
        await seal(database, sealing)
        change(path, statement)
        with pytest.raises(SecretSealed) as told:
            await open_(database, sealing, workspace_id, place)
        name = {WS: "ws.example.org", OTHER: "other-ws.example.org"}[workspace_id]
        assert told.value.message == (
            f"the secret `{place}` of `{name}` does not open: its row was changed, or copied from another"
        )
        again = {
            "api-key": f"`jirabot workspace update {name} --svc-acc-api-key -`",
            "webhook-secret": f"`jirabot workspace rotate-secret {name}`",
        }[place]
        assert told.value.hint == f"set it again with {again}; `jirabot db check` names all that do not open"

    async def test_what_is_left_opens_as_before(self, database: Database, sealing: EnvelopeVault, path: Path):
        await seal(database, sealing, "mine")
        await seal(database, sealing, "theirs", place="webhook-secret")
        change(path, "UPDATE secrets SET ciphertext = x'' WHERE place = 'webhook-secret'")
        assert await open_(database, sealing) == "mine"


class TestAnotherKey:
    """Secrets of one key are not opened, or joined, by another."""

    async def test_it_opens_nothing(self, database: Database, sealing: EnvelopeVault, tmp_path: Path):
        await seal(database, sealing)
        with pytest.raises(MasterKeyMissing, match="sealed with the master key `0610cd25fe4ca76b` from JIRABOT_MAST"):
            await open_(database, vault(tmp_path, ANOTHER))

    async def test_it_seals_nothing(self, database: Database, sealing: EnvelopeVault, tmp_path: Path):
        await seal(database, sealing)
        with pytest.raises(MasterKeyMissing, match="found: `21628994b2cc9915` from JIRABOT_MASTER_KEY"):
            await seal(database, vault(tmp_path, ANOTHER), place="webhook-secret")
        assert await database.read(lambda tx: tx.secrets.find(WS, "webhook-secret")) is None

    async def test_where_the_key_is_gone_none_is_made(self, database: Database, sealing: EnvelopeVault, tmp_path: Path):
        await seal(database, sealing)
        with pytest.raises(MasterKeyMissing, match=r"; found: none$"):
            await seal(database, vault(tmp_path, None), place="webhook-secret")
        with pytest.raises(MasterKeyMissing, match=r"; found: none$"):
            await open_(database, vault(tmp_path, None))
        assert "master.key" not in names(tmp_path)

    async def test_a_secret_that_says_another_key_is_not_opened_with_ours(
        self, database: Database, sealing: EnvelopeVault, path: Path
    ):
        await seal(database, sealing)
        change(path, "UPDATE secrets SET key_id = '0000000000000000'")
        with pytest.raises(SecretSealed, match=r"the secret `api-key` of `.*` does not open"):
            await open_(database, sealing)


class TestFirst:
    """The key is made with the first secret."""

    async def test_not_before(self, database: Database, tmp_path: Path):
        assert await open_(database, vault(tmp_path, None)) is None
        assert "master.key" not in names(tmp_path)

    async def test_and_recorded_with_it(self, database: Database, tmp_path: Path):
        await seal(database, vault(tmp_path, None))
        found = MasterKeys(tmp_path, keyring=NoKeyring()).find(None)
        assert found is not None
        identity = await database.read(lambda tx: tx.secrets.key_identity())
        assert identity == (found.id, "`master.key` in the data folder")
        assert await open_(database, vault(tmp_path, None)) == PLAIN

    async def test_one_whose_transaction_was_given_up_is_used_by_the_next(self, database: Database, tmp_path: Path):
        made = vault(tmp_path, None)

        def give_up(tx: Transaction) -> None:
            made.seal(tx, WS, "api-key", PLAIN, now=NOW)
            raise LookupError

        with pytest.raises(LookupError):
            await database.write(give_up)
        assert await database.read(lambda tx: tx.secrets.key_identity()) is None
        await seal(database, made)
        assert await open_(database, vault(tmp_path, None)) == PLAIN

    async def test_a_key_that_was_there_is_used(self, database: Database, tmp_path: Path):
        put(tmp_path / "master.key", TEXT)
        await seal(database, vault(tmp_path, None))
        assert (await sealed(database)).key_id == "0610cd25fe4ca76b"

    async def test_a_key_that_moved_still_opens_and_seals(self, database: Database, sealing, tmp_path: Path):
        await seal(database, sealing)
        put(tmp_path / "master.key", TEXT)
        moved = vault(tmp_path, None)
        await seal(database, moved, "another", place="webhook-secret")
        assert [await open_(database, moved), await open_(database, sealing, place="webhook-secret")] == [
            PLAIN,
            "another",
        ]


class TestRotation:
    """Every secret is sealed anew in one transaction; whoever reads meanwhile finds both keys."""

    @pytest.fixture
    async def sealed_twice(self, database: Database, tmp_path: Path) -> EnvelopeVault:
        """A vault whose key is in the data folder, with two secrets, one of which expires."""
        made = vault(tmp_path, None)
        await seal(database, made)
        await seal(database, made, "theirs", place="webhook-secret")
        await database.write(lambda tx: tx.secrets.expire(WS, "webhook-secret", at=at(5)))
        return made

    async def test_all_secrets_open_with_the_new_key(self, database: Database, sealed_twice, tmp_path: Path):
        before = await sealed(database)
        made = await database.write(lambda tx: sealed_twice.rotate(tx, now=NOW))
        await database.write(sealed_twice.settle)
        assert made is not None
        assert {(await sealed(database, place)).key_id for place in ("api-key", "webhook-secret")} == {made.id}
        assert made.id != before.key_id
        assert await open_(database, vault(tmp_path, None)) == PLAIN
        assert await open_(database, vault(tmp_path, None), place="webhook-secret") == "theirs"
        assert "master.key.next" not in names(tmp_path)

    async def test_what_expires_expires_at_the_same_time(self, database: Database, sealed_twice):
        await database.write(lambda tx: sealed_twice.rotate(tx, now=NOW))
        assert await database.read(lambda tx: tx.secrets.expires_at(WS, "webhook-secret")) == at(5)

    async def test_a_process_that_knows_the_old_key_goes_on(self, database: Database, sealed_twice, tmp_path: Path):
        other = vault(tmp_path, None)
        assert await open_(database, other) == PLAIN
        await database.write(lambda tx: sealed_twice.rotate(tx, now=NOW))
        assert await open_(database, other) == PLAIN
        await database.write(sealed_twice.settle)
        await seal(database, other, "more", place="repository/r1")
        assert await open_(database, sealed_twice, place="repository/r1") == "more"

    async def test_one_that_is_given_up_leaves_all_as_it_was(self, database: Database, sealed_twice, tmp_path: Path):
        before = await sealed(database)

        def give_up(tx: Transaction) -> None:
            sealed_twice.rotate(tx, now=NOW)
            raise LookupError

        with pytest.raises(LookupError):
            await database.write(give_up)
        await database.write(sealed_twice.settle)
        assert await sealed(database) == before
        assert await open_(database, vault(tmp_path, None)) == PLAIN
        await seal(database, sealed_twice, "again")
        assert (await sealed(database)).key_id == before.key_id

    async def test_where_one_does_not_open_no_key_is_made(self, database, sealed_twice, path: Path, tmp_path: Path):
        change(path, "UPDATE secrets SET ciphertext = x'' WHERE place = 'webhook-secret'")
        with pytest.raises(SecretSealed, match=r"the secret `webhook-secret` of `.*` does not open"):
            await database.write(lambda tx: sealed_twice.rotate(tx, now=NOW))
        assert "master.key.next" not in names(tmp_path)

    async def test_where_nothing_was_sealed_no_key_is_made(self, database: Database, tmp_path: Path):
        assert await database.write(lambda tx: vault(tmp_path, None).rotate(tx, now=NOW)) is None
        assert [name for name in names(tmp_path) if "key" in name] == []


@pytest.mark.parametrize("form", [repr, str])
async def test_nothing_shows_a_secret(database: Database, sealing: EnvelopeVault, form):
    await seal(database, sealing)
    shown = form(sealing) + form(await sealed(database))
    assert TEXT not in shown
    assert PLAIN not in shown
