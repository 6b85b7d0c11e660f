"""No secret comes to light: a whole play with failures, every command that shows something, and a look everywhere."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jirabot.app import open_app
from jirabot.config import load
from jirabot.core.people import SHELL
from jirabot.jira.signatures import sign
from jirabot.sandbox.server import Sandbox

from .canaries import GIT_TOKEN, MASTER_KEY, WEBHOOK_SECRET, WRONG_API_KEY, Program, showing_commands
from .stage import WITHIN_SECONDS, make_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def program(jira: Sandbox, tmp_path: Path) -> Program:
    return Program(tmp_path, jira)


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
async def test_no_secret_comes_to_light(
    program: Program, jira: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in output, log, answers, process list, files, `repr` or tracebacks."""
    async with program.daemon():
        events_url = await _set_up(program, jira, tmp_path)
        await _play(program, jira, events_url)
        for name, command in showing_commands():
            await _show(program, name, command)
        await _break(program, events_url)
        program.look_at_files()
    program.look_at_files()
    monkeypatch.setenv("JIRABOT_MASTER_KEY", MASTER_KEY)
    program.seen.append(("`repr`", (await _inside(tmp_path)).encode()))

    assert program.leaks() == []
    # The play did what it is for: what is looked for was there to be found.
    assert "request.broken" in program.log()
    assert "signature-rejected" in program.log()
    seen = dict(program.seen)
    assert b"SET_KEY" in seen["the process list"]
    assert b"with *** and ***" in b"".join(seen.values())
    assert {f"the file {program.data}/jirabot.db", f"the file {program.data}/jirabot.db-wal"} <= set(seen)
    assert any("/spool/" in where for where in seen)


async def test_no_secret_within_an_address_comes_to_light(tmp_path: Path) -> None:
    """`url-token`: not in log, output, error, list, dump nor process list, but where `--show-secrets` asks for it."""
    async with Sandbox(deployment="dc", dc_version="9.12.15") as jira:
        program = Program(tmp_path, jira)
        create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", jira.base_url]
        keys = ["--svc-acc-api-key", "-", "--webhook-secret", "-"]
        async with program.daemon():
            typed = f"{jira.bot.token}\n{WEBHOOK_SECRET}\n"
            assert (await program.command(*create, *keys, "--json", typed=typed))[0] == 0
            assert (await program.command("webhook", "register", "acme", "--json"))[0] == 0
            (webhook,) = jira.jira.webhooks.values()
            assert webhook.url.endswith(WEBHOOK_SECRET)
            issue = await jira.create_issue(summary="The greeting is misspelt")
            assert (await program.command("webhook", "test", "acme", "--issue", issue.key, "--json"))[0] == 0
            for url in (f"{webhook.url}x", webhook.url.replace("/events/", "/events/x"), f"{webhook.url}/x"):
                await _post(program, url, b'{"webhookEvent": "x"}', WEBHOOK_SECRET)
            assert await _post(program, webhook.url, b"nonsense", WEBHOOK_SECRET) == 400
            for words in (["workspace", "show", "acme"], ["webhook", "list", "acme"], ["doctor"], ["status"]):
                for more in ([], ["--json"]):
                    await program.command("--verbose", *words, *more)
            jira.jira.deny(jira.bot, "ADMINISTER")
            assert (await program.command("--verbose", "webhook", "register", "acme"))[0] == 4
            payload = tmp_path / "payload.json"
            payload.write_text('{"webhookEvent": "x"}')
            replay = ["replay", str(payload), "--workspace", "acme", "--sign", "--to"]
            assert (await program.command(*replay, "http://127.0.0.1:1"))[0] == 5
            assert '"status": 200' in (await program.command(*replay, f"http://127.0.0.1:{program.port}", "--json"))[1]
            program.look_at_files()
        program.look_at_files()

    assert program.leaks() == []
    assert "signature-rejected" in program.log()
    _, shown = await program.command("workspace", "show", "acme", "--show-secrets", "--json")
    assert WEBHOOK_SECRET in shown


