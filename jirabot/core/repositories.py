"""Which repository an issue belongs to: exact words only, in the order of DESIGN.md section 9. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from jirabot.core.ids import RepositoryId, WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository that `repo add` named, and which issues are its own."""

    id: RepositoryId
    workspace_id: WorkspaceId
    name: str
    url: str
    base: str = ""
    projects: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    is_default: bool = False
    user: str = ""
    has_token: bool = False
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFacts:
    """What of an issue tells its repository. `links` are the addresses of its web links."""

    description: str
    project_key: str
    components: tuple[str, ...]
    labels: tuple[str, ...]
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a comment says. `is_answer`: it may answer "which repository?", and then a name alone is enough."""

    text: str
    is_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Exactly one repository; `by` says what named it."""

    repository: Repository
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """None, or several: `candidates` are the ones to choose among (all, where nothing was named)."""

    candidates: tuple[Repository, ...]
    ambiguous: bool


_NAMED = re.compile(r"(?:^|(?<=[\s(\[]))repo:([\w][\w./-]*)", re.IGNORECASE)
_LINE = re.compile(r"^\s*(?:\*\*|\*)?repository(?:\*\*|\*)?:(?:\*\*|\*)?\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"(?:https?|ssh|git)://[^\s<>()\[\]\"'|]+|git@[\w.-]+:[^\s<>()\[\]\"'|]+")
_BRANCH_WORD = re.compile(r"(?:^|(?<=[\s(\[]))branch:([\w][\w./-]*)", re.IGNORECASE)
_BRANCH_LINE = re.compile(r"^\s*branch:\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)


def resolve(repositories: Sequence[Repository], comments: Sequence[Said], issue: IssueFacts) -> Resolved | Unresolved:
    """Find the one repository of an issue.

    In this order, the first that names any known repository decides: the comments (newest first), the description,
    the issue's web links, then components, labels, project as `repo add` tied them, then the workspace's default.
    Words that match nothing are ignored.
    """
    spoken: list[tuple[str, set[RepositoryId]]] = [("comment", _told(repositories, said)) for said in comments]
    spoken.append(("description", _named(repositories, issue.description)))
    spoken.append(("web link", _addressed(repositories, issue.links)))
    spoken.extend(_tied(repositories, issue))
    spoken.append(("default", {r.id for r in repositories if r.is_default}))
    for by, found in spoken:
        if found:
            candidates = tuple(r for r in repositories if r.id in found)
            if len(candidates) == 1:
                return Resolved(repository=candidates[0], by=by)
            return Unresolved(candidates=candidates, ambiguous=True)
    return Unresolved(candidates=tuple(repositories), ambiguous=False)


def answer(repositories: Sequence[Repository], text: str) -> Repository | None:
    """Read the answer to "which repository?": the name alone counts too, not only `repo:NAME`."""
    words = {word.strip("`'\".,;:!?()[]").lower() for word in text.split()}
    found = {r.id for r in repositories if r.name.lower() in words} or _named(repositories, text)
    return next((r for r in repositories if r.id in found), None) if len(found) == 1 else None


def base_branch(comments: Iterable[str], description: str) -> str:
    """Find the base branch that was asked for: `branch:NAME` in a comment, else `Branch: NAME` in the description."""
    for text in comments:
        if match := _BRANCH_WORD.search(text):
            return match[1].rstrip(".")
    match = _BRANCH_LINE.search(description)
    return match[1] if match else ""


def _told(repositories: Sequence[Repository], said: Said) -> set[RepositoryId]:
    if said.is_answer and (found := answer(repositories, said.text)):
        return {found.id}
    return _named(repositories, said.text)


def _named(repositories: Sequence[Repository], text: str) -> set[RepositoryId]:
    names = {m.rstrip(".").lower() for m in _NAMED.findall(text)} | {m.lower() for m in _LINE.findall(text)}
    found = {r.id for r in repositories if r.name.lower() in names}
    return found or _addressed(repositories, [*_ADDRESS.findall(text), *names])


def _addressed(repositories: Sequence[Repository], addresses: Iterable[str]) -> set[RepositoryId]:
    given = [_normal(address) for address in addresses]
    known = {r.id: _normal(r.url) for r in repositories}
    return {id_ for id_, url in known.items() if any(g == url or g.startswith(url + "/") for g in given)}


def _normal(address: str) -> str:
    """Reduce an address to host and path, so that `git@host:a/b.git` and `https://host/a/b` are one repository."""
    if address.startswith("git@"):
        host, _, path = address.removeprefix("git@").partition(":")
    else:
        try:
            parts = urlsplit(address)
            host, path = parts.netloc.rpartition("@")[2], parts.path
        except ValueError:
            return address.lower()
    return f"{host}/{path.strip('/.,;')}".lower().removesuffix(".git")


def _tied(repositories: Sequence[Repository], issue: IssueFacts) -> list[tuple[str, set[RepositoryId]]]:
    def having(given: Iterable[str], tied: str) -> set[RepositoryId]:
        wanted = {value.lower() for value in given}
        return {r.id for r in repositories if wanted & {v.lower() for v in getattr(r, tied)}}

    return [
        ("component", having(issue.components, "components")),
        ("label", having(issue.labels, "labels")),
        ("project", having([issue.project_key], "projects")),
    ]
