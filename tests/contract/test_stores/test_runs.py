"""What every `ConversationStore` promises of runs: numbered, leased by owner and epoch, as many at once as may be."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from jirabot.core.conversations import Run, RunState, State
from jirabot.core.deliveries import Lease
from jirabot.core.ids import ConversationId, RepositoryId, RunId
from jirabot.core.ports import Storage, Transaction
from jirabot.errors import Conflict
from tests.contract.test_stores.values import NOW, OTHER, at, conversation, lease_of, run

C1, R1 = ConversationId("c1"), RunId("r1")
FULL = run(
    state=RunState.FAILED,
    asker_id="ada-id",
    attempts=2,
    stop_requested=True,
    stop_cause="Ada Lovelace",
    owner="me",
    epoch=3,
    lease_until=at(60),
    summary="It was tried 🤖",
    failure="stalled",
    due_at=at(1),
    started_at=at(2),
    ended_at=at(3),
)
"""A run with every field set."""

LIVE = [RunState.WAITING, RunState.HELD, RunState.RUNNING]
ENDED = [RunState.FINISHED, RunState.ASKED, RunState.FAILED, RunState.STOPPED, RunState.EXPIRED]


@pytest.fixture
async def opened(storage: Storage) -> Storage:
    """Conversations `c1`, `c2`, `c3` here and `x1` in the other workspace, without runs."""

    def change(tx: Transaction) -> None:
        for number in ("1", "2", "3"):
            tx.conversations.add(conversation(f"c{number}", issue=number, state=State.IN_PROGRESS))
        tx.conversations.add(conversation("x1", workspace_id=OTHER, state=State.IN_PROGRESS))

    await storage.write(change)
    return storage


async def add(storage: Storage, *runs: Run) -> None:
    def change(tx: Transaction) -> None:
        for each in runs:
            tx.conversations.add_run(each)

    await storage.write(change)


async def find(storage: Storage, id: str = "r1") -> Run:
    found = await storage.read(lambda tx: tx.conversations.find_run(RunId(id)))
    assert found is not None
    return found


async def claim(
    storage: Storage,
    owner: str = "me",
    *,
    now: datetime = NOW,
    until: datetime | None = None,
    only: str | None = None,
    **limits: int,
) -> Run | None:
    """Claim for ten seconds, where nothing else is said."""
    asked: dict[str, Any] = {"owner": owner, "now": now, "limits": limits}
    asked["until"] = until or at((now - NOW).total_seconds() + 10)
    asked["only"] = None if only is None else ConversationId(only)
    return await storage.write(lambda tx: tx.conversations.claim_run(**asked))


async def claimed_id(storage: Storage, **asked: Any) -> str | None:
    found = await claim(storage, **asked)
    return None if found is None else found.id


class TestRows:
    @pytest.mark.parametrize("added", [pytest.param(FULL, id="every field set"), pytest.param(run(), id="defaults")])
    async def test_what_was_added_is_found_equal(self, opened: Storage, added):
        await add(opened, added)
        assert await find(opened) == added

    async def test_what_is_not_there_is_none(self, opened: Storage):
        assert await opened.read(lambda tx: tx.conversations.find_run(RunId("nowhere"))) is None

    async def test_a_conversation_has_one_run_of_a_number(self, opened: Storage):
        await add(opened, run("r1", number=1))
        with pytest.raises(Conflict, match="the conversation has a run of that number already"):
            await add(opened, run("r2", number=1))
        assert await opened.read(lambda tx: tx.conversations.runs(C1)) == [run("r1", number=1)]

    async def test_an_id_is_taken_once(self, opened: Storage):
        await add(opened, run())
        with pytest.raises(Conflict):
            await add(opened, run(number=2))
        assert await find(opened) == run()

    async def test_the_runs_of_a_conversation_are_listed_by_number(self, opened: Storage):
        await add(opened, run("b", number=2), run("c", number=10), run("a", number=1), run("x", of="c2", number=3))
        listed = await opened.read(lambda tx: tx.conversations.runs(C1))
        assert [each.id for each in listed] == ["a", "b", "c"]

    async def test_save_replaces_all_but_owner_epoch_lease_and_stop_request(self, opened: Storage):
        known = run(owner="you", epoch=7, lease_until=at(99), stop_requested=False, stop_cause="")
        await add(opened, known, run("r2", of="c2"))
        await opened.write(lambda tx: tx.conversations.save_run(FULL))
        expected = replace(FULL, owner="you", epoch=7, lease_until=at(99), stop_requested=False, stop_cause="")
        assert await find(opened) == expected
        assert await find(opened, "r2") == run("r2", of="c2")

    async def test_saving_one_that_is_not_there_adds_nothing(self, opened: Storage):
        await opened.write(lambda tx: tx.conversations.save_run(run()))
        assert await opened.read(lambda tx: tx.conversations.find_run(R1)) is None

    @pytest.mark.parametrize("state", LIVE)
    async def test_a_run_that_waits_is_held_or_runs_is_live(self, opened: Storage, state):
        await add(opened, run("ended", state=RunState.FINISHED), run("live", number=2, state=state))
        live = await opened.read(lambda tx: tx.conversations.live_run(C1))
        assert live is not None
        assert live.id == "live"

    async def test_what_has_begun_and_not_ended_is_found_whoever_has_it(self, opened: Storage):
        waiting = run("waiting", state=RunState.WAITING)
        lost = run("lost", of="c2", state=RunState.RUNNING, due_at=at(1), lease_until=at(-9))
        held = run("held", of="c3", state=RunState.RUNNING, due_at=at(2), owner="me", lease_until=at(9))
        await add(opened, held, waiting, lost)
        assert await opened.read(lambda tx: tx.conversations.running()) == [lost, held]

    @pytest.mark.parametrize("state", ENDED)
    async def test_a_run_that_ended_is_not_live(self, opened: Storage, state):
        await add(opened, run(state=state), run("x", of="c2"))
        assert await opened.read(lambda tx: tx.conversations.live_run(C1)) is None

    async def test_who_asks_first_to_stop_stays_the_cause(self, opened: Storage):
        await add(opened, run(), run("r2", of="c2"))
        await opened.write(lambda tx: tx.conversations.request_stop(R1, cause="Ada"))
        await opened.write(lambda tx: tx.conversations.request_stop(R1, cause="Grace"))
        assert await find(opened) == run(stop_requested=True, stop_cause="Ada")
        assert await find(opened, "r2") == run("r2", of="c2")


class TestClaiming:
    async def test_without_runs_there_is_nothing_to_claim(self, opened: Storage):
        assert await claim(opened) is None

    async def test_a_due_run_that_waits_is_leased_and_runs(self, opened: Storage):
        await add(opened, run(epoch=4, attempts=1))
        leased = await claim(opened, until=at(30))
        assert leased == run(state=RunState.RUNNING, owner="me", epoch=5, lease_until=at(30), attempts=1)
        assert await find(opened) == leased

    async def test_the_oldest_due_comes_first(self, opened: Storage):
        await add(
            opened,
            run("r1", of="c1", due_at=at(3)),
            run("r2", of="c2", due_at=at(1)),
            run("r3", of="c3", due_at=at(2)),
        )
        assert [await claimed_id(opened, now=at(5)) for _ in range(4)] == ["r2", "r3", "r1", None]

    async def test_one_that_is_not_due_waits(self, opened: Storage):
        await add(opened, run(due_at=at(60)))
        assert await claim(opened, now=at(59)) is None
        assert await claimed_id(opened, now=at(60)) == "r1"

    @pytest.mark.parametrize("state", [RunState.HELD, *ENDED])
    async def test_one_that_is_held_or_ended_is_not_claimed(self, opened: Storage, state):
        await add(opened, run(state=state, owner="gone", lease_until=at(-1)))
        assert await claim(opened) is None

    async def test_a_leased_run_is_nobody_elses(self, opened: Storage):
        await add(opened, run())
        await claim(opened)
        assert await claim(opened, "you", now=at(9.999999)) is None

    async def test_a_lease_that_ran_out_is_taken_over_with_the_next_epoch(self, opened: Storage):
        await add(opened, run())
        await claim(opened)
        taken = await claim(opened, "you", now=at(10), until=at(20))
        assert taken == run(state=RunState.RUNNING, owner="you", epoch=2, lease_until=at(20))

    async def test_a_running_run_that_was_released_is_claimed_at_once(self, opened: Storage):
        await add(opened, run())
        lease = lease_of(await claim(opened))
        await opened.write(lambda tx: tx.conversations.release_run(lease))
        taken = await claim(opened, "you", now=at(1))
        assert taken is not None
        assert (taken.owner, taken.epoch) == ("you", 2)

    async def test_only_takes_no_run_of_another_conversation(self, opened: Storage):
        lost = run("lost", of="c1", state=RunState.RUNNING, lease_until=at(-1))
        await add(opened, lost, run("mine", of="c2"), run("older", of="c3", due_at=at(-5)))
        assert await claimed_id(opened, only="c2") == "mine"
        assert await claimed_id(opened, only="c2") is None

    async def test_a_conversation_runs_one_at_a_time(self, opened: Storage):
        await add(opened, run("first"), run("second", number=2, due_at=at(1)))
        first = await claim(opened)
        assert first is not None
        assert await claim(opened, now=at(5)) is None
        await opened.write(lambda tx: tx.conversations.save_run(replace(first, state=RunState.FINISHED)))
        assert await claimed_id(opened, now=at(5)) == "second"

    async def test_a_run_whose_lease_ran_out_is_taken_over_before_the_next_of_its_conversation(self, opened: Storage):
        await add(opened, run("first"), run("second", number=2, due_at=at(-5)))
        await claim(opened, now=at(-5), until=at(-1))
        await opened.write(lambda tx: tx.conversations.save_run(run("second", number=2, state=RunState.RUNNING)))
        assert await claimed_id(opened) == "second"
        assert await claim(opened) is None


class TestLimits:
    """How many runs may be leased at once, by all and of one workspace, person or repository."""

    @pytest.fixture
    async def four(self, opened: Storage) -> Storage:
        """Three runs here, the oldest; one in the other workspace."""
        await add(
            opened,
            run("r1", of="c1", due_at=at(-4)),
            run("r2", of="c2", due_at=at(-3)),
            run("r3", of="c3", due_at=at(-2)),
            run("x1", of="x1", due_at=at(-1), workspace_id=OTHER),
        )
        return opened

    async def test_without_limits_all_run(self, four: Storage):
        assert [await claimed_id(four) for _ in range(5)] == ["r1", "r2", "r3", "x1", None]

    async def test_of_a_daemon(self, four: Storage):
        assert [await claimed_id(four, daemon=2) for _ in range(3)] == ["r1", "r2", None]

    async def test_of_a_daemon_count_what_others_hold(self, four: Storage):
        assert await claimed_id(four, owner="you", daemon=1) == "r1"
        assert await claimed_id(four, owner="me", daemon=1) is None

    async def test_of_a_workspace_leave_room_to_others(self, four: Storage):
        assert [await claimed_id(four, workspace=1) for _ in range(3)] == ["r1", "x1", None]

    async def test_of_a_person_leave_room_to_others(self, opened: Storage):
        await add(
            opened,
            run("r1", of="c1", due_at=at(-4), asker_id="ada"),
            run("r2", of="c2", due_at=at(-3), asker_id="ada"),
            run("r3", of="c3", due_at=at(-2), asker_id="grace"),
            run("x1", of="x1", due_at=at(-1), asker_id="ada", workspace_id=OTHER),
        )
        assert [await claimed_id(opened, user=1) for _ in range(4)] == ["r1", "r3", "x1", None]

    async def test_of_a_person_hold_back_nobody_who_is_not_known(self, four: Storage):
        assert [await claimed_id(four, user=1) for _ in range(5)] == ["r1", "r2", "r3", "x1", None]

    @pytest.fixture
    async def housed(self, four: Storage) -> Storage:
        """The four, of which `r1` and `r2` work in one repository, `r3` in another, and `x1` in none that is known."""

        def change(tx: Transaction) -> None:
            for name, repository_id in (("c1", "shop"), ("c2", "shop"), ("c3", "bank")):
                known = conversation(name, issue=name[-1], state=State.IN_PROGRESS)
                tx.conversations.save(replace(known, repository_id=RepositoryId(repository_id)))

        await four.write(change)
        return four

    async def test_of_a_repository_leave_room_to_others(self, housed: Storage):
        assert [await claimed_id(housed, repository=1) for _ in range(4)] == ["r1", "r3", "x1", None]

    async def test_of_a_repository_hold_back_none_whose_repository_is_not_known(self, four: Storage):
        assert [await claimed_id(four, repository=1) for _ in range(5)] == ["r1", "r2", "r3", "x1", None]

    async def test_the_next_of_a_repository_begins_when_one_has_ended(self, housed: Storage):
        first = await claim(housed, repository=1)
        assert first is not None
        await housed.write(lambda tx: tx.conversations.save_run(replace(first, state=RunState.FINISHED)))
        assert await claimed_id(housed, repository=1) == "r2"

    async def test_a_run_whose_lease_ran_out_is_held_back_by_them_too(self, housed: Storage):
        await add(housed, run("lost", of="c1", number=2, state=RunState.RUNNING, due_at=at(-9), lease_until=at(-1)))
        assert await claimed_id(housed, only="c2", repository=1) == "r2"
        assert await claimed_id(housed, only="c1", repository=1) is None

    async def test_the_leased_runs_of_a_repository_are_counted(self, housed: Storage):
        def count(tx: Transaction, now: datetime) -> list[int]:
            counted = [tx.conversations.count_leased(RepositoryId(name), now=now) for name in ("shop", "bank", "none")]
            return [*counted, tx.conversations.count_leased(now=now)]

        assert await housed.read(lambda tx: count(tx, NOW)) == [0, 0, 0, 0]
        for _ in range(4):
            await claim(housed)
        assert await housed.read(lambda tx: count(tx, NOW)) == [2, 1, 0, 4]
        assert await housed.read(lambda tx: count(tx, at(10))) == [0, 0, 0, 0]

    async def test_all_hold_together(self, four: Storage):
        assert [await claimed_id(four, daemon=3, workspace=2) for _ in range(4)] == ["r1", "r2", "x1", None]

    async def test_of_none_let_nothing_run(self, four: Storage):
        assert await claimed_id(four, daemon=0) is None
        assert await claimed_id(four, workspace=0) is None

    async def test_do_not_count_what_has_ended(self, four: Storage):
        first = await claim(four, daemon=1)
        assert first is not None
        await four.write(lambda tx: tx.conversations.save_run(replace(first, state=RunState.FINISHED)))
        assert await claimed_id(four, daemon=1) == "r2"

    async def test_do_not_count_a_lease_that_ran_out(self, four: Storage):
        await claim(four, daemon=1, workspace=1)
        assert await claimed_id(four, owner="you", now=at(10), daemon=1, workspace=1) == "r1"


class TestLeases:
    async def test_a_lease_stands_until_it_is_taken_over(self, opened: Storage):
        await add(opened, run())
        lease = lease_of(await claim(opened))
        assert await opened.read(lambda tx: tx.conversations.holds_run(lease)) is True

    async def test_a_renewed_lease_stands_until_its_new_end(self, opened: Storage):
        await add(opened, run())
        lease = lease_of(await claim(opened))
        assert await opened.write(lambda tx: tx.conversations.renew_run(lease, until=at(30))) is True
        assert await claim(opened, "you", now=at(29)) is None
        assert (await find(opened)).lease_until == at(30)
        assert await claimed_id(opened, owner="you", now=at(30)) == "r1"

    async def test_a_released_run_has_no_owner_and_stays_in_its_state(self, opened: Storage):
        await add(opened, run())
        lease = lease_of(await claim(opened))
        await opened.write(lambda tx: tx.conversations.release_run(lease))
        assert await find(opened) == run(state=RunState.RUNNING, epoch=1)

    @pytest.fixture(params=["taken over", "released", "another owner", "another epoch"])
    async def lost(self, request: pytest.FixtureRequest, opened: Storage) -> Lease:
        """A lease on a run, that does not stand any more."""
        await add(opened, run())
        lease = lease_of(await claim(opened))
        match request.param:
            case "taken over":
                await claim(opened, "you", now=at(10))
            case "released":
                await opened.write(lambda tx: tx.conversations.release_run(lease))
            case "another owner":
                return replace(lease, owner="you")
            case "another epoch":
                return replace(lease, epoch=0)
        return lease

    async def test_a_lost_one_does_not_stand(self, opened: Storage, lost: Lease):
        assert await opened.read(lambda tx: tx.conversations.holds_run(lost)) is False

    async def test_a_lost_one_changes_nothing(self, opened: Storage, lost: Lease):
        before = await find(opened)
        assert await opened.write(lambda tx: tx.conversations.renew_run(lost, until=at(1000))) is False
        await opened.write(lambda tx: tx.conversations.release_run(lost))
        assert await find(opened) == before


async def test_when_runs_may_be_claimed(opened: Storage) -> None:
    """What is due, and may be held back, hides neither what has its time to come nor a lease that runs out."""

    def add(tx: Transaction) -> None:
        tx.conversations.add_run(run("due", of="c1", due_at=at(5)))
        tx.conversations.add_run(run("later", of="c2", due_at=at(30)))
        tx.conversations.add_run(run("sooner", of="c3", due_at=at(20)))
        tx.conversations.add_run(run("held", of="x1", workspace_id=OTHER, due_at=at(10), state=RunState.HELD))

    assert await opened.read(lambda tx: tx.conversations.run_times(now=NOW)) == []
    await opened.write(add)
    told = await opened.read(lambda tx: [list(tx.conversations.run_times(now=at(now))) for now in (0, 5, 20, 30)])
    assert told == [[at(5), at(5)], [at(5), at(20)], [at(5), at(30)], [at(5)]]
    await claim(opened, now=at(5))
    assert await opened.read(lambda tx: tx.conversations.run_times(now=at(5))) == [at(20), at(20), at(15)]
    await opened.write(lambda tx: tx.deliveries.release_leases_of_others(owner="you"))
    assert await opened.read(lambda tx: tx.conversations.run_times(now=at(6))) == [at(20), at(20), at(6)]
