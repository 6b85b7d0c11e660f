"""What every `ForgettingStore` promises: nothing of a person is left, and of the others everything is."""

from dataclasses import replace
from typing import Any

import pytest

from jirabot.core.conversations import State
from jirabot.core.deliveries import DeliveryState, Outcome, Step
from jirabot.core.effects import AddComment, Effect, EffectKind, EffectState
from jirabot.core.forgetting import Named, Words
from jirabot.core.ids import AccountId, ConversationId, DeliveryId, EffectId, LinkId, TriggerKey
from jirabot.core.people import Account, LinkState
from jirabot.core.ports import Storage, Transaction
from jirabot.core.visibility import Public
from tests.contract.test_stores.owed import find, finish, owe
from tests.contract.test_stores.values import (
    ADA,
    GRACE,
    NOW,
    OTHER,
    WS,
    at,
    comment,
    conversation,
    delivery,
    effect,
    link,
    message,
    run,
    run_event,
)

NOBODY = Account(id=AccountId("forgotten-1"))
WORDS = Words(ADA.id, [ADA], instead=NOBODY.id)
C1, C2 = ConversationId("c1"), ConversationId("c2")
SAYS_ADA = AddComment(kind=EffectKind.ANSWER, text="Ada Lovelace, which one?", visibility=Public())


def fill(tx: Transaction) -> None:
    """Ada has a closed conversation; Grace has another, in which Ada is named."""
    for name, account in (("ada", ADA), ("grace", GRACE)):
        tx.users.user_named(name, new_id=link(user_id=f"user-{name}").user_id, now=NOW)
        tx.users.add_link(link(account, id=f"link-{name}", user_id=f"user-{name}", user_name=name))
    asked = conversation("c1", asker=ADA, state=State.COMPLETED, asked=ADA.id, result="Ada Lovelace was right.")
    tx.conversations.add(asked)
    tx.conversations.add(conversation("c2", issue="2", asker=GRACE, state=State.COMPLETED))
    tx.conversations.add_message(message("m1", author=ADA, text="fix it"))
    tx.conversations.add_message(message("m2", of="c2", author=GRACE, text="ask Ada Lovelace", cause="comment:2"))
    tx.conversations.add_run(run("r1", asker_id=ADA.id, summary="Done for Ada Lovelace.", stop_cause="Ada Lovelace"))
    tx.conversations.record_event(run_event("She said: fix it.", run_id="r1"))
    tx.outbox.owe([effect("e1", issue="1", conversation_id=C1), effect("e2", issue="2", does=SAYS_ADA)])
    tx.deliveries.record_action(WS, TriggerKey(f"hint:{ADA.id}:1:2026-11-24"), DeliveryId("d1"), now=NOW)
    tx.people.number_of(WS, ADA.id)


def concluded(tx: Transaction, name: str, body: bytes, state: DeliveryState = DeliveryState.DONE) -> None:
    tx.deliveries.record([delivery(name, issue=name, body=body)])
    lease = tx.deliveries.claim_lane(owner="me", now=NOW, until=at(60))
    assert lease is not None
    step = Step(step="permission", outcome="allowed", text="Ada Lovelace may.")
    outcome = Outcome(state=state, decision="start", reason="started", text="For Ada Lovelace.", steps=(step,))
    tx.deliveries.conclude(lease, DeliveryId(name), outcome, now=NOW)
    tx.deliveries.release_lane(lease)


@pytest.fixture
async def filled(storage: Storage) -> Storage:
    await storage.write(fill)
    return storage


def take_out_all(tx: Transaction) -> int:
    changed = 0
    for place in tx.forgetting.texts():
        after: Any = None
        while True:
            count, after = tx.forgetting.take_out(WS, WORDS, place, after=after, limit=1)
            changed += count
            if after is None:
                break
    return changed


