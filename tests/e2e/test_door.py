"""The door: what a stranger, a Jira and a misconfigured Jira get for what they send, over real HTTP."""

import asyncio
import io
import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from jirabot.core.deliveries import DeliveryState
from jirabot.core.managers.tokens import NewToken
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL, Role
from jirabot.core.ports import Rejection, Transaction
from jirabot.core.workspaces import WorkspaceState
from jirabot.jira.signatures import sign
from tests.contract.test_stores.values import delivery

from .stage import Stage

pytestmark = pytest.mark.stage(webhook=False)


@pytest.fixture
def payload(stage: Stage) -> dict[str, Any]:
    """A payload of this Jira that asks nothing."""
    base = f"{stage.jira.base_url}/rest/api/2"
    issue = {"id": "77", "key": "DEMO-77", "self": f"{base}/issue/77", "fields": {"summary": "x"}}
    person = {"displayName": "Ada", "self": f"{base}/user?x=1", "accountId": "1", "name": "ada", "key": "ada"}
    return {"timestamp": 1, "webhookEvent": "jira:issue_deleted", "user": person, "issue": issue}


async def send(
    stage: Stage, body: bytes, *, url: str = "", secret: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, Any]:
    signature = sign(body, (stage.secret if secret is None else secret).encode())
    sent = {"X-Hub-Signature": signature, "Content-Type": "application/json", **(headers or {})}
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.post(url or stage.events_url, data=io.BytesIO(body), headers=sent) as response,
    ):
        return response.status, json.loads(await response.read()), response.headers


async def test_an_authentic_delivery_is_accepted_and_a_copy_is_a_duplicate(
    stage: Stage, payload: dict[str, Any]
) -> None:
    """The second answer names the first one's id."""
    body = json.dumps(payload).encode()

    status, first, _ = await send(stage, body)
    again, second, _ = await send(stage, body, headers={"X-Atlassian-Webhook-Retry": "1"})

    assert (status, first["success"], first["status"]) == (200, True, "accepted")
    assert (again, second["status"], second["delivery"]) == (200, "duplicate", first["delivery"])


@pytest.mark.stage(settings={"oauth": {"cloud_api_url": "https://gateway.example"}})
async def test_what_the_gateway_writes_names_the_site_also_where_the_gateway_is_another(
    stage: Stage, payload: dict[str, Any]
) -> None:
    await stage.change_workspace(cloud_id="c1")
    for number, gateway in enumerate(("https://gateway.example", "https://api.atlassian.com")):
        payload["issue"]["self"] = f"{gateway}/ex/jira/c1/rest/api/2/issue/77"
        status, told, _ = await send(stage, json.dumps({**payload, "timestamp": number}).encode())
        assert (status, told.get("status")) == (200, "accepted")

    payload["issue"]["self"] = "https://gateway.example/ex/jira/another/rest/api/2/issue/77"
    assert (await send(stage, json.dumps(payload).encode()))[0] == 422


async def test_settings_of_another_version_are_told_to_no_stranger(stage: Stage, payload: dict[str, Any]) -> None:
    """The sender hears of a fault, as of any other; the log says whose settings they are."""
    stage.expected_errors = {"request.broken"}
    body = json.dumps(payload).encode()
    await stage.change_workspace(settings={"tone": "warm"})

    status, told, _ = await send(stage, body, secret="a guess")

    assert status == 500
    assert "tone" not in json.dumps(told)
    assert "acme" not in json.dumps(told)
    (logged,) = [fields["error"] for event, fields in stage.log.told if event == "request.broken"]
    assert logged == "workspace `acme`: this version has no setting `tone`"

    await stage.change_workspace(settings={})
    assert (await send(stage, body))[0] == 200


