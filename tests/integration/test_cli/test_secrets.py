"""Secrets come from standard input, files or the environment; never as arguments, and never out again."""

import pytest

from .conftest import Cli, Jira

WEBHOOK_SECRET = "a-webhook-secret-of-mine"


@pytest.mark.parametrize("where", ["standard input", "file", "environment"])
def test_the_api_key_comes_from(cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    arguments, typed = cloud.creation()[:-2], ""
    match where:
        case "standard input":
            arguments, typed = [*arguments, "--svc-acc-api-key", "-"], f"{cloud.token}\r\n"
        case "file":
            arguments += ["--svc-acc-api-key-file", str(cli.file("key.txt", f"{cloud.token}\n"))]
        case _:
            monkeypatch.setenv("JIRABOT_SVC_ACC_API_KEY", f"{cloud.token}\n")

    ran = cli(*arguments, typed=typed)

    assert ran.code == 0, ran.err
    assert cloud.token not in ran.out + ran.err


def test_two_from_standard_input_are_a_line_each_the_api_key_first(cli: Cli, cloud: Jira) -> None:
    ran = cli.done(*cloud.creation(), "--webhook-secret", "-", "--json", typed=f"{cloud.token}\n{WEBHOOK_SECRET}\n")

    assert "webhook_secret" not in ran.object
    assert cli.data.joinpath("jirabot.db").read_bytes().count(WEBHOOK_SECRET.encode()) == 0


def test_the_webhook_secret_may_come_from_the_environment(
    cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRABOT_WEBHOOK_SECRET", WEBHOOK_SECRET)

    ran = cli.done(*cloud.creation(), "--json", typed=cloud.token)

    assert "webhook_secret" not in ran.object
    assert WEBHOOK_SECRET not in ran.out + ran.err


def test_the_order_of_the_options_does_not_matter_for_it(cli: Cli, cloud: Jira) -> None:
    cli.done(
        "workspace",
        "create",
        "--webhook-secret",
        "-",
        *cloud.creation()[2:],
        typed=f"{cloud.token}\n{WEBHOOK_SECRET}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        pytest.param(
            ["--svc-acc-api-key", "hunter2"],
            "",
            "the API key is never an argument: other users of this machine could read it",
            id="an API key as argument",
        ),
        pytest.param(
            ["--svc-acc-api-key", "-", "--webhook-secret", "hunter2"],
            "token\n",
            "the webhook secret is never an argument: other users of this machine could read it",
            id="a webhook secret as argument",
        ),
        pytest.param(
            ["--svc-acc-api-key", "-"], "", "standard input has no line with the API key", id="an empty standard input"
        ),
        pytest.param(
            ["--svc-acc-api-key", "-", "--webhook-secret", "-"],
            "token\n",
            "standard input has no line with the webhook secret",
            id="one line for two",
        ),
        pytest.param(
            ["--svc-acc-api-key-file", "none.txt"],
            "",
            "the API key can't be read from `none.txt`: No such file or directory",
            id="no file",
        ),
        pytest.param(
            ["--svc-acc-api-key-file", "."],
            "",
            "the API key can't be read from `.`: Is a directory",
            id="a folder",
        ),
        pytest.param(["--svc-acc-api-key-file", "empty.txt"], "", "`empty.txt` is empty", id="an empty file"),
        pytest.param(
            ["--svc-acc-api-key-file", "binary.txt"],
            "",
            "the API key can't be read from `binary.txt`: it is no text",
            id="a file that is no text",
        ),
        pytest.param(
            ["--svc-acc-api-key", "-", "--svc-acc-api-key-file", "empty.txt"],
            "token\n",
            "the API key is to come from standard input and from a file",
            id="from two places",
        ),
        pytest.param(
            ["--svc-acc-api-key", "-", "--webhook-secret", "-"],
            "token\nshort\n",
            "the webhook secret is shorter than 16 bytes",
            id="a short webhook secret",
        ),
        pytest.param(
            ["--svc-acc-api-key", "-", "--webhook-secret", "-"],
            "token\n blank before and after \n",
            "the webhook secret has outer blanks or control characters",
            id="a webhook secret with outer blanks",
        ),
    ],
)
def test_a_secret_that_can_not_be_taken_is_told_without_repeating_it(
    cli: Cli, arguments: list[str], typed: str, sentence: str
) -> None:
    cli.file("empty.txt", "")
    cli.file("binary.txt", b"\xff\xfe")
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:1"]

    ran = cli(*create, *arguments, "--no-validate", typed=typed)

    assert (ran.code, ran.error) == (2, sentence)
    assert "hunter2" not in ran.err
    assert "token" not in ran.err


