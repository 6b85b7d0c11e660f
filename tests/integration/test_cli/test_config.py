"""`config show|check|path`: every setting with its origin, everything that is wrong, and the file that is used."""

import errno
from pathlib import Path

import pytest

from jirabot.config import Settings

from .conftest import Cli


@pytest.fixture
def configured(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The program with a file, a few variables, and secrets in both."""
    cli.config.write_text(
        '[server]\nport = 7\n[agents.local]\ntype = "command"\ncommand = ["my-agent"]\nenv = { KEY = "hunter2" }\n'
    )
    monkeypatch.setenv("JIRABOT_RUNS__DRAIN", "2m")
    monkeypatch.setenv("JIRABOT_SERVER__TRUSTED_PROXIES", "10.0.0.0/8")
    monkeypatch.setenv("JIRABOT_AGENTS__LOCAL__ENV__OTHER", "hunter2")
    monkeypatch.setenv("JIRA_CLIENT_ID", "an-id")
    monkeypatch.setenv("JIRA_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("JIRA_DC_WEBHOOKS_ENABLED", "off")
    return cli


def test_each_setting_is_shown_with_its_value_and_origin(configured: Cli) -> None:
    shown = configured.done("config", "show", "--json").object

    assert shown["file"] == "jirabot.toml"
    chosen = [
        "data_dir",
        "log_level",
        "server.port",
        "server.trusted_proxies",
        "runs.drain",
        "agents.default",
        "agents.local.command",
    ]
    assert {name: shown["settings"][name] for name in chosen} == {
        "data_dir": {"value": str(configured.data), "origin": "flag"},
        "log_level": {"value": "info", "origin": "default"},
        "server.port": {"value": 7, "origin": "jirabot.toml:2"},
        "server.trusted_proxies": {"value": ["10.0.0.0/8"], "origin": "JIRABOT_SERVER__TRUSTED_PROXIES"},
        "runs.drain": {"value": "2m", "origin": "JIRABOT_RUNS__DRAIN"},
        "agents.default": {"value": "local", "origin": "default"},
        "agents.local.command": {"value": ["my-agent"], "origin": "jirabot.toml:5"},
    }


def test_every_setting_that_there_is_is_shown(cli: Cli) -> None:
    shown = cli.done("config", "show", "--json").object["settings"]

    sections = [name for name, field in Settings.model_fields.items() if not field.exclude and name != "agents"]
    assert [name for name in sections if not any(each == name or each.startswith(f"{name}.") for each in shown)] == []
    assert [each for each in shown if each.startswith("JIRA_")] == [
        "JIRA_CLIENT_ID",
        "JIRA_CLIENT_SECRET",
        "JIRA_DC_CLIENT_ID",
        "JIRA_DC_CLIENT_SECRET",
        "JIRA_DC_BASE_URL",
        "JIRA_DC_ENABLE_OAUTH",
        "JIRA_WEBHOOKS_ENABLED",
        "JIRA_DC_WEBHOOKS_ENABLED",
    ]


def test_secrets_are_masked(configured: Cli) -> None:
    shown = configured.done("config", "show", "--json").object["settings"]

    assert {name: told["value"] for name, told in shown.items() if told["value"] == "***"} == {
        "agents.local.env.KEY": "***",
        "agents.local.env.OTHER": "***",
        "master_key": "***",
        "JIRA_CLIENT_SECRET": "***",
    }
    assert shown["master_key"]["origin"] == "JIRABOT_MASTER_KEY"
    assert shown["agents.local.env.OTHER"]["origin"] == "JIRABOT_AGENTS__LOCAL__ENV__OTHER"
    assert "hunter2" not in configured.done("config", "show").out


def test_a_password_in_an_address_is_masked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_DC_BASE_URL", "https://ada:hunter2@jira.acme.example/jira")
    shown = cli.done("config", "show", "--json").object["settings"]["JIRA_DC_BASE_URL"]["value"]
    monkeypatch.setenv("JIRABOT_SERVER__PUBLIC_URL", "ftp://ada:hunter2@bot.example")

    ran = cli("config", "check")

    assert shown == "https://***@jira.acme.example/jira"
    assert ran.error == (
        "`JIRABOT_SERVER__PUBLIC_URL` is `ftp://***@bot.example`: an address such as `https://jirabot.example.com`"
    )


def test_the_references_variables_are_shown_and_what_has_no_effect_yet_is_noted(configured: Cli) -> None:
    shown = configured.done("config", "show", "--json").object["settings"]

    note = "the OAuth app of every workspace that has none of its own"
    assert shown["JIRA_CLIENT_ID"] == {"value": "an-id", "origin": "JIRA_CLIENT_ID", "note": note}
    assert shown["JIRA_DC_WEBHOOKS_ENABLED"] == {"value": False, "origin": "JIRA_DC_WEBHOOKS_ENABLED"}
    assert shown["JIRA_WEBHOOKS_ENABLED"] == {"value": True, "origin": "default"}
    assert configured.done("config", "show").err == (
        f"note: `JIRA_CLIENT_ID` is {note}\nnote: `JIRA_CLIENT_SECRET` is {note}\n"
    )


def test_the_table_tells_value_and_origin(configured: Cli) -> None:
    lines = configured.done("config", "show").out.splitlines()

    assert lines[0].split() == ["setting", "value", "origin"]
    assert "server.port 7 jirabot.toml:2" in [" ".join(line.split()) for line in lines]


def test_a_configuration_without_problems_is_told_so(configured: Cli) -> None:
    assert configured.done("config", "check").out == "nothing is wrong with `jirabot.toml` and the environment\n"
    assert configured.done("config", "check", "--json").object == {"file": "jirabot.toml", "problems": []}


def test_all_problems_are_told_at_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.config.write_text('[server]\nprot = 1\nport = "many"\n[runs]\non_restart = "reprt"\n')
    monkeypatch.setenv("JIRABOT_OUTBOX__GRACE", "soon")
    monkeypatch.setenv("JIRA_DC_CLIENT_ID", "an-id")

    ran = cli("config", "check", "--json")

    assert (ran.code, ran.out) == (6, "")
    assert sorted(ran.problem["problems"]) == [
        "`JIRABOT_OUTBOX__GRACE` is `soon`: a duration is a number with its unit, such as `90s`, `10m`, `24h` or `14d`",
        "`JIRA_DC_CLIENT_ID` is set, and `JIRA_DC_BASE_URL` is not: whose app it is can't be told",
        "`JIRA_DC_CLIENT_ID` is set, and `JIRA_DC_CLIENT_SECRET` is not: set both, or neither",
        "jirabot.toml:2: there is no setting `server.prot`; did you mean `port`?",
        "jirabot.toml:3: `server.port` is `many`: a whole number",
        "jirabot.toml:5: `runs.on_restart` is `reprt`: one of `restart`, `report`; did you mean `report`?",
    ]
    told = cli("config", "check").err.splitlines()
    assert [line.startswith("error: ") for line in told] == [True] * 6 + [False, False]


def test_what_an_agents_section_and_the_given_key_lack_is_told_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.config.write_text('[agents.a]\ntype = "command"\n[agents.b]\ntype = "magic"\n')
    monkeypatch.setenv("JIRABOT_MASTER_KEY", "hunter2")

    ran = cli("config", "check", "--json")

    assert ran.code == 6
    assert ran.problem["problems"] == [
        "what JIRABOT_MASTER_KEY holds is no master key: it must be 32 bytes in URL-safe base64",
        "the agent `a` has no command",
        "the agent `b` has the type `magic`, which there is not",
    ]


@pytest.mark.parametrize("command", ["show", "check", "path"])
def test_nothing_is_made(cli: Cli, command: str) -> None:
    cli.done("config", command)

    assert list(cli.folder.iterdir()) == []


def test_the_file_that_is_used_is_told(cli: Cli) -> None:
    given = cli.file("given.toml", "")

    assert cli.done("--config", given, "config", "path").out == f"{given}\n"
    assert cli.done("--config", given, "config", "path", "--json").object == {"file": str(given), "looked_at": []}
    cli.config.touch()
    assert cli.done("config", "path").out == "jirabot.toml\n"


def test_where_no_file_is_used_the_places_are_told(cli: Cli, tmp_path: Path) -> None:
    users = tmp_path / ".config" / "jirabot" / "jirabot.toml"

    ran = cli.done("config", "path")

    assert (ran.out, ran.err) == ("", f"no configuration file is used: there is none at `jirabot.toml` or `{users}`\n")
    found = cli.done("config", "path", "--json").object
    assert found == {"file": None, "looked_at": ["jirabot.toml", str(users)]}


def test_the_path_of_a_file_that_can_not_be_used_is_told_all_the_same(cli: Cli) -> None:
    cli.config.write_text("nonsense")

    assert cli.done("config", "path").out == "jirabot.toml\n"
    assert cli("config", "show").code == 6


def test_a_file_that_may_not_be_read_is_told_by_who_reads_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by who reads the command line: it is wrong wherever it was named."""
    given = cli.file("given.toml", "")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.access", lambda *_, **__: False)
    monkeypatch.setattr("pathlib.Path.read_text", refuse)

    ran = cli("--config", given, "config", "check")

    assert (ran.code, ran.error) == (6, f"`{given}` can't be read: Permission denied")
    assert "hint: give the user that runs jirabot the right to read it, or name another with `--config`" in ran.err


def test_a_misspelt_variable_is_told_with_what_it_may_be_meant_to_be(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_SERVER_PORT", "7")

    ran = cli("config", "check")

    assert ran.code == 6
    assert ran.error == "there is no setting `JIRABOT_SERVER_PORT`; did you mean `JIRABOT_SERVER__PORT`?"
