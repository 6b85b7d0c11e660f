"""`jirabot doctor` on broken set-ups: each cause is named, with what to do, and nothing is made or changed."""

import asyncio
import base64
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jirabot.app import open_app
from jirabot.config import load
from jirabot.core.ports import Rejection, Transaction
from jirabot.machine import SystemClock

from .conftest import SCRIPTED, Cli, Jira, make_repository

OTHER_KEY = base64.urlsafe_b64encode(b"another key, for tests, 32 bytes").decode()


@pytest.fixture
def own() -> Iterator[Jira]:
    """A Jira that one test may spoil."""
    jira = Jira("cloud")
    yield jira
    jira.close()


def set_up(cli: Cli, jira: Jira, *more: str, agents: str = SCRIPTED, token: str = "") -> None:
    """Make a workspace with all that a first answer needs but a webhook."""
    cli.file("jirabot.toml", f"[server]\nport = {free_port()}\n{agents}")
    cli.done(*jira.creation(), *more, typed=f"{token or jira.token}\n")
    account = jira.account(jira.sandbox.ada)
    cli.done("user", "link", "acme", account, "--no-validate")
    cli.done("repo", "add", "acme", "shop", "--url", "file:///srv/git/shop.git", "--default")


def findings(cli: Cli, *, code: int = 1) -> dict[str, dict[str, Any]]:
    """Run `doctor`, and give what it found that is not well, by the name of the check."""
    ran = cli("doctor", "--json")
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    return {check["check"]: check for check in ran.objects if check["level"] != "ok"}


def test_one_administrator_over_http_is_too_few_where_it_is_in_use(cli: Cli, own: Jira) -> None:
    """F32."""
    set_up(cli, own)
    account = own.account(own.sandbox.ada)
    cli.done("user", "link", "acme", account, "--user", "ada", "--role", "admin", "--no-validate")
    assert "administrators" not in findings(cli)

    cli.done("token", "create", "ada")
    assert findings(cli)["administrators"]["text"] == "`ada` alone administers it over HTTP"

    other = own.account(own.sandbox.grace)
    cli.done("user", "link", "acme", other, "--user", "grace", "--role", "admin", "--no-validate")
    assert "administrators" not in findings(cli)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write(cli: Cli, change: Any) -> None:
    async def main() -> None:
        async with open_app(load(cli.config, data_dir=cli.data)) as app:
            await app.storage.write(change)

    asyncio.run(main())


def test_the_api_key_never_worked(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud, "--no-validate", token="a-token-that-is-wrong")

    found = findings(cli)["jira"]
    assert "Jira refuses the service account (401)" in found["text"]
    assert "its token never worked" in found["text"]
    assert "jirabot workspace update acme --svc-acc-api-key -" in found["fix"]


def test_the_token_has_expired(cli: Cli, own: Jira) -> None:
    set_up(cli, own)
    own.sandbox.faults.add("answer", path="/rest/", status=401, times=None)

    found = findings(cli)["jira"]
    assert "it has expired, or was revoked" in found["text"]
    assert "make a new token" in found["fix"]


def test_the_url_is_wrong(cli: Cli) -> None:
    cli.file("jirabot.toml", SCRIPTED)
    creation = ["workspace", "create", "acme", "--deployment", "cloud", "--base-url", f"http://127.0.0.1:{free_port()}"]
    cli.done(*creation, "--svc-acc-email", "bot@acme.example", "--svc-acc-api-key", "-", "--no-validate", typed="x\n")

    found = findings(cli)["jira"]
    assert "no connection to Jira" in found["text"]
    assert "Connection refused" in found["text"]
    assert "check the base URL" in found["fix"]


def test_the_path_of_the_url_is_wrong(cli: Cli, data_center: Jira) -> None:
    cli.file("jirabot.toml", SCRIPTED)
    url = data_center.base_url.removesuffix("/jira")
    creation = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", url, "--svc-acc-api-key", "-"]
    cli.done(*creation, "--no-validate", typed="x\n")

    found = findings(cli)["jira"]
    assert "Jira does not say of which version it is" in found["text"]
    assert "base URL" in found["fix"]


def test_no_webhook_ever_arrived(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud)

    found = findings(cli)["webhook"]
    assert found["text"] == "no webhook has ever arrived"
    assert "/integration/jira/events/" in found["fix"]


