"""Workspaces made over HTTP: claimed and proved, nobody else's taken, nothing asked of a network that is not theirs."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from jirabot.core.managers.workspace_changes import WorkspaceUpdate
from jirabot.core.people import DAEMON, SHELL, LinkState, Role
from jirabot.core.ports import Transaction
from jirabot.core.workspaces import WorkspaceState
from jirabot.sandbox.server import Sandbox

from .stage import Stage, staged
from .test_api import Caller, Callers, calling

HERE = {"api": {"claim_hosts": ["127.0.0.1"]}}


@pytest.fixture
async def stage(jira: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage without a workspace, where people may claim the sandbox; the marker `stage` changes its settings."""
    marker = request.node.get_closest_marker("stage")
    async with staged(jira, tmp_path, **{**HERE, **(marker.kwargs["settings"] if marker else {})}) as opened:
        yield opened


@pytest.fixture
async def callers(stage: Stage) -> AsyncIterator[Any]:
    async with calling(stage) as make:
        yield make


def wanted(stage: Stage, **changes: Any) -> dict[str, Any]:
    """What makes a workspace of the sandbox."""
    bot = stage.jira.bot
    given = {"workspace_name": "acme", "base_url": stage.jira.base_url, "svc_acc_api_key": bot.token}
    return {**given, "svc_acc_email": bot.email, **changes}


async def state(stage: Stage, name: str = "acme") -> WorkspaceState:
    return (await stage.app.workspaces.show(name, by=SHELL))[0].state


async def test_a_claim_processes_nothing_until_it_is_proved(stage: Stage, callers: Callers) -> None:
    """F5, F77: that nobody had the name proves nothing; an ordinary user is no administrator of the site."""
    claimer: Caller = await callers("carol")

    status, made = await claimer.post("", **wanted(stage))

    assert (status, made["status"], made["state"], made["webhookEnrolled"]) == (200, "inactive", "unproved", False)
    assert (made["redirect"], made["authorizationUrl"]) == (False, "")
    stage.jira.add_webhook(made["eventsUrl"], secret=made["webhook_secret"])
    issue = await stage.jira.create_issue(summary="The greeting is misspelt", description="It says Hullo.")
    await stage.app.users.link("acme", stage.jira.ada.email, by=SHELL)
    await stage.jira.comment(issue.key, "@openhands help")
    await stage.rest()
    assert {each.state.value for each in await stage.deliveries()} == {"paused"}
    assert [c for c in stage.jira.comments(issue.key) if c.author is stage.jira.bot] == []
    assert (await claimer.post("link", workspace_name="acme"))[1]["code"] == "workspace-inactive"

    workspace = (await stage.app.workspaces.show("acme", by=SHELL))[0]
    assert await stage.app.workspace_changes.prove(workspace.id, by=DAEMON)
    assert not await stage.app.workspace_changes.prove(workspace.id, by=DAEMON)

    answer = await stage.jira.next_comment(issue.key, by=stage.jira.bot, within=20)
    assert "help" in answer.text
    assert await state(stage) is WorkspaceState.ACTIVE


async def test_who_claimed_it_proves_it_over_http(stage: Stage, callers: Callers) -> None:
    """F5: by a webhook that comes back, which nobody but an administrator of the workspace may ask for."""
    claimer: Caller = await callers("carol")
    _, made = await claimer.post("", **wanted(stage))
    issue = await stage.jira.create_issue(summary="The greeting is misspelt", description="It says Hullo.")
    stage.jira.add_webhook(made["eventsUrl"], secret=made["webhook_secret"])
    path = "/api/v1/workspaces/acme/webhook/test"

    assert (await (await callers("dave")).post(path, issue=issue.key))[0] == 403
    assert await state(stage) is WorkspaceState.UNPROVED
    status, told = await claimer.post(path, issue=issue.key)

    assert (status, told["came"], told["activated"], told["state"]) == (200, True, True, "active")
    assert (await state(stage), stage.jira.comments(issue.key)) == (WorkspaceState.ACTIVE, [])


