"""Seals secrets with the master key: AES-256-GCM, a random nonce each, bound to workspace and place."""

import os
from datetime import datetime
from typing import TYPE_CHECKING

from jirabot.core.ids import WorkspaceId
from jirabot.core.ports import KeyInUse, Sealed, Transaction
from jirabot.core.workspaces import repository_token_place, setting_again
from jirabot.errors import MasterKeyMissing, SecretSealed
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
        if key is None:
            raise _does_not_open(tx, workspace_id, place)
        bound = _bound_to(workspace_id, place, key.id)
        try:
            return _cipher(key).decrypt(sealed.nonce, sealed.ciphertext, bound).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: what stands there can't even be a nonce
            raise _does_not_open(tx, workspace_id, place) from error

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

    def _key_for_opening(self, tx: Transaction, sealed: Sealed) -> MasterKey | None:
        """Find the key that a secret names; None where there is none, and it is not the one of all secrets."""
        key = self._known.get(sealed.key_id)
        if key is None:
            known_id, source = tx.secrets.key_identity() or (sealed.key_id, "a place that is not recorded")
            try:
                key = self._keys.find((sealed.key_id, source))
            except MasterKeyMissing:
                if known_id == sealed.key_id:
                    raise
                return None
            if key is None:
                raise MasterKeyMissing(f"there is no master key `{sealed.key_id}`")
            self._known[key.id] = key
        return key


def _does_not_open(tx: Transaction, workspace_id: WorkspaceId, place: str) -> SecretSealed:
    workspace, repositories = tx.workspaces.find(workspace_id), tx.repositories.list(workspace_id)
    name = workspace.name if workspace else workspace_id
    repository = next((each.name for each in repositories if repository_token_place(each.id) == place), "")
    what = f"the token of the repository `{repository}`" if repository else f"the secret `{place}`"
    again = setting_again(place, name, repository=repository)
    return SecretSealed(
        f"{what} of `{name}` does not open: its row was changed, or copied from another",
        hint=f"set it again with {again}; `jirabot db check` names all that do not open",
    )


def _in_use(key: MasterKey) -> KeyInUse:
    return KeyInUse(id=key.id, source=key.source.value)


def _cipher(key: MasterKey) -> "AESGCM":
    # Imported with the first secret: most commands open none.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key.value)


def _bound_to(workspace_id: WorkspaceId, place: str, key_id: str) -> bytes:
    return f"{workspace_id}\0{place}\0{key_id}".encode()
