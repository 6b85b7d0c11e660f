"""The data folder is one daemon's: a second is refused with a sentence, a killed one leaves it free."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jirabot.errors import DaemonRunning, StorageUnavailable
from jirabot.storage.lock import DataFolderLock
from tests.integration.test_storage.processes import line_of, run, start

HOLDS = """
import pathlib, sys
from jirabot.storage.lock import DataFolderLock
with DataFolderLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


class TestHeldByAnother:
    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[int]:
        """The id of another process, which holds the folder."""
        with start(HOLDS, tmp_path) as process:
            assert line_of(process) == "held"
            yield process.pid
            process.kill()

    def test_a_second_daemon_is_refused_with_a_sentence(self, tmp_path: Path, other: int):
        with pytest.raises(DaemonRunning) as told:
            DataFolderLock(tmp_path).acquire()
        assert told.value.message == f"another daemon (process `{other}`) holds the data folder `{tmp_path}`"
        assert told.value.hint == "stop it first, or give this one a data folder of its own"

    def test_everybody_sees_that_it_is_held(self, tmp_path: Path, other: int):
        assert DataFolderLock(tmp_path).is_held() is True

    def test_who_was_refused_leaves_it_as_it_is(self, tmp_path: Path, other: int):
        for _ in range(2):
            with pytest.raises(DaemonRunning, match=f"process `{other}`"):
                DataFolderLock(tmp_path).acquire()

    def test_another_folder_is_free(self, tmp_path: Path, other: int):
        (tmp_path / "another").mkdir()
        with DataFolderLock(tmp_path / "another") as lock:
            assert lock.is_held() is True

    def test_kill_9_frees_it(self, tmp_path: Path, other: int):
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
        assert DataFolderLock(tmp_path).is_held() is False
        with DataFolderLock(tmp_path) as lock:
            assert lock.is_held() is True


def test_a_folder_that_nobody_has_used_is_not_held_and_nothing_is_made(tmp_path: Path):
    assert DataFolderLock(tmp_path).is_held() is False
    assert list(tmp_path.iterdir()) == []


def test_it_is_free_again_once_it_is_released(tmp_path: Path):
    lock = DataFolderLock(tmp_path)
    lock.acquire()
    assert DataFolderLock(tmp_path).is_held() is True
    lock.release()
    assert lock.is_held() is False
    assert DataFolderLock(tmp_path).is_held() is False


def test_releasing_what_is_not_held_does_nothing(tmp_path: Path):
    held, other = DataFolderLock(tmp_path), DataFolderLock(tmp_path)
    with held:
        other.release()
        assert other.is_held() is True


def test_two_of_one_process_do_not_share_it(tmp_path: Path):
    with DataFolderLock(tmp_path), pytest.raises(DaemonRunning, match=f"process `{os.getpid()}`"):
        DataFolderLock(tmp_path).acquire()


def test_an_error_within_frees_it(tmp_path: Path):
    with pytest.raises(LookupError), DataFolderLock(tmp_path):
        raise LookupError
    assert DataFolderLock(tmp_path).is_held() is False


def test_who_only_looks_keeps_no_daemon_from_starting(tmp_path: Path):
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            DataFolderLock(tmp_path).is_held()

    with ThreadPoolExecutor(max_workers=3) as threads:
        lookers = [threads.submit(look) for _ in range(3)]
        try:
            for _ in range(300):
                with DataFolderLock(tmp_path):
                    pass
        finally:
            done.set()
    assert [looker.exception() for looker in lookers] == [None] * 3


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path):
    folder = tmp_path / "data" / "jirabot"
    with DataFolderLock.made(folder):
        assert (folder.stat().st_mode & 0o777, (folder / "daemon.lock").stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_folder_that_is_there_is_taken_as_it_is(tmp_path: Path):
    tmp_path.chmod(0o750)
    with DataFolderLock.made(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable, match=r"file/data` can't be used: Not a directory"):
        DataFolderLock.made(tmp_path / "file" / "data")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(StorageUnavailable, match=r"nowhere/daemon\.lock` can't be used: No such file or directory"):
        DataFolderLock(tmp_path / "nowhere").acquire()


TRIES = """
import pathlib, sys
from jirabot.errors import JirabotError
from jirabot.storage.lock import DataFolderLock
lock = DataFolderLock(pathlib.Path(sys.argv[1]))
try:
    lock.acquire() if sys.argv[2] == "acquire" else lock.is_held()
    print("done")
except JirabotError as error:
    print(error.code, error.message, sep=": ")
"""


@pytest.mark.parametrize("what", ["acquire", "look"])
def test_a_lock_that_may_not_be_opened_is_told(tmp_path: Path, what: str):
    (tmp_path / "daemon.lock").touch(mode=0o000)
    told = run(TRIES, tmp_path, what, obedient=True)
    assert told == f"storage-unavailable: `{tmp_path}/daemon.lock` can't be used: Permission denied"


def test_a_lock_that_cannot_be_marked_is_told_and_not_kept(tmp_path: Path):
    (tmp_path / "daemon.lock").symlink_to("/dev/full")
    lock = DataFolderLock(tmp_path)
    with pytest.raises(StorageUnavailable, match=r"daemon\.lock` can't be used"):
        lock.acquire()
    assert lock.is_held() is False