async def test_what_jira_refuses_is_not_written_down_against_the_caller(stage: Stage, callers: Callers) -> None:
    """A mistyped API key is answered as Jira's refusal; who does what they may not is."""
    claimer, other = await callers("carol"), await callers("dave")

    status, told = await claimer.post("", **wanted(stage, svc_acc_api_key="mistyped"))
    assert (status, told["code"]) == (502, "jira-refused")
    assert (await claimer.post("", **wanted(stage)))[0] == 200
    assert (await other.post("/api/v1/workspaces/acme/webhook/test", issue="PAY-1"))[0] == 403

    def refused(tx: Transaction) -> list[str]:
        return [row.by_name for row in tx.audit.newest(limit=20) if row.act == "call.refused"]

    assert await stage.until_stored(lambda tx: refused(tx) or None) == ["dave"]


async def test_only_who_vouches_for_it_proves_it_otherwise(stage: Stage, callers: Callers) -> None:
    """Not activating, not pausing, not saving it anew, not the claimer, not an administrator of it."""
    claimer: Caller = await callers("carol")
    await claimer.post("", **wanted(stage))

    for active in (False, True):
        assert (await claimer.post("", workspace_name="acme", is_active=active))[1]["state"] == "unproved"
    await stage.app.workspace_changes.deactivate("acme", by=SHELL)
    await stage.app.workspace_changes.update("acme", WorkspaceUpdate(inactive=True), by=SHELL)
    with pytest.raises(Exception, match="nothing proves yet"):
        await stage.app.workspace_changes.activate("acme", by=SHELL)
    assert await state(stage) is WorkspaceState.UNPROVED

    workspace, _ = await stage.app.workspace_changes.activate("acme", trust=True, by=SHELL)
    assert (workspace.state, workspace.claimed_by) == (WorkspaceState.ACTIVE, "")


async def test_who_claims_is_its_administrator_and_nobody_else_takes_it(stage: Stage, callers: Callers) -> None:
    """F32: administrators make others by a link; F5: the first claim keeps others out, by name and by address."""
    carol, dave = await callers("carol"), await callers("dave")
    await carol.post("", **wanted(stage))

    assert (await dave.post("", **wanted(stage)))[0] == 403
    status, told = await dave.post("", **wanted(stage, workspace_name="mine"))
    assert (status, told["code"], "`acme`" in str(told)) == (409, "workspace-exists", False)
    assert (await carol.get("/api/v1/workspaces/acme"))[0] == 200
    assert (await dave.get("/api/v1/workspaces/acme"))[0] == 403

    await stage.app.users.link("acme", stage.jira.ada.email, user="dave", role=Role.ADMIN, by=SHELL)
    assert (await dave.get("/api/v1/workspaces/acme"))[0] == 200
    await stage.app.users.unlink("acme", "dave", by=SHELL)
    assert (await dave.get("/api/v1/workspaces/acme"))[0] == 403


async def test_who_claims_waits_for_an_account_and_stays_administrator(stage: Stage, callers: Callers) -> None:
    carol = await callers("carol")
    await carol.post("", **wanted(stage))
    status, shown = await carol.get("link")
    assert (status, shown["status"], shown["role"], shown["account"]) == (200, "pending", "admin", None)
    assert (shown["keycloak_user_id"], shown["workspace"]["editable"]) == ("carol", True)

    await stage.app.users.link("acme", stage.jira.ada.email, user="carol", by=SHELL)

    _, shown = await carol.get("link")
    assert (shown["status"], shown["role"], len(shown["links"])) == ("active", "admin", 1)
    assert shown["account"] is not None


async def test_ten_that_claim_at_once_make_one(stage: Stage, callers: Callers) -> None:
    """F29: the schema holds it, whoever comes first."""
    people = [await callers(f"person-{number}") for number in range(5)]
    names = ["acme"] * 5 + ["other"] * 5

    told = await asyncio.gather(
        *(caller.post("", **wanted(stage, workspace_name=name)) for caller, name in zip(people * 2, names, strict=True))
    )

    statuses = sorted(status for status, _ in told)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {200, 403, 409}
    every = await stage.app.workspaces.list(by=SHELL)
    assert len(every) == 1
    claimers = {status for status, _ in told if status == 200}
    assert claimers == {200}
    links = await stage.app.users.list("acme" if every[0].name == "acme" else "other", by=SHELL)
    assert {link.user_name for link, _ in links} == {every[0].claimed_by}


