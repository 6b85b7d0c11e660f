"""What this Jira says instead of doing what it was asked: a status and the two kinds of messages of Jira's errors."""

from collections.abc import Mapping
from typing import Any

from jirabot.errors import JiraRejected


class Refusal(JiraRejected):
    """Jira's answer to a request that it does not carry out.

    Source: "The Jira Cloud platform REST API", section Status codes: `errorMessages` and `errors` by field.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message or "; ".join((errors or {}).values()) or f"status {status}", status=status)
        self.headers = dict(headers or {})
        self.body = dict(body or {"errorMessages": [message] if message else [], "errors": dict(errors or {})})


def not_found(what: str) -> Refusal:
    """Make the answer for what is not there, or may not be seen: Jira does not tell which."""
    return Refusal(404, f"{what} does not exist or you do not have permission to see it.")