def test_where_none_is_to_come_it_is_looked_when_jira_was_asked_last(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud, "--events", "poll")
    found = findings(cli, code=0)
    assert "webhook" not in found
    assert "catch-up" not in found

    def long_ago(tx: Transaction) -> None:
        [known] = tx.checkpoints.list().values()
        tx.checkpoints.save(replace(known, looked_at=known.calls_since - timedelta(minutes=2)))

    write(cli, long_ago)
    found = findings(cli, code=0)
    assert found["catch-up"]["level"] == "warning"
    assert "its Jira was asked last at" in found["catch-up"]["text"]
    assert "`jirabot serve`" in found["catch-up"]["fix"]


def test_the_webhooks_signature_is_wrong(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud)

    def reject(tx: Transaction) -> None:
        (workspace,) = tx.workspaces.list()
        rejection = Rejection(
            workspace_id=workspace.id,
            at=SystemClock().now(),
            remote="10.0.0.7",
            header_names=("x-hub-signature",),
            cause="its `X-Hub-Signature` is wrong",
        )
        tx.rejections.add([rejection])

    write(cli, reject)

    found = findings(cli)["webhook"]
    assert "from 10.0.0.7, did not prove itself: its `X-Hub-Signature` is wrong" in found["text"]
    assert "jirabot workspace rotate-secret acme" in found["fix"]


@pytest.mark.parametrize(("minutes", "told"), [(10, "s behind Jira's"), (-10, "s ahead of Jira's")])
def test_the_clock_is_off(cli: Cli, minutes: int, told: str) -> None:
    jira = Jira("cloud", clock=lambda: SystemClock().now() + timedelta(minutes=minutes))
    try:
        set_up(cli, jira)
        found = findings(cli)["clock"]
    finally:
        jira.close()

    assert told in found["text"]
    assert "NTP" in found["fix"]


def test_the_disk_is_full(cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(cli, cloud)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))

    found = findings(cli)["disk"]
    assert (found["level"], found["text"][:16]) == ("failed", "the disk is full")