async def test_what_is_held_is_found(filled: Storage):
    held = await filled.read(lambda tx: tx.forgetting.held(WS, ADA.id))
    assert held.accounts == (ADA,)
    assert ([each.id for each in held.closed], held.open, held.service) == ([C1], (), False)
    assert held.owed == 1


async def test_an_open_conversation_is_told(filled: Storage):
    talk = conversation("c3", issue="3", asker=GRACE, asked=ADA.id)
    await filled.write(lambda tx: tx.conversations.add(talk))
    assert [each.id for each in (await filled.read(lambda tx: tx.forgetting.held(WS, ADA.id))).open] == ["c3"]


async def test_nothing_is_held_in_another_workspace(filled: Storage):
    held = await filled.read(lambda tx: tx.forgetting.held(OTHER, ADA.id))
    assert (held.accounts, held.closed) == ((), ())


async def test_the_bots_own_account_is_told(filled: Storage):
    assert (await filled.read(lambda tx: tx.forgetting.held(WS, AccountId("bot-id")))).service


async def test_bodies_that_name_somebody_are_found_in_parts_and_forgotten(filled: Storage):
    def change(tx: Transaction) -> None:
        concluded(tx, "d1", b'{"author": "ada-id"}')
        concluded(tx, "d2", b'{"author": "grace-id"}')
        concluded(tx, "d3", b'{"assignee": "Ada Lovelace"}', DeliveryState.DEAD)
        tx.deliveries.record([delivery("d4", issue="d4", body=b'{"author": "ada-id"}')])

    await filled.write(change)
    numbers = await filled.read(lambda tx: [tx.deliveries.find(DeliveryId(f"d{n}")) for n in range(1, 5)])
    one, _, three, four = [each.no for each in numbers if each]
    first, after = await filled.read(lambda tx: tx.forgetting.named(WS, WORDS, after=0, limit=2))
    second, end = await filled.read(lambda tx: tx.forgetting.named(WS, WORDS, after=after or 0, limit=2))
    assert (first, second, end) == (Named(over=(one,)), Named(over=(three,), unfinished=1), four)
    assert await filled.read(lambda tx: tx.forgetting.named(WS, WORDS, after=four, limit=2)) == (Named(), None)
    await filled.write(lambda tx: tx.forgetting.forget_bodies([one, three]))
    kept = await filled.read(lambda tx: [tx.deliveries.request_of(DeliveryId(f"d{n}")) is not None for n in (1, 2, 3)])
    assert kept == [False, True, False]


async def test_texts_name_the_pseudonym(filled: Storage):
    await filled.write(lambda tx: concluded(tx, "d1", b"{}"))

    changed = await filled.write(take_out_all)

    kept = await filled.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert kept is not None
    assert (kept.text, kept.steps[0].text, kept.state) == ("For forgotten-1.", "forgotten-1 may.", DeliveryState.DONE)
    talk = await filled.read(lambda tx: tx.conversations.find(C1))
    (ended,) = await filled.read(lambda tx: tx.conversations.runs(C1))
    (heard,) = await filled.read(lambda tx: tx.conversations.messages(C2))
    asked = await filled.read(lambda tx: tx.outbox.find(EffectId("e2")))
    assert talk is not None
    assert asked is not None
    assert (talk.result, ended.summary, ended.stop_cause) == (
        "forgotten-1 was right.",
        "Done for forgotten-1.",
        "forgotten-1",
    )
    assert (heard.text, asked.effect.text) == ("ask forgotten-1", "forgotten-1, which one?")
    assert changed >= 5
    assert await filled.write(take_out_all) == 0


