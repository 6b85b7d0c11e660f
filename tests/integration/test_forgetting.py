"""A person forgotten whose conversation has a comment that was given up: it is not owed again without its text."""

from pathlib import Path

from jirabot.app import open_app
from jirabot.core.conversations import State
from jirabot.core.effects import EffectState
from jirabot.core.ids import ConversationId, EffectId
from jirabot.core.managers import troubles
from jirabot.core.managers.troubles import Found
from jirabot.core.people import SHELL
from jirabot.core.ports import Transaction
from jirabot.core.scopes import of_workspace
from jirabot.core.troubles import Reason
from tests.contract.test_stores.owed import find, finish
from tests.contract.test_stores.values import ADA, NOW, WS, conversation, effect, seed
from tests.e2e.stage import settings_for


def fill(tx: Transaction) -> None:
    """Ada has a closed conversation, to which a comment is owed; that one was given up is told."""
    seed(tx)
    tx.conversations.add(conversation("c1", asker=ADA, state=State.COMPLETED))
    tx.outbox.owe([effect("e1", conversation_id=ConversationId("c1"))])
    dead = Found(scope=of_workspace(WS), reason=Reason.EFFECT_DEAD, text="It was given up.", fix="owe it again")
    troubles.begin(tx, dead, new_id="t1", now=NOW)


async def test_a_comment_that_was_given_up_is_discarded_with_its_trouble(tmp_path: Path) -> None:
    async with open_app(settings_for(tmp_path)) as app:
        await app.storage.write(fill)
        await finish(app.storage, EffectId("e1"), EffectState.DEAD)
        workspace = await app.storage.read(lambda tx: tx.workspaces.find(WS))
        assert workspace is not None

        await app.forgetting.forget(workspace.name, ADA.id, by=SHELL)

        assert (await find(app.storage, "e1")).state is EffectState.DISCARDED
        assert await app.storage.read(lambda tx: tx.troubles.standing()) == []
        assert await app.outbox.retry_dead(workspace.name, by=SHELL) == []
