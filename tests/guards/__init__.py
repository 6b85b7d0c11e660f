"""What keeps each known failure from happening, and the test that fails without it (docs/known-failures.md)."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
TABLE = Path(__file__).parent / "guards.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A piece of `file` (below `jirabot`), what stands there `without` it, and the test that has to fail then."""

    failure: str
    test: str
    file: str
    guard: str
    without: str

    @property
    def path(self) -> str:
        """Name the test as pytest does."""
        return f"tests/{self.test}"

    @property
    def count(self) -> int:
        """Count how often the piece stands in its file."""
        return (PROJECT / "jirabot" / self.file).read_text().count(self.guard)


def read(path: Path = TABLE) -> Sequence[Guard]:
    """Read a table of guards."""
    return [Guard(**each) for each in tomllib.loads(path.read_text())["guards"]]
