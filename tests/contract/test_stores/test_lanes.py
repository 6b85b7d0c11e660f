"""What every `DeliveryStore` promises of leases on lanes: one worker an issue, who is known by owner and epoch."""

from dataclasses import replace

import pytest

from jirabot.core.deliveries import DeliveryState, Lease, Step
from jirabot.core.ids import ConversationId, DeliveryId, IssueKey, LaneId, TriggerKey
from jirabot.core.ports import Storage
from tests.contract.test_stores.lanes import (
    DONE,
    LANE_1,
    LANE_2,
    claim,
    claimed,
    conclude,
    head,
    next_due_at,
    postpone,
    record,
    release,
    state,
)
from tests.contract.test_stores.values import OTHER, WS, at, delivery


class TestClaiming:
    async def test_without_deliveries_there_is_nothing_to_claim(self, storage: Storage):
        assert await claim(storage) is None

    async def test_what_is_recorded_makes_its_lane_ready(self, storage: Storage):
        await record(storage, delivery())
        assert await claim(storage) == Lease(key="ws/1", workspace_id=WS, owner="me", epoch=1)

    async def test_a_lane_is_not_ready_before_its_time(self, storage: Storage):
        await record(storage, delivery())
        assert await claim(storage, now=at(-0.000001)) is None

    async def test_a_leased_lane_is_nobody_elses(self, storage: Storage):
        await record(storage, delivery())
        await claimed(storage)
        assert await claim(storage, "you", now=at(9.999999)) is None

    async def test_a_lease_that_ran_out_is_taken_over_with_the_next_epoch(self, storage: Storage):
        await record(storage, delivery())
        await claimed(storage)
        assert await claim(storage, "you", now=at(10)) == Lease(key="ws/1", workspace_id=WS, owner="you", epoch=2)

    async def test_each_claim_raises_the_epoch(self, storage: Storage):
        await record(storage, delivery())
        epochs = []
        for _ in range(3):
            lease = await claimed(storage)
            epochs.append(lease.epoch)
            await release(storage, lease)
        assert epochs == [1, 2, 3]

    async def test_the_lane_that_is_ready_for_longest_comes_first(self, storage: Storage):
        await record(
            storage,
            delivery("a", issue="1", received_at=at(3)),
            delivery("b", issue="2", received_at=at(1)),
            delivery("c", issue="3", received_at=at(2)),
        )
        assert [(await claimed(storage, now=at(5))).key for _ in range(3)] == ["ws/2", "ws/3", "ws/1"]

    async def test_issues_are_worked_on_side_by_side(self, storage: Storage):
        await record(storage, delivery("a", issue="1"), delivery("b", issue="1", workspace_id=OTHER))
        leases = [await claimed(storage), await claimed(storage, "you")]
        assert {(lease.key, lease.workspace_id) for lease in leases} == {("ws/1", WS), ("other-ws/1", OTHER)}

    async def test_only_takes_no_other_lane(self, storage: Storage):
        await record(storage, delivery("a", issue="1"), delivery("b", issue="2", received_at=at(1)))
        assert (await claimed(storage, now=at(2), only=LANE_2)).key == "ws/2"
        assert await claim(storage, now=at(2), only=LANE_2) is None
        assert await claim(storage, now=at(2), only=LaneId("ws/3")) is None

    async def test_only_takes_no_other_lane_whose_lease_ran_out(self, storage: Storage):
        await record(storage, delivery("a", issue="1"), delivery("b", issue="2"))
        await claimed(storage, only=LANE_1)
        assert (await claimed(storage, now=at(20), only=LANE_2)).key == "ws/2"

    @pytest.mark.parametrize("kept", [DeliveryState.PAUSED, DeliveryState.REFUSED])
    async def test_what_is_not_to_be_handled_makes_no_lane_ready(self, storage: Storage, kept):
        await record(storage, delivery(state=kept))
        assert await claim(storage) is None


class TestOrder:
    async def test_the_oldest_unfinished_delivery_is_the_head(self, storage: Storage):
        await record(storage, delivery("a", received_at=at(-1)), delivery("other", issue="2"))
        await record(storage, delivery("b", received_at=at(-2)))
        lease, seen = await claimed(storage, only=LANE_1), []
        while (oldest := await head(storage, lease)) is not None:
            seen.append(oldest)
            await conclude(storage, lease, oldest)
        assert seen == ["a", "b"]

    async def test_what_was_kept_or_refused_is_no_head(self, storage: Storage):
        kept = delivery("a", state=DeliveryState.PAUSED), delivery("b", state=DeliveryState.REFUSED)
        await record(storage, *kept, delivery("c"))
        assert await head(storage, await claimed(storage)) == "c"

    async def test_a_head_that_is_postponed_is_not_overtaken(self, storage: Storage):
        await record(storage, delivery("a"), delivery("b"))
        lease = await claimed(storage)
        await postpone(storage, lease, "a", due_at=at(60))
        assert await head(storage, lease, now=at(59)) is None
        assert await head(storage, lease, now=at(60)) == "a"

    async def test_a_lane_that_waits_for_its_head_is_not_woken_by_another_delivery(self, storage: Storage):
        await record(storage, delivery("a"))
        lease = await claimed(storage)
        await postpone(storage, lease, "a", due_at=at(60))
        await release(storage, lease)
        await record(storage, delivery("b", received_at=at(1)))
        assert await claim(storage, now=at(59)) is None
        assert await next_due_at(storage) == at(60)
        assert await head(storage, await claimed(storage, now=at(60)), now=at(60)) == "a"


