"""The system's keyring: a real backend keeps the key, whatever else there is does not."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backends import fail, null

from jirabot.storage.master_key import MasterKey, MasterKeys, Source, SystemKeyring

VALUE = bytes(range(32))
TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ANOTHER = "__________________________________________8="
KEY_ID = "0610cd25fe4ca76b"
"""The name of the key `VALUE`."""


class Backend:
    """A real backend of the keyring library: keeps passwords by service and name, in memory."""

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, name: str) -> str | None:
        return self.passwords.get((service, name))

    def set_password(self, service: str, name: str, password: str) -> None:
        self.passwords[service, name] = password


class Refusing(Backend):
    """A backend that fails at whatever it is asked."""

    def get_password(self, service: str, name: str) -> str | None:
        raise RuntimeError("locked")

    def set_password(self, service: str, name: str, password: str) -> None:
        raise RuntimeError("locked")


class Forgetful(Backend):
    """A backend that keeps nothing, and does not say so."""

    def set_password(self, service: str, name: str, password: str) -> None:
        """Forget it."""


class Chain(Backend):
    """A backend that asks others."""

    def __init__(self, *backends: object) -> None:
        super().__init__()
        self.backends = backends


def plain_text() -> object:
    """A backend of the library that keeps passwords in plain text."""
    return type("PlaintextKeyring", (Backend,), {"__module__": "keyrings.alt.file"})()


class TestSystemKeyring:
    def test_a_real_backend_keeps_the_key(self):
        backend = Backend()
        keyring = SystemKeyring(lambda: backend)
        assert keyring.get() is None
        assert keyring.put(TEXT) is True
        assert keyring.get() == TEXT
        assert backend.passwords == {("jirabot", "master-key"): TEXT}

    def test_a_key_that_is_there_is_not_replaced(self):
        backend = Backend()
        keyring = SystemKeyring(lambda: backend)
        keyring.put(TEXT)
        assert keyring.put(ANOTHER) is False
        assert keyring.get() == TEXT

    def test_a_key_that_follows_has_a_name_of_its_own(self):
        backend = Backend()
        keyring = SystemKeyring(lambda: backend)
        keyring.put(TEXT)
        assert keyring.put(ANOTHER, "21628994b2cc9915") is True
        assert (keyring.get(), keyring.get("21628994b2cc9915")) == (TEXT, ANOTHER)
        assert backend.passwords[("jirabot", "master-key/21628994b2cc9915")] == ANOTHER

    @pytest.mark.parametrize(
        "backend",
        [
            pytest.param(fail.Keyring(), id="fails"),
            pytest.param(null.Keyring(), id="null"),
            pytest.param(plain_text(), id="plain text"),
            pytest.param(Refusing(), id="locked"),
            pytest.param(Forgetful(), id="forgets"),
            pytest.param(Chain(fail.Keyring(), plain_text()), id="a chain without a real one"),
            pytest.param(Chain(), id="an empty chain"),
        ],
    )
    def test_a_backend_that_does_not_keep_secrets_is_none(self, backend):
        keyring = SystemKeyring(lambda: backend)
        assert keyring.put(TEXT) is False
        assert keyring.get() is None

    def test_a_chain_with_a_real_one_is_real(self):
        chain = Chain(fail.Keyring(), Backend())
        assert SystemKeyring(lambda: chain).put(TEXT) is True

    def test_a_library_that_fails_is_none(self):
        def broken() -> object:
            raise ImportError("no keyring here")

        assert SystemKeyring(broken).put(TEXT) is False

    @pytest.fixture
    def hanging(self) -> Iterator[SystemKeyring]:
        """A keyring that asks a person, whose answer comes far too late."""
        answered = threading.Event()

        class Asking(Backend):
            def get_password(self, service: str, name: str) -> str | None:
                answered.wait(2.0)
                return TEXT

        yield SystemKeyring(Asking, within_seconds=0.02)
        answered.set()

    def test_one_that_hangs_is_given_up(self, hanging: SystemKeyring):
        assert hanging.get() is None
        assert hanging.put(TEXT) is False

    def test_past_one_that_hangs_the_data_folder_is_looked_at(self, tmp_path: Path, hanging: SystemKeyring):
        (tmp_path / "master.key").write_text(TEXT)
        found = MasterKeys(tmp_path, keyring=hanging).find((KEY_ID, "the system keyring"))
        assert found == MasterKey(value=VALUE, source=Source.FOLDER)
