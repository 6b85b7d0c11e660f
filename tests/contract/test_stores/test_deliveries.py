"""What every `DeliveryStore` promises of what it records and finds."""

import pytest

from jirabot.core.deliveries import Delivery, DeliveryState, Origin, Outcome, Recorded, SavedDelivery
from jirabot.core.ids import DeliveryId, IssueKey, TriggerKey
from jirabot.core.ports import Storage, Transaction
from jirabot.errors import Conflict
from tests.contract.test_stores.values import NOW, OTHER, WS, at, delivery

LARGE = b"\x00\xff" * 150_000
"""More than a row holds on SQLite."""
KEY, D1, D2 = TriggerKey("comment:1"), DeliveryId("d1"), DeliveryId("d2")


def recorded(id: str, *, duplicate: bool = False) -> Recorded:
    return Recorded(id=DeliveryId(id), duplicate=duplicate)


async def test_what_is_new_is_recorded_in_order(storage: Storage):
    told = await storage.write(lambda tx: tx.deliveries.record([delivery("b"), delivery("a"), delivery("c")]))
    assert list(told) == [recorded("b"), recorded("a"), recorded("c")]
    listed = await storage.read(lambda tx: tx.deliveries.list())
    assert [each.id for each in listed] == ["c", "a", "b"]


async def test_recording_none_is_nothing(storage: Storage):
    assert list(await storage.write(lambda tx: tx.deliveries.record([]))) == []


async def test_a_new_one_is_found_as_it_came(storage: Storage):
    new = delivery("d1", issue="7", replay_of=DeliveryId("d0"))
    await storage.write(lambda tx: tx.deliveries.record([new]))
    assert await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1"))) == Delivery(
        id=DeliveryId("d1"),
        no=1,
        workspace_id=WS,
        lane_id=new.lane_id,
        kind="comment_created",
        issue_id=new.issue_id,
        issue_key=IssueKey("PAY-7"),
        state=DeliveryState.RECEIVED,
        decision="",
        reason="",
        text="",
        steps=(),
        trigger_key=None,
        conversation_id=None,
        attempts=0,
        due_at=NOW,
        received_at=NOW,
        handled_at=None,
        replay_of=DeliveryId("d0"),
        origin=Origin.WEBHOOK,
    )


async def test_one_that_is_refused_at_the_door_keeps_its_reason(storage: Storage):
    refused = delivery(state=DeliveryState.REFUSED, decision="refuse", reason="host-mismatch", text="It names another.")
    await storage.write(lambda tx: tx.deliveries.record([refused]))
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert found is not None
    assert (found.state, found.decision, found.reason, found.text) == (
        DeliveryState.REFUSED,
        "refuse",
        "host-mismatch",
        "It names another.",
    )


async def test_one_that_names_no_issue_has_none(storage: Storage):
    await storage.write(lambda tx: tx.deliveries.record([delivery(issue=None)]))
    found = await storage.read(lambda tx: tx.deliveries.find(DeliveryId("d1")))
    assert found is not None
    assert (found.issue_id, found.issue_key, found.lane_id) == (None, None, "ws/-")


class TestDuplicates:
    """A fingerprint is recorded once a workspace; the second is told the id of the first."""

    async def test_of_an_earlier_one(self, storage: Storage):
        await storage.write(lambda tx: tx.deliveries.record([delivery("first", fingerprint="same")]))
        told = await storage.write(lambda tx: tx.deliveries.record([delivery("second", fingerprint="same")]))
        assert list(told) == [recorded("first", duplicate=True)]
        assert await storage.read(lambda tx: tx.deliveries.find(DeliveryId("second"))) is None

    async def test_among_those_recorded_together(self, storage: Storage):
        together = [delivery("a", fingerprint="same"), delivery("b"), delivery("c", fingerprint="same")]
        told = await storage.write(lambda tx: tx.deliveries.record(together))
        assert list(told) == [recorded("a"), recorded("b"), recorded("a", duplicate=True)]

    async def test_the_same_delivery_again(self, storage: Storage):
        await storage.write(lambda tx: tx.deliveries.record([delivery("first")]))
        told = await storage.write(lambda tx: tx.deliveries.record([delivery("first")]))
        assert list(told) == [recorded("first", duplicate=True)]

    async def test_not_of_another_workspace(self, storage: Storage):
        here, there = delivery("a", fingerprint="same"), delivery("b", fingerprint="same", workspace_id=OTHER)
        told = await storage.write(lambda tx: tx.deliveries.record([here, there]))
        assert list(told) == [recorded("a"), recorded("b")]

    async def test_the_first_stays_as_it_was(self, storage: Storage):
        await storage.write(lambda tx: tx.deliveries.record([delivery("first", fingerprint="same", body=b"1")]))
        await storage.write(lambda tx: tx.deliveries.record([delivery("second", fingerprint="same", body=LARGE)]))
        found = await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("first")))
        assert found is not None
        assert found.body == b"1"


