"""Who may read a comment. Every effect carries it; an answer is never seen by more people than what it answers."""

from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Public:
    """Whoever sees the issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """Members of a project role or a group. `type` is Jira's `role` or `group`."""

    type: str
    value: str
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Internal:
    """A service desk's agents, not its customers."""


Visibility = Public | Restricted | Internal


def readers(visibility: Visibility) -> str:
    """Name those who may read: the same name for the same people."""
    match visibility:
        case Public():
            return "public"
        case Internal():
            return "internal"
        case Restricted(type=type_, value=value):
            return f"{type_}/{value}"
        case _:
            assert_never(visibility)


def may_be_told(of: Visibility, to: Visibility) -> bool:
    """Say whether text of visibility *of* may be quoted where *to* reads.

    Source: Jira Service Management documentation, "Internal comments"; conformance B64, F44.
    """
    return of in (Public(), to)


def narrower(one: Visibility, other: Visibility) -> Visibility | None:
    """Find who may read an answer to both; None where they are for different people, and nobody may."""
    if one == other or other == Public():
        return one
    return other if one == Public() else None


def kept_from_customers(visibility: Visibility) -> Visibility:
    """Find who may read an answer on a service desk that tells its customers nothing."""
    return Internal() if visibility == Public() else visibility
