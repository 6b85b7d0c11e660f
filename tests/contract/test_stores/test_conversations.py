"""What every `ConversationStore` promises of conversations: one that is open an issue."""

from dataclasses import replace

import pytest

from jirabot.core.conversations import State
from jirabot.core.ids import AccountId, ConversationId, EffectId, IssueId, IssueKey, RepositoryId
from jirabot.core.ports import Storage, Transaction
from jirabot.core.visibility import Restricted
from jirabot.errors import Conflict
from tests.contract.test_stores.values import GRACE, OTHER, VISIBILITIES, WS, at, conversation

FULL = conversation(
    state=State.AWAITING_INPUT,
    asker=GRACE,
    visibility=Restricted(type="group", value="devs"),
    asked=AccountId("grace-id"),
    repository_id=RepositoryId("repo"),
    repository_name="acme/shop",
    branch="jirabot/PAY-1-0001",
    base="main",
    session={"id": "s-1", "turn": 3, "nested": {"é": [1, None, True]}},
    first_answer=EffectId("e1"),
    result="**Done** 🤖",
    context_until=at(5),
    previous_id=ConversationId("c0"),
    runs_count=2,
    updated_at=at(9),
)
"""A conversation with every field set."""

OPEN = [State.CREATED, State.ACTIVE, State.IN_PROGRESS, State.AWAITING_INPUT]
CLOSED = [State.COMPLETED, State.STOPPED, State.FAILED, State.EXPIRED]


@pytest.mark.parametrize(
    "added", [pytest.param(FULL, id="every field set"), pytest.param(conversation(), id="defaults")]
)
async def test_what_was_added_is_found_equal(storage: Storage, added):
    await storage.write(lambda tx: tx.conversations.add(added))
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("c1"))) == added


@pytest.mark.parametrize("visibility", VISIBILITIES.values(), ids=VISIBILITIES)
async def test_its_visibility_is_kept(storage: Storage, visibility):
    await storage.write(lambda tx: tx.conversations.add(conversation(visibility=visibility)))
    found = await storage.read(lambda tx: tx.conversations.find(ConversationId("c1")))
    assert found is not None
    assert found.visibility == visibility


async def test_what_is_not_there_is_none(storage: Storage):
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("nowhere"))) is None


@pytest.mark.parametrize("state", OPEN)
async def test_an_issue_has_one_open_conversation(storage: Storage, state):
    await storage.write(lambda tx: tx.conversations.add(conversation("first", state=state)))
    with pytest.raises(Conflict, match="the issue has an open conversation already"):
        await storage.write(lambda tx: tx.conversations.add(conversation("second", state=State.ACTIVE)))
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("second"))) is None


@pytest.mark.parametrize("state", CLOSED)
async def test_beside_closed_ones_another_may_be_opened(storage: Storage, state):
    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("first", state=state))
        tx.conversations.add(conversation("second", state=state))
        tx.conversations.add(conversation("third"))

    await storage.write(change)
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("third"))) == conversation("third")


async def test_a_closed_one_is_not_opened_again_beside_an_open_one(storage: Storage):
    closed = conversation("closed", state=State.COMPLETED)

    def change(tx: Transaction) -> None:
        tx.conversations.add(closed)
        tx.conversations.add(conversation("open"))

    await storage.write(change)
    with pytest.raises(Conflict, match="the issue has an open conversation already"):
        await storage.write(lambda tx: tx.conversations.save(replace(closed, state=State.ACTIVE)))
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("closed"))) == closed


@pytest.mark.parametrize(
    "elsewhere",
    [pytest.param({"issue_id": IssueId("2")}, id="issue"), pytest.param({"workspace_id": OTHER}, id="workspace")],
)
async def test_each_issue_of_each_workspace_may_have_an_open_one(storage: Storage, elsewhere):
    await storage.write(lambda tx: tx.conversations.add(conversation("here")))
    await storage.write(lambda tx: tx.conversations.add(conversation("there", **elsewhere)))
    assert len(await storage.read(lambda tx: tx.conversations.list())) == 2


async def test_an_id_is_taken_once(storage: Storage):
    await storage.write(lambda tx: tx.conversations.add(conversation()))
    with pytest.raises(Conflict):
        await storage.write(lambda tx: tx.conversations.add(conversation(issue="2")))
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("c1"))) == conversation()


async def test_save_replaces_every_field_of_that_row_alone(storage: Storage):
    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("c1"))
        tx.conversations.add(conversation("c2", issue="2"))
        tx.conversations.save(FULL)

    await storage.write(change)
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("c1"))) == FULL
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("c2"))) == conversation("c2", issue="2")


async def test_saving_one_that_is_not_there_adds_nothing(storage: Storage):
    await storage.write(lambda tx: tx.conversations.save(conversation()))
    assert await storage.read(lambda tx: tx.conversations.find(ConversationId("c1"))) is None


