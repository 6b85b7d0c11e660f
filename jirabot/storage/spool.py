"""Bodies that are too large for a row: a file each, named by its delivery, durable before the row is."""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from jirabot.core.ids import DeliveryId
from jirabot.errors import BodyUnreadable
from jirabot.storage.faults import file_fault

LARGEST_IN_ROW_BYTES = 256 * 1024
"""A larger body would hold up the commits of all the others: 24 MB took the p99 of small ones from 5 to 98 ms."""

ENDING = ".body"


class Spool:
    """The folder of large bodies; fulfils `BodyFiles`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, delivery_id: DeliveryId, body: bytes) -> str:
        """Write *body* to a new file and wait until it is on the disk; return the file's name.

        Raises:
            StorageUnavailable: the disk or folder refuses.
        """
        name = f"{delivery_id}{ENDING}"
        path = self._folder / name
        try:
            if not self._folder.is_dir():
                self._folder.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._folder.parent)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._folder)
        except OSError as error:
            # On a full disk the half that was written would be in the way of everything else.
            self.forget(name)
            raise file_fault(path, error) from error
        return name

    def read(self, name: str) -> bytes | None:
        """Read a body; None once it is pruned.

        Raises:
            BodyUnreadable: it is there, and can't be read.
        """
        path = self._folder / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            fault = file_fault(path, error)
            raise BodyUnreadable(fault.message, hint=fault.hint) from error

    def list(self) -> Mapping[str, datetime]:
        try:
            with os.scandir(self._folder) as entries:
                files = [each for each in entries if each.name.endswith(ENDING)]
                return {each.name: datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in files}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise file_fault(self._folder, error) from error

    def forget(self, name: str) -> None:
        with suppress(OSError):
            (self._folder / name).unlink()


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