async def _set_up(program: Program, jira: Sandbox, folder: Path) -> str:
    """Make everything that a secret belongs to; gives the workspace's events address."""
    create = ["--deployment", "cloud", "--base-url", jira.base_url, "--svc-acc-email", jira.bot.email]
    keys = ["--svc-acc-api-key", "-", "--webhook-secret", "-"]
    refused, _ = await program.command(
        "--verbose", "workspace", "create", "acme", *create, *keys, typed=f"{WRONG_API_KEY}\n{WEBHOOK_SECRET}\n"
    )
    assert refused == 4
    code, out = await program.command(
        "workspace", "create", "acme", *create, *keys, "--json", typed=f"{jira.bot.token}\n{WEBHOOK_SECRET}\n"
    )
    assert code == 0
    assert (await program.command("user", "link", "acme", jira.ada.account_id))[0] == 0
    repository = make_repository(folder, "0").as_uri()
    add = ["repo", "add", "acme", "shop", "--url", repository, "--default", "--token", "-"]
    assert (await program.command(*add, typed=GIT_TOKEN))[0] == 0
    address: str = json.loads(out)["events_url"]
    jira.add_webhook(address, secret=WEBHOOK_SECRET)
    return address


async def _play(program: Program, jira: Sandbox, events_url: str) -> None:
    """Let the agent work and crash, let strangers knock, and let Jira refuse."""
    issue = await jira.create_issue(summary="The greeting is misspelt")
    for request in ("fix the greeting", "please crash"):
        await jira.comment(issue.key, f"@openhands {request}")
        for _ in range(2):
            said = await jira.next_comment(issue.key, by=jira.bot, within=WITHIN_SECONDS)
            program.seen.append(("a comment", said.text.encode()))
    program.seen.append(("the comments as they stand", repr([c.text for c in jira.comments(issue.key)]).encode()))
    body = json.dumps({"webhookEvent": "jira:issue_deleted", "pad": "x" * 300_000}).encode()
    for content, secret in ((body, WEBHOOK_SECRET), (body, "wrong-secret-of-16"), (b"nonsense", WEBHOOK_SECRET)):
        await _post(program, events_url, content, secret)
    await _post(program, f"{events_url}nowhere", body, WEBHOOK_SECRET)
    jira.faults.add("answer", path="/comment$", method="POST", status=401)
    await jira.comment(issue.key, "@openhands help")
    await jira.settled(WITHIN_SECONDS)
    for word in ("healthz", "readyz", ""):
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{program.port}/{word}") as answer:
            program.seen.append((f"the answer of /{word}", await answer.read()))


async def _post(program: Program, url: str, body: bytes, secret: str) -> int:
    headers = {"X-Hub-Signature": sign(body, secret.encode())}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        told = "\n".join([str(answer.headers), (await answer.read()).decode()])
        program.seen.append((f"the answer to {body[:20]!r}", told.encode()))
        return answer.status


async def _show(program: Program, name: str, command: Any) -> None:
    """Run a command that shows something, for people and as JSON, with the objects that there are."""
    options = {option for parameter in command.params for option in parameter.opts}
    words = ["acme" for p in command.params if p.required and not p.opts[0].startswith("-")]
    if name == "outbox show":
        _, listed = await program.command("outbox", "list", "--json")
        words = [json.loads(listed.splitlines()[0])["id"]]
    elif "--issue" in options and not words:
        words = ["--issue", "DEMO-1"]
    for more in ([], ["--json"]) if "--json" in options else ([],):
        code, _ = await program.command("--verbose", *name.split(), *words, *more)
        assert code != 2, f"`{name}` was not understood"


async def _break(program: Program, events_url: str) -> None:
    """Make what nobody foresees: settings of the workspace that only another program can have written."""
    with closing(sqlite3.connect(program.data / "jirabot.db")) as database, database:
        database.execute("UPDATE workspaces SET settings = '{\"mention\": 5}'")
    async with asyncio.timeout(WITHIN_SECONDS):
        while await _post(program, events_url, b'{"webhookEvent": "x"}', WEBHOOK_SECRET) == 200:
            pass
    with closing(sqlite3.connect(program.data / "jirabot.db")) as database, database:
        database.execute("UPDATE workspaces SET settings = '{}'")


async def _inside(folder: Path) -> str:
    """Give the `repr` of what the program holds when it works."""
    settings = load(folder / "jirabot.toml")
    shown: list[object] = [settings]
    async with open_app(settings) as app:
        shown += [app, vars(app.runs), vars(app.pipeline), vars(app.workspaces), vars(app.keys), app.backends]
        for served in await app.directory.all():
            shown += [served, app.directory.site(served)]
        shown += [await app.repositories.list("acme", by=SHELL), await app.tokens.list(by=SHELL)]
        for listed in await app.conversations.list(by=SHELL, limit=9):
            shown += [listed, await app.conversations.show(listed.conversation.id, by=SHELL)]
        shown += await app.deliveries.list(by=SHELL, limit=99)
    return "\n".join(repr(each) for each in shown)