@pytest.fixture
async def several(storage: Storage) -> Storage:
    """Three conversations of issue 1 here, one of it elsewhere, one of issue 2."""
    closed = State.COMPLETED

    def change(tx: Transaction) -> None:
        tx.conversations.add(conversation("middle", state=closed, created_at=at(2)))
        tx.conversations.add(conversation("newest", state=closed, created_at=at(3), issue_key=IssueKey("SHOP-1")))
        tx.conversations.add(conversation("oldest", state=closed, created_at=at(1)))
        tx.conversations.add(conversation("there", workspace_id=OTHER, created_at=at(4), issue_key=IssueKey("X-1")))
        tx.conversations.add(conversation("second", issue="2", created_at=at(5)))

    await storage.write(change)
    return storage


@pytest.mark.parametrize(
    ("workspace_id", "issue_id", "expected"),
    [(WS, "1", "newest"), (OTHER, "1", "there"), (WS, "2", "second"), (OTHER, "2", None)],
)
async def test_the_newest_of_an_issue_is_the_one_made_last(several: Storage, workspace_id, issue_id, expected):
    found = await several.read(lambda tx: tx.conversations.newest_of(workspace_id, IssueId(issue_id)))
    assert (found.id if found else None) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("PAY-1", ["middle"]), ("SHOP-1", ["newest"]), ("PAY-2", ["elsewhere", "second"]), ("NO-1", [])],
)
async def test_the_newest_on_an_issue_key_is_the_one_made_last_in_each_workspace(several: Storage, key, expected):
    other = conversation("elsewhere", issue="2", workspace_id=OTHER, created_at=at(6))
    await several.write(lambda tx: tx.conversations.add(other))
    found = await several.read(lambda tx: tx.conversations.newest_on(IssueKey(key)))
    assert [each.id for each in found] == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, ["second", "there", "newest", "middle", "oldest"], id="all"),
        pytest.param({"workspace_id": WS}, ["second", "newest", "middle", "oldest"], id="of a workspace"),
        pytest.param({"limit": 2}, ["second", "there"], id="up to a limit"),
    ],
)
async def test_list_has_the_newest_first(several: Storage, asked, expected):
    listed = await several.read(lambda tx: tx.conversations.list(**asked))
    assert [each.id for each in listed] == expected


class TestRest:
    """Open conversations in which nothing happens are found by their workspace, those at rest for longest first."""

    @pytest.fixture
    async def resting(self, storage: Storage) -> Storage:
        def change(tx: Transaction) -> None:
            for number, (state, seconds) in enumerate([*zip(OPEN, (4, 1, 3, 2), strict=True), (State.EXPIRED, 0)], 1):
                rests = conversation(f"c{number}", issue=f"{number}", state=state, updated_at=at(seconds))
                tx.conversations.add(rests)
            tx.conversations.add(conversation("x", workspace_id=OTHER, updated_at=at(0)))

        await storage.write(change)
        return storage

    @pytest.mark.parametrize(
        ("seconds", "limit", "ids"),
        [(9, 9, ["c2", "c4", "c3", "c1"]), (9, 2, ["c2", "c4"]), (2, 9, ["c2", "c4"]), (0.9, 9, [])],
    )
    async def test_they_are_found_since_when_they_rest(self, resting: Storage, seconds, limit, ids):
        found = await resting.read(lambda tx: tx.conversations.find_idle(WS, since=at(seconds), limit=limit))
        assert [each.id for each in found] == ids

    async def test_the_longest_rest_is_known(self, resting: Storage):
        assert await resting.read(lambda tx: tx.conversations.idle_since(WS)) == at(1)
        assert await resting.read(lambda tx: tx.conversations.idle_since(OTHER)) == at(0)

    async def test_where_none_is_open_nobody_rests(self, storage: Storage):
        assert await storage.read(lambda tx: tx.conversations.idle_since(WS)) is None

    async def test_what_happens_ends_the_rest_of_an_open_one(self, resting: Storage):
        before = await resting.read(lambda tx: tx.conversations.find(ConversationId("c2")))
        assert before is not None
        await resting.write(lambda tx: tx.conversations.touch(ConversationId("c2"), now=at(7)))
        after = await resting.read(lambda tx: tx.conversations.find(ConversationId("c2")))
        assert after == replace(before, updated_at=at(7))
        assert await resting.read(lambda tx: tx.conversations.idle_since(WS)) == at(2)

    @pytest.mark.parametrize("id_", ["c5", "nowhere"])
    async def test_a_closed_one_and_one_that_is_not_there_stay_as_they_are(self, resting: Storage, id_):
        before = await resting.read(lambda tx: tx.conversations.list())
        await resting.write(lambda tx: tx.conversations.touch(ConversationId(id_), now=at(7)))
        assert await resting.read(lambda tx: tx.conversations.list()) == before
