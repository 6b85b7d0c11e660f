"""What is said when settings can't be used: where each was written, what stands there, and what may."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from jirabot.config import AgentSettings, Settings, WorkspaceDefaults, load, read_changes
from jirabot.config.problems import told
from jirabot.config.settings import PLAIN_VARIABLES
from jirabot.config.sources import Sources
from jirabot.errors import ConfigurationInvalid, InvalidInput

pytestmark = pytest.mark.fast

A_DURATION = "a duration is a number with its unit, such as `90s`, `10m`, `24h` or `14d`"
A_LIST = 'a list such as `["one", "two"]`, or words with commas between them'
ONLY_OURS = "names another database than this version can use: it keeps everything in SQLite in its data folder"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine's user is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def _problems(tmp_path: Path, content: str) -> list[str]:
    (tmp_path / "bad.toml").write_text(content)
    with pytest.raises(ConfigurationInvalid) as raised:
        load(Path("bad.toml"))
    return raised.value.problems


def test_all_problems_are_told_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    content = (
        'retries = 3\n[server]\nprot = 1\n[servr]\nport = 1\n[runs]\nstop_grace = "soon"\n'
        '[agents]\ndefault = "lcal"\n[agents.local]\ntyp = "command"\n'
    )

    assert sorted(_problems(tmp_path, content)) == [
        "bad.toml:10: `agents.local.type`: it is missing",
        "bad.toml:11: there is no setting `agents.local.typ`; did you mean `type`?",
        "bad.toml:1: there is no setting `retries`",
        "bad.toml:3: there is no setting `server.prot`; did you mean `port`?",
        "bad.toml:4: there is no setting `servr`; did you mean `server`?",
        f"bad.toml:7: `runs.stop_grace` is `soon`: {A_DURATION}",
        "bad.toml:9: `agents.default` names `lcal`, which is not configured; did you mean `local`?",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            '[agents.default]\ntype = "scripted"\n',
            "bad.toml:1: `agents.default`: it is no agent's name: give the section `[agents.default]` another one",
            id="an agent named default",
        ),
        pytest.param(
            '[agents]\ndefault = "far"\n[agents.local]\ntype = "scripted"\n',
            "bad.toml:2: `agents.default` names `far`, which is not configured",
            id="a default that is like none",
        ),
        pytest.param(
            '[agents]\ndefault = "local"\n',
            "bad.toml:2: `agents.default` names `local`, which is not configured",
            id="a default, and no agent",
        ),
        pytest.param(
            "[agents]\ndefault = 1\n",
            "bad.toml:2: `agents.default` is `1`: the name of an agent, in quotes",
            id="no name",
        ),
        pytest.param(
            '[agents]\ndefualt = "local"\n',
            "bad.toml:2: `agents.defualt`: it is a table of its own, `[agents.defualt]`",
            id="a misspelt default",
        ),
        pytest.param(
            '[server]\ntrusted_proxies = ["10.0.0.1/8"]\n',
            "bad.toml:2: `server.trusted_proxies` is `['10.0.0.1/8']`: "
            'a list of networks such as `["10.0.0.0/8"]`, with no address within them',
            id="no network",
        ),
        pytest.param(
            '[limits.cloud]\nsesion = "1h"\n',
            "bad.toml:2: there is no setting `limits.cloud.sesion`; did you mean `session`?",
            id="a misspelt key of a table within a table",
        ),
        pytest.param(
            "server = 1\n", "bad.toml:1: `server`: it is a table of its own, `[server]`", id="a value for a table"
        ),
        pytest.param(
            '[agents.local]\ntype = "command"\ncommand = "my-agent --quiet"\n',
            "bad.toml:3: `agents.local.command` is `my-agent --quiet`: "
            'a list such as `["my-agent", "--quiet"]`, never a shell string',
            id="a shell string",
        ),
        pytest.param(
            '[server]\npublic_url = "bot.example"\n',
            "bad.toml:2: `server.public_url` is `bot.example`: an address such as `https://jirabot.example.com`",
            id="an address without scheme",
        ),
        pytest.param(
            '[workspace]\nmention = ["@openhands", " "]\n',
            "bad.toml:2: `workspace.mention` is `['@openhands', ' ']`: "
            'a list of words such as `["@openhands"]`, none of them blank',
            id="a blank mention",
        ),
        pytest.param('data_dir = ""\n', 'bad.toml:1: `data_dir` is `""`: the path of a folder', id="an empty path"),
        pytest.param(
            '[server]\nmax_body = "25 megs"\n',
            "bad.toml:2: `server.max_body` is `25 megs`: a size is a number with its unit, "
            "such as `256KB`, `25MB` or `20GB`",
            id="no size",
        ),
        pytest.param('master_key = "abc"\n', "bad.toml:1: there is no setting `master_key`", id="a secret in the file"),
        pytest.param(
            "use_keyring = false\n", "bad.toml:1: there is no setting `use_keyring`", id="what is made inside"
        ),
        pytest.param(
            '[environment]\na = "b"\n', "bad.toml:1: there is no setting `environment`", id="a table made inside"
        ),
    ],
)
def test_a_problem_is_told_as(tmp_path: Path, content: str, problem: str) -> None:
    assert _problems(tmp_path, content) == [problem]


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        (
            "JIRABOT_SERVER__PROT",
            "1",
            "there is no setting `JIRABOT_SERVER__PROT`; did you mean `JIRABOT_SERVER__PORT`?",
        ),
        (
            "JIRABOT_SERVR__PORT",
            "1",
            "there is no setting `JIRABOT_SERVR__PORT`; did you mean `JIRABOT_SERVER__…`?",
        ),
        (
            "JIRABOT_SERVER__PORT",
            "many",
            "`JIRABOT_SERVER__PORT` is `many`: a whole number",
        ),
        (
            "JIRABOT_LOG_LEVEL",
            "loud",
            "`JIRABOT_LOG_LEVEL` is `loud`: one of `debug`, `info`, `warning`, `error`",
        ),
        (
            "JIRABOT_WORKSPACE__TRIGGERS",
            "mention,shout",
            "`JIRABOT_WORKSPACE__TRIGGERS` is `shout`: one of `mention`, `label`",
        ),
        ("JIRABOT_AGENTS__DEFAULT", "local", "`JIRABOT_AGENTS__DEFAULT` names `local`, which is not configured"),
        (
            "JIRABOT_SERVER_PORT",
            "1",
            "there is no setting `JIRABOT_SERVER_PORT`; did you mean `JIRABOT_SERVER__PORT`?",
        ),
        (
            "JIRABOT_LIMITS_DC_SESSION",
            "1h",
            "there is no setting `JIRABOT_LIMITS_DC_SESSION`; did you mean `JIRABOT_LIMITS__DC__SESSION`?",
        ),
        (
            "JIRABOT_AGENTS_DEFAULT",
            "local",
            "there is no setting `JIRABOT_AGENTS_DEFAULT`; did you mean `JIRABOT_AGENTS__DEFAULT`?",
        ),
        ("JIRABOT_PORT", "1", "there is no setting `JIRABOT_PORT`; did you mean `JIRABOT_SERVER__PORT`?"),
        (
            "JIRABOT_MASTERKEY",
            "hunter2",
            "there is no setting `JIRABOT_MASTERKEY`; did you mean `JIRABOT_MASTER_KEY`?",
        ),
        ("JIRABOT_CONFIGS", "a.toml", "there is no setting `JIRABOT_CONFIGS`; did you mean `JIRABOT_CONFIG`?"),
        ("JIRABOT_RUNS", '{"parallel": 1}', "there is no setting `JIRABOT_RUNS`; did you mean `JIRABOT_RUNS__…`?"),
        ("JIRABOT_FLAVOUR", "sweet", "there is no setting `JIRABOT_FLAVOUR`"),
        (
            "JIRABOT_WORKSPACE__MENTION",
            '["@bot"',
            f'`JIRABOT_WORKSPACE__MENTION` is `["@bot"`: {A_LIST}',
        ),
    ],
)
def test_a_problem_of_a_variable_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, problem: str
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(ConfigurationInvalid) as raised:
        load()

    assert raised.value.problems == [problem]
    assert raised.value.hint == "look in the environment; `config.example.toml` shows every setting"


def test_a_variable_of_an_agent_that_is_configured_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRABOT_AGENTS_LOCAL_COMMAND", '["my-agent"]')

    assert _problems(tmp_path, '[agents.local]\ntype = "command"\n') == [
        "there is no setting `JIRABOT_AGENTS_LOCAL_COMMAND`; did you mean `JIRABOT_AGENTS__LOCAL__COMMAND`?"
    ]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"JIRA_CLIENT_ID": "a"}, "`JIRA_CLIENT_ID` is set, and `JIRA_CLIENT_SECRET` is not: set both, or neither"),
        ({"JIRA_CLIENT_SECRET": "s"}, "`JIRA_CLIENT_SECRET` is set, and `JIRA_CLIENT_ID` is not: set both, or neither"),
        (
            {"JIRA_DC_CLIENT_SECRET": "s", "JIRA_CLIENT_ID": ""},
            "`JIRA_DC_CLIENT_SECRET` is set, and `JIRA_DC_CLIENT_ID` is not: set both, or neither",
        ),
        (
            {"JIRA_WEBHOOKS_ENABLED": "maybe"},
            "`JIRA_WEBHOOKS_ENABLED` is `maybe`: `1`, `true`, `yes`, `on` switch it on, `0`, `false`, `no`, `off` off",
        ),
        (
            {"JIRA_DC_BASE_URL": "jira.acme"},
            "`JIRA_DC_BASE_URL` is `jira.acme`: an address such as `https://jirabot.example.com`",
        ),
    ],
)
def test_a_problem_of_the_reference_integrations_variables_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    with pytest.raises(ConfigurationInvalid) as raised:
        load()

    assert raised.value.problems == [problem]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://bot:hunter2@db/jirabot",
        "postgresql://[hunter2",
        "sqlite:////elsewhere/jirabot.db",
        "sqlite:///jirabot.db",
        "x",
    ],
)
def test_another_database_is_refused_and_its_address_not_repeated(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("JIRABOT_DATABASE_URL", address)

    with pytest.raises(ConfigurationInvalid) as raised:
        load(data_dir=Path("/srv/bot"))

    told = f"`JIRABOT_DATABASE_URL` {ONLY_OURS}, `sqlite:////srv/bot/jirabot.db`; unset it"
    assert raised.value.problems == [told]


def test_problems_of_file_variables_and_the_reference_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIRABOT_SERVER__PORT", "many")
    monkeypatch.setenv("JIRA_CLIENT_ID", "a")
    monkeypatch.setenv("JIRABOT_DATABASE_URL", "postgresql://db")

    assert _problems(tmp_path, "[runs]\nparalel = 1\n") == [
        "`JIRA_CLIENT_ID` is set, and `JIRA_CLIENT_SECRET` is not: set both, or neither",
        "`JIRABOT_SERVER__PORT` is `many`: a whole number",
        "bad.toml:2: there is no setting `runs.paralel`; did you mean `parallel`?",
        f"`JIRABOT_DATABASE_URL` {ONLY_OURS}; unset it",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no configuration file"):
        load(tmp_path / "none.toml")


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        load(tmp_path)

    assert raised.value.message == f"`{tmp_path}` is a folder, and no configuration file"
    assert raised.value.hint == "give `--config` or `JIRABOT_CONFIG` the path of the file itself"


def test_a_file_of_which_nothing_can_be_seen_is_told(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(ConfigurationInvalid) as raised:
        load(path)

    assert raised.value.problems == [f"`{path}` can't be read: File name too long"]
    assert raised.value.hint


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"server\n", "Expected '=' after a key in a key/value pair (at line 1, column 7)", id="no TOML"),
        pytest.param(b"\xff\xfe", "it is no text in UTF-8", id="no text"),
        pytest.param(b"a = " + b"[" * 5000, "its lists lie too deep within each other", id="too deep"),
        pytest.param(b"a = " + b"9" * 5000, "a number in it has too many digits", id="too long a number"),
    ],
)
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationInvalid) as raised:
        load(path)

    assert raised.value.problems == [f"`{path}` can't be read as TOML: {why}"]
    assert raised.value.hint == "the file is TOML in UTF-8; `config.example.toml` shows every setting"


SIZE = "a size is a number with its unit, such as `256KB`, `25MB` or `20GB`"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[runs]\nparallel = 0\n', "bad.toml:2: `runs.parallel` is `0`: 1 or more"),
        ("[server]\nmax_body = 0\n", "bad.toml:2: `server.max_body` is `0`: more than 0"),
        ("[server]\nmax_body = -5\n", "bad.toml:2: `server.max_body` is `-5`: more than 0"),
        ('[server]\nmax_body = "0KB"\n', "bad.toml:2: `server.max_body` is `0`: more than 0"),
        ("[server]\nmax_body = true\n", f"bad.toml:2: `server.max_body` is `true`: {SIZE}"),
        ('[workspace]\npoll_every = "0s"\n', "bad.toml:2: `workspace.poll_every` is `0s`: 1 second or more"),
        ('[workspace]\nlooks_back = "25h"\n', "bad.toml:2: `workspace.looks_back` is `25h`: 1 day or less"),
        ("[server]\nport = 99999\n", "bad.toml:2: `server.port` is `99999`: 65535 or less"),
        ('[server]\nport = "x"\n', "bad.toml:2: `server.port` is `x`: a whole number"),
        ("[workspace]\nverify_trigger = 7\n", "bad.toml:2: `workspace.verify_trigger` is `7`: `true` or `false`"),
        ("[git]\nname = true\n", "bad.toml:2: `git.name` is `true`: a text, in quotes"),
        (
            '[workspace]\nmode = "observ"\n',
            "bad.toml:2: `workspace.mode` is `observ`: one of `act`, `observe`; did you mean `observe`?",
        ),
        ('[agents.a]\ntype = "scripted"\nenv = "hunter2"\n', "bad.toml:3: `agents.a.env` is `***`: a table"),
        ('[agents.a]\ntype = "scripted"\n[agents.a.env]\nKEY = 77\n',
         "bad.toml:4: `agents.a.env.KEY` is `***`: a text, in quotes"),
        ('[runs]\ndrain = "99999999999999d"\n',
         "bad.toml:2: `runs.drain` is `99999999999999d`: a duration is at most 36500 days"),
        (f'[git]\nname = "{"x" * 99}"\nemail = ["{"x" * 99}"]\n',
         f"bad.toml:3: `git.email` is `['{'x' * 78}…`: a text, in quotes"),
        ('[limits.dc]\nfirst_answer = "soon"\n',
         f"bad.toml:2: `limits.dc.first_answer` is `soon`: {A_DURATION}"),
        ('[limits.dc]\nfirst_anwser = "1s"\n',
         "bad.toml:2: there is no setting `limits.dc.first_anwser`; did you mean `first_answer`?"),
        ('[limits]\nfirst_answer = "1s"\n', "bad.toml:2: there is no setting `limits.first_answer`"),
        ('[alerts]\nwebhook = "chat.example.com/hunter2"\n',
         "bad.toml:2: `alerts.webhook` is `***`: an address such as `https://jirabot.example.com`"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_is_allowed(tmp_path: Path, content: str, problem: str) -> None:
    assert _problems(tmp_path, content) == [problem]


WRONG: list[object] = [
    *("nonsense", "", "9" * 5000, "[1", "[[1]]", "[null]", '{"a": 1}', "\udc80"),
    *("https://[", "http://a:b", "~no-such-user/x"),
    *(True, -1, 10**30, 1.5, float("nan"), float("inf"), datetime(2026, 11, 26, tzinfo=UTC)),
    *([], [1], [""], [[1]], ["~no-such-user/x"], ["\udc80"], {}, {"a": 1}, {"a": "\udc80"}),
]
"""What somebody may write by mistake, in the file or in a variable."""


def _settings_and_sections(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """List every setting, and every table."""
    for name, field in model.model_fields.items():
        if field.exclude and name not in PLAIN_VARIABLES:
            continue
        yield (*place, name)
        inner = AgentSettings if name == "agents" else field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _settings_and_sections(inner, (*place, name, *(["a"] if name == "agents" else [])))


EVERY = [*_settings_and_sections(Settings), ("agents", "a")]


@pytest.mark.parametrize("place", EVERY, ids=".".join)
def test_of_no_setting_is_a_wrong_value_told_in_the_librarys_words(place: tuple[str, ...]) -> None:
    """What is said is of the one table, or of a validator of ours."""
    for wrong in WRONG:
        values: object = wrong
        for name in reversed(place):
            values = {name: values}
        try:
            Settings.model_validate(values)
        except ValidationError as error:
            for each in error.errors():
                said = told(each, Sources())
                assert said.startswith(("`", "there is no setting `"))
                if each["type"] == "value_error":
                    assert _raised_in(each["ctx"]["error"]) == "jirabot.config.settings", said
                else:
                    assert each["msg"] not in said
                    assert "of another kind" not in said, each["type"]


@pytest.mark.parametrize("key", WorkspaceDefaults.model_fields)
def test_what_a_workspace_can_not_be_set_to_is_told_in_our_words(key: str) -> None:
    said: list[str] = []
    for wrong in (each for each in WRONG if isinstance(each, str)):
        try:
            read_changes([f"{key}={wrong}"])
        except InvalidInput as error:
            said.append(error.message)

    assert [each for each in said if not each.startswith(f"`--set {key}=")] == []
    assert [each for each in said if re.search("[Ii]nput|Value error|Invalid|nable to", each)] == []


def _raised_in(error: BaseException) -> str:
    """Name the module that raised it, not one that this called."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    assert step is not None
    return str(step.tb_frame.f_globals["__name__"])
