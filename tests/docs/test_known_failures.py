"""The table of known failures names all of them, and tests that are there."""

import ast
import functools
import re

import pytest

from tests import guards
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "known-failures.md"
TESTS = REPOSITORY / "tests"
SOURCE = REPOSITORY / "jirabot"
TO_COME = "*to come*"

ROWS = dict(re.findall(r"^\| (F\d+) \| [^|]+ \| ([^|]+) \|$", PAGE.read_text(), re.MULTILINE))
NAMED = [(number, name) for number, cell in ROWS.items() for name in re.findall(r"`([^`]+)`", cell)]

WAITING: set[int] = set()
"""Those that a test is still missing for."""

DEPLOYMENTS = {"cloud", "dc"}
MAY_ASK = {"jira/deployments.py", "cli/demo.py", "cli/sandbox.py", "cli/story.py"}
"""Who asks which deployment it is: the one place for a difference, and the demo, which makes a Jira of its own."""


@functools.cache
def _defined(file: str) -> frozenset[str]:
    """List the tests of a file by reading it, which imports nothing."""
    tree = ast.parse((TESTS / file).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {node.name for node in ast.walk(tree) if isinstance(node, functions) and node.name.startswith("test_")}
    return frozenset(found)


def test_all_of_them_are_there_in_order() -> None:
    assert list(ROWS) == [f"F{number}" for number in range(1, 87)]


@pytest.mark.parametrize(("number", "name"), NAMED, ids=[f"{number} {name}" for number, name in NAMED])
def test_a_named_test_is_there(number: str, name: str) -> None:
    file, _, test = name.partition("::")

    assert (TESTS / file).is_file(), f"{number} names a file that is not there"
    assert _defined(file)
    assert not test or test in _defined(file), f"{number} names a test that is not there"


def test_each_has_a_test_or_a_reason_or_waits() -> None:
    waiting = {int(number[1:]) for number, cell in ROWS.items() if TO_COME in cell}

    assert waiting == WAITING
    assert [number for number, cell in ROWS.items() if not cell.strip()] == []


@pytest.mark.parametrize("guard", guards.read(), ids=lambda guard: guard.failure)
def test_a_guard_that_is_tried_is_there(guard: guards.Guard) -> None:
    """`python -m tests.guards` takes it out; here it is held to the code and the page."""
    file, _, test = guard.test.partition("::")
    name = test.partition("[")[0].rpartition("::")[2]

    assert guard.count == 1, f"the guard against {guard.failure} stands {guard.count} times in `{guard.file}`"
    assert {f"{file}::{name}", file} & set(re.findall(r"`([^`]+)`", ROWS[guard.failure]))


def test_one_module_alone_asks_which_deployment_it_is() -> None:
    """F69: a difference between Cloud and Data Center has one home, so that the two can't drift apart."""
    asking = set[str]()
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("sandbox/") or name in MAY_ASK:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and any(_is_deployment(each) for each in (node.left, *node.comparators)):
                asking.add(name)

    assert asking == set()


def _is_deployment(node: ast.expr) -> bool:
    values = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return any(isinstance(value, ast.Constant) and value.value in DEPLOYMENTS for value in values)
