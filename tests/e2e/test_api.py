"""The management API, over HTTP, as everybody who may ask: each status, each field, and whose it is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from yarl import URL

from jirabot.core.managers.tokens import NewToken
from jirabot.core.managers.workspaces import NewWorkspace
from jirabot.core.people import SHELL, Role
from jirabot.daemon.api.endpoints import endpoints

from .api_table import CALLERS, ROWS
from .stage import Stage

ROUTES = {"cloud": "jira", "dc": "jira-dc"}


class Caller:
    """Asks as one principal."""

    def __init__(self, stage: Stage, client: aiohttp.ClientSession, token: str) -> None:
        self._stage, self._client = stage, client
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._base = f"/integration/{ROUTES[stage.jira.deployment]}/workspaces"

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Ask; a path that begins with no slash is below the workspaces' address."""
        address = self._stage.address + (path if path.startswith("/") else f"{self._base}/{path}".rstrip("/"))
        async with self._client.request(method, address, json=body, headers=self._headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return await self.ask("GET", path)

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        return await self.ask("POST", path, body)


Callers = Callable[..., Any]


@contextlib.asynccontextmanager
async def calling(stage: Stage) -> AsyncIterator[Callable[..., Any]]:
    """Give what makes callers: each with a token of its own."""
    async with aiohttp.ClientSession() as client:

        async def make(name: str = "", *, token: str = "", **how: Any) -> Caller:
            if name:
                made = await stage.app.tokens.create(NewToken(name=name, **{"role": Role.USER, **how}), by=SHELL)
                token = made.secret
            return Caller(stage, client, token)

        yield make


@pytest.fixture
async def callers(stage: Stage) -> AsyncIterator[Callable[..., Any]]:
    async with calling(stage) as make:
        yield make


def account_of(stage: Stage, person: Any) -> str:
    return str(person.account_id if stage.jira.deployment == "cloud" else person.name)


async def link(stage: Stage, person: Any, user: str, role: Role = Role.USER) -> None:
    await stage.app.users.link("acme", account_of(stage, person), user=user, role=role, by=SHELL)


async def workspace(stage: Stage, name: str, **how: Any) -> None:
    """Make another workspace, whose Jira is nowhere."""
    jira = stage.jira
    wanted = NewWorkspace(
        name=name,
        deployment=jira.deployment,
        base_url=f"https://{name}.example",
        email=jira.bot.email,
        api_key="key",
        validate=False,
        **how,
    )
    await stage.app.workspaces.create(wanted, by=SHELL)


async def test_each_endpoint_answers_each_caller_as_the_table_says(stage: Stage, callers: Callers) -> None:
    app, jira = stage.app, stage.jira
    await link(stage, jira.ada, "ada")
    await link(stage, jira.bot, "boss", Role.ADMIN)
    await workspace(stage, "other", link="")
    await workspace(stage, "paused", active=False)
    await app.users.link("other", "somebody", user="rival", role=Role.ADMIN, validate=False, by=SHELL)
    comment = await stage.comment("@openhands edit")
    await stage.says()
    await stage.says()
    await stage.rest()
    whole = await stage.whole()
    x, y = (ROUTES[name] for name in (jira.deployment, {"cloud": "dc", "dc": "cloud"}[jira.deployment]))
    named = {
        "X": x,
        "Y": y,
        "event": (await stage.outcome(comment)).id,
        "conversation": whole.conversation.id,
        "effect": whole.effects[0].id,
    }
    asking = {
        "stranger": await callers(),
        "user": await callers("ada"),
        "admin": await callers("boss"),
        "other admin": await callers("rival"),
        "instance admin": await callers("root", role=Role.ADMIN),
    }

    for at, (name, caller) in enumerate(asking.items()):
        told = [(await caller.ask(row.method, row.path.format(**named), row.body)) for row in ROWS]
        statuses = [(row.method, row.path, row.note, status) for row, (status, _) in zip(ROWS, told, strict=True)]
        assert statuses == [(row.method, row.path, row.note, row.statuses[at]) for row in ROWS], name
        for status, answer in told:
            assert status < 400 or (answer["success"] is False and answer["code"] and answer["detail"])
    assert list(asking) == list(CALLERS)


@pytest.mark.alike
@pytest.mark.parametrize(("path", "status"), [("/api/v1/status", 401), ("/metrics", 401), ("/readyz", 200)])
async def test_a_token_with_more_behind_it_is_none_and_is_not_logged(stage: Stage, path: str, status: int) -> None:
    """As a library that encodes headers otherwise, or a typing error, makes of a right one."""
    made = await stage.app.tokens.create(NewToken(name="ada", role=Role.USER), by=SHELL)
    where = URL(stage.address)
    reader, writer = await asyncio.open_connection(where.host, where.port)
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n"
    writer.write(f"{head}Authorization: Bearer {made.secret}".encode() + b"\xa0\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert made.secret not in repr(stage.log.told)


async def test_answers_hold_what_is_declared(stage: Stage, callers: Callers) -> None:
    root = await callers("root", role=Role.ADMIN)
    await stage.comment("@openhands edit")
    await stage.says()
    await stage.says()
    await stage.rest()
    whole = await stage.whole()
    ids = {"name": "acme", "workspace_name": "acme", "id": whole.conversation.id}
    event = (await stage.deliveries())[0].id
    (status, _) = await root.post("link", workspace_name="acme")
    assert status == 200

    for endpoint in endpoints([stage.app.deployments[stage.jira.deployment]]):
        if endpoint.method != "GET":
            continue
        given = ids | ({"id": event} if "events" in endpoint.path else {})
        given |= {"id": whole.effects[0].id} if "outbox" in endpoint.path else {}
        status, answer = await root.get(endpoint.path.format(**given))
        assert status == 200, endpoint.path
        endpoint.answer.model_validate(answer)
        assert set(_declared(endpoint.answer)) <= set(answer), endpoint.path


def _declared(model: Any) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


async def test_lists_hold_only_what_the_caller_may_see(stage: Stage, callers: Callers) -> None:
    await link(stage, stage.jira.ada, "ada")
    await link(stage, stage.jira.bot, "boss", Role.ADMIN)
    await stage.comment("@openhands edit")
    await stage.says()
    await stage.says()
    await stage.rest()
    people = [await callers(name) for name in ("ada", "boss", "nobody")]
    people.append(await callers("root", role=Role.ADMIN))
    people.append(await callers("only", role=Role.ADMIN, workspace="acme"))

    async def count(caller: Caller, what: str) -> int:
        status, page = await caller.get(f"/api/v1/{what}")
        assert (status, page["next"]) == (200, None)
        return len(page["items"])

    seen = {what: [await count(each, what) > 0 for each in people] for what in ("workspaces", "events", "outbox")}
    assert seen == {each: [False, True, False, True, True] for each in seen}
    assert [await count(each, "conversations") for each in people] == [1, 1, 0, 1, 1]


@pytest.mark.alike
async def test_names_of_others_are_told_to_nobody(stage: Stage, callers: Callers) -> None:
    """Only an operator is told of a name that is near."""
    await workspace(stage, "secret-customer")
    nobody, root = await callers("nobody"), await callers("root", role=Role.ADMIN)
    paths = [
        "/api/v1/workspaces/customer",
        *(f"/api/v1/{what}?workspace=customer" for what in ("events", "outbox", "conversations")),
    ]

    for path in paths:
        status, told = await nobody.get(path)
        assert (status, "secret" in str(told)) == (404, False)
        assert (await root.get(path))[1]["hint"] == "did you mean `secret-customer`?"


async def test_lists_come_page_by_page(stage: Stage, callers: Callers) -> None:
    root = await callers("root", role=Role.ADMIN)
    for _ in range(3):
        await stage.comment("@openhands help")
        await stage.says()
    await stage.rest()
    every = [each["id"] for each in (await root.get("/api/v1/events"))[1]["items"]]

    pages: list[list[str]] = []
    behind = ""
    while len(pages) < 100:
        _, page = await root.get(f"/api/v1/events?limit=2{behind}")
        pages.append([each["id"] for each in page["items"]])
        if page["next"] is None:
            break
        behind = f"&before={page['next']}"

    assert [each for page in pages for each in page] == every
    assert max(map(len, pages)) == 2
    for what in ("events", "outbox", "conversations"):
        status, told = await root.get(f"/api/v1/{what}?before=gone")
        assert (status, told["code"], list(told["fields"])) == (422, "invalid-fields", ["before"])
