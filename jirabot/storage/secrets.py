"""Seals secrets with the master key: AES-256-GCM, a random nonce each, bound to workspace and place."""

import os
from datetime import datetime
from typing import TYPE_CHECKING

from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import KeyInUse, Sealed, Transaction
from jirabot.errors import DatabaseUnusable, MasterKeyMissing
from jirabot.storage.master_key import MasterKey, MasterKeys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
"""96 bits, what GCM is made for; random ones are safe for far more values than are ever sealed."""


class EnvelopeVault:
    """Fulfils `Vault`. Asks for a master key when it is first needed, and keeps it for the process."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys
        self._known: dict[str, MasterKey] = {}

    def seal(self, tx: Transaction, workspace_id: WorkspaceId, place: str, plain: str, *, now: datetime) -> None:
        key = self._key_for_sealing(tx)
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = _cipher(key).encrypt(nonce, plain.encode(), _bound_to(workspace_id, place, key.id))
        tx.secrets.put(workspace_id, place, Sealed(key_id=key.id, nonce=nonce, ciphertext=ciphertext), now=now)

    def open(self, tx: Transaction, workspace_id: WorkspaceId, place: str) -> str | None:
        from cryptography.exceptions import InvalidTag

        sealed = tx.secrets.find(workspace_id, place)
        if sealed is None:
            return None
        key = self._key_for_opening(tx, sealed)
        bound = _bound_to(workspace_id, place, key.id)
        try:
            return _cipher(key).decrypt(sealed.nonce, sealed.ciphertext, bound).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: what stands there can't even be a nonce
            raise DatabaseUnusable(
                f"the secret `{place}` does not open: its row was changed, or copied from another",
                hint="set the secret again, or restore a backup with `jirabot db restore`",
            ) from error

    def check(self, tx: Transaction) -> KeyInUse | None:
        recorded = tx.secrets.key_identity()
        key = self._keys.find(recorded) if recorded else None
        return _in_use(key) if key else None

    def rotate(self, tx: Transaction, *, now: datetime) -> KeyInUse | None:
        recorded = tx.secrets.key_identity()
        key = self._keys.find(recorded) if recorded else None
        if key is None:
            return None
        plain = [(*at, self.open(tx, *at)) for at in tx.secrets.places()]
        made = self._keys.make_next(key)
        tx.secrets.record_key_identity(made.id, made.source.value)
        self._known[made.id] = made
        for workspace_id, place, text in plain:
            self.seal(tx, workspace_id, place, text or "", now=now)
        return _in_use(made)

    def settle(self, tx: Transaction) -> None:
        recorded = tx.secrets.key_identity()
        if recorded:
            self._keys.settle(recorded[0])

    def _key_for_sealing(self, tx: Transaction) -> MasterKey:
        recorded = tx.secrets.key_identity()
        key = self._known.get(recorded[0]) if recorded else None
        if key is None:
            key = self._keys.find(recorded) or self._keys.make()
            if recorded is None:
                tx.secrets.record_key_identity(key.id, key.source.value)
            self._known[key.id] = key
        return key

    def _key_for_opening(self, tx: Transaction, sealed: Sealed) -> MasterKey:
        key = self._known.get(sealed.key_id)
        if key is None:
            _, source = tx.secrets.key_identity() or ("", "a place that is not recorded")
            key = self._keys.find((sealed.key_id, source))
            if key is None:
                raise MasterKeyMissing(f"there is no master key `{sealed.key_id}`")
            self._known[key.id] = key
        return key


def _in_use(key: MasterKey) -> KeyInUse:
    return KeyInUse(id=key.id, source=key.source.value)


def _cipher(key: MasterKey) -> "AESGCM":
    # Imported with the first secret: most commands open none.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key.value)


def _bound_to(workspace_id: WorkspaceId, place: str, key_id: str) -> bytes:
    return f"{workspace_id}\0{place}\0{key_id}".encode()