class TestConcluding:
    async def test_the_outcome_is_recorded_with_the_delivery(self, storage: Storage):
        outcome = replace(
            DONE,
            state=DeliveryState.IGNORED,
            steps=(
                Step(step="parsed", outcome="done"),
                Step(step="decision", outcome="no", reason="r", text="Text é."),
            ),
            trigger_key=TriggerKey("comment:1"),
            conversation_id=ConversationId("c1"),
            issue_key=IssueKey("SHOP-9"),
        )
        await record(storage, delivery())
        before = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
        assert await conclude(storage, await claimed(storage), outcome=outcome) is True
        assert before is not None
        assert await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1"))) == replace(
            before,
            state=DeliveryState.IGNORED,
            decision="start",
            reason="mention",
            text="It was asked.",
            steps=(
                Step(step="parsed", outcome="done"),
                Step(step="decision", outcome="no", reason="r", text="Text é."),
            ),
            trigger_key=TriggerKey("comment:1"),
            conversation_id=ConversationId("c1"),
            issue_key=IssueKey("SHOP-9"),
            handled_at=at(1),
        )

    async def test_an_outcome_that_names_no_issue_leaves_the_deliverys(self, storage: Storage):
        await record(storage, delivery(issue="7"))
        await conclude(storage, await claimed(storage))
        found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
        assert found is not None
        assert found.issue_key == "PAY-7"

    async def test_it_is_recorded_once(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        assert await conclude(storage, lease) is True
        assert await conclude(storage, lease, outcome=replace(DONE, state=DeliveryState.DEAD)) is False
        assert await state(storage) is DeliveryState.DONE

    async def test_what_is_concluded_is_not_postponed(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        await conclude(storage, lease)
        assert await postpone(storage, lease) is False
        assert await state(storage) is DeliveryState.DONE

    async def test_a_lease_reaches_its_own_lane_only(self, storage: Storage):
        await record(storage, delivery("a", issue="1"), delivery("b", issue="2"))
        lease = await claimed(storage, only=LANE_1)
        assert await conclude(storage, lease, "b") is False
        assert await postpone(storage, lease, "b") is False
        assert await state(storage, "b") is DeliveryState.RECEIVED

    async def test_what_is_not_there_is_not_concluded(self, storage: Storage):
        await record(storage, delivery())
        assert await conclude(storage, await claimed(storage), "nowhere") is False


async def test_postponing_counts_no_attempt_where_there_was_none(storage: Storage):
    await record(storage, delivery())
    lease = await claimed(storage)
    assert await postpone(storage, lease, due_at=at(60), counted=False) is True
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert found is not None
    assert (found.state, found.attempts, found.due_at) == (DeliveryState.WAITING, 0, at(60))


async def test_what_is_to_be_handled_later_waits_for_its_time(storage: Storage):
    await record(storage, delivery("later", due_at=at(5)), delivery("behind"), delivery("elsewhere", issue="2"))
    assert await next_due_at(storage) == at(0)
    assert (await claimed(storage)).key == LANE_2
    assert await claim(storage) is None

    lease = await claimed(storage, now=at(5))
    assert lease.key == LANE_1
    assert await head(storage, lease, now=at(5)) == "later"
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("later")))
    assert found is not None
    assert (found.received_at, found.due_at) == (at(0), at(5))


async def test_postponing_counts_the_attempt_and_says_why(storage: Storage):
    await record(storage, delivery())
    lease = await claimed(storage)
    assert await postpone(storage, lease, due_at=at(60)) is True
    assert await postpone(storage, lease, due_at=at(90)) is True
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert found is not None
    assert (found.state, found.attempts, found.due_at, found.reason, found.text, found.handled_at) == (
        DeliveryState.WAITING,
        2,
        at(90),
        "try-again",
        "Jira is away.",
        None,
    )


