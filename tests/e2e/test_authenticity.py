"""How deliveries prove themselves, over HTTP: each way, its wrong proofs, two secrets at once, and networks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import jwt
import pytest

from jirabot.core import objects
from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import SHELL
from jirabot.core.workspaces import WorkspaceState
from jirabot.errors import InvalidInput
from jirabot.jira.signatures import sign

from .stage import Stage

pytestmark = [pytest.mark.alike, pytest.mark.stage(webhook=False)]

FIRST, SECOND, THIRD = (f"{name}-secret-of-more-than-32-bytes" for name in ("first", "second", "third"))
SHORT = "fifteen-bytes-x"


@dataclass(frozen=True)
class Knock:
    """What is sent beside a body: headers, and what follows the workspace's address."""

    headers: dict[str, str]
    path: str = ""


def _token(secret: str, at: float, **claims: Any) -> Knock:
    told = {"exp": int(at) + 120, **claims}
    return Knock({"Authorization": f"Bearer {jwt.encode(told, secret, algorithm='HS256')}"})


PROOFS: dict[str, Callable[[str, bytes, float], Knock]] = {
    "hmac": lambda secret, body, at: Knock({"X-Hub-Signature": sign(body, secret.encode())}),
    "header": lambda secret, body, at: Knock({"X-Jirabot-Token": secret}),
    "url-token": lambda secret, body, at: Knock({}, f"/{secret}"),
    "jwt": lambda secret, body, at: _token(secret, at),
}


@pytest.fixture
def body(stage: Stage) -> bytes:
    """A body of this Jira that asks nothing."""
    issue = {"id": "77", "key": "DEMO-77", "self": f"{stage.jira.base_url}/rest/api/2/issue/77"}
    return json.dumps({"timestamp": 1, "webhookEvent": "jira:issue_deleted", "issue": issue}).encode()


async def choose(stage: Stage, way: str, **settings: Any) -> None:
    """Let the workspace's deliveries prove themselves that way, with the first secret."""
    if way == "jwt" and stage.jira.deployment == "dc":
        pytest.skip("Data Center has no dynamic webhooks")
    wanted = WorkspaceUpdate(authenticity=way, webhook_secret=FIRST, settings=settings)
    await stage.app.workspace_changes.update("acme", wanted, by=SHELL)


