"""`init`: from nothing to a first workspace; a configuration that is there is never written over."""

import tomllib
from pathlib import Path

import pytest

from .conftest import MASTER_KEY, Cli, Jira
from .test_processes import Terminal


def initiation(jira: Jira) -> list[str]:
    """The arguments that leave nothing to ask; the API key is read from standard input."""
    create = jira.creation()
    return ["init", *create[2:]]


def test_all_that_is_missing_without_a_terminal_is_named_and_nothing_is_made(cli: Cli) -> None:
    ran = cli("init")

    assert (ran.code, ran.out) == (2, "")
    assert ran.error == (
        "`NAME` is missing; `--deployment` is missing: `cloud` or `dc`; `--base-url` is missing; "
        "`--svc-acc-api-key` is missing: give `-` to read it from standard input"
    )
    assert list(cli.folder.iterdir()) == []


def test_given_everything_it_writes_a_configuration_and_makes_a_workspace(cli: Cli, cloud: Jira) -> None:
    given = ["--public-url", "https://bot.acme.example", "--agent-command", "my-agent 'two words' --quiet"]

    made = cli.done(*initiation(cloud), *given, "--json", typed=cloud.token).object

    assert tomllib.loads(cli.config.read_text()) == {
        "data_dir": str(cli.data),
        "server": {"public_url": "https://bot.acme.example"},
        "agents": {"local": {"type": "command", "command": ["my-agent", "two words", "--quiet"]}},
    }
    assert (made["name"], made["agent"], len(made["webhook_secret"])) == ("acme", "local", 43)
    assert made["events_url"].startswith("https://bot.acme.example/integration/jira/events/")
    assert [each["what"] for each in made["missing"]] == ["person", "repository", "webhook"]
    assert cli.done("workspace", "show", "acme", "--json").object["id"] == made["id"]


def test_what_hints_tell_to_give_can_be_given(cli: Cli, cloud: Jira) -> None:
    """A refused token may have scopes, an authority may be one's own."""
    refused = cli(*initiation(cloud), "--auth", "pat", typed=cloud.token)
    made = cli.done(*initiation(cloud), "--auth", "api-token", "--set", "label=bot", "--json", typed=cloud.token).object

    assert (refused.code, refused.error) == (
        2,
        "`pat` is no way to sign in to this deployment: api-token, scoped-token, oauth",
    )
    assert made["settings"]["label"] == {"value": "bot", "origin": "workspace"}


def test_the_file_that_is_named_is_written(cli: Cli, cloud: Jira) -> None:
    path = cli.folder / "other.toml"

    cli.done("--config", path, *initiation(cloud), typed=cloud.token)

    assert path.is_file()
    assert not cli.config.exists()


def test_a_place_where_no_configuration_can_be_is_told(cli: Cli, cloud: Jira) -> None:
    path = cli.folder / ("x" * 300)

    ran = cli("--config", path, *initiation(cloud), typed=cloud.token)

    assert (ran.code, ran.error) == (1, f"`{path}` can't be written: File name too long")
    assert not cli.data.exists()


@pytest.mark.parametrize("named", [False, True], ids=["the usual one", "the one that is named"])
def test_a_configuration_that_is_there_stays_as_it_is(cli: Cli, cloud: Jira, named: bool) -> None:
    cli.config.write_text('log_level = "debug"\n')

    ran = cli(*(["--config", str(cli.config)] if named else []), *initiation(cloud), typed=cloud.token)

    assert (ran.code, ran.out) == (1, "")
    assert ran.error.startswith("there is a configuration already: `")
    assert cli.config.read_text() == 'log_level = "debug"\n'
    assert not cli.data.exists()


def test_a_configuration_in_the_users_folder_is_one_too(cli: Cli, cloud: Jira) -> None:
    path = cli.folder / ".config" / "jirabot" / "jirabot.toml"
    path.parent.mkdir(parents=True)
    path.write_text("")

    ran = cli(*initiation(cloud), typed=cloud.token)

    assert (ran.code, ran.error) == (1, f"there is a configuration already: `{path}`")


@pytest.mark.parametrize(
    ("options", "typed", "code"),
    [
        pytest.param([], "wrong-key", 4, id="Jira refuses"),
        pytest.param(["--public-url", "nonsense"], "", 6, id="no address"),
        pytest.param(["--agent-command", "my-agent 'open"], "", 2, id="an open quote"),
    ],
)
def test_what_fails_leaves_no_configuration_and_can_be_tried_again(
    cli: Cli, cloud: Jira, options: list[str], typed: str, code: int
) -> None:
    ran = cli(*initiation(cloud), *options, typed=typed or cloud.token)

    assert (ran.code, ran.out) == (code, "")
    assert not cli.config.exists()
    assert cli(*initiation(cloud), typed=cloud.token).code == 0


def test_a_terminal_is_asked_for_all_of_it(cli: Cli, cloud: Jira, tmp_path: Path) -> None:
    bot, ada = cloud.sandbox.bot, cloud.sandbox.ada
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "JIRABOT_MASTER_KEY": MASTER_KEY, "TERM": "xterm"}
    terminal = Terminal(["--data-dir", str(cli.data), "init"], environment, cli.folder)

    terminal.answer("What do you call the workspace (for Cloud best its host): ", "acme\n")
    terminal.answer("Which kind of Jira is it (`cloud` or `dc`): ", "cloud\n")
    terminal.answer("Its base URL (scheme, host, port and context path): ", f"{cloud.base_url}\n")
    terminal.answer("The service account's e-mail: ", f"{bot.email}\n")
    terminal.answer("The service account's API token or PAT: ", f"{bot.token}\n")
    terminal.answer("(nothing: only from this machine): ", "\n")
    terminal.answer("(nothing: not now): ", "my-agent --quiet\n")
    terminal.answer("Your own Jira account, to be linked", f"{ada.account_id}\n")

    assert terminal.end() == 0
    assert bot.token not in terminal.shown
    assert tomllib.loads(cli.config.read_text())["agents"]["local"]["command"] == ["my-agent", "--quiet"]
    assert [each["account"] for each in cli.done("user", "list", "--json").objects] == [ada.account_id]