async def test_what_they_were_known_by_is_gone_and_outcomes_stay(filled: Storage):
    number = await filled.read(lambda tx: tx.people.number_of(WS, ADA.id))

    counts = await filled.write(lambda tx: tx.forgetting.forget(WS, ADA.id, instead=NOBODY.id))

    assert counts == {"links": 1, "messages": 1, "reports": 1, "comments": 1, "conversations": 1}
    grace, ended = sorted(
        await filled.read(lambda tx: tx.users.list_links(WS)), key=lambda each: each.user_name != "grace"
    )
    assert (ended.account, ended.state, ended.user_name) == (NOBODY, LinkState.ENDED, NOBODY.id)
    assert (grace.account, grace.state) == (GRACE, LinkState.ACTIVE)
    talk = await filled.read(lambda tx: tx.conversations.find(C1))
    assert talk is not None
    assert (talk.asker, talk.asked, talk.state) == (NOBODY, NOBODY.id, State.COMPLETED)
    (said,) = await filled.read(lambda tx: tx.conversations.messages(C1))
    (run_,) = await filled.read(lambda tx: tx.conversations.runs(C1))
    assert (said.author, said.text, run_.asker_id) == (NOBODY, "", NOBODY.id)
    assert await filled.read(lambda tx: tx.conversations.events(C1)) == []
    assert await filled.read(lambda tx: tx.people.account_of(number)) == NOBODY.id
    hints = [TriggerKey(f"hint:{account}:1:2026-11-24") for account in (ADA.id, NOBODY.id)]
    assert await filled.read(lambda tx: [tx.deliveries.acted(WS, key) for key in hints]) == [None, "d1"]
    other = await filled.read(lambda tx: tx.conversations.find(C2))
    assert other is not None
    assert other.asker == GRACE


@pytest.mark.parametrize("does", [None, comment("")], ids=["with a text", "without one"])
async def test_a_dead_comment_of_theirs_is_given_up_and_not_owed_again_without_its_text(
    filled: Storage, does: Effect | None
):
    await owe(filled, effect("e3", issue="3", conversation_id=C1, does=does), effect("e4", issue="4"))
    for id_ in ("e3", "e4"):
        await finish(filled, id_, EffectState.DEAD)
    epoch = (await find(filled, "e3")).epoch

    await filled.write(lambda tx: tx.forgetting.forget(WS, ADA.id, instead=NOBODY.id))

    given_up = await find(filled, "e3")
    assert (given_up.state, given_up.effect.text, given_up.epoch) == (EffectState.DISCARDED, "", epoch + 1)
    assert await filled.write(lambda tx: tx.outbox.retry(EffectId("e3"), now=NOW)) is False
    assert (await find(filled, "e4")).state is EffectState.DEAD


async def test_who_took_part_or_ended_a_link_is_the_pseudonym_then(filled: Storage):
    await filled.write(lambda tx: tx.users.end_link(LinkId("link-grace"), by="ada", now=NOW))
    assert await filled.read(lambda tx: tx.conversations.participants(C1)) == {ADA.id}

    await filled.write(lambda tx: tx.forgetting.forget(WS, ADA.id, instead=NOBODY.id))

    assert await filled.read(lambda tx: tx.conversations.participants(C1)) == {NOBODY.id}
    assert {each.ended_by for each in await filled.read(lambda tx: tx.users.list_links(WS))} == {"", NOBODY.id}


async def test_a_user_who_is_somebody_else_too_keeps_their_name(filled: Storage):
    second = replace(link(GRACE, id="second", user_id="user-ada", user_name="ada"), workspace_id=OTHER)
    await filled.write(lambda tx: tx.users.add_link(second))
    await filled.write(lambda tx: tx.forgetting.forget(WS, ADA.id, instead=NOBODY.id))
    names = {each.id: each.user_name for each in await filled.read(lambda tx: tx.users.list_links(None))}
    assert names == {"link-ada": "ada", "link-grace": "grace", "second": "ada"}


async def test_who_is_forgotten_may_come_again_under_another_number(filled: Storage):
    before = await filled.read(lambda tx: tx.people.number_of(WS, ADA.id))
    await filled.write(lambda tx: tx.forgetting.forget(WS, ADA.id, instead=NOBODY.id))
    assert await filled.write(lambda tx: tx.people.number_of(WS, ADA.id)) > before
