"""The lock on the data folder, which one daemon holds as long as it lives; the system frees it when it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from jirabot.errors import DaemonRunning
from jirabot.storage.faults import file_fault


class DataFolderLock:
    """Held from `acquire` to `release`, or as a context manager. Not for network file systems."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / "daemon.lock"
        self._handle: int | None = None

    @classmethod
    def made(cls, folder: Path) -> Self:
        """Give the lock of a folder, which is made, for its owner alone, where it is not there.

        Raises:
            StorageUnavailable: it can't be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise file_fault(folder, error) from error
        return cls(folder)

    def acquire(self) -> None:
        """Take the folder.

        Raises:
            DaemonRunning: another process has it.
            StorageUnavailable: the folder can't be written.
        """
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_fault(self._path, error) from error
        try:
            # Who only looks holds it too, for a moment; a daemon holds it alone.
            while not _locked(handle, fcntl.LOCK_EX):
                if _is_held_alone(handle):
                    raise self._refusal(handle)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(handle)
            raise file_fault(self._path, error) from error
        except DaemonRunning:
            os.close(handle)
            raise
        self._handle = handle

    def _refusal(self, handle: int) -> DaemonRunning:
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip()
        return DaemonRunning(
            f"another daemon (process `{holder or 'unknown'}`) holds the data folder `{self._folder}`",
            hint="stop it first, or give this one a data folder of its own",
        )

    def release(self) -> None:
        """Give the folder back; nothing where it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def is_held(self) -> bool:
        """Say whether any process holds the folder now. Makes nothing."""
        if self._handle is not None:
            return True
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise file_fault(self._path, error) from error
        try:
            return _is_held_alone(handle)
        finally:
            os.close(handle)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _locked(handle: int, kind: int) -> bool:
    """Lock a file if that can be done at once."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held_alone(handle: int) -> bool:
    """Say whether somebody else has locked a file for itself alone."""
    if _locked(handle, fcntl.LOCK_SH):
        fcntl.flock(handle, fcntl.LOCK_UN)
        return False
    return True
