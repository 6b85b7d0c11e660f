"""How the program answers to what it does not understand, and the exit codes of all commands."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from jirabot.cli.main import app

from .commands import COMMANDS, PAGE, ask, furnish, row, write_files
from .conftest import Cli, at_home


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a workspace whose Jira nobody reaches, a person and a repository."""
    with at_home(tmp_path_factory.mktemp("kept")) as cli:
        furnish(cli)
        return cli.data


@pytest.fixture
def furnished(cli: Cli, kept: Path) -> Cli:
    """The program with a copy of that folder."""
    shutil.copytree(kept, cli.data)
    return cli


@pytest.fixture(autouse=True)
def _files(cli: Cli) -> Iterator[None]:
    write_files(cli)
    yield


@pytest.mark.parametrize(("command", "code"), COMMANDS)
def test_each_command_ends_with_its_code(furnished: Cli, command: str, code: int) -> None:
    ran = ask(furnished, command)

    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    assert code == 0 or command.endswith("doctor") or ran.out == ""
    assert row(furnished, command, ran) in PAGE.read_text().splitlines()


def test_each_command_that_ends_by_itself_is_asked() -> None:
    names = set(_names("", typer.main.get_command(app)))
    asked = {name for name in names for command, _ in COMMANDS if f" {name} " in f" {command} "}

    assert names - asked == set()


def _names(name: str, command: Any) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name
    else:
        for word, each in inner.items():
            yield from _names(f"{name} {word}".strip(), each)