async def knock(
    stage: Stage, body: bytes, sent: Knock, *, single: bool = False, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    address = f"{stage.address}/integration/{stage.app.deployments[stage.jira.deployment].route}/events"
    url = address if single else f"{address}/{stage.workspace.id}{sent.path}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers={**sent.headers, **(headers or {})}) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def now(stage: Stage) -> float:
    return stage.clock.now().timestamp()


@pytest.mark.parametrize("way", PROOFS)
async def test_a_right_proof_is_accepted_and_every_other_refused_alike(stage: Stage, body: bytes, way: str) -> None:
    """F48, F54: nothing, nonsense, another secret and another way's proof get one answer; the cause is kept for us."""
    await choose(stage, way)
    right = PROOFS[way](FIRST, body, now(stage))
    wrong = [PROOFS[name](FIRST, body, now(stage)) for name in PROOFS if name != way]
    wrong += [
        PROOFS[way](SECOND, body, now(stage)),
        Knock({}),
        PROOFS[way]("é", body, now(stage))
        if way == "url-token"
        else Knock({"X-Hub-Signature": "sha256", "X-Jirabot-Token": "\xe9", "Authorization": "Bearer é.x"}),
    ]

    assert (await knock(stage, body, right))[0] == 200
    answers = [await knock(stage, body, each) for each in wrong]

    assert {status for status, _ in answers} == {403}
    assert len({json.dumps(problem) for _, problem in answers}) == 1
    assert FIRST not in json.dumps(answers)
    kept = await stage.until_stored(
        lambda tx: found if len(found := tx.rejections.list(stage.workspace.id)) == len(wrong) else None
    )
    assert FIRST not in repr(kept)
    assert len(await stage.deliveries()) == 1


@pytest.mark.parametrize(("way", "status"), [("hmac", 200), ("header", 200), ("jwt", 200), ("url-token", 403)])
async def test_the_single_address_takes_what_has_its_proof_elsewhere_than_there(
    stage: Stage, body: bytes, way: str, status: int
) -> None:
    """A secret that stands in the address has no place in that one."""
    await choose(stage, way)
    assert (await knock(stage, body, PROOFS[way](FIRST, body, now(stage)), single=True))[0] == status


@pytest.mark.parametrize("way", PROOFS)
async def test_two_secrets_count_while_one_is_rotated_out(stage: Stage, body: bytes, way: str) -> None:
    """F28: what is on its way under the old secret is taken until the overlap ends, and no third one is."""
    await choose(stage, way)
    await stage.app.workspace_changes.rotate_secret("acme", by=SHELL, overlap=timedelta(hours=1), secret=SECOND)

    async def statuses() -> list[int]:
        return [(await knock(stage, body, PROOFS[way](s, body, now(stage))))[0] for s in (FIRST, SECOND, THIRD)]

    assert await statuses() == [200, 200, 403]
    stage.clock.advance(hours=1)
    assert await statuses() == [403, 200, 403]


@pytest.mark.parametrize(
    ("networks", "forwarded", "status"),
    [
        pytest.param(["127.0.0.0/8"], "", 200, id="from within"),
        pytest.param(["10.0.0.0/8", "127.0.0.1"], "", 200, id="from the second of two"),
        pytest.param(["10.0.0.0/8"], "", 403, id="from elsewhere"),
        pytest.param(["::1/128"], "", 403, id="from another family"),
        pytest.param(["10.0.0.0/8"], "10.1.2.3", 403, id="what nobody trusted forwards"),
    ],
)
async def test_networks_are_asked_beside_the_proof(
    stage: Stage, body: bytes, networks: list[str], forwarded: str, status: int
) -> None:
    await choose(stage, "hmac", events_networks=networks)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    right, wrong = PROOFS["hmac"](FIRST, body, 0), PROOFS["hmac"](SECOND, body, 0)
    assert (await knock(stage, body, right, headers=headers))[0] == status
    assert (await knock(stage, body, wrong, headers=headers))[0] == 403


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        pytest.param("10.1.2.3", 200, id="through a proxy"),
        pytest.param("10.1.2.3, 192.0.2.1", 403, id="behind one that nobody trusts"),
        pytest.param("192.0.2.1, 10.1.2.3", 200, id="whatever stands before it"),
        pytest.param("", 403, id="from the proxy itself"),
    ],
)
@pytest.mark.stage(settings={"server": {"trusted_proxies": ("127.0.0.0/8",)}})
@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
async def test_networks_are_seen_through_trusted_proxies(
    stage: Stage, body: bytes, forwarded: str, status: int
) -> None:
    await choose(stage, "hmac", events_networks=["10.0.0.0/8"])
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert (await knock(stage, body, PROOFS["hmac"](FIRST, body, 0), headers=headers))[0] == status


async def test_what_is_no_network_of_the_workspaces_is_kept_with_its_cause(stage: Stage, body: bytes) -> None:
    await choose(stage, "hmac", events_networks=["10.0.0.0/8"])
    await knock(stage, body, PROOFS["hmac"](FIRST, body, 0))
    (kept,) = await stage.until_stored(lambda tx: tx.rejections.list(stage.workspace.id) or None)
    assert kept.cause == "it comes from 127.0.0.1, which is in none of `events_networks`"


async def test_an_old_delivery_is_taken_and_marked(stage: Stage) -> None:
    """F57: Jira sends again for more than an hour; what was acted on already is known by its id, not by its age."""
    await choose(stage, "hmac")
    old = int((stage.clock.now() - timedelta(hours=3, minutes=1)).timestamp() * 1000)
    body = json.dumps({"timestamp": old, "webhookEvent": "jira:issue_deleted"}).encode()
    status, told = await knock(stage, body, PROOFS["hmac"](FIRST, body, 0))
    assert status == 200
    await stage.rest()

    shown, _ = await stage.app.deliveries.show(told["delivery"], by=SHELL)
    late = objects.delivery(shown, workspace_name="acme")["late_seconds"]
    assert 0 <= late - (3 * 3600 + 60) < 60
    assert (shown.steps[0].outcome, shown.steps[0].text) == ("late", "It came 3 h 1 min after it happened")
    [made] = [fields for event, fields in stage.log.told if event == "decision.made"]
    assert made["late_seconds"] == late

    await stage.app.retention.prune(older_than=timedelta(0), by=SHELL)
    assert await stage.app.storage.read(lambda tx: tx.deliveries.request_of(shown.id)) is None
    assert (await stage.app.deliveries.show(shown.id, by=SHELL))[0].late_seconds == late


