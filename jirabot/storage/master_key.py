"""Where the master key comes from: a value or file that was given, the system's keyring, or the data folder.

What is given is the only place looked at. Else the key that the database was sealed with is looked for in the keyring
and then in the data folder; a new one is made only where none is recorded.
"""

import base64
import binascii
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from jirabot.errors import ConfigurationInvalid, MasterKeyMissing
from jirabot.storage.faults import file_fault

KEY_BYTES = 32

KEYRING_SECONDS = 3.0
"""How long a keyring may take: one that asks a person at a daemon's start never answers."""


class Source(StrEnum):
    """The kinds of places that hold a master key, as the database records them."""

    VALUE = "JIRABOT_MASTER_KEY"
    FILE = "JIRABOT_MASTER_KEY_FILE"
    KEYRING = "the system keyring"
    FOLDER = "`master.key` in the data folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """A key and where it was found; `id` names it without telling it."""

    value: bytes = field(repr=False)
    source: Source

    @property
    def id(self) -> str:
        """Tell the key's name: the beginning of its SHA-256."""
        return hashlib.sha256(b"jirabot master key\0" + self.value).hexdigest()[:16]


class Keyring(Protocol):
    """A place that the operating system keeps secrets in: a first key, and by their ids those that followed one."""

    def get(self, key_id: str = "") -> str | None:
        """Find the key's text; None where there is none, or no keyring."""

    def put(self, text: str, key_id: str = "") -> bool:
        """Keep the key's text; False where another is kept already, or there is no keyring that would."""


class NoKeyring:
    """The keyring of a system that has none."""

    def get(self, key_id: str = "") -> str | None:
        return None

    def put(self, text: str, key_id: str = "") -> bool:
        return False


def _system_backend() -> Any:
    import keyring

    return keyring.get_keyring()


class SystemKeyring:
    """The system's keyring, if it is a real one that answers in time. Blocks up to `KEYRING_SECONDS`."""

    _SERVICE, _NAME = "jirabot", "master-key"

    def __init__(
        self, backend: Callable[[], Any] = _system_backend, *, within_seconds: float = KEYRING_SECONDS
    ) -> None:
        self._backend, self._within_seconds = backend, within_seconds

    def get(self, key_id: str = "") -> str | None:
        name = self._name(key_id)
        found: str | None = self._ask(lambda backend: backend.get_password(self._SERVICE, name))
        return found

    def put(self, text: str, key_id: str = "") -> bool:
        name = self._name(key_id)

        def keep(backend: Any) -> bool:
            # Another data folder's secrets may be sealed with the key that is there.
            if backend.get_password(self._SERVICE, name) is None:
                backend.set_password(self._SERVICE, name, text)
            return bool(backend.get_password(self._SERVICE, name) == text)

        return bool(self._ask(keep))

    def _name(self, key_id: str) -> str:
        return f"{self._NAME}/{key_id}" if key_id else self._NAME

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """Ask a real backend; None where there is none, it fails, or it takes too long."""
        answers: list[Any] = []

        def ask() -> None:
            # Whatever a keyring raises means the same: it does not serve. The next place is looked at instead.
            with suppress(Exception):
                backend = self._backend()
                if _is_real(backend):
                    answers.append(question(backend))

        # A thread of its own, which the end of the process does not wait for: a keyring may never answer.
        thread = threading.Thread(target=ask, name="jirabot-keyring", daemon=True)
        thread.start()
        thread.join(self._within_seconds)
        return answers[0] if answers else None


_NOT_REAL = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
"""Modules of backends that keep nothing, or keep it in plain text."""


def _is_real(backend: Any) -> bool:
    inner = getattr(backend, "backends", None)
    if inner is not None:
        return any(_is_real(each) for each in inner)
    return not type(backend).__module__.startswith(_NOT_REAL)


