"""Where the master key comes from, in which order, and that it is made once and never told."""

import base64
import re
from pathlib import Path

import pytest

from jirabot.errors import ConfigurationInvalid, MasterKeyMissing, StorageUnavailable
from jirabot.storage.master_key import MasterKey, MasterKeys, NoKeyring, Source
from tests.integration.test_storage.processes import run

VALUE = bytes(range(32))
TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ANOTHER = "__________________________________________8="
KEY_ID = "0610cd25fe4ca76b"
"""The name of the key `VALUE`: the first 16 digits of the SHA-256 of `jirabot master key`, a zero byte and the key."""


class Remembering:
    """A keyring that keeps what it is given, in memory."""

    def __init__(self, text: str | None = None, *, serves: bool = True) -> None:
        self.text, self.serves = text, serves
        self.followed: dict[str, str] = {}

    def get(self, key_id: str = "") -> str | None:
        return self.followed.get(key_id) if key_id else self.text

    def put(self, text: str, key_id: str = "") -> bool:
        if self.serves and key_id:
            self.followed[key_id] = text
        elif self.serves:
            self.text = text
        return self.serves


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that holds a key, not in the data folder."""
    path = tmp_path / "given" / "key"
    path.parent.mkdir()
    path.write_text(TEXT + "\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder."""
    path = tmp_path / "data"
    path.mkdir()
    return path


class TestFinding:
    def test_a_value_that_was_given_is_the_key(self, folder: Path):
        found = MasterKeys(folder, value=TEXT, keyring=NoKeyring()).find(None)
        assert found == MasterKey(value=VALUE, source=Source.VALUE)

    def test_a_file_that_was_given_holds_the_key(self, folder: Path, file: Path):
        found = MasterKeys(folder, file=file, keyring=NoKeyring()).find(None)
        assert found == MasterKey(value=VALUE, source=Source.FILE)

    def test_the_keyring_holds_the_key(self, folder: Path):
        found = MasterKeys(folder, keyring=Remembering(TEXT)).find(None)
        assert found == MasterKey(value=VALUE, source=Source.KEYRING)

    def test_the_data_folder_holds_the_key(self, folder: Path):
        (folder / "master.key").write_text(TEXT)
        found = MasterKeys(folder, keyring=NoKeyring()).find(None)
        assert found == MasterKey(value=VALUE, source=Source.FOLDER)

    def test_a_value_goes_before_a_file_which_goes_before_keyring_and_folder(self, folder: Path, file: Path):
        (folder / "master.key").write_text(ANOTHER)
        own = Remembering(ANOTHER)
        value = MasterKeys(folder, value=TEXT, file=file, keyring=own).find(None)
        given = MasterKeys(folder, file=file, keyring=own).find(None)
        assert value is not None
        assert given is not None
        assert (value.source, given.source) == (Source.VALUE, Source.FILE)

    def test_the_keyring_goes_before_the_folder(self, folder: Path):
        (folder / "master.key").write_text(ANOTHER)
        found = MasterKeys(folder, keyring=Remembering(TEXT)).find(None)
        assert found == MasterKey(value=VALUE, source=Source.KEYRING)

    def test_there_may_be_none(self, folder: Path):
        assert MasterKeys(folder, keyring=NoKeyring()).find(None) is None

    @pytest.mark.parametrize("text", [TEXT, f"  {TEXT}\r\n"], ids=["none", "around"])
    def test_white_space_around_it_does_not_matter(self, folder: Path, text):
        found = MasterKeys(folder, value=text, keyring=NoKeyring()).find(None)
        assert found == MasterKey(value=VALUE, source=Source.VALUE)

    @pytest.mark.parametrize("text", [ANOTHER, ANOTHER.replace("_", "/")], ids=["URL-safe", "standard"])
    def test_both_alphabets_of_base64_are_read(self, folder: Path, text):
        found = MasterKeys(folder, value=text, keyring=NoKeyring()).find(None)
        assert found is not None
        assert found.value == b"\xff" * 32


class TestRecorded:
    """Once a key is recorded, no other is taken."""

    RECORDED = (KEY_ID, "the system keyring")

    def test_it_is_found_wherever_it_is_now(self, folder: Path):
        (folder / "master.key").write_text(TEXT)
        found = MasterKeys(folder, keyring=Remembering(ANOTHER)).find(self.RECORDED)
        assert found == MasterKey(value=VALUE, source=Source.FOLDER)

    def test_another_key_is_not_taken_for_it(self, folder: Path):
        with pytest.raises(MasterKeyMissing) as told:
            MasterKeys(folder, value=ANOTHER, keyring=Remembering(TEXT)).find(self.RECORDED)
        assert told.value.message == (
            f"the stored secrets are sealed with the master key `{KEY_ID}` from the system keyring; "
            "found: `21628994b2cc9915` from JIRABOT_MASTER_KEY"
        )
        assert told.value.hint == "give that key with JIRABOT_MASTER_KEY or JIRABOT_MASTER_KEY_FILE"

    def test_where_there_is_none_that_is_told(self, folder: Path):
        with pytest.raises(MasterKeyMissing, match=r"; found: none$"):
            MasterKeys(folder, keyring=NoKeyring()).find(self.RECORDED)