async def test_an_id_is_taken_once(storage: Storage):
    await storage.write(lambda tx: tx.deliveries.record([delivery(body=b"1")]))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: tx.deliveries.record([delivery(fingerprint="another", body=b"2")]))
    found = await storage.read(lambda tx: tx.deliveries.request_of(D1))
    assert found is not None
    assert found.body == b"1"


async def test_it_is_found_by_its_fingerprint_in_its_workspace(storage: Storage):
    here, there = delivery("a", fingerprint="same"), delivery("b", fingerprint="same", workspace_id=OTHER)
    await storage.write(lambda tx: tx.deliveries.record([here, there]))
    found = await storage.read(lambda tx: tx.deliveries.find_by_fingerprint(OTHER, "same"))
    assert found is not None
    assert found.id == "b"
    assert await storage.read(lambda tx: tx.deliveries.find_by_fingerprint(WS, "another")) is None


@pytest.fixture
async def on_issues(storage: Storage) -> Storage:
    """Of issue 7 three events here, each with its reason, and one elsewhere that waits; one of issue 8."""
    reasons = {"a": "started", "b": "own-comment", "c": "already-acted"}
    mine = [delivery(id_, issue="7", received_at=at(9 - no)) for no, id_ in enumerate(reasons)]
    others = [delivery("there", issue="7", workspace_id=OTHER), delivery("d", issue="8")]
    await storage.write(lambda tx: tx.deliveries.record([*mine, *others]))

    def change(tx: Transaction) -> None:
        lease = tx.deliveries.claim_lane(owner="me", now=at(20), until=at(30), only=mine[0].lane_id)
        assert lease is not None
        for id_, reason in reasons.items():
            outcome = Outcome(state=DeliveryState.IGNORED, decision="", reason=reason, text="")
            tx.deliveries.conclude(lease, DeliveryId(id_), outcome, now=at(20))

    await storage.write(change)
    return storage


@pytest.mark.parametrize(
    ("key", "passing_over", "expected"),
    [
        pytest.param("PAY-7", (), ["there", "c"], id="the last recorded of each workspace"),
        pytest.param("PAY-7", {"already-acted"}, ["there", "b"], id="but for a reason"),
        pytest.param("PAY-7", {"already-acted", "own-comment"}, ["there", "a"], id="but for two"),
        pytest.param("PAY-7", {"already-acted", "own-comment", "started"}, ["there"], id="but for all"),
        pytest.param("PAY-9", (), [], id="none"),
    ],
)
async def test_the_newest_on_an_issue_key(on_issues: Storage, key, passing_over, expected):
    found = await on_issues.read(lambda tx: tx.deliveries.newest_on(IssueKey(key), passing_over=passing_over))
    assert [each.id for each in found] == expected