async def test_many_copies_at_once_are_one_delivery(stage: Stage, payload: dict[str, Any]) -> None:
    """Check and mark are one insert."""
    body = json.dumps(payload).encode()

    answers = await asyncio.gather(*(send(stage, body) for _ in range(20)))

    assert len({answer["delivery"] for _, answer, _ in answers}) == 1
    assert sorted(answer["status"] for _, answer, _ in answers) == ["accepted", *["duplicate"] * 19]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        pytest.param(b"{}", {"X-Hub-Signature": ""}, 403, "signature-rejected", id="no signature"),
        pytest.param(b"{}", {"X-Hub-Signature": "sha256=00"}, 403, "signature-rejected", id="a wrong one"),
        pytest.param(b"{}", {"X-Hub-Signature": "sha256=é"}, 403, "signature-rejected", id="one that is not ASCII"),
        pytest.param(b"nonsense", {"X-Hub-Signature": ""}, 403, "signature-rejected", id="nonsense, unproved"),
        pytest.param(b"nonsense", {}, 400, "invalid-payload", id="not JSON, proved"),
        pytest.param(b"[]", {}, 400, "invalid-payload", id="no object"),
        pytest.param(b'{"a": NaN}', {}, 400, "invalid-payload", id="NaN"),
        pytest.param(b'{"a": "\xff"}', {}, 400, "invalid-payload", id="invalid UTF-8"),
        pytest.param(b'{"a":' * 65 + b"1" + b"}" * 65, {}, 400, "invalid-payload", id="too deep"),
        pytest.param(b"{}", {"Content-Encoding": "gzip"}, 415, "unsupported-encoding", id="compressed"),
        pytest.param(b" " * 2_000_001, {}, 413, "too-large", id="too large"),
    ],
)
@pytest.mark.stage(settings={"max_body": 2_000_000})
async def test_what_is_refused(stage: Stage, body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    """Each gets a problem object, and leaves no delivery."""
    got, problem, answered = await send(stage, body, headers=headers)

    assert (got, problem["code"], problem["success"]) == (status, code, False)
    assert answered["Content-Type"].startswith("application/problem+json")
    assert await stage.deliveries() == []


async def test_every_refusal_for_lack_of_proof_reads_the_same(stage: Stage) -> None:
    """Nobody learns which part of a signature was wrong."""
    answers = [await send(stage, b"{}", headers={"X-Hub-Signature": s}) for s in ("", "sha1=00", "sha256=00")]

    assert len({json.dumps(problem) for _, problem, _ in answers}) == 1


async def test_what_does_not_prove_itself_is_counted_without_its_body(stage: Stage) -> None:
    """When, from where, which headers, and why."""
    await send(stage, b'{"secret": "of somebody"}', headers={"X-Hub-Signature": "sha256=00"})

    def query(tx: Any) -> Rejection | None:
        return next(iter(tx.rejections.list(stage.workspace.id)), None)

    kept = await stage.until_stored(query)
    assert kept.remote == "127.0.0.1"
    assert "x-hub-signature" in kept.header_names
    assert kept.cause == "its `X-Hub-Signature` is wrong"


async def test_an_unknown_workspace_is_told_before_anything_is_read(stage: Stage) -> None:
    """404, of the other deployment's routes too."""
    unknown = stage.events_url.rpartition("/")[0] + "/nobody"
    other = {"jira": "jira-dc", "jira-dc": "jira"}[stage.events_url.split("/")[4]]
    elsewhere = f"{stage.address}/integration/{other}/events/{stage.workspace.id}"

    assert [(await send(stage, b"nonsense", url=url))[0] for url in (unknown, elsewhere)] == [404, 404]


async def test_a_payload_of_another_jira_is_kept_as_refused(stage: Stage, payload: dict[str, Any]) -> None:
    """Host, port and context path are compared; the address is never followed."""
    payload["user"]["self"] = "https://evil.example/rest/api/2/user?x=1"

    status, problem, _ = await send(stage, json.dumps(payload).encode())

    assert (status, problem["code"]) == (422, "host-mismatch")
    (kept,) = await stage.deliveries()
    assert (kept.state.value, kept.reason) == ("refused", "host-mismatch")
    assert "https://evil.example" in kept.text


async def test_scheme_port_path_and_user_of_an_address_are_not_the_senders_choice(
    stage: Stage, payload: dict[str, Any]
) -> None:
    """F2: the whole base is compared, and nothing that a payload names is ever asked."""
    base = stage.jira.base_url
    host = base.partition("//")[2].partition("/")[0]
    named = [
        base.replace("http://", "https://"),
        base.replace(host, "127.0.0.1:9"),
        base + "/elsewhere",
        base.replace("http://", "http://ada@"),
        base.replace(host, f"{host}@evil.example"),
    ]
    stage.jira.requests.clear()

    for each in named:
        payload["issue"]["self"] = f"{each}/rest/api/2/issue/77"
        status, problem, _ = await send(stage, json.dumps(payload).encode())
        assert (status, problem["code"]) == (422, "host-mismatch"), each

    await stage.rest()
    assert {kept.state for kept in await stage.deliveries()} == {DeliveryState.REFUSED}
    assert stage.jira.requests == []


@pytest.mark.alike
async def test_who_has_the_secret_of_one_workspace_acts_in_no_other(stage: Stage) -> None:
    """F1: one workspace proves and acts; an author of the one Jira and an issue of the other are refused as a whole."""
    base = "https://jira.theirs.example"
    wanted = NewWorkspace(
        name="theirs", deployment=stage.jira.deployment, base_url=base, email="a@b.example", api_key="k", validate=False
    )
    theirs = await stage.app.workspaces.create(wanted, by=SHELL)
    asked = await stage.comment("@openhands fix login.py")
    ada = {"accountId": stage.jira.ada.account_id, "key": stage.jira.ada.key, "name": stage.jira.ada.name}
    comment = {"id": asked.id, "body": asked.text, "author": {**ada, "self": f"{base}/rest/api/2/user?x=1"}}
    issue = {"id": stage.issue.id, "key": stage.issue.key, "self": f"{stage.jira.base_url}/rest/api/2/issue/1"}
    body = json.dumps({"webhookEvent": "comment_created", "timestamp": 1, "comment": comment, "issue": issue}).encode()

    urls = [
        stage.app.workspaces.events_url(theirs.workspace),
        stage.events_url,
        stage.events_url.rpartition("/")[0],
    ]
    statuses = [(await send(stage, body, url=url, secret=theirs.webhook_secret))[0] for url in urls]

    assert statuses[:2] == [422, 403]
    assert statuses[2] in (422, 403)
    await stage.rest()
    assert {kept.state for kept in await stage.deliveries()} == {DeliveryState.REFUSED}
    assert stage.bot_comments() == []


async def test_another_address_of_the_same_jira_is_known_where_it_was_named(
    stage: Stage, payload: dict[str, Any]
) -> None:
    """`--also-known-as`."""
    await stage.change_workspace(also_known_as=("https://jira.acme.example",))
    payload["issue"]["self"] = "https://JIRA.acme.example:443/rest/api/2/issue/77"

    assert (await send(stage, json.dumps(payload).encode()))[0] == 200


async def test_a_paused_workspace_keeps_what_comes(stage: Stage, payload: dict[str, Any]) -> None:
    """200 with `paused`; the delivery is on disk and nothing is done."""
    await stage.change_workspace(state=WorkspaceState.PAUSED)

    status, answer, _ = await send(stage, json.dumps(payload).encode())

    assert (status, answer["status"]) == (200, "paused")
    (kept,) = await stage.deliveries()
    assert (kept.state.value, kept.reason) == ("paused", "paused")


@pytest.mark.stage(settings={"switched_off": frozenset({"cloud", "dc"})})
async def test_a_deployment_that_is_switched_off_keeps_what_comes(stage: Stage, payload: dict[str, Any]) -> None:
    """As of a paused workspace: a copy is a duplicate, what does not prove itself is refused."""
    body = json.dumps(payload).encode()

    status, answer, _ = await send(stage, body)

    assert (status, answer["status"]) == (200, "paused")
    assert (await send(stage, body))[1]["status"] == "duplicate"
    assert (await send(stage, body, secret="another-secret-of-16"))[0] == 403
    assert [each.state.value for each in await stage.deliveries() if each.kind == "jira:issue_deleted"] == ["paused"]


async def test_the_single_address_finds_the_workspace_by_the_payload(stage: Stage, payload: dict[str, Any]) -> None:
    """Then the signature decides, as on its own address."""
    single = stage.events_url.rpartition("/")[0]
    body = json.dumps(payload).encode()

    assert (await send(stage, body, url=single))[1]["status"] == "accepted"
    assert (await send(stage, body, url=single, secret="another secret, wrong"))[0] == 403
    payload["issue"]["self"] = payload["user"]["self"] = "https://elsewhere.example/rest/api/2/x"
    assert (await send(stage, json.dumps(payload).encode(), url=single))[0] == 404


async def test_a_body_that_names_no_jira_goes_to_the_only_workspace(stage: Stage) -> None:
    """On the single address too; nonsense must still prove itself."""
    single = stage.events_url.rpartition("/")[0]

    assert (await send(stage, b'{"webhookEvent": "x"}', url=single))[0] == 200
    assert (await send(stage, b"nonsense", url=single))[0] == 400
    assert (await send(stage, b"nonsense", url=single, secret="another secret, wrong"))[0] == 403


async def test_the_alias_by_connection_works_for_data_center(stage: Stage, payload: dict[str, Any]) -> None:
    """The reference's own path for one connection."""
    url = f"{stage.address}/integration/jira-dc/connections/{stage.workspace.id}/events"

    status, _, _ = await send(stage, json.dumps(payload).encode(), url=url)

    assert status == (200 if stage.jira.deployment == "dc" else 404)


async def test_a_large_body_is_accepted_and_kept_whole(stage: Stage, payload: dict[str, Any]) -> None:
    """Above 256 KB it goes to a file of its own."""
    payload["issue"]["fields"]["description"] = "x" * 1_000_000
    body = json.dumps(payload).encode()

    _, answer, _ = await send(stage, body)

    await stage.rest()
    saved = await stage.app.storage.read(lambda tx: tx.deliveries.request_of(answer["delivery"]))
    assert saved is not None
    assert saved.body == body


@pytest.mark.alike
async def test_a_body_without_a_time_is_a_copy_for_five_minutes(stage: Stage) -> None:
    """F57: a template of Automation sends the same each time; without a time of its own it is no copy for ever."""
    stage.clock.advance(seconds=301 - stage.clock.now().timestamp() % 300)
    body = b'{"webhookEvent": "automation"}'

    told = [(await send(stage, body))[1]["status"] for _ in range(2)]
    stage.clock.advance(seconds=300)
    told.append((await send(stage, body))[1]["status"])

    assert told == ["accepted", "duplicate", "accepted"]


async def test_an_unknown_kind_of_event_is_accepted_and_ignored(stage: Stage, payload: dict[str, Any]) -> None:
    """A right signature is never answered with an error for what it says."""
    payload["webhookEvent"] = "sprint_started"

    assert (await send(stage, json.dumps(payload).encode()))[0] == 200
    await stage.rest()
    assert [d.reason for d in await stage.deliveries()] == ["unknown-event"]


async def test_health_tells_whether_a_delivery_could_be_accepted(stage: Stage) -> None:
    """`/healthz` lives, `/readyz` names database, workers and, to a program of the same machine, workspaces."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{stage.address}/healthz") as alive:
            assert alive.status == 200
        async with session.get(f"{stage.address}/readyz") as ready:
            body = await ready.json()
            assert (ready.status, body["ready"], body["database"]) == (200, True, "ok")
            assert [w["name"] for w in body["workspaces"]] == ["acme"]
        async with session.get(f"{stage.address}/nothing") as nothing:
            assert (nothing.status, (await nothing.json())["code"]) == (404, "no-route")


async def test_strangers_are_told_how_many_jiras_are_well_and_operators_which(stage: Stage) -> None:
    """Who comes through a proxy is a stranger, whatever role a token of one workspace has there."""
    await stage.change_workspace(degraded=("commenting-refused",))
    app = stage.app
    tokens = {
        "root": NewToken(name="root", role=Role.ADMIN),
        "of one": NewToken(name="of-one", role=Role.ADMIN, workspace="acme"),
        "prometheus": NewToken(name="prometheus", role=Role.USER),
    }
    secrets = {name: (await app.tokens.create(wanted, by=SHELL)).secret for name, wanted in tokens.items()}
    secrets |= {"nobody": "", "wrong": "jbt_unknown"}
    told = {}
    for name, secret in secrets.items():
        headers = {"X-Forwarded-For": "203.0.113.7", **({"Authorization": f"Bearer {secret}"} if secret else {})}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{stage.address}/readyz") as answer,
        ):
            assert answer.status == 200
            told[name] = await answer.json()

    stranger = told["nobody"]
    assert (stranger["ready"], stranger["database"], stranger["workers"]["runs"]) == (True, "ok", 0)
    assert (stranger["jiras"], stranger["workspaces"]) == ({"well": 0, "not_well": 1}, [{"number": 1, "well": False}])
    assert "acme" not in json.dumps(stranger)
    assert told["wrong"] == told["of one"] == stranger
    assert (
        told["root"]["workspaces"]
        == told["prometheus"]["workspaces"]
        == [
            {
                "number": 1,
                "well": False,
                "name": "acme",
                "state": "active",
                "degraded": ["commenting-refused"],
                "base_url": stage.workspace.base_url,
            }
        ]
    )


RATED = pytest.mark.stage(settings={"workspace": {"webhooks_per_minute": 2}})


def numbered(payload: dict[str, Any], number: int) -> bytes:
    return json.dumps({**payload, "timestamp": number}).encode()


async def keep_waiting(stage: Stage, count: int) -> None:
    """Let so many deliveries wait for a time that does not come."""
    later = stage.app.clock.now() + timedelta(hours=1)
    backlog = [delivery(f"d{n}", issue=f"{n}", workspace_id=stage.workspace.id, due_at=later) for n in range(count)]
    await stage.app.storage.write(lambda tx: tx.deliveries.record(backlog))


async def give_up_waiting(stage: Stage) -> None:
    def change(tx: Transaction) -> None:
        for each in tx.deliveries.list(state=DeliveryState.RECEIVED):
            tx.deliveries.discard(each.id, reason="discarded", text="", now=stage.app.clock.now())

    await stage.app.storage.write(change)


@RATED
async def test_over_the_rate_and_with_a_backlog_cloud_is_asked_to_send_again(
    stage: Stage, payload: dict[str, Any]
) -> None:
    """What is refused is not kept; a copy of what is kept is a duplicate all the same. Data Center is never refused."""
    await keep_waiting(stage, 10)
    answers = [await send(stage, numbered(payload, number)) for number in range(4)]
    status, copy, _ = await send(stage, numbered(payload, 0))

    statuses = [status for status, _, _ in answers]
    assert statuses == [200, 200] + ([429, 429] if stage.jira.deployment == "cloud" else [200, 200])
    assert (status, copy["status"], copy["delivery"]) == (200, "duplicate", answers[0][1]["delivery"])
    if stage.jira.deployment == "cloud":
        _, problem, headers = answers[-1]
        assert (problem["code"], problem["success"], headers["Retry-After"]) == ("rate-limited", False, "60")
        assert headers["Content-Type"].startswith("application/problem+json")
        assert len(await stage.deliveries()) == 12
    await give_up_waiting(stage)


@RATED
async def test_over_the_rate_cloud_is_accepted_without_a_backlog_and_data_center_is_spread(
    stage: Stage, payload: dict[str, Any]
) -> None:
    """What waits is less than five minutes' worth."""
    await keep_waiting(stage, 4)
    sent = [await send(stage, numbered(payload, number)) for number in range(5)]
    ids = [answer["delivery"] for status, answer, _ in sent if status == 200]
    found = {each.id: each for each in await stage.deliveries()}

    waits = [round((found[id_].due_at - found[id_].received_at).total_seconds()) for id_ in ids]
    assert waits == ([0] * 5 if stage.jira.deployment == "cloud" else [0, 0, 30, 60, 90])
    await give_up_waiting(stage)


@RATED
async def test_before_the_rate_comes_whatever_else_is_wrong(stage: Stage, payload: dict[str, Any]) -> None:
    """Order: 403, 400, 422, paused, and then 429."""
    await keep_waiting(stage, 10)
    for number in range(3):
        await send(stage, numbered(payload, number))
    foreign = {**payload, "issue": {**payload["issue"], "self": "https://evil.example/rest/api/2/issue/77"}}

    assert (await send(stage, numbered(payload, 3), secret="wrong"))[0] == 403
    assert (await send(stage, b"{"))[0] == 400
    assert (await send(stage, json.dumps(foreign).encode()))[0] == 422
    await stage.change_workspace(state=WorkspaceState.PAUSED)
    status, answer, _ = await send(stage, numbered(payload, 4))
    assert (status, answer["status"]) == (200, "paused")
    await give_up_waiting(stage)