class TestLost:
    """Who has lost a lease changes nothing."""

    @pytest.fixture(params=["taken over", "released", "released and claimed again", "another owner", "another epoch"])
    async def lost(self, request: pytest.FixtureRequest, storage: Storage) -> Lease:
        """A lease on a lane with one delivery, that does not stand any more."""
        await record(storage, delivery())
        lease = await claimed(storage)
        match request.param:
            case "taken over":
                await claimed(storage, "you", now=at(10))
            case "released":
                await release(storage, lease)
            case "released and claimed again":
                await release(storage, lease)
                await claimed(storage, "me")
            case "another owner":
                return replace(lease, owner="you")
            case "another epoch":
                return replace(lease, epoch=0)
        return lease

    async def test_it_finds_no_head(self, storage: Storage, lost: Lease):
        assert await head(storage, lost) is None

    async def test_it_concludes_nothing(self, storage: Storage, lost: Lease):
        assert await conclude(storage, lost) is False
        assert await state(storage) is DeliveryState.RECEIVED

    async def test_it_postpones_nothing(self, storage: Storage, lost: Lease):
        assert await postpone(storage, lost) is False
        assert await state(storage) is DeliveryState.RECEIVED

    async def test_it_is_not_renewed(self, storage: Storage, lost: Lease):
        before = await next_due_at(storage)
        assert await storage.write(lambda tx: tx.deliveries.renew_lane(lost, until=at(1000))) is False
        assert await next_due_at(storage) == before

    async def test_it_releases_nothing(self, storage: Storage, lost: Lease):
        before = await next_due_at(storage)
        await release(storage, lost)
        assert await next_due_at(storage) == before


class TestRenewing:
    async def test_a_renewed_lease_stands_until_its_new_end(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        assert await storage.write(lambda tx: tx.deliveries.renew_lane(lease, until=at(30))) is True
        assert await claim(storage, "you", now=at(29)) is None
        assert await head(storage, lease) == "d1"
        assert (await claimed(storage, "you", now=at(30))).epoch == 2

    async def test_one_that_ran_out_but_was_not_taken_over_still_stands(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        assert await storage.write(lambda tx: tx.deliveries.renew_lane(lease, until=at(60))) is True
        assert await conclude(storage, lease) is True


class TestReleasing:
    async def test_with_work_left_the_lane_is_ready_at_once(self, storage: Storage):
        await record(storage, delivery("a"), delivery("b"))
        lease = await claimed(storage)
        await conclude(storage, lease, "a")
        await release(storage, lease)
        assert await head(storage, await claimed(storage, "you")) == "b"

    async def test_with_a_postponed_head_it_is_ready_when_that_is_due(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        await postpone(storage, lease, due_at=at(60))
        await release(storage, lease)
        assert await claim(storage, now=at(59)) is None
        assert (await claimed(storage, now=at(60))).key == "ws/1"

    async def test_with_nothing_left_it_is_idle(self, storage: Storage):
        await record(storage, delivery())
        lease = await claimed(storage)
        await conclude(storage, lease)
        await release(storage, lease)
        assert await claim(storage, now=at(1000)) is None
        assert await next_due_at(storage) is None

    async def test_an_idle_lane_is_woken_by_the_next_delivery(self, storage: Storage):
        await record(storage, delivery("a"))
        lease = await claimed(storage)
        await conclude(storage, lease, "a")
        await release(storage, lease)
        await record(storage, delivery("b", received_at=at(5)))
        assert await claim(storage, now=at(4)) is None
        assert await head(storage, await claimed(storage, now=at(5)), now=at(5)) == "b"

    async def test_an_idle_lane_is_not_woken_by_a_duplicate(self, storage: Storage):
        await record(storage, delivery("a"))
        lease = await claimed(storage)
        await conclude(storage, lease, "a")
        await release(storage, lease)
        await record(storage, delivery("b", fingerprint="fingerprint of a"))
        assert await next_due_at(storage) is None

    async def test_what_came_while_it_was_leased_is_not_forgotten(self, storage: Storage):
        await record(storage, delivery("a"))
        lease = await claimed(storage)
        await record(storage, delivery("b"))
        assert await claim(storage, "you") is None
        await conclude(storage, lease, "a")
        await release(storage, lease)
        assert await head(storage, await claimed(storage, "you")) == "b"


class TestNextDue:
    async def test_without_work_it_is_never(self, storage: Storage):
        assert await next_due_at(storage) is None

    async def test_it_is_when_the_next_lane_is_ready(self, storage: Storage):
        await record(storage, delivery("a", received_at=at(7)), delivery("b", issue="2", received_at=at(5)))
        assert await next_due_at(storage) == at(5)

    async def test_it_is_when_a_lease_runs_out(self, storage: Storage):
        await record(storage, delivery())
        await claim(storage, until=at(12))
        assert await next_due_at(storage) == at(12)

    async def test_it_is_the_earlier_of_both(self, storage: Storage):
        await record(storage, delivery("a"), delivery("b", issue="2", received_at=at(5)))
        await claim(storage, until=at(12))
        assert await next_due_at(storage) == at(5)
        await claim(storage, now=at(5), until=at(20))
        assert await next_due_at(storage) == at(12)
