"""Who may trigger the bot: a workspace's rule, and what it makes of a link and of Jira's answer. Pure.

By ids and by Jira's own checks, never by what somebody or a role is called.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from jirabot.core.people import Link, LinkState, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Those whom an administrator has linked, or who have proved in Jira who they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anyone:
    """Whoever may write on the issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfGroup:
    """The members of a group: its id on Cloud, its name on Data Center, which has no ids of groups."""

    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRole:
    """Those who have a role in the issue's project, themselves or by a group; by the role's id."""

    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CanEdit:
    """Those who may edit the issue."""


WhoMay = Linked | Anyone | OfGroup | OfRole | CanEdit


def who_may(setting: str) -> WhoMay:
    """Read a workspace's setting, which the configuration has checked."""
    kind, _, id_ = setting.partition(":")
    match kind:
        case "anyone":
            return Anyone()
        case "group":
            return OfGroup(group=id_)
        case "role":
            return OfRole(role=id_)
        case "can-edit":
            return CanEdit()
        case _:
            return Linked()


def rights(rule: WhoMay) -> tuple[str, ...]:
    """List the permissions that the service account needs to ask Jira what the rule wants to know of others.

    Source: "The Jira Cloud platform REST API", Get user groups, Get project role for project, Find users with
    permissions.
    """
    match rule:
        case Linked() | Anyone():
            return ()
        case OfGroup():
            return ("USER_PICKER",)
        case OfRole():
            return ("ADMINISTER_PROJECTS", "USER_PICKER")
        case CanEdit():
            return ("ADMINISTER_PROJECTS",)
        case _:
            assert_never(rule)


class Verdict(StrEnum):
    """What Jira says of somebody, as the rule asks it."""

    ALLOWED = "allowed"
    """The rule holds of them, or asks nothing of Jira."""
    DENIED = "denied"
    CUSTOMER = "customer"
    """They are a customer of the service desk."""
    UNREADABLE = "unreadable"
    """Jira does not let the service account know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Jira's verdict, and why there is none where it is unreadable: `cause` in its words, and what to do."""

    verdict: Verdict
    cause: str = ""
    fix: str = ""


UNASKED = Standing(verdict=Verdict.ALLOWED)
"""What is taken until Jira was asked. Nothing is done on it."""


UNKNOWN = Standing(verdict=Verdict.UNREADABLE)
"""What is taken where something is to be done, and Jira was not asked: that nobody may."""


class Denied(StrEnum):
    """Why somebody may not trigger the bot; each is a `decisions.Reason` too."""

    NOT_LINKED = "not-linked"
    LINK_ENDED = "link-ended"
    NOT_ALLOWED = "not-allowed"
    CUSTOMER = "customer"
    UNREADABLE = "permission-unreadable"


def allowed(rule: WhoMay, link: Link | None, standing: Standing) -> Denied | None:
    """Say why somebody may not trigger the bot; None where they may.

    *link* is the account's newest. Where Jira decides, it decides of those who are linked too: what it took away is
    not kept by a link. An ended link refuses in any case: it was ended by its person or an administrator.
    """
    if standing.verdict is Verdict.CUSTOMER:
        return Denied.CUSTOMER
    match rule:
        case Linked():
            return None if is_named(link) else Denied.NOT_LINKED
        case Anyone() | OfGroup() | OfRole() | CanEdit():
            return _by_jira(link, standing.verdict)
        case _:
            assert_never(rule)


def _by_jira(link: Link | None, verdict: Verdict) -> Denied | None:
    if link is not None and link.state is LinkState.ENDED:
        return Denied.LINK_ENDED
    match verdict:
        case Verdict.ALLOWED:
            return None
        case Verdict.UNREADABLE:
            return Denied.UNREADABLE
        case Verdict.DENIED:
            return Denied.NOT_ALLOWED
        case Verdict.CUSTOMER:
            return Denied.CUSTOMER
        case _:
            assert_never(verdict)


def is_named(link: Link | None) -> bool:
    """Say whether a link counts that somebody has made: an app, and the service account, are heard by such alone."""
    return link is not None and link.state is LinkState.ACTIVE and link.origin is not Origin.AUTO