class TestRequests:
    """The request is kept to the byte."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param('{"é": "\\ud83e\\udd16 \N{ROBOT FACE}"}'.encode(), id="JSON"),
            pytest.param(b"\x00\xff\xfe\r\n", id="no text"),
            pytest.param(LARGE, id="large"),
        ],
    )
    async def test_the_body(self, storage: Storage, body):
        await storage.write(lambda tx: tx.deliveries.record([delivery(body=body)]))
        found = await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1")))
        assert found == SavedDelivery(headers={"content-type": "application/json"}, body=body)

    async def test_the_headers(self, storage: Storage):
        headers = {"x-hub-signature": "sha256=00", "user-agent": "Größe, Inc."}
        await storage.write(lambda tx: tx.deliveries.record([delivery(headers=headers)]))
        found = await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1")))
        assert found is not None
        assert found.headers == headers

    async def test_a_large_body_recorded_twice_stays(self, storage: Storage):
        for _ in range(2):
            await storage.write(lambda tx: tx.deliveries.record([delivery(body=LARGE)]))
        found = await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("d1")))
        assert found is not None
        assert found.body == LARGE

    async def test_of_a_delivery_that_is_not_there_is_none(self, storage: Storage):
        assert await storage.read(lambda tx: tx.deliveries.request_of(DeliveryId("nowhere"))) is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, ["paused there", "there", "paused here", "here"], id="all"),
        pytest.param({"workspace_id": WS}, ["paused here", "here"], id="of a workspace"),
        pytest.param({"state": DeliveryState.PAUSED}, ["paused there", "paused here"], id="of a state"),
        pytest.param({"workspace_id": WS, "state": DeliveryState.PAUSED}, ["paused here"], id="of both"),
        pytest.param({"limit": 3}, ["paused there", "there", "paused here"], id="up to a limit"),
        pytest.param({"state": DeliveryState.DEAD}, [], id="none"),
    ],
)
async def test_list_has_the_newest_first(storage: Storage, asked, expected):
    paused = DeliveryState.PAUSED
    every = [
        delivery("here", received_at=at(5)),
        delivery("paused here", state=paused),
        delivery("there", workspace_id=OTHER),
        delivery("paused there", state=paused, workspace_id=OTHER),
    ]
    await storage.write(lambda tx: tx.deliveries.record(every))
    listed = await storage.read(lambda tx: tx.deliveries.list(**asked))
    assert [each.id for each in listed] == expected


async def test_list_shows_50_where_no_limit_is_given(storage: Storage):
    await storage.write(lambda tx: tx.deliveries.record([delivery(str(number)) for number in range(51)]))
    listed = await storage.read(lambda tx: tx.deliveries.list())
    assert [each.id for each in listed] == [str(number) for number in range(50, 0, -1)]


class TestActions:
    """A trigger key is acted on by one delivery."""

    async def test_nobody_has_acted_at_first(self, storage: Storage):
        assert await storage.read(lambda tx: tx.deliveries.acted(WS, KEY)) is None

    async def test_who_claims_a_free_key_has_it(self, storage: Storage):
        assert await storage.write(lambda tx: tx.deliveries.record_action(WS, KEY, D1, now=NOW)) is True
        assert await storage.read(lambda tx: tx.deliveries.acted(WS, KEY)) == "d1"

    async def test_another_is_refused_and_the_first_keeps_it(self, storage: Storage):
        await storage.write(lambda tx: tx.deliveries.record_action(WS, KEY, D1, now=NOW))
        assert await storage.write(lambda tx: tx.deliveries.record_action(WS, KEY, D2, now=at(1))) is False
        assert await storage.read(lambda tx: tx.deliveries.acted(WS, KEY)) == "d1"

    async def test_who_has_it_may_claim_it_again(self, storage: Storage):
        await storage.write(lambda tx: tx.deliveries.record_action(WS, KEY, D1, now=NOW))
        assert await storage.write(lambda tx: tx.deliveries.record_action(WS, KEY, D1, now=at(1))) is True

    async def test_another_key_or_workspace_is_free(self, storage: Storage):
        await storage.write(lambda tx: tx.deliveries.record_action(WS, KEY, D1, now=NOW))
        assert await storage.write(lambda tx: tx.deliveries.record_action(WS, TriggerKey("comment:2"), D2, now=NOW))
        assert await storage.write(lambda tx: tx.deliveries.record_action(OTHER, KEY, D2, now=NOW))
