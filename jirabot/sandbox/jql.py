"""The little JQL that this Jira understands: conjunctions of simple clauses, and an order.

Source: "Use advanced search with Jira Query Language (JQL)"; everything else is refused, never guessed.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.sandbox.issues import Issue, Project
from jirabot.sandbox.refusals import Refusal

_ORDER = re.compile(
    r"\s*\border\s+by\s+(?P<field>created|updated|key)(?:\s+(?P<direction>asc|desc))?\s*$", re.IGNORECASE
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\s*(?P<field>\w+)\s*(?P<operator>not\s+in|in|!=|>=|<=|=|>|<)\s*(?P<value>.+?)\s*$", re.IGNORECASE
)
_AGO = re.compile(r"-(?P<count>\d+)(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_VALUES: dict[str, Callable[[Issue], set[str]]] = {
    "project": lambda issue: {issue.project.key, issue.project.name, issue.project.id},
    "key": lambda issue: {issue.key, issue.id},
    "issuekey": lambda issue: {issue.key, issue.id},
    "id": lambda issue: {issue.key, issue.id},
    "status": lambda issue: {issue.status.name, issue.status.id},
    "issuetype": lambda issue: {issue.issue_type},
    "labels": lambda issue: set(issue.labels),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was understood."""

    clauses: tuple[Callable[[Issue], bool], ...]
    order: str
    descending: bool

    def matches(self, issue: Issue) -> bool:
        """Say whether an issue is found."""
        return all(clause(issue) for clause in self.clauses)

    def select(self, issues: Iterable[Issue]) -> list[Issue]:
        """Find issues, in the query's order."""
        keys: dict[str, Callable[[Issue], tuple[datetime, int]]] = {
            "created": lambda issue: (issue.created, int(issue.id)),
            "updated": lambda issue: (issue.updated, int(issue.id)),
            "key": lambda issue: (issue.created, int(issue.id)),
        }
        return sorted(filter(self.matches, issues), key=keys[self.order], reverse=self.descending)


def parse(text: str, *, now: datetime, projects: Collection[Project] | None = None) -> Query:
    """Read a query; *projects*: those that it may name, if that is to be checked.

    Raises:
        Refusal: 400, it holds something that this Jira does not know.
    """
    order = _ORDER.search(text)
    body = text[: order.start()] if order else text
    clauses = tuple(_clause(part, now, projects) for part in conjuncts(body))
    return Query(
        clauses=clauses,
        order=order["field"].lower() if order else "created",
        descending=not order or (order["direction"] or "asc").lower() == "desc",
    )


def conjuncts(text: str) -> list[str]:
    """Split a query at each `and`, and take off the parentheses around what is one itself."""
    parts: list[str] = []
    for piece in _AND.split(text) if text.strip() else []:
        if parts and parts[-1].count("(") > parts[-1].count(")"):
            parts[-1] += f" and {piece}"
        else:
            parts.append(piece.strip())
    inner = [conjuncts(part[1:-1]) if part.startswith("(") and part.endswith(")") else [part] for part in parts]
    return [part for found in inner for part in found]


def _clause(text: str, now: datetime, projects: Collection[Project] | None) -> Callable[[Issue], bool]:
    found = _CLAUSE.match(text)
    if found is None:
        raise Refusal(400, f"Error in the JQL Query: '{text}' is not understood.")
    field, operator = found["field"].lower(), " ".join(found["operator"].lower().split())
    if field in ("updated", "created") and operator in (">=", ">", "<=", "<"):
        return _time_clause(field, operator, found["value"], now)
    if field not in _VALUES or operator not in ("=", "!=", "in", "not in"):
        raise Refusal(400, f"Field '{found['field']}' does not exist or you do not have permission to view it.")
    wanted = {value.strip().strip("\"'") for value in found["value"].strip("()").split(",")}
    if field == "project" and projects is not None:
        unknown = wanted - {name for each in projects for name in (each.key, each.name, each.id)}
        if unknown:
            raise Refusal(400, f"The value '{min(unknown)}' does not exist for the field 'project'.")
    values, is_wanted = _VALUES[field], operator in ("=", "in")
    return lambda issue: bool(values(issue) & wanted) is is_wanted


def _time_clause(field: str, operator: str, value: str, now: datetime) -> Callable[[Issue], bool]:
    ago = _AGO.fullmatch(value.strip("\"'"))
    if ago is None:
        raise Refusal(400, f"Date value '{value}' for field '{field}' is invalid.")
    limit = now - timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])})
    later = operator.startswith(">")
    return lambda issue: (getattr(issue, field) >= limit) is later
