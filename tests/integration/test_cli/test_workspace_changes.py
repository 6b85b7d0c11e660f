"""`workspace update`, `activate`, `deactivate`, `rotate-secret` and `validate`: what changes, and what never does."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jirabot.core.breakers import opened
from jirabot.core.ids import BackendName

from .conftest import MASTER_KEY, SCRIPTED, Cli, Jira
from .states import LATER, write
from .test_processes import Terminal


@pytest.fixture
def served(cli: Cli, cloud: Jira) -> Cli:
    """The program with a workspace on Cloud."""
    cli.done(*cloud.creation(), "--set", "mode=observe", "--set", "label=bot", typed=cloud.token)
    return cli


def shown(cli: Cli) -> dict[str, object]:
    """What `workspace show` tells."""
    return cli.done("workspace", "show", "acme", "--json").object


def changed(cli: Cli) -> dict[str, object]:
    """The settings that the workspace has of its own."""
    settings: dict[str, dict[str, object]] = shown(cli)["settings"]  # type: ignore[assignment]
    return {name: each["value"] for name, each in settings.items() if each["origin"] == "workspace"}


def test_settings_are_set_and_unset_and_the_others_stay(served: Cli) -> None:
    served.done("workspace", "update", "ACME", "--set", "mention=@bot", "--unset", "label")

    assert changed(served) == {"mode": "observe", "mention": ["@bot"]}


def test_update_gives_the_workspace_as_show_does(served: Cli) -> None:
    given = served.done("workspace", "update", "acme", "--set", "mention=@bot", "--json").object

    now = shown(served)
    del now["missing"], now["pauses"], now["looked_at"], now["look_calls"]
    assert given == now


def test_the_agent_is_set_and_unset_like_a_setting(served: Cli) -> None:
    served.config.write_text(SCRIPTED + '[agents.other]\ntype = "scripted"\n')

    served.done("workspace", "update", "acme", "--set", "agent=other")
    assert shown(served)["agent"] == "other"
    served.done("workspace", "update", "acme", "--unset", "agent")
    assert shown(served)["agent"] is None


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        pytest.param([], 2, "nothing to change is given", id="nothing"),
        pytest.param(["--unset", "lable"], 2, "there is no setting `lable`; did you mean `label`?", id="unknown key"),
        pytest.param(["--set", "label=x", "--unset", "label"], 2, "`label` is to be set and unset", id="set and unset"),
        pytest.param(["--set", "mod=act"], 2, "there is no setting `mod`; did you mean `mode`?", id="unknown setting"),
        pytest.param(
            ["--auth", "pat"], 2, "`pat` is no way to sign in to this deployment: api-token", id="another's way in"
        ),
        pytest.param(
            ["--agent", "nobody"], 6, "no agent `nobody` is configured (configured: none)", id="unknown agent"
        ),
        pytest.param(["--base-url", "http://127.0.0.1:9"], 5, "", id="nobody answers there"),
    ],
)
def test_what_can_not_be_done_changes_nothing(served: Cli, options: list[str], code: int, sentence: str) -> None:
    before = shown(served)

    ran = served("workspace", "update", "acme", *options)

    assert (ran.code, ran.out) == (code, "")
    assert ran.error.startswith(sentence)
    assert shown(served) == before


@pytest.fixture
def outdated(served: Cli) -> Cli:
    """One whose workspace has settings of another version."""
    with closing(sqlite3.connect(served.data / "jirabot.db")) as driver, driver:
        driver.execute("""UPDATE workspaces SET settings = '{"mode": "dry", "label": "bot", "tone": "warm"}'""")
    return served


@pytest.mark.parametrize(
    "command", ["workspace show acme", "workspace list", "status", "serve", "workspace update acme --set label=robot"]
)
def test_settings_of_another_version_are_told_with_their_cure(outdated: Cli, command: str) -> None:
    ran = outdated(*command.split())

    assert (ran.code, ran.out) == (6, "")
    assert "error: workspace `acme`: this version has no setting `tone`\n" in ran.err
    assert "this version does not take the value of its setting `mode`: one of `act`, `observe`\n" in ran.err
    assert "hint: `jirabot workspace update acme --unset mode --unset tone` takes the configured ones" in ran.err


def test_settings_of_another_version_are_unset_and_the_others_stay(outdated: Cli) -> None:
    outdated.done("workspace", "update", "acme", "--unset", "tone", "--set", "mode=observe")

    assert changed(outdated) == {"mode": "observe", "label": "bot"}


def test_doctor_tells_of_settings_of_another_version(outdated: Cli) -> None:
    ran = outdated("doctor", "--json")

    assert ran.code == 1
    assert any("has no setting `tone`" in each["text"] for each in ran.objects if each["level"] == "failed")


def test_an_api_key_that_jira_refuses_changes_nothing(served: Cli, cloud: Jira) -> None:
    before = shown(served)

    ran = served("workspace", "update", "acme", "--set", "label=x", "--svc-acc-api-key", "-", typed="wrong-key\n")

    assert ran.code == 4
    assert "wrong-key" not in ran.out + ran.err
    assert shown(served) == before
    assert served("workspace", "validate", "acme").code == 0


def test_without_validation_a_new_api_key_is_taken_as_it_is(served: Cli, cloud: Jira) -> None:
    served.done("workspace", "update", "acme", "--svc-acc-api-key", "-", "--no-validate", typed="wrong-key\n")
    assert served("workspace", "validate", "acme").code == 4

    served.done("workspace", "update", "acme", "--svc-acc-api-key", "-", typed=cloud.token)
    assert served("workspace", "validate", "acme").code == 0


def test_a_variable_does_not_change_a_secret(served: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_SVC_ACC_API_KEY", "wrong-key")

    served.done("workspace", "update", "acme", "--set", "label=x")

    assert served("workspace", "validate", "acme").code == 0


def test_another_workspaces_address_is_refused(served: Cli) -> None:
    create = ["workspace", "create", "other", "--deployment", "dc", "--base-url", "http://127.0.0.1:9"]
    served.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="token")

    ran = served("workspace", "update", "acme", "--also-known-as", "http://127.0.0.1:9", "--no-validate")

    assert (ran.code, ran.error) == (1, "the Jira at `http://127.0.0.1:9` is served already, as workspace `other`")


def test_a_jira_of_the_other_kind_is_refused(served: Cli, data_center: Jira) -> None:
    ran = served("workspace", "update", "acme", "--base-url", data_center.base_url)

    assert (ran.code, ran.error) == (2, f"the Jira at `{data_center.base_url}` is `dc`, not `cloud`")


def test_update_links_an_account_as_an_administrator(served: Cli, cloud: Jira) -> None:
    ada = cloud.sandbox.ada.account_id

    served.done("workspace", "update", "acme", "--link", ada)

    assert [(each["account"], each["role"]) for each in served.done("user", "list", "--json").objects] == [
        (ada, "admin")
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["update", "--set", "label=x"],
        ["activate"],
        ["deactivate"],
        ["rotate-secret"],
        ["validate"],
        ["delete", "--yes"],
    ],
    ids=lambda command: command[0],
)
def test_an_unknown_workspace_names_the_nearest(served: Cli, command: list[str]) -> None:
    ran = served("workspace", command[0], "akme", *command[1:])

    assert (ran.code, ran.error) == (3, "there is no workspace `akme`")
    assert "hint: did you mean `acme`?" in ran.err


def test_deactivate_pauses_and_activate_ends_it(served: Cli) -> None:
    paused = served.done("workspace", "deactivate", "acme", "--json")
    assert paused.object["state"] == "paused"
    assert "Events are kept until `jirabot workspace activate acme`." in paused.err

    assert served.done("workspace", "activate", "acme", "--json").object["state"] == "active"
    assert shown(served)["state"] == "active"


def test_a_new_secret_is_generated_and_shown_once(served: Cli) -> None:
    rotated = served.done("workspace", "rotate-secret", "acme", "--json").object

    assert len(rotated["webhook_secret"]) == 43
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", rotated["previous_secret_until"])
    assert rotated["webhook_secret"] not in served.done("workspace", "show", "acme", "--json").out


def test_a_given_new_secret_is_not_shown(served: Cli) -> None:
    ran = served.done("workspace", "rotate-secret", "acme", "--webhook-secret", "-", typed="a-new-secret-of-mine\n")

    assert "a-new-secret-of-mine" not in ran.out + ran.err


def test_without_overlap_the_old_secret_counts_no_more(served: Cli) -> None:
    ran = served.done("workspace", "rotate-secret", "acme", "--overlap", "0s", "--json")

    assert ran.object["previous_secret_until"] is None
    assert "The old one counts no more." in ran.err


def test_a_second_rotation_tells_that_the_oldest_counts_no_more(served: Cli) -> None:
    first = served.done("workspace", "rotate-secret", "acme")
    second = served.done("workspace", "rotate-secret", "acme")

    assert "warning:" not in first.err
    assert "warning: the secret before the old one counted still, and counts no more" in second.err


@pytest.mark.parametrize(
    ("options", "typed", "sentence"),
    [
        pytest.param(["--webhook-secret", "-"], "short", "the webhook secret is shorter than 16 bytes", id="short"),
        pytest.param(
            ["--webhook-secret", "-"],
            "with a blank in it, and long",
            "the webhook secret has a blank in it",
            id="with a blank",
        ),
        pytest.param(
            ["--overlap", "soon"],
            "",
            "`--overlap soon`: a duration is a number with its unit, such as `90s`, `10m`, `24h` or `14d`",
            id="no duration",
        ),
        pytest.param(
            ["--overlap", "9999999d"], "", "`--overlap 9999999d`: a duration is at most 36500 days", id="too long"
        ),
    ],
)
def test_what_can_not_be_a_secret_or_overlap_is_told(
    served: Cli, options: list[str], typed: str, sentence: str
) -> None:
    ran = served("workspace", "rotate-secret", "acme", *options, typed=typed)

    assert (ran.code, ran.error) == (2, sentence)


def test_the_secret_in_use_is_no_new_one(served: Cli) -> None:
    rotate = ["workspace", "rotate-secret", "acme", "--webhook-secret", "-"]
    served.done(*rotate, typed="a-new-secret-of-mine\n")

    ran = served(*rotate, typed="a-new-secret-of-mine\n")

    assert (ran.code, ran.error) == (2, "that is the webhook secret already")


def test_validate_tells_what_jira_answers(cli: Cli, jira: Jira) -> None:
    made = cli.done(*jira.creation(), "--json", typed=jira.token).object

    found = cli.done("workspace", "validate", "acme", "--json").object

    is_cloud = jira.sandbox.deployment == "cloud"
    assert {**found, "version": "", "account": "", "clock_seconds": 0} == {
        "id": made["id"],
        "workspace": "acme",
        "status": "active",
        "deployment": jira.sandbox.deployment,
        "version": "",
        "base_url": jira.base_url,
        "cloud_id": None,
        "auth": "api-token" if is_cloud else "pat",
        "key_expires_at": None,
        "service_account": "OpenHands",
        "account": "",
        "permissions": ["ADD_COMMENTS", "BROWSE_PROJECTS", "EDIT_OWN_COMMENTS"],
        "signs_webhooks": True,
        "clock_seconds": 0,
        "limits": None,
        "warnings": [],
    }
    assert abs(found["clock_seconds"]) < 60
    assert found["account"]
    assert found["version"]


def test_validate_says_inactive_of_a_paused_workspace(served: Cli) -> None:
    served.done("workspace", "deactivate", "acme")

    assert served.done("workspace", "validate", "acme", "--json").object["status"] == "inactive"


def test_validate_of_a_jira_that_does_not_answer_ends_with_5(cli: Cli) -> None:
    create = ["workspace", "create", "far", "--deployment", "dc", "--base-url", "http://127.0.0.1:9"]
    cli.done(*create, "--svc-acc-api-key", "-", "--no-validate", typed="token")

    ran = cli("workspace", "validate", "far", "--json")

    assert (ran.code, ran.out) == (5, "")
    assert ran.problem["code"] == "jira-unreachable"


def test_delete_needs_yes_where_nobody_can_be_asked(served: Cli) -> None:
    ran = served("workspace", "delete", "acme")

    assert (ran.code, ran.out) == (4, "")
    assert ran.error == (
        "nobody is there to ask: delete the workspace `acme` with 0 events, 0 conversations and 0 repositories?"
    )
    assert "hint: give `--yes` where that is wanted" in ran.err
    assert shown(served)["state"] == "active"


@pytest.mark.parametrize(("answer", "code"), [("\n", 4), ("no\n", 4), ("y\n", 0), ("YES\n", 0)])
def test_on_a_terminal_delete_asks_and_takes_nothing_but_yes_for_it(
    served: Cli, tmp_path: Path, answer: str, code: int
) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "JIRABOT_MASTER_KEY": MASTER_KEY, "TERM": "xterm"}
    terminal = Terminal(["--data-dir", str(served.data), "workspace", "delete", "acme"], environment, served.folder)

    terminal.answer("and 0 repositories? [y/N]: ", answer)

    assert terminal.end() == code
    assert served("workspace", "show", "acme").code == (3 if code == 0 else 0)


def test_a_deleted_workspace_is_gone_and_its_name_is_free(served: Cli, cloud: Jira) -> None:
    served.done("user", "link", "acme", cloud.sandbox.ada.account_id)
    served.done("repo", "add", "acme", "shop", "--url", "file:///srv/git/shop.git", "--token", "-", typed="a-token")
    events_url = str(shown(served)["events_url"])

    deleted = served.done("workspace", "delete", "acme", "--yes", "--json")

    assert {**deleted.object, "id": ""} == {
        "id": "",
        "workspace": "acme",
        "webhook": events_url,
        "issues": [],
        "branches": [],
    }
    assert "This stays in Jira and at the git host" in deleted.err
    assert served("workspace", "show", "acme").code == 3
    assert served.done("user", "list", "--json").objects == []
    assert served(*cloud.creation(), typed=cloud.token).code == 0
    assert served.done("repo", "list", "acme", "--json").objects == []


@pytest.mark.parametrize(
    ("options", "held_back"),
    [
        pytest.param(["acme"], "workspace", id="a workspace"),
        pytest.param(["--all"], "all", id="everything"),
        pytest.param(["--agent", "scripted"], "agent", id="an agent"),
    ],
)
def test_show_tells_what_is_paused_until_it_is_resumed(served: Cli, options: list[str], held_back: str) -> None:
    served.config.write_text(SCRIPTED)

    served.done("pause", *options)
    pauses: Any = shown(served)["pauses"]
    (pause,) = pauses
    assert (pause["of"], pause["by"]) == (held_back, "shell")
    assert "No new run begins: " in served.done("workspace", "show", "acme").err

    assert served.done("resume", *options).err == "Runs begin again.\n"
    assert shown(served)["pauses"] == []


def test_pausing_again_changes_nothing_and_says_so(served: Cli) -> None:
    assert served.done("pause", "acme").err == "No new run begins, until `jirabot resume acme`.\n"
    assert served.done("pause", "acme").err == "No new run begins already, until `jirabot resume acme`.\n"


def test_resuming_tells_what_is_paused_still(served: Cli) -> None:
    served.done("pause", "--all")
    served.done("pause", "acme")

    assert served.done("resume", "--all").err == (
        "Runs begin again.\nwarning: there is still `jirabot pause acme`: `jirabot resume acme` ends it\n"
    )


def test_resuming_an_agent_lets_the_next_run_try_it(served: Cli) -> None:
    write(served, lambda tx: tx.breakers.save(opened(BackendName("local"), now=LATER)))
    tries = "The next run tries `local` now; once it goes well, the others follow.\n"

    assert served.done("resume", "--agent", "local").err == tries
    assert served.done("resume", "--agent", "local").err == "There was no `jirabot pause --agent local`.\n"


def test_resuming_what_is_not_paused_says_so(served: Cli) -> None:
    assert served.done("resume", "acme").err == "There was no `jirabot pause acme`.\n"


@pytest.mark.parametrize("command", ["pause", "resume"])
@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        pytest.param([], 2, "nothing is named", id="nothing"),
        pytest.param(["acme", "--all"], 2, "more than one thing is named: acme, --all", id="two"),
        pytest.param(["akme"], 3, "there is no workspace `akme`", id="unknown workspace"),
    ],
)
def test_what_can_not_be_paused_or_resumed_is_told(
    served: Cli, command: str, options: list[str], code: int, sentence: str
) -> None:
    ran = served(command, *options)

    assert (ran.code, ran.error) == (code, sentence)


def test_an_unknown_agent_is_not_paused_and_the_nearest_is_named(served: Cli) -> None:
    served.config.write_text(SCRIPTED)

    ran = served("pause", "--agent", "scriptet")

    assert (ran.code, ran.error) == (3, "there is no agent `scriptet`")
    assert "hint: did you mean `scripted`?" in ran.err