@pytest.mark.parametrize("what", ["API key", "webhook secret"])
def test_a_secret_that_is_no_text_is_told(cli: Cli, what: str) -> None:
    typed = "token\n" if what == "webhook secret" else ""
    create = ["workspace", "create", "acme", "--deployment", "dc", "--base-url", "http://127.0.0.1:1"]

    ran = cli(*create, "--svc-acc-api-key", "-", "--webhook-secret", "-", typed=typed.encode() + b"\xff\xfe\n")

    assert (ran.code, ran.error) == (2, f"the {what} on standard input is no text")


def test_a_git_token_is_kept_and_not_shown(cli: Cli, cloud: Jira) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)
    address = "https://git.acme.example/shop.git"

    ran = cli.done("repo", "add", "acme", "shop", "--url", address, "--token", "-", "--json", typed="git-token\n")

    assert ran.object["has_token"] is True
    assert "git-token" not in ran.out + ran.err
    assert "git-token" not in cli.done("repo", "list", "acme").out
    assert b"git-token" not in cli.data.joinpath("jirabot.db").read_bytes()


@pytest.mark.parametrize("content", ["hunter2\nhunter3\n", "hunter2\r\n\r\nmore", "hunt\x07er2", "hunter2\x00"])
def test_a_secret_with_a_line_end_or_control_character_within_is_refused(cli: Cli, cloud: Jira, content: str) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)
    file = cli.file("token.txt", content)

    ran = cli("repo", "add", "acme", "shop", "--url", "https://git.acme.example/shop.git", "--token-file", file)

    assert (ran.code, ran.error) == (2, "the git token holds a line end or another control character")
    assert "hunter" not in ran.err
    assert cli.done("repo", "list", "acme", "--json").objects == []


@pytest.mark.parametrize(
    "address", ["https://ada:hunter2@git.acme.example/shop.git", "https://hunter2@git.acme.example/shop.git"]
)
def test_a_token_in_a_git_address_is_refused_and_not_repeated(cli: Cli, address: str) -> None:
    ran = cli("repo", "add", "acme", "shop", "--url", address)

    assert (ran.code, ran.error) == (2, "the git address holds a user or token, which would be shown with it")
    assert "hunter2" not in ran.err


def test_another_master_key_than_that_of_the_stored_secrets_is_told(
    cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.done(*cloud.creation(), typed=cloud.token)
    monkeypatch.setenv("JIRABOT_MASTER_KEY", "QW5vdGhlci1rZXktd2l0aC10aGlydHktdHdvLWJ5dGU=")

    ran = cli("user", "link", "acme", "ada")

    assert ran.code == 6
    assert ran.error.startswith("the stored secrets are sealed with the master key `")
    assert cli("workspace", "show", "acme").code == 0


def test_a_master_key_that_is_none_is_told_before_anything_is_stored(
    cli: Cli, cloud: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRABOT_MASTER_KEY", "hunter2")

    ran = cli(*cloud.creation(), typed=cloud.token)

    assert ran.code == 6
    assert ran.error == "what JIRABOT_MASTER_KEY holds is no master key: it must be 32 bytes in URL-safe base64"
    assert cli.done("workspace", "list", "--json").objects == []