@pytest.mark.parametrize(
    "base_url",
    [
        pytest.param("http://127.0.0.1:9", id="this machine"),
        pytest.param("https://127.0.0.1", id="this machine by TLS"),
        pytest.param("https://[::1]:8443/jira", id="this machine by IPv6"),
        pytest.param("https://[::ffff:127.0.0.1]/", id="this machine, IPv4 in IPv6"),
        pytest.param("https://10.0.0.7/jira", id="a private network"),
        pytest.param("https://169.254.169.254", id="a cloud's metadata"),
        pytest.param("https://localhost:8443", id="a name of this machine"),
        pytest.param("https://2130706433", id="a number for an address"),
        pytest.param("https://no-such-host.invalid", id="a name of nothing"),
    ],
)
@pytest.mark.stage(settings={"api": {}})
async def test_a_claim_asks_nothing_of_a_network_that_is_not_public(
    stage: Stage, callers: Callers, base_url: str
) -> None:
    """F79. Whether somebody is there is not told either: the same answer for all."""
    carol = await callers("carol")

    status, told = await carol.post("", **wanted(stage, base_url=base_url))

    assert (status, told["code"]) == (403, "forbidden")
    assert "is no public address" in told["detail"]
    assert await stage.app.workspaces.list(by=SHELL) == []
    assert "jira.called" not in [event for event, _ in stage.log.told]


@pytest.mark.stage(settings={"api": {"claim_hosts": ["127.0.0.1"], "claims_per_user": 1}})
async def test_claims_are_few_and_do_not_stay(stage: Stage, callers: Callers) -> None:
    """An abandoned claim keeps nobody out for ever."""
    carol = await callers("carol")
    assert (await carol.post("", **wanted(stage)))[0] == 200
    status, told = await carol.post("", **wanted(stage, workspace_name="second"))
    assert (status, told["code"]) == (409, "conflict")

    stage.clock.advance(days=3)

    dave = await callers("dave")
    assert (await dave.post("", **wanted(stage)))[0] == 200
    (found,) = await stage.app.workspaces.list(by=SHELL)
    assert found.claimed_by == "dave"
    stage.clock.advance(days=3)
    await stage.until_stored(lambda tx: None if tx.workspaces.list() else True)
    assert await stage.app.workspaces.list(by=SHELL) == []


def open_sessions() -> int:
    return sum(type(each) is aiohttp.ClientSession and not each.closed for each in gc.get_objects())


@pytest.mark.alike
async def test_of_a_claim_that_fails_nothing_stays_open(stage: Stage, callers: Callers) -> None:
    """Each attempt is another workspace to us, and anybody may try."""
    carol = await callers("carol")
    before = open_sessions()

    for _ in range(3):
        assert (await carol.post("", **wanted(stage, svc_acc_api_key="wrong")))[0] >= 400

    assert open_sessions() == before
    assert (await carol.post("", **wanted(stage)))[0] == 200


async def test_a_name_is_folded_at_the_border(stage: Stage, callers: Callers) -> None:
    """F76."""
    carol = await callers("carol")
    assert (await carol.post("", **wanted(stage, workspace_name="Acme.Example")))[0] == 200

    status, told = await carol.post("", workspace_name="ACME.example", is_active=True)

    assert (status, told["workspace"]) == (200, "acme.example")
    assert [each.name for each in await stage.app.workspaces.list(by=SHELL)] == ["acme.example"]


async def test_saving_is_all_or_nothing_and_pausing_is_no_failure(stage: Stage, callers: Callers) -> None:
    """F74: a refused service account leaves no name taken; an inactive workspace is stored, and says so."""
    root = await callers("root", role=Role.ADMIN)
    status, told = await root.post("", **wanted(stage, svc_acc_api_key="wrong"))
    assert (status, told["code"]) == (502, "jira-refused")
    assert await stage.app.workspaces.list(by=SHELL) == []
    status, told = await root.post("", workspace_name="acme", base_url=stage.jira.base_url)
    assert (status, told["code"]) == (400, "invalid-input")

    status, told = await root.post("", **wanted(stage, is_active=False))
    assert (status, told["success"], told["status"], told["state"]) == (200, True, "inactive", "paused")
    status, told = await root.post("", workspace_name="acme")
    assert (status, told["status"]) == (200, "active")
    assert (await root.get("link"))[1]["status"] == "pending"


