"""What the managers know of git: a clone a conversation, and what came of a turn in it."""

from dataclasses import dataclass
from pathlib import Path

from jirabot.core.network import AS_THE_MACHINE, Network
from jirabot.core.repositories import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository's address, its workspace's network, and the token where one is needed: a secret, not in `repr`.

    `user` is the name that the host wants beside the token; empty where any will do.
    """

    name: str
    url: str
    user: str = ""
    token: str = ""
    network: Network = AS_THE_MACHINE

    def __repr__(self) -> str:
        """Show the address only."""
        return f"Remote(name={self.name!r}, url={self.url!r})"


def remote_of(repository: Repository, *, token: str | None, network: Network) -> Remote:
    """Tell git what it needs to know of *repository*."""
    return Remote(name=repository.name, url=repository.url, user=repository.user, token=token or "", network=network)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A conversation's folder with a clone in it (or empty, where no repository is known: `branch` is empty then).

    `folder` holds `clone` (where the agent works), `home` and `session`, all private to the conversation. `earlier`
    names the folder in `home` with what the agent wrote before a repository was known; empty where there is none.
    """

    folder: Path
    branch: str = ""
    base: str = ""
    earlier: str = ""

    @property
    def clone(self) -> Path:
        """Where the agent works."""
        return self.folder / "clone"

    @property
    def home(self) -> Path:
        """The agent's HOME."""
        return self.folder / "home"

    @property
    def session(self) -> Path:
        """What the agent keeps from turn to turn."""
        return self.folder / "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a commit says of whom it is for: the author (`[git] name`, `email`) and the trailers' values."""

    name: str
    email: str
    issue_key: str
    requested_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What git says of a conversation's branch after a turn. No commits: nothing was pushed.

    `diff_stat` is `git diff --stat` against the base.
    """

    branch: str
    base: str
    commits_count: int
    pushed: bool
    diff_stat: str = ""