def test_git_is_not_installed(cli: Cli, cloud: Jira, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(cli, cloud)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = findings(cli)["git"]
    assert (found["text"], found["fix"]) == ("git is not installed", "install `git` 2.32 or newer")


def test_the_agent_is_not_installed(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud, agents='[agents.local]\ntype = "command"\ncommand = ["no-such-agent"]\n')

    found = findings(cli)["agent"]
    assert "no-such-agent" in found["text"]
    assert "[agents.local]" in found["fix"]


def test_the_database_is_newer(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud)
    with closing(sqlite3.connect(cli.data / "jirabot.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    found = findings(cli)["database"]
    assert "of a newer version (`9999`)" in found["text"]
    assert "install the newer jirabot again" in found["fix"]


def test_the_database_is_damaged(cli: Cli) -> None:
    cli.data.mkdir()
    (cli.data / "jirabot.db").write_bytes(b"this is no database, but long enough to be taken for one" * 100)

    assert "is not a database" in findings(cli)["database"]["text"]


def test_the_database_is_older(cli: Cli, cloud: Jira) -> None:
    """It is told of once, with the command: not as well beside that."""
    set_up(cli, cloud)
    with closing(sqlite3.connect(cli.data / "jirabot.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0006'")
        connection.commit()

    (found,) = [check for check in cli("doctor", "--json").objects if check["check"] == "database"]

    assert (found["level"], found["fix"]) == ("failed", "run `jirabot db upgrade`")
    assert found["text"].endswith("is of an earlier version (`0006`)")


def test_the_database_is_an_empty_file(cli: Cli) -> None:
    cli.data.mkdir()
    (cli.data / "jirabot.db").touch()

    (found,) = [check for check in cli("doctor", "--json").objects if check["check"] == "database"]

    assert (found["level"], found["fix"]) == ("failed", "run `jirabot db upgrade` to make it")


def test_the_master_key_was_changed(cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(cli, cloud)
    monkeypatch.setenv("JIRABOT_MASTER_KEY", OTHER_KEY)

    found = findings(cli)["key"]
    assert "the stored secrets are sealed with the master key" in found["text"]
    assert OTHER_KEY not in str(found)


def test_the_port_is_taken(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud)
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        cli.file("jirabot.toml", f"[server]\nport = {port}\n{SCRIPTED}")
        found = findings(cli)["port"]

    assert found["text"] == f"`127.0.0.1:{port}` can't be listened on: Address already in use"
    assert "[server] port" in found["fix"]


@pytest.mark.parametrize("host", ["no..host", "192.0.2.1"])
def test_the_address_is_none_of_this_machine(cli: Cli, host: str) -> None:
    why = {"no..host": "the name can't be looked up", "192.0.2.1": "Cannot assign requested address"}[host]
    cli.file("jirabot.toml", f'[server]\nhost = "{host}"\n')

    found = findings(cli)["port"]

    assert found["text"] == f"`{host}:8642` can't be listened on: {why}"
    assert found["fix"] == "give `[server] host` an address of this machine"


@pytest.mark.parametrize(
    ("who_may", "lacking"),
    [
        ("group:276f955c", "USER_PICKER"),
        ("role:10002", "ADMINISTER_PROJECTS, USER_PICKER"),
        ("can-edit", "ADMINISTER_PROJECTS"),
        ("linked", ""),
    ],
)
def test_the_service_account_may_not_ask_who_may_trigger_it(cli: Cli, own: Jira, who_may: str, lacking: str) -> None:
    set_up(cli, own, "--set", f"who_may={who_may}")
    own.sandbox.jira.deny(own.sandbox.bot, "USER_PICKER", "ADMINISTER_PROJECTS")

    found = findings(cli)

    assert found.get("permissions", {"text": ""})["text"].partition("lacks ")[2] == lacking


def test_the_service_account_lacks_rights(cli: Cli, own: Jira) -> None:
    set_up(cli, own)
    own.sandbox.jira.deny(own.sandbox.bot, "ADD_COMMENTS", "EDIT_OWN_COMMENTS")

    found = findings(cli)["permissions"]
    assert found["text"] == "the service account lacks ADD_COMMENTS, EDIT_OWN_COMMENTS"


def test_the_configuration_is_wrong(cli: Cli) -> None:
    cli.file("jirabot.toml", '[server]\nprot = 1\n[runs]\nparallel = "many"\n')
    ran = cli("doctor", "--json")

    assert ran.code == 1
    assert {check["check"] for check in ran.objects} == {"config"}
    assert len(ran.objects) == 2
    assert "did you mean" in ran.out


def test_nothing_is_made_where_there_is_nothing(cli: Cli) -> None:
    found = findings(cli)

    assert set(found) == {"daemon", "database", "agent", "workspaces"}
    assert not cli.data.exists()


def test_all_is_well_but_for_the_webhook(cli: Cli, jira: Jira, tmp_path: Path) -> None:
    """What it says to a person: a line each, the fix below."""
    set_up(cli, jira)
    make_repository(tmp_path)
    ran = cli("doctor")

    assert ran.code == 1
    lines = ran.out.splitlines()
    assert [line[:7].strip() for line in lines if not line.startswith(" ")].count("FAILED") == 1
    assert any(line.startswith("ok       jira         acme: Jira ") for line in lines)
    assert any("acme: no webhook has ever arrived" in line for line in lines)


TWO_AGENTS = SCRIPTED + '[agents.other]\ntype = "scripted"\n'


def test_of_several_agents_none_is_chosen(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud, agents=TWO_AGENTS)

    found = findings(cli)["agent"]
    assert (found["level"], found["workspace"]) == ("failed", "acme")
    assert found["text"] == "no agent is chosen of those that are configured: `scripted`, `other`"
    command = "`jirabot workspace update acme --agent AGENT`"
    assert found["fix"] == f"set `default` in `[agents]` of the configuration, or choose one with {command}"
    assert f"  acme: {found['text']}: {found['fix']}" in cli.done("status").out.splitlines()

    cli.done("workspace", "update", "acme", "--agent", "other", "--no-validate")
    assert "agent" not in findings(cli)


def test_a_workspaces_agent_is_no_longer_configured(cli: Cli, cloud: Jira) -> None:
    set_up(cli, cloud, "--agent", "other", agents=TWO_AGENTS)
    cli.file("jirabot.toml", SCRIPTED)

    found = findings(cli)["agent"]
    assert (found["level"], found["workspace"]) == ("failed", "acme")
    assert found["text"] == "its agent `other` is not configured"
    assert found["fix"].startswith("add a section `[agents.other]` to the configuration")
