"""What every `SoundnessStore` promises: nothing is wrong that the stores themselves have written, whatever goes on."""

from jirabot.core.conversations import State
from jirabot.core.effects import EffectState
from jirabot.core.ids import EffectId
from jirabot.core.ports import Storage, Transaction
from jirabot.core.soundness import Held
from tests.contract.test_stores.lanes import claimed, postpone, record, release
from tests.contract.test_stores.owed import begin, finish, owe
from tests.contract.test_stores.test_storage import fill
from tests.contract.test_stores.values import NOW, at, conversation, delivery, effect, run


async def test_what_the_stores_have_written_is_sound(storage: Storage):
    await storage.write(fill)
    assert await storage.read(lambda tx: list(tx.soundness.damage())) == []
    assert await storage.read(lambda tx: list(tx.soundness.dangling())) == []


async def test_no_event_is_stranded_while_its_lane_waits_works_or_is_given_back(storage: Storage):
    await record(storage, delivery("d1"), delivery("d2"))
    assert await storage.read(lambda tx: list(tx.soundness.stranded())) == []
    lease = await claimed(storage)
    assert await postpone(storage, lease)
    assert await storage.read(lambda tx: list(tx.soundness.stranded())) == []
    await release(storage, lease)
    assert await storage.read(lambda tx: list(tx.soundness.stranded())) == []
    assert await storage.write(lambda tx: tx.soundness.wake_stranded()) == 0


async def test_what_is_leased_is_listed_with_its_owner(storage: Storage):
    await record(storage, delivery("d1"))
    await claimed(storage, "me")

    def begin(tx: Transaction) -> None:
        tx.conversations.add(conversation(state=State.IN_PROGRESS))
        tx.conversations.add_run(run())
        tx.conversations.claim_run(owner="you", now=NOW, until=at(60), limits={})

    await storage.write(begin)
    assert list(await storage.read(lambda tx: tx.soundness.held())) == [
        Held(what="the lane of issue `1`", owner="me", until=at(10)),
        Held(what="the run `r1`", owner="you", until=at(60)),
    ]


async def test_only_the_first_effect_of_an_issue_can_be_overdue(storage: Storage):
    def owe(tx: Transaction) -> None:
        tx.outbox.owe([effect("e1", due_at=at(10)), effect("e2", due_at=NOW), effect("e3", issue="2", due_at=NOW)])

    await storage.write(owe)
    assert list(await storage.read(lambda tx: tx.soundness.overdue(before=at(5)))) == ["e3"]
    assert list(await storage.read(lambda tx: tx.soundness.overdue(before=at(15)))) == ["e1", "e3"]

    await storage.write(lambda tx: tx.outbox.discard(EffectId("e1")))
    assert list(await storage.read(lambda tx: tx.soundness.overdue(before=at(5)))) == ["e2", "e3"]


async def test_one_whose_fate_is_unknown_is_overdue_by_when_it_was_sent(storage: Storage):
    await owe(storage, effect("older"), effect("sending"))
    await finish(storage, "older", EffectState.DEAD)
    await begin(storage, "sending", now=at(10), until=at(1000))
    await storage.write(lambda tx: tx.outbox.retry(EffectId("older"), now=at(900)))
    assert list(await storage.read(lambda tx: tx.soundness.overdue(before=at(10)))) == ["older"]
    assert list(await storage.read(lambda tx: tx.soundness.overdue(before=at(11)))) == ["older", "sending"]