class TestNoKey:
    """What is there but is no key is told without showing it."""

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param("c2hvcnQ=", id="too short"),
            pytest.param(TEXT[:-4] + "Hx8f", id="too long"),
            pytest.param(TEXT.rstrip("="), id="without padding"),
            pytest.param("hunter2 is no key!", id="no base64"),
            pytest.param("sch\udcfcssel", id="no text"),
        ],
    )
    def test_as_a_value(self, folder: Path, text):
        with pytest.raises(ConfigurationInvalid) as told:
            MasterKeys(folder, value=text, keyring=NoKeyring()).find(None)
        assert told.value.problems == [
            "what JIRABOT_MASTER_KEY holds is no master key: it must be 32 bytes in URL-safe base64"
        ]

    @pytest.mark.parametrize("content", [b"hunter2", b"\xff\xfe\x00"], ids=["text", "bytes"])
    def test_in_the_data_folder(self, folder: Path, content):
        (folder / "master.key").write_bytes(content)
        with pytest.raises(ConfigurationInvalid, match=r"what `master\.key` in the data folder holds is no master key"):
            MasterKeys(folder, keyring=NoKeyring()).find(None)

    def test_in_the_keyring(self, folder: Path):
        with pytest.raises(ConfigurationInvalid, match="what the system keyring holds is no master key"):
            MasterKeys(folder, keyring=Remembering("hunter2")).find(None)

    @pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["no file", "no text"])
    def test_in_a_file_that_was_given(self, folder: Path, file: Path, content):
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(ConfigurationInvalid, match=f"names `{re.escape(str(file))}`, which can't be read"):
            MasterKeys(folder, file=file, keyring=NoKeyring()).find(None)

    def test_a_key_in_the_data_folder_that_cannot_be_read_is_told(self, folder: Path):
        (folder / "master.key").mkdir()
        with pytest.raises(StorageUnavailable, match=r"master\.key` can't be used: Is a directory"):
            MasterKeys(folder, keyring=NoKeyring()).find(None)


class TestMaking:
    def test_a_new_key_is_kept_in_the_keyring(self, folder: Path):
        keyring = Remembering()
        made = MasterKeys(folder, keyring=keyring).make()
        assert made.source is Source.KEYRING
        assert keyring.text == base64.urlsafe_b64encode(made.value).decode()
        assert list(folder.iterdir()) == []

    def test_without_a_keyring_it_is_kept_in_the_data_folder_for_its_owner_alone(self, folder: Path):
        made = MasterKeys(folder, keyring=Remembering(serves=False)).make()
        assert made.source is Source.FOLDER
        assert (folder / "master.key").stat().st_mode & 0o777 == 0o600
        assert base64.urlsafe_b64decode((folder / "master.key").read_text()) == made.value

    def test_what_was_made_is_found(self, folder: Path):
        keys = MasterKeys(folder, keyring=NoKeyring())
        made = keys.make()
        assert keys.find(None) == made
        assert keys.find((made.id, made.source)) == made

    def test_no_two_are_alike(self, folder: Path):
        keys = MasterKeys(folder, keyring=Remembering())
        assert keys.make().value != keys.make().value

    def test_it_has_32_bytes(self, folder: Path):
        assert len(MasterKeys(folder, keyring=NoKeyring()).make().value) == 32

    def test_one_that_is_there_is_not_replaced(self, folder: Path):
        (folder / "master.key").write_text(TEXT)
        with pytest.raises(StorageUnavailable, match=r"master\.key` can't be used: File exists"):
            MasterKeys(folder, keyring=NoKeyring()).make()
        assert (folder / "master.key").read_text() == TEXT

    def test_a_folder_that_refuses_is_told(self, folder: Path):
        program = """
import pathlib, sys
from jirabot.errors import JirabotError
from jirabot.storage.master_key import MasterKeys, NoKeyring
try:
    MasterKeys(pathlib.Path(sys.argv[1]), keyring=NoKeyring()).make()
except JirabotError as error:
    print(error.code, error.message, sep=": ")
"""
        folder.chmod(0o500)
        told = run(program, folder, obedient=True)
        assert told == f"storage-unavailable: `{folder}/master.key` can't be used: Permission denied"


