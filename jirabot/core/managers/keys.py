"""The master key of the stored secrets: checked, and changed for a new one."""

from collections.abc import Sequence
from dataclasses import dataclass

from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.managers import audit
from jirabot.core.people import Principal
from jirabot.core.ports import Clock, KeyInUse, Storage, Transaction, Vault
from jirabot.errors import ConfigurationInvalid, Conflict, JirabotError


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The master key, if secrets are stored at all, and how many it opens."""

    key: KeyInUse | None
    secrets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """The master key before and now, and how many secrets were sealed anew."""

    before: KeyInUse
    now: KeyInUse
    secrets: int


class Keys:
    """Checks and rotates the master key."""

    def __init__(self, *, storage: Storage, vault: Vault, clock: Clock) -> None:
        self._storage, self._vault, self._clock = storage, vault, clock

    async def check(self, *, by: Principal) -> Checked:
        """Open every secret that is stored, and tell of none what it is.

        Raises:
            MasterKeyMissing: the key is not found.
            ConfigurationInvalid: with each secret that does not open.
        """
        check_operator(by)
        key, count, problems = await self._storage.read(self._look)
        if problems:
            name = f" with the master key `{key.id}` from {key.source}" if key else ""
            raise ConfigurationInvalid(
                [f"{problem}{name}" for problem in problems],
                hint="set each of them again with `jirabot workspace update`, `jirabot workspace rotate-secret`, or "
                "`jirabot repo remove` and `jirabot repo add`",
            )
        return Checked(key=key, secrets=count)

    async def rotate(self, *, by: Principal) -> Rotated:
        """Make a new master key, and seal every secret with it; a daemon goes on with it by itself.

        Raises:
            Conflict: there is no key yet.
            MasterKeyMissing: the present key is not found.
            ConfigurationInvalid: the present key is given, so that only who gives it can give another.
            SecretSealed: one does not open; nothing is changed.
        """
        check_operator(by)

        def change(tx: Transaction) -> Rotated:
            before = self._vault.check(tx)
            now = self._vault.rotate(tx, now=self._clock.now())
            if before is None or now is None:
                raise Conflict("there is no master key yet", hint="it is made when the first secret is stored")
            audit.record(tx, Act.KEY_ROTATED, by=by, now=self._clock.now(), previous=before.id, key=now.id)
            return Rotated(before=before, now=now, secrets=len(tx.secrets.places()))

        rotated = await self._storage.write(change)
        await self._storage.write(self._vault.settle)
        return rotated

    def _look(self, tx: Transaction) -> tuple[KeyInUse | None, int, Sequence[str]]:
        names = {workspace.id: workspace.name for workspace in tx.workspaces.list()}
        key = self._vault.check(tx)
        places = tx.secrets.places()
        problems: list[str] = []
        for workspace_id, place in places:
            try:
                self._vault.open(tx, workspace_id, place)
            except JirabotError:
                problems.append(f"the secret `{place}` of `{names[workspace_id]}` does not open")
        return key, len(places), problems