@pytest.mark.parametrize(
    ("command", "sentence", "hint"),
    [
        ("bogus", "no such command `bogus`", "run `jirabot --help` to see what it takes"),
        (
            "workspace lst",
            "no such command `lst`. Did you mean `list`?",
            "run `jirabot workspace --help` to see what it takes",
        ),
        ("user link", "`WORKSPACE` is missing", "run `jirabot user link --help` to see what it takes"),
        (
            "repo add acme",
            "`NAME` and `--url` are missing",
            "run `jirabot repo add --help` to see what it takes",
        ),
        (
            "sandbox --deployment server",
            "invalid value for `--deployment`: `server` is not one of `cloud`, `dc`",
            "run `jirabot sandbox --help` to see what it takes",
        ),
        (
            "replay none.json",
            "there is no file `none.json`",
            "give a webhook's payload, or `-` for standard input",
        ),
        (
            "replay empty.json",
            "the file is empty",
            "give a webhook's payload, or what `event show ID --raw` writes",
        ),
        (
            "replay nobody.json",
            "the payload does not tell which kind of Jira it is of",
            "give `--deployment`",
        ),
        ("sandbox --secret-file empty.json", "`--secret-file` belongs to a webhook", "give `--hook URL` with it"),
        ("workspace show amce", "there is no workspace `amce`", "did you mean `acme`?"),
        (
            "event list --state lost",
            "`lost` is no state of an event",
            "give one of: received, waiting, done, ignored, refused, paused, dead, discarded",
        ),
        ("event show", "which event?", "give its id, or `--issue KEY` for the newest on an issue"),
        (
            "event show 01 --issue PAY-7",
            "an event is named by its id or by its issue, not by both",
            "give its id, or `--issue KEY` for the newest on an issue",
        ),
        (
            "conversation show 01 --issue PAY-7",
            "a conversation is named by its id or by its issue, not by both",
            "give its id, or `--issue KEY` for the newest on an issue",
        ),
        (
            "workspace create acme --deployment dc --base-url http://127.0.0.1:2 --svc-acc-api-key -",
            "there is a workspace `acme` already, for `http://127.0.0.1:1`",
            "run `jirabot workspace show acme` to see it",
        ),
        (
            "workspace create new --deployment dc --base-url http://127.0.0.1:1/ --svc-acc-api-key -",
            "the Jira at `http://127.0.0.1:1` is served already, as workspace `acme`",
            "run `jirabot workspace show acme` to see it",
        ),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_what_to_do(furnished: Cli, command: str, sentence: str, hint: str) -> None:
    assert ask(furnished, command).err == f"error: {sentence}\n\nhint: {hint}\n"


def test_no_command_is_answered_with_the_help(cli: Cli) -> None:
    ran = cli()

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: jirabot [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize(
    ("command", "title", "code"),
    [
        ("workspace list --json --bogus", "invalid", "invalid-input"),
        ("serve --json", "invalid", "invalid-input"),
        ("user link --json", "invalid", "invalid-input"),
        ("workspace show nobody --json", "not-found", "workspace-not-found"),
        ("event show 01 --json", "not-found", "event-not-found"),
        ("conversation show 01 --json", "not-found", "conversation-not-found"),
        ("user link acme grace --json", "unreachable", "jira-unreachable"),
    ],
)
def test_with_json_an_error_is_an_object_on_standard_error_alone(
    furnished: Cli, command: str, title: str, code: str
) -> None:
    ran = furnished(*command.split())

    assert ran.out == ""
    assert (ran.problem["title"], ran.problem["code"], ran.problem["success"]) == (title, code, False)
    assert list(ran.problem) == ["type", "title", "code", "detail", "hint", "success"]


def test_with_json_all_problems_of_the_configuration_are_a_list(cli: Cli) -> None:
    cli.config.write_text('[server]\nprot = 1\n[agents]\ndefault = "lcal"\n[agents.local]\ntype = "scripted"\n')

    ran = cli("workspace", "list", "--json")

    assert (ran.code, ran.out) == (6, "")
    assert ran.problem["problems"] == [
        "jirabot.toml:4: `agents.default` names `lcal`, which is not configured; did you mean `local`?",
        "jirabot.toml:2: there is no setting `server.prot`; did you mean `port`?",
    ]


def test_verbose_shows_what_caused_an_error(furnished: Cli) -> None:
    ran = furnished("--verbose", "user", "link", "acme", "grace")

    assert ran.error.startswith("no connection to Jira at `http://127.0.0.1:1`")
    assert "ClientConnectorError" in ran.err
    assert "Traceback" not in furnished("user", "link", "acme", "grace").err


def test_what_only_reads_makes_no_data_folder(cli: Cli) -> None:
    for command in ("workspace list", "event list", "user list", "replay comment.json --dry-run", "serve --help"):
        cli.done(*command.split())

    assert not cli.data.exists()


def test_of_a_workspace_without_any_it_is_not_said_that_there_is_none_yet(furnished: Cli) -> None:
    assert furnished("conversation", "list", "--workspace", "acme").err == "none fits what was asked for\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["event", "show", "caf\udce9"], "the argument `caf?` is not UTF-8", id="an argument"),
        pytest.param(["--config", "\udcff"], "the argument `?` is not UTF-8", id="an option"),
        pytest.param(
            ["--data-dir", "", "event", "list"], "`--data-dir` is empty: it is the path of a folder", id="no folder"
        ),
    ],
)
def test_an_argument_that_nothing_could_keep_is_refused(cli: Cli, arguments: list[str], sentence: str) -> None:
    ran = cli(*arguments)

    assert (ran.code, ran.out, ran.error) == (2, "", sentence)
    assert not Path("jirabot.db").exists()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("workspace list", "no workspace yet: `jirabot workspace create NAME` makes one"),
        ("user list", "nobody is linked yet: `jirabot user link WORKSPACE ACCOUNT` links someone"),
        ("event list", "nothing came yet"),
        ("conversation list", "no conversation yet"),
        ("audit list", "nothing is written down"),
        ("event list --state dead", "none fits what was asked for"),
        ("outbox list --state dead", "none fits what was asked for"),
        ("audit list --since 2099-01-01", "none fits what was asked for"),
    ],
)
def test_an_empty_list_is_a_sentence_beside_the_data_and_nothing_as_json(cli: Cli, command: str, sentence: str) -> None:
    ran, as_json = cli(*command.split()), cli(*command.split(), "--json")

    assert (ran.code, ran.out, ran.err) == (0, "", f"{sentence}\n")
    assert (as_json.code, as_json.out, as_json.err) == (0, "", "")