async def test_what_is_left_out_stays_and_a_secret_is_shown_once(stage: Stage, callers: Callers) -> None:
    """B22. The stored key goes to no other address than the one it was given for."""
    root = await callers("root", role=Role.ADMIN)
    _, made = await root.post("", **wanted(stage))
    assert len(made["webhook_secret"]) >= 43

    status, saved = await root.post("", workspace_name="acme", webhook_secret="0123456789abcdef")
    assert (status, "webhook_secret" in saved) == (200, False)
    status, told = await root.post("", workspace_name="acme", base_url="https://elsewhere.example")
    assert (status, told["code"]) == (400, "invalid-input")
    assert "svc_acc_api_key" in told["hint"]

    await stage.app.users.link("acme", stage.jira.ada.email, user="boss", role=Role.ADMIN, by=SHELL)
    boss = await callers("boss")
    moved = {"base_url": "https://elsewhere.example", "svc_acc_api_key": "k"}
    assert (await boss.post("", workspace_name="acme", **moved))[0] == 403
    assert (await stage.app.workspace_changes.validate("acme", by=SHELL)).account.label


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"workspace_name": "no name"}, "workspace_name"),
        ({"workspace_name": "https://acme.example"}, "workspace_name"),
        ({"workspace_name": "acme\n"}, "workspace_name"),
        ({"svc_acc_email": "nobody"}, "svc_acc_email"),
        ({"svc_acc_api_key": "two words"}, "svc_acc_api_key"),
        ({"webhook_secret": "short"}, "webhook_secret"),
        ({"webhook_secret": "long enough with blanks"}, "webhook_secret"),
        ({"is_active": "yes"}, "is_active"),
        ({"svc_acc_emial": "a@b.example"}, "svc_acc_emial"),
        ({"admin_api_key": "k"}, "admin_api_key"),
    ],
)
@pytest.mark.alike
async def test_a_field_that_can_not_be_used_is_named_and_not_repeated(
    stage: Stage, callers: Callers, changes: dict[str, Any], field: str
) -> None:
    """B16."""
    carol = await callers("carol")

    status, told = await carol.post("", **wanted(stage, **changes))

    assert (status, told["code"], list(told["fields"])) == (422, "invalid-fields", [field])
    assert str(changes[field]) not in told["detail"].replace("no name", "") or field in ("is_active", "admin_api_key")


async def test_a_user_unlinks_themselves_alone(stage: Stage, callers: Callers) -> None:
    """F33: also who administers the workspace; F6: the link that is named, by workspace and user."""
    root = await callers("root", role=Role.ADMIN)
    await root.post("", **wanted(stage))
    app, jira = stage.app, stage.jira
    await app.users.link("acme", jira.ada.email, user="boss", role=Role.ADMIN, by=SHELL)
    boss = await callers("boss")

    assert (await boss.post("unlink", workspace_name="acme"))[1] == {"success": True, "workspace": "acme"}

    states = {link.user_name: link.state for link, _ in await app.users.list("acme", by=SHELL)}
    assert states == {"root": LinkState.PENDING, "boss": LinkState.ENDED}
    assert await state(stage) is WorkspaceState.ACTIVE
    assert (await boss.post("unlink"))[0] == 404
    assert (await boss.get("link"))[0] == 404


async def test_in_two_workspaces_the_named_link_ends(stage: Stage, callers: Callers) -> None:
    """F6, F31."""
    root = await callers("root", role=Role.ADMIN)
    await root.post("", **wanted(stage))
    await second(stage)
    user = await callers("ada")
    for name in ("acme", "second"):
        assert (await user.post("link", workspace_name=name))[0] == 200

    status, told = await user.post("unlink")
    assert (status, told["code"]) == (409, "ambiguous-link")
    assert (await user.post("unlink", workspace_name="Acme"))[0] == 200

    assert [each["workspace"]["name"] for each in (await user.get("link"))[1]["links"]] == ["second"]


async def second(stage: Stage) -> None:
    """Make a second workspace, whose Jira is nowhere."""
    from .test_api import workspace

    await workspace(stage, "second")
