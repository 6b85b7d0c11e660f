"""The HTTP status of errors."""

import pytest

from jirabot.daemon.problems import status_of
from jirabot.errors import CodeRefused, ConsentNeeded, Forbidden, JirabotError, JiraRefused, JiraSilent, JiraUnreachable


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Forbidden("x"), 403),
        (CodeRefused("x"), 403),
        (JiraRefused("x", status=401), 502),
        (ConsentNeeded("x"), 502),
        (JiraUnreachable("x"), 502),
        (JiraSilent("x"), 504),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_jira_refuses_is_no_offence_of_the_caller(error: JirabotError, status: int) -> None:
    assert status_of(error) == status