class TestNext:
    """A key that follows another is found beside it, and then takes its place."""

    @pytest.fixture
    def keys(self, folder: Path) -> MasterKeys:
        """Keys of a folder that holds one."""
        (folder / "master.key").write_text(TEXT)
        return MasterKeys(folder, keyring=NoKeyring())

    def test_both_are_found(self, keys: MasterKeys):
        old = MasterKey(value=VALUE, source=Source.FOLDER)
        made = keys.make_next(old)
        assert keys.find((made.id, made.source)) == made
        assert keys.find((old.id, old.source)) == old
        assert made.value != old.value

    def test_it_is_its_owners_alone(self, keys: MasterKeys, folder: Path):
        keys.make_next(MasterKey(value=VALUE, source=Source.FOLDER))
        assert (folder / "master.key.next").stat().st_mode & 0o777 == 0o600

    def test_it_takes_the_old_ones_place(self, keys: MasterKeys, folder: Path):
        made = keys.make_next(MasterKey(value=VALUE, source=Source.FOLDER))
        keys.settle(made.id)
        assert [each.name for each in folder.iterdir()] == ["master.key"]
        assert keys.find((made.id, made.source)) == made

    def test_one_that_is_not_in_use_does_not_take_its_place(self, keys: MasterKeys, folder: Path):
        keys.make_next(MasterKey(value=VALUE, source=Source.FOLDER))
        keys.settle(KEY_ID)
        assert (folder / "master.key").read_text() == TEXT

    def test_one_that_was_given_up_is_made_anew(self, keys: MasterKeys, folder: Path):
        old = MasterKey(value=VALUE, source=Source.FOLDER)
        keys.make_next(old)
        made = keys.make_next(old)
        assert keys.find((made.id, made.source)) == made
        assert (folder / "master.key").read_text() == TEXT

    def test_one_in_use_whose_process_ended_before_it_took_its_place_is_not_lost(self, keys: MasterKeys):
        first = keys.make_next(MasterKey(value=VALUE, source=Source.FOLDER))
        second = keys.make_next(first)
        assert keys.find((first.id, first.source)) == first
        assert keys.find((second.id, second.source)) == second

    def test_one_that_was_written_in_part_does_not_matter(self, keys: MasterKeys, folder: Path):
        (folder / "master.key.next").write_text(ANOTHER[:20])
        assert keys.find(None) == MasterKey(value=VALUE, source=Source.FOLDER)
        keys.settle(KEY_ID)
        assert keys.make_next(MasterKey(value=VALUE, source=Source.FOLDER)).source is Source.FOLDER

    def test_in_the_keyring_it_is_kept_beside_the_first_which_other_folders_may_use(self, folder: Path):
        keyring = Remembering(TEXT)
        keys = MasterKeys(folder, keyring=keyring)
        made = keys.make_next(MasterKey(value=VALUE, source=Source.KEYRING))
        keys.settle(made.id)
        assert made.source is Source.KEYRING
        assert (keyring.text, list(keyring.followed)) == (TEXT, [made.id])
        assert keys.find((made.id, made.source)) == made
        assert list(folder.iterdir()) == []

    def test_where_the_keyring_keeps_no_more_it_is_kept_in_the_data_folder(self, folder: Path):
        keys = MasterKeys(folder, keyring=Remembering(TEXT, serves=False))
        made = keys.make_next(MasterKey(value=VALUE, source=Source.KEYRING))
        keys.settle(made.id)
        assert made.source is Source.FOLDER
        assert keys.find((made.id, made.source)) == made

    @pytest.mark.parametrize("source", [Source.VALUE, Source.FILE])
    def test_one_that_is_given_is_not_followed(self, folder: Path, source: Source):
        with pytest.raises(ConfigurationInvalid) as told:
            MasterKeys(folder, keyring=NoKeyring()).make_next(MasterKey(value=VALUE, source=source))
        assert told.value.problems == [f"the master key comes from {source}, which jirabot can't change"]
        assert told.value.hint == (
            f"write that key into `{folder}/master.key` (mode 0600), unset {source} for the daemon too, and run "
            "`jirabot key rotate`; that file then holds the new key"
        )
        assert list(folder.iterdir()) == []


def test_a_key_is_named_by_its_digest():
    assert MasterKey(value=VALUE, source=Source.VALUE).id == KEY_ID


@pytest.mark.parametrize("form", [repr, str])
def test_a_key_does_not_show_itself(form):
    shown = form(MasterKey(value=VALUE, source=Source.VALUE))
    assert shown == f"MasterKey(source={Source.VALUE!r})"


@pytest.mark.parametrize("form", [repr, str])
def test_what_finds_keys_does_not_show_them(folder: Path, form):
    assert TEXT not in form(MasterKeys(folder, value=TEXT, keyring=NoKeyring()))
