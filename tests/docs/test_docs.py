"""The papers say what is true: example, helps, README, texts, tables of errors, dependencies, layers, weight."""

import ast
import contextlib
import io
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import resources
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import typer.main

from jirabot.cli.exits import EXIT, Exit
from jirabot.cli.main import app, main
from jirabot.config import example, load
from jirabot.core.agents import FailureKind
from jirabot.core.commands import Command
from jirabot.core.cures import CURES, NONE
from jirabot.core.decisions import Reason
from jirabot.core.texts import load as load_texts
from jirabot.core.troubles import DEGRADING
from jirabot.core.troubles import Reason as Trouble
from jirabot.daemon import metrics
from jirabot.daemon.problems import STATUS
from jirabot.errors import Kind
from tests.conftest import REPOSITORY
from tests.e2e import api_table

SOURCE = REPOSITORY / "jirabot"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
MISTAKES = REPOSITORY / "docs" / "commands.md"
"""Tells what is answered to commands that are not there."""
PAPERS = [
    REPOSITORY / "README.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted({*(REPOSITORY / "docs").rglob("*.md")} - {MISTAKES}),
]

LATER: set[str] = set()
"""Commands that sentences name already, and that come with a later issue."""


def _commands() -> dict[str, Any]:
    """List all commands by what is typed after `jirabot`."""
    found: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = command
        else:
            waiting += [(f"{name} {word}".strip(), each) for word, each in inner.items()]
    return found


COMMANDS = _commands()
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


def _help(*command: str) -> str:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert main([*command, "--help"]) == 0
    return told.getvalue()


def test_the_example_is_made_of_the_settings() -> None:
    assert (REPOSITORY / "config.example.toml").read_text() == example()


def test_the_page_of_the_api_is_what_is_declared_and_what_the_plays_get() -> None:
    assert api_table.PAGE.read_text() == api_table.page(), "write it anew: python -m tests.e2e.api_table"


def test_the_example_can_be_used_when_each_setting_is_taken_in(tmp_path: Path) -> None:
    used = re.sub(r"^# (?=\[|\w+ = )", "", example(), flags=re.MULTILINE)
    path = tmp_path / "jirabot.toml"
    path.write_text(used)

    settings = load(path)

    assert settings.agent_name() == "local"
    assert settings.agents["local"].command == ("my-agent", "--quiet")
    assert settings.server.max_body == 25_000_000


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_help_has_two_examples_of_its_command(command: str) -> None:
    told = " ".join(_help(*command.split()).split())

    _, _, shown = told.partition("Examples: ")
    assert len(re.findall(rf"jirabot (?:--\S+ \S+ )?{command}\b", shown)) >= 2


def test_the_first_help_is_one_screen_and_no_line_of_it_is_cut() -> None:
    lines = _help().splitlines()

    assert len(lines) <= 45
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.endswith("...") and "COMMAND" not in line] == []


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_no_line_of_a_groups_help_is_cut(group: str) -> None:
    assert [line for line in _help(group).splitlines() if line.endswith("...") and "COMMAND" not in line] == []