@pytest.mark.parametrize("kind", ["jira:issue_created", "comment_created", "something_new"])
async def test_what_asks_nothing_is_accepted_once_it_has_proved_itself_and_refused_before(
    stage: Stage, kind: str
) -> None:
    """F3, F4: neither an unknown event nor one that triggers nothing is an error; proof comes before everything."""
    await choose(stage, "hmac")
    body = json.dumps({"webhookEvent": kind, "timestamp": 1}).encode()
    assert (await knock(stage, body, Knock({})))[0] == 403
    assert (await knock(stage, body, PROOFS["hmac"](FIRST, body, 0)))[0] == 200
    await stage.rest()
    stage.expected_errors = set(stage.log.errors())


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
async def test_a_secret_that_proves_too_little_changes_nothing(stage: Stage) -> None:
    """F48, F50: whether it is given, or was good for another way."""
    for wanted, told in (
        (WorkspaceUpdate(webhook_secret=SHORT), "shorter than 16 bytes"),
        (WorkspaceUpdate(authenticity="jwt"), "client secret"),
        (WorkspaceUpdate(authenticity="url-token", webhook_secret=f"{FIRST}/x"), "letters, digits"),
    ):
        with pytest.raises(InvalidInput, match=told):
            await stage.app.workspace_changes.update("acme", wanted, by=SHELL)
    await stage.app.workspace_changes.update("acme", WorkspaceUpdate(webhook_secret=f"{FIRST}/x"), by=SHELL)
    with pytest.raises(InvalidInput, match="letters, digits"):
        await stage.app.workspace_changes.update("acme", WorkspaceUpdate(authenticity="url-token"), by=SHELL)
    assert (await stage.app.workspaces.show("acme", by=SHELL))[0].authenticity == "hmac"


@pytest.mark.parametrize("first", ["way", "setting"])
async def test_what_is_not_signed_is_read_back_whichever_of_the_two_came_first(stage: Stage, first: str) -> None:
    """`verify_trigger` may be off only with `hmac`."""
    changes = [WorkspaceUpdate(authenticity="header"), WorkspaceUpdate(settings={"verify_trigger": False})]
    for wanted, allowed in zip(changes if first == "way" else changes[::-1], (True, False), strict=True):
        if allowed:
            await stage.app.workspace_changes.update("acme", wanted, by=SHELL)
        else:
            with pytest.raises(InvalidInput, match="only with `hmac`"):
                await stage.app.workspace_changes.update("acme", wanted, by=SHELL)


@pytest.mark.stage(settings={"workspace": {"verify_trigger": False}})
async def test_a_configured_default_does_not_let_an_overheard_secret_speak_for_others(stage: Stage) -> None:
    """Who knows the header's secret claims that Ada asked; Jira knows of no such comment."""
    await choose(stage, "header")
    base, ada = f"{stage.jira.base_url}/rest/api/2", stage.jira.ada
    author = {"accountId": ada.account_id} if stage.jira.deployment == "cloud" else {"name": ada.name, "key": ada.key}
    comment = {"id": "4711", "self": f"{base}/issue/{stage.issue.id}/comment/4711", "body": "@openhands do it"}
    issue = {"id": stage.issue.id, "key": stage.issue.key, "self": f"{base}/issue/{stage.issue.id}"}
    body = json.dumps({"webhookEvent": "comment_created", "comment": {**comment, "author": author}, "issue": issue})

    assert (await knock(stage, body.encode(), PROOFS["header"](FIRST, b"", 0)))[0] == 200

    (kept,) = await stage.until_stored(lambda tx: [d for d in tx.deliveries.list() if d.handled_at] or None)
    assert (kept.state.value, kept.reason) == ("ignored", "gone")


async def test_an_address_says_its_secret_only_when_it_is_asked_to(stage: Stage) -> None:
    await choose(stage, "url-token")
    workspace, _ = await stage.app.workspaces.show("acme", by=SHELL)
    assert stage.app.workspaces.events_url(workspace).endswith(f"/events/{workspace.id}/***")
    assert (await stage.app.workspaces.unmasked_events_url(workspace, by=SHELL)).endswith(f"/{workspace.id}/{FIRST}")


async def test_what_is_not_proved_stays_so_when_it_is_paused(stage: Stage) -> None:
    """Neither a pause nor `update --inactive` is a way round the proof."""
    await stage.change_workspace(state=WorkspaceState.UNPROVED)
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    await stage.app.workspace_changes.update("acme", WorkspaceUpdate(inactive=True), by=SHELL)
    assert (await stage.app.workspaces.show("acme", by=SHELL))[0].state is WorkspaceState.UNPROVED
