"""Settings: where they come from, and how they are read and written."""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from jirabot.config import (
    LimitsSettings,
    Settings,
    WorkspaceDefaults,
    duration,
    duration_text,
    load,
    read_changes,
    shown,
    shown_settings,
    size,
)
from jirabot.config.settings import limiting_duration
from jirabot.core.managers.directory import limits_of
from jirabot.errors import ConfigurationInvalid, InvalidInput
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.fast


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine's user is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[server]\nport = 1\nhost = "0.0.0.0"\n[agents]\ndefault = "b"\n'
        '[agents.a]\ntype = "scripted"\n[agents.b]\ntype = "command"\ncommand = ["x"]\ntimeout = "5m"\n'
    )
    return path


def test_flag_goes_before_environment_before_file_before_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_SERVER__PORT", "2")
    settings = load(file, server={"port": None, "host": "::1"})

    assert (settings.server.port, settings.server.host) == (2, "::1")
    assert settings.outbox.grace == timedelta(seconds=90)
    assert load(file, server={"port": 3}).server.port == 3


def test_each_value_knows_where_it_comes_from(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_SERVER__PORT", "2")
    settings = load(Path(file.name), server={"max_body": 5}, data_dir=Path("data"))

    names = ("server.port", "server.host", "server.max_body", "data_dir", "outbox.grace")
    origins = ["JIRABOT_SERVER__PORT", "settings.toml:3", "flag", "flag", "default"]
    assert [settings.origin(name) for name in names] == origins


def test_the_default_agent_is_named_or_the_only_one(file: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.toml"
    alone.write_text('[agents.local]\ntype = "scripted"\n')

    assert load(file).agent_name() == "b"
    assert load(alone).agent_name() == "local"
    assert load(file).agents["b"].timeout == timedelta(minutes=5)


def test_variables_may_name_the_default_agent_and_change_agents(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_AGENTS__DEFAULT", "a")
    monkeypatch.setenv("JIRABOT_AGENTS__B__COMMAND", '["y", "--a b, c"]')
    monkeypatch.setenv("JIRABOT_AGENTS__B__ENV__API_KEY", "abc")

    settings = load(file)

    assert settings.agent_name() == "a"
    assert settings.agents["b"].command == ("y", "--a b, c")
    assert settings.agents["b"].timeout == timedelta(minutes=5)
    assert settings.agents["b"].env["API_KEY"].get_secret_value() == "abc"


@pytest.mark.parametrize(
    ("text", "mention"),
    [("[]", ()), ("@bot", ("@bot",)), ("@bot, @helper", ("@bot", "@helper")), ('["@bot", "@a, b"]', ("@bot", "@a, b"))],
)
def test_a_list_of_words_in_a_variable_has_commas_or_is_json(
    monkeypatch: pytest.MonkeyPatch, text: str, mention: tuple[str, ...]
) -> None:
    monkeypatch.setenv("JIRABOT_WORKSPACE__MENTION", text)

    assert load().workspace.mention == mention


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_SERVER__PORT", "")
    monkeypatch.setenv("JIRABOT_DATA_DIR", "")

    settings = load()

    assert settings.server.port == 8642
    assert settings.data_dir.name == "jirabot"


def test_the_home_of_the_user_may_stand_in_the_path_of_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRABOT_DATA_DIR", "~/bot")

    assert load().data_dir == tmp_path / "bot"


def test_what_an_agent_may_read_is_named_by_whole_paths(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRABOT_AGENTS__A__READABLE", "~/.nvm, /tmp/cache")
    assert load(file).agents["a"].readable == (tmp_path / ".nvm", Path("/tmp/cache"))

    monkeypatch.setenv("JIRABOT_AGENTS__A__READABLE", "cache")
    with pytest.raises(ConfigurationInvalid, match="a list of whole paths, from `/` or `~/` on"):
        load(file)


@pytest.mark.parametrize("where", ["JIRABOT_CONFIG", "./jirabot.toml"])
def test_the_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    path = tmp_path / ("named.toml" if where == "JIRABOT_CONFIG" else "jirabot.toml")
    path.write_text("[server]\nport = 7\n")
    if where == "JIRABOT_CONFIG":
        monkeypatch.setenv("JIRABOT_CONFIG", str(path))

    assert load().server.port == 7


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("JIRABOT_RUN", "one"),
        ("JIRABOT_SVC_ACC_API_KEY", '{"a": 1}'),
        ("JIRABOT_SERVICE_HOST", "10.0.0.7"),
        ("JIRABOT_SERVICE_PORT", "8642"),
        ("JIRABOT_SERVICE_PORT_HTTP", "8642"),
        ("JIRABOT_PORT", "tcp://10.0.0.7:8642"),
        ("JIRABOT_PORT_8642_TCP", "tcp://10.0.0.7:8642"),
        ("JIRABOT_PORT_8642_TCP_ADDR", "10.0.0.7"),
        ("JIRABOT_SERVER_PORT", "tcp://10.0.0.7:8642"),
    ],
)
def test_a_variable_of_another_purpose_is_no_setting(monkeypatch: pytest.MonkeyPatch, variable: str, text: str) -> None:
    """What commands, agents and git are given, and what a cluster gives for a service of our name."""
    monkeypatch.setenv(variable, text)

    settings = load()

    assert settings.server.port == 8642
    assert settings.environment[variable] == text


def test_every_variable_that_the_program_reads_or_makes_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [file.read_text() for file in (REPOSITORY / "jirabot").rglob("*.py")]
    words = {name for text in sources for name in re.findall(r"JIRABOT(?:_[A-Z]+)+(?![A-Z_])", text)}
    named = words - {"JIRABOT_DATABASE_URL", "JIRABOT_MASTER_KEY_FILE", "JIRABOT_CONFIG"}
    assert named >= {"JIRABOT_RUN", "JIRABOT_GIT_TOKEN", "JIRABOT_WEBHOOK_SECRET", "JIRABOT_MASTER_KEY"}
    for name in named:
        monkeypatch.setenv(name, "one")

    load()


@pytest.mark.parametrize("written", ['["OTHER", "JIRABOT_LLM_KEY"]', "OTHER, JIRABOT_LLM_KEY"])
def test_a_variable_that_an_agent_is_given_is_no_setting(
    file: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("JIRABOT_LLM_KEY", "hunter2")
    monkeypatch.setenv("JIRABOT_AGENTS__A__PASS_ENV", written)

    assert load(file).agents["a"].pass_env == ("OTHER", "JIRABOT_LLM_KEY")


def test_no_secret_is_in_what_is_printed_of_the_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRABOT_MASTER_KEY", "hunter2")
    monkeypatch.setenv("JIRABOT_AGENTS__B__ENV__API_KEY", "hunter2")

    assert "hunter2" not in repr(load(file))


def test_the_reference_integrations_variable_holds_the_base_url_of_data_center(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_DC_BASE_URL", "https://jira.acme.example/jira")

    assert load().base_urls == {"dc": "https://jira.acme.example/jira"}


@pytest.mark.parametrize(
    ("variables", "off"),
    [
        ({}, set()),
        ({"JIRA_WEBHOOKS_ENABLED": "0"}, {"cloud"}),
        ({"JIRA_WEBHOOKS_ENABLED": "True", "JIRA_DC_WEBHOOKS_ENABLED": "FALSE"}, {"dc"}),
        ({"JIRA_WEBHOOKS_ENABLED": "no", "JIRA_DC_WEBHOOKS_ENABLED": " off "}, {"cloud", "dc"}),
        ({"JIRA_WEBHOOKS_ENABLED": "", "JIRA_DC_WEBHOOKS_ENABLED": "yes"}, set()),
    ],
)
def test_the_reference_integrations_variables_switch_webhooks_off(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], off: set[str]
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    assert load().switched_off == off


@pytest.mark.parametrize(("word", "without"), [("", set()), ("true", set()), ("False", {"dc"}), ("0", {"dc"})])
def test_people_prove_themselves_by_oauth_unless_that_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, word: str, without: set[str]
) -> None:
    monkeypatch.setenv("JIRA_DC_ENABLE_OAUTH", word)

    assert load().without_oauth == without


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_the_database_of_the_data_folder_may_be_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("JIRABOT_DATABASE_URL", f"{scheme}:////srv/bot/jirabot.db")

    assert load(data_dir=Path("/srv/bot")).database == Path("/srv/bot/jirabot.db")


@pytest.mark.parametrize("text", ["10.0.0.0/8, 192.0.2.1", '["10.0.0.0/8", "192.0.2.1"]'])
def test_networks_are_read_from_one_text(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("JIRABOT_SERVER__TRUSTED_PROXIES", text)

    assert load().server.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"))


@pytest.mark.parametrize(("text", "hours"), [("0", 0), ("0s", 0), ("12h", 12), ("2d", 48)])
def test_a_limit_may_be_none(monkeypatch: pytest.MonkeyPatch, text: str, hours: int) -> None:
    monkeypatch.setenv("JIRABOT_LIMITS__DC__SESSION", text)

    assert load().limits.of("dc").session == timedelta(hours=hours)
    assert load().limits.of("cloud").session == timedelta(hours=24)


def test_the_limits_of_a_deployment_that_are_not_given_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("[limits.dc]\n")

    assert load(Path("one.toml")).limits.of("dc").session == timedelta(hours=48)


@pytest.mark.parametrize(
    ("deployment", "own", "hours"),
    [("cloud", None, 24), ("dc", None, 48), ("cloud", timedelta(hours=2), 2), ("dc", timedelta(0), 0)],
)
def test_a_workspace_may_have_a_limit_of_its_own(deployment: str, own: timedelta | None, hours: int) -> None:
    limits = limits_of(deployment, WorkspaceDefaults(session=own), LimitsSettings())

    assert limits.session == timedelta(hours=hours)


def test_changes_of_a_workspace_are_read_as_their_settings_are() -> None:
    given = ["mention=@bot, @helper", "verify_trigger=no", "progress_every=120 s", "label=a=b", "agent=local"]

    assert read_changes(given) == {
        "mention": ["@bot", "@helper"],
        "verify_trigger": False,
        "progress_every": "2m",
        "label": "a=b",
        "agent": "local",
    }


def test_a_workspace_may_have_no_word_that_speaks_to_the_bot_but_no_blank_one() -> None:
    assert read_changes(["mention="]) == {"mention": []}
    with pytest.raises(InvalidInput) as raised:
        read_changes(['mention=["@bot", ""]'])

    assert raised.value.message == (
        '`--set mention=["@bot", ""]`: a list of words such as `["@openhands"]`, none of them blank'
    )


def test_all_that_is_wrong_with_changes_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as raised:
        read_changes(["agnt=local", "mode=on", "progress_every=often", "label"])

    assert raised.value.message == (
        "there is no setting `agnt`; did you mean `agent`?; `--set mode=on`: one of `act`, `observe`; "
        "`--set progress_every=often`: a duration is a number with its unit, such as `90s`, `10m`, `24h` or `14d`; "
        "`--set label` has no value: it is `KEY=VALUE`"
    )


def test_a_setting_of_the_file_is_told_with_its_line_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_text(
        '# [runs]\nserver.port = 5\n\n[agents."the \\u006fne"]\n"type" = "command"\ncommand = [\n  "x",\n'
        '  "type = 1",\n]\ntimeout = "5m"\n  [workspace] # here\nlabel = """\nmode = 1"""\nmode = "observe"\n'
        "[agents.two]\nenv = { A = '[b]' }\ntype = 'scripted'\n"
    )
    settings = load(Path("odd.toml"))

    assert settings.origins == {
        "server.port": "odd.toml:2",
        "agents.the one": "odd.toml:4",
        "agents.the one.type": "odd.toml:5",
        "agents.the one.command": "odd.toml:6",
        "agents.the one.timeout": "odd.toml:10",
        "workspace": "odd.toml:11",
        "workspace.label": "odd.toml:12",
        "workspace.mode": "odd.toml:14",
        "agents.two": "odd.toml:15",
        "agents.two.env.A": "odd.toml:16",
        "agents.two.type": "odd.toml:17",
    }


def test_the_settings_of_a_workspace_are_shown_with_their_origin() -> None:
    settings = Settings(origins={"workspace.mode": "file", "workspace.label": "environment"})
    effective = WorkspaceDefaults(label="bot", mode="observe")

    told = shown_settings(effective, {"label": "bot"}, settings)

    assert told["label"] == {"value": "bot", "origin": "workspace"}
    assert told["mode"] == {"value": "observe", "origin": "file"}
    assert told["progress_every"] == {"value": "60s", "origin": "default"}
    assert list(told) == list(WorkspaceDefaults.model_fields)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("24h", 86400), ("2d", 172800), ("1.5 s", 1.5)]
)
def test_duration(text: str, seconds: float) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("read", [duration, limiting_duration])
@pytest.mark.parametrize("text", ["36501d", "9999999d", f"{'9' * 400}d"])
def test_no_duration_is_so_long_that_now_less_it_is_no_date(text: str, read: Callable[[str], timedelta]) -> None:
    with pytest.raises(ValueError, match="a duration is at most 36500 days"):
        read(text)
    assert read("36500d") == timedelta(days=36500)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(90, "90s"), (60, "60s"), (600, "10m"), (3600, "1h"), (86400, "24h"), (172800, "2d"), (0, "0s"), (1.5, "1.5s")],
)
def test_a_duration_is_written_as_people_do(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("text", "bytes_"), [("25MB", 25_000_000), ("256 KB", 256_000), ("20GB", 20_000_000_000)])
def test_size(text: str, bytes_: int) -> None:
    assert size(text) == bytes_


def test_each_deployment_has_its_own_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('[limits.dc]\nfirst_answer = "20s"\n')
    monkeypatch.setenv("JIRABOT_LIMITS__CLOUD__FIRST_ANSWER", "1s")

    settings = load(file)

    assert settings.limits.of("cloud").first_answer == timedelta(seconds=1)
    assert settings.limits.of("dc").first_answer == timedelta(seconds=20)
    told = shown(settings)["limits.dc.first_answer"]
    assert (told["value"], told["origin"]) == ("20s", f"{file}:2")
    assert Settings().limits.of("dc").first_answer == timedelta(seconds=10)


def test_where_alerts_go_is_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "alerts.toml"
    file.write_text('[alerts]\nwebhook = "https://chat.example.com/hunter2"\n')

    settings = load(file)

    assert shown(settings)["alerts.webhook"]["value"] == "***"
    assert "hunter2" not in repr(settings)
    assert shown(Settings())["alerts.webhook"]["value"] is None