def _typed(paper: Path) -> Iterator[list[str]]:
    """Give each `jirabot …` that stands in a block of shell lines of a paper, in words."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", paper.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|(?!\w)", line.partition(" #")[0]):
                words = shlex.split(part)
                if words[:1] == ["jirabot"]:
                    yield words[1:]


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words)) for p in PAPERS for words in _typed(p)])
def test_what_the_papers_tell_to_type_is_there(words: list[str]) -> None:
    name = next((name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS), None)
    assert name is not None, f"no such command: jirabot {' '.join(words)}"

    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_commands_that_sentences_name_are_there_or_come_later() -> None:
    texts = [path.read_text() for path in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.toml"), *PAPERS]]
    named = {words for text in texts for words in re.findall(r"`jirabot ([a-z]+(?: [a-z-]+\b)?)", text)}
    known = {*COMMANDS, *GROUPS}

    missing = {words for words in named if words not in known and words.split()[0] not in COMMANDS}
    assert missing <= LATER
    assert LATER.isdisjoint(known)


def test_what_sentences_tell_to_say_to_the_bot_is_a_command_of_it() -> None:
    """A word alone that is none is a task for the agent behind a mention, and nothing at all without one."""
    texts = [path.read_text() for path in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.toml")]]
    told = r"\b(?:reply|replies|answer|comment|mention\b[^`.;\n]*|; with) `([a-z]+)`"
    named = {word for text in texts for word in re.findall(told, text, re.IGNORECASE)}

    assert {Command.STOP.value} <= named <= {command.value for command in Command}


def test_what_sentences_tell_to_run_is_given_what_it_needs() -> None:
    texts = [path.read_text() for path in SOURCE.rglob("*.py")]
    told = {words for text in texts for words in re.findall(r"\b(?:run|in) `jirabot ([^`\n]+)`", text)}

    assert "workspace list" in told
    assert [words for words in told if not _is_whole(words.split())] == []


def _is_whole(words: list[str]) -> bool:
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    needed = [parameter for parameter in COMMANDS[name].params if parameter.required]
    return len(words) - len(name.split()) >= len(needed)


@pytest.mark.parametrize("reason", [reason for reason, cure in CURES.items() if cure != NONE])
def test_what_is_told_to_do_about_a_reason_can_be_typed(reason: str) -> None:
    typed = [shlex.split(words) for words in re.findall(r"`jirabot ([^`]+)`", " ".join(CURES[reason]))]

    assert typed
    for words in typed:
        name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
        COMMANDS[name].make_context(name, words[len(name.split()) :])


def test_every_kind_of_error_has_its_exit_code() -> None:
    assert EXIT == {
        Kind.INVALID: Exit.USAGE,
        Kind.NOT_FOUND: Exit.NOT_FOUND,
        Kind.CONFLICT: Exit.FAILED,
        Kind.UNAUTHENTICATED: Exit.REFUSED,
        Kind.FORBIDDEN: Exit.REFUSED,
        Kind.LIMITED: Exit.UNREACHABLE,
        Kind.UNREACHABLE: Exit.UNREACHABLE,
        Kind.REJECTED: Exit.FAILED,
        Kind.UNAVAILABLE: Exit.FAILED,
        Kind.CONFIGURATION: Exit.CONFIGURATION,
        Kind.FAILED: Exit.FAILED,
        Kind.INTERNAL: Exit.FAILED,
    }
    assert set(EXIT) == set(Kind)
    assert {code.name: code.value for code in Exit} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "REFUSED": 4,
        "UNREACHABLE": 5,
        "CONFIGURATION": 6,
        "INTERRUPTED": 130,
    }


def test_every_trouble_is_told_with_when_it_ends() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", (REPOSITORY / "docs/operations/alerts.md").read_text(), re.MULTILINE)

    assert sorted(rows) == sorted(Trouble)


def test_the_troubles_by_which_no_progress_is_shown_are_told_by_name() -> None:
    page = (REPOSITORY / "docs/operations/alerts.md").read_text()
    told = re.findall(r"While ([^.]*?) stands, its first answers show no progress", page)

    assert [set(re.findall(r"`([\w-]+)`", names)) for names in told] == [set(DEGRADING)]


def test_every_metric_is_told_with_its_labels() -> None:
    page = (REPOSITORY / "docs/operations/metrics.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", page, re.MULTILINE)

    declared = {**metrics.COUNTERS, **metrics.GAUGES, **metrics.HISTOGRAMS}
    told = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert told == {name: each.labels for name, each in declared.items()}


def test_every_counter_is_counted_by_an_event_that_is_told() -> None:
    code = "".join(path.read_text() for path in SOURCE.rglob("*.py") if path.name != "metrics.py")

    assert {each.counter for counted in metrics.EVENTS.values() for each in counted} == set(metrics.COUNTERS)
    assert [event for event in metrics.EVENTS if f'"{event}"' not in code] == []


def test_every_kind_of_error_has_its_http_status() -> None:
    assert set(STATUS) == set(Kind)


def test_every_text_is_said_somewhere() -> None:
    code = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    of_failures = {*(kind.value for kind in FailureKind), "git", "jira", "secret", "internal"}
    by_value = {"reason": {reason.value for reason in Reason}, "failure": of_failures, "advice": of_failures}

    def is_said(id_: str) -> bool:
        table, _, entry = id_.partition(".")
        made_of = (f"{id_[:length]}{{" for length in range(len(table) + 2, len(id_)))
        written = id_ in code or f'"{entry}"' in code or any(prefix in code for prefix in made_of)
        return written or entry in by_value.get(table, set())

    assert [id_ for id_ in load_texts().parameters() if not is_said(id_)] == []


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


DEPENDENCIES = [_name(requirement) for requirement in PROJECT["dependencies"]]


def test_every_dependency_has_its_reason() -> None:
    rows = re.findall(r"^\| ([\w, -]+) \|", (REPOSITORY / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    told = {name.strip() for row in rows for name in row.split(",")} - {"package"}

    assert told == set(DEPENDENCIES)


def test_development_tools_are_told_too() -> None:
    told = (REPOSITORY / "docs" / "dependencies.md").read_text()
    tools = [_name(requirement) for requirement in PROJECT["optional-dependencies"]["dev"]]

    assert [tool for tool in tools if not tool.startswith("types-") and tool not in told] == []


PART_OF = {"yarl": "aiohttp", "markupsafe": "jinja2"}
"""What is imported beside the package whose interface it is a part of."""


def test_nothing_is_imported_that_is_not_declared() -> None:
    imported = set[str]()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    distributions = packages_distributions()
    foreign = {PART_OF.get(name, name) for name in imported - sys.stdlib_module_names - {"jirabot"}}

    declared = {name for name in foreign if {each.lower() for each in distributions[name]} & {*DEPENDENCIES}}
    assert foreign - declared == set()


def test_the_layers_hold() -> None:
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"

    ended = subprocess.run(
        [sys.executable, "-c", command], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 0, ended.stdout


def test_the_command_line_is_light_to_import() -> None:
    heavy = "{'aiohttp', 'sqlalchemy', 'cryptography', 'structlog', 'alembic', 'keyring', 'orjson', 'rich', 'pydantic',"
    heavy += " 'prometheus_client'}"
    command = f"import sys, jirabot.cli.main; print(sorted({heavy} & set(sys.modules)))"

    ended = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout == "[]\n"


def test_the_package_carries_its_texts() -> None:
    assert resources.files("jirabot.core.texts").joinpath("en.toml").is_file()
