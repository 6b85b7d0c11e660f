"""A run that needs a secret which does not open: it ends, its issue says why, and administrators are told."""

import pytest

from jirabot.core.conversations import State
from jirabot.core.ports import Sealed, Transaction
from jirabot.core.troubles import Reason
from jirabot.core.workspaces import repository_token_place

from .stage import Stage

pytestmark = pytest.mark.alike


async def test_a_run_whose_repository_token_does_not_open_fails_and_says_so(stage: Stage) -> None:
    """It is no fault of the database, which would be waited for with the run's slot taken."""

    def seal(tx: Transaction) -> None:
        (repository,) = tx.repositories.list(stage.workspace.id)
        key_id, _ = tx.secrets.key_identity() or ("", "")
        sealed = Sealed(key_id=key_id, nonce=b"0" * 12, ciphertext=b"0" * 32)
        tx.secrets.put(stage.workspace.id, repository_token_place(repository.id), sealed, now=stage.app.clock.now())

    await stage.app.storage.write(seal)
    await stage.comment("@openhands fix login.py")
    await stage.says()

    assert "the token of the repository `acme/shop` of `acme` does not open" in (await stage.says()).text

    standing = await stage.app.storage.read(lambda tx: tx.troubles.standing())
    assert (await stage.conversation()).state is State.FAILED
    assert Reason.SECRET_SEALED in {each.reason for each in standing}
    stage.expected_errors = {"trouble.begun"}