class MasterKeys:
    """Finds the master key, and makes it once."""

    def __init__(
        self, folder: Path, *, value: str | None = None, file: Path | None = None, keyring: Keyring | None = None
    ) -> None:
        self._path, self._next_path = folder / "master.key", folder / "master.key.next"
        self._value, self._file = value, file
        self._keyring = SystemKeyring() if keyring is None else keyring

    def find(self, recorded: tuple[str, str] | None) -> MasterKey | None:
        """Find the key that is *recorded* (its id and source), or any where none is; None where there is none.

        Raises:
            MasterKeyMissing: a key is recorded, and it is not among those found.
            ConfigurationInvalid: what was found is no key.
            StorageUnavailable: `master.key` can't be read.
        """
        found: list[MasterKey] = []
        for key in self._candidates(recorded):
            if recorded is None or key.id == recorded[0]:
                return key
            found.append(key)
        if recorded is not None:
            raise _missing(*recorded, found)
        return None

    def make(self) -> MasterKey:
        """Make a key and keep it: in the keyring if there is a real one, else in the data folder.

        Raises:
            StorageUnavailable: the data folder refuses.
        """
        value = secrets.token_bytes(KEY_BYTES)
        text = base64.urlsafe_b64encode(value).decode()
        if self._keyring.put(text):
            return MasterKey(value=value, source=Source.KEYRING)
        try:
            _write_new(self._path, text)
        except OSError as error:
            raise file_fault(self._path, error) from error
        return MasterKey(value=value, source=Source.FOLDER)

    def check_given(self) -> None:
        """Look at the key that is given, if one is.

        Raises:
            ConfigurationInvalid: it is none.
        """
        if self._value is not None or self._file is not None:
            self.find(None)

    def make_next(self, key: MasterKey) -> MasterKey:
        """Make the key that is to follow *key*, in the same kind of place and beside it: both are found from now on.

        Raises:
            ConfigurationInvalid: the key is given, so that only who gives it can give another.
            StorageUnavailable: the data folder refuses.
        """
        if key.source in (Source.VALUE, Source.FILE):
            raise ConfigurationInvalid(
                [f"the master key comes from {key.source}, which jirabot can't change"],
                hint=f"write that key into `{self._path}` (mode 0600), unset {key.source} for the daemon too, and run "
                "`jirabot key rotate`; that file then holds the new key",
            )
        value = secrets.token_bytes(KEY_BYTES)
        made = MasterKey(value=value, source=Source.KEYRING)
        text = base64.urlsafe_b64encode(value).decode()
        if key.source is Source.KEYRING and self._keyring.put(text, made.id):
            return made
        self.settle(key.id)
        try:
            self._next_path.unlink(missing_ok=True)
            _write_new(self._next_path, text)
        except OSError as error:
            raise file_fault(self._next_path, error) from error
        return MasterKey(value=value, source=Source.FOLDER)

    def settle(self, key_id: str) -> None:
        """Let the next key of the data folder take the old one's place, if it is the one of that id.

        Only within a transaction that writes: no other process makes a next one meanwhile.

        Raises:
            StorageUnavailable: the data folder refuses.
        """
        if any(key.id == key_id for key in self._next()):
            try:
                self._next_path.replace(self._path)
                _sync_folder(self._path.parent)
            except OSError as error:
                raise file_fault(self._path, error) from error

    def _candidates(self, recorded: tuple[str, str] | None) -> Iterator[MasterKey]:
        if self._value is not None:
            yield MasterKey(value=_decoded(self._value, Source.VALUE), source=Source.VALUE)
        elif self._file is not None:
            yield MasterKey(value=_decoded(_given_text(self._file), Source.FILE), source=Source.FILE)
        else:
            yield from self._own(recorded)

    def _own(self, recorded: tuple[str, str] | None) -> Iterator[MasterKey]:
        followed = [recorded[0]] if recorded and recorded[1] == Source.KEYRING else []
        for key_id in ("", *followed):
            if text := self._keyring.get(key_id):
                yield MasterKey(value=_decoded(text, Source.KEYRING), source=Source.KEYRING)
        # The next one first: it is moved, so who does not find it any more finds it in the old one's place.
        yield from self._next()
        yield from self._in_file(self._path)

    def _next(self) -> list[MasterKey]:
        try:
            return list(self._in_file(self._next_path))
        except ConfigurationInvalid:
            # Written in part by a process that was ended: nothing is sealed with it.
            return []

    def _in_file(self, path: Path) -> Iterator[MasterKey]:
        try:
            text = path.read_text(errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise file_fault(path, error) from error
        yield MasterKey(value=_decoded(text, Source.FOLDER), source=Source.FOLDER)


def _missing(key_id: str, source: str, found: list[MasterKey]) -> MasterKeyMissing:
    others = ", ".join(f"`{key.id}` from {key.source}" for key in found) or "none"
    return MasterKeyMissing(
        f"the stored secrets are sealed with the master key `{key_id}` from {source}; found: {others}",
        hint="give that key with JIRABOT_MASTER_KEY or JIRABOT_MASTER_KEY_FILE",
    )


def _given_text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(
            [f"JIRABOT_MASTER_KEY_FILE names `{path}`, which can't be read"],
            hint="name a file that holds the key, readable by the user that runs jirabot",
        ) from error


def _decoded(text: str, source: Source) -> bytes:
    try:
        value = base64.b64decode(text.strip().encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != KEY_BYTES:
        raise ConfigurationInvalid(
            [f"what {source} holds is no master key: it must be {KEY_BYTES} bytes in URL-safe base64"],
            hint="give the key as jirabot has made it; a new one: `openssl rand -base64 32 | tr '+/' '-_'`",
        )
    return value


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
