"""Who may trigger the bot, by a workspace's rule, a link, and what Jira says."""

import pytest

from jirabot.config import WorkspaceDefaults
from jirabot.core.decisions import Reason
from jirabot.core.people import LinkState, Origin
from jirabot.core.permissions import (
    UNASKED,
    Anyone,
    CanEdit,
    Denied,
    Linked,
    OfGroup,
    OfRole,
    Standing,
    Verdict,
    allowed,
    who_may,
)

from .values import link

pytestmark = pytest.mark.fast

BY_HAND, AUTO, OAUTH = link(), link(origin=Origin.AUTO), link(origin=Origin.OAUTH)
ENDED, ENDED_AUTO = (link(origin=origin, state=LinkState.ENDED) for origin in (Origin.HAND, Origin.AUTO))
ASKS_JIRA = [Anyone(), OfGroup(group="g"), OfRole(role="10002"), CanEdit()]


def says(verdict: Verdict) -> Standing:
    return Standing(verdict=verdict)


@pytest.mark.parametrize(
    ("given", "denied"),
    [
        pytest.param(BY_HAND, None, id="linked by hand"),
        pytest.param(OAUTH, None, id="linked by OAuth"),
        pytest.param(AUTO, Denied.NOT_LINKED, id="a link that was made by itself does not count"),
        pytest.param(ENDED, Denied.NOT_LINKED, id="a link that was ended"),
        pytest.param(None, Denied.NOT_LINKED, id="never linked"),
    ],
)
def test_linked_knows_links_that_somebody_made(given, denied):
    assert allowed(Linked(), given, UNASKED) is denied


@pytest.mark.parametrize("rule", ASKS_JIRA, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    ("given", "verdict", "denied"),
    [
        pytest.param(None, Verdict.ALLOWED, None, id="Jira allows a stranger"),
        pytest.param(AUTO, Verdict.ALLOWED, None, id="and one who was allowed before"),
        pytest.param(AUTO, Verdict.DENIED, Denied.NOT_ALLOWED, id="what Jira took away, no link keeps"),
        pytest.param(BY_HAND, Verdict.DENIED, Denied.NOT_ALLOWED, id="nor one by hand"),
        pytest.param(None, Verdict.UNREADABLE, Denied.UNREADABLE, id="no answer is no yes"),
        pytest.param(BY_HAND, Verdict.UNREADABLE, Denied.UNREADABLE, id="not for the linked either"),
        pytest.param(ENDED, Verdict.ALLOWED, Denied.LINK_ENDED, id="F78: a link that was ended stays so"),
        pytest.param(ENDED_AUTO, Verdict.ALLOWED, Denied.LINK_ENDED, id="F78: whoever had made it"),
    ],
)
def test_where_jira_decides_it_decides_of_all(rule, given, verdict, denied):
    assert allowed(rule, given, says(verdict)) is denied


@pytest.mark.parametrize("rule", [Linked(), *ASKS_JIRA], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("given", [None, BY_HAND], ids=["unlinked", "linked"])
def test_a_customer_may_by_no_rule(rule, given):
    assert allowed(rule, given, says(Verdict.CUSTOMER)) is Denied.CUSTOMER


@pytest.mark.parametrize("denied", list(Denied))
def test_each_denial_is_a_reason_of_a_decision(denied):
    assert Reason(denied.value)


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("linked", Linked()),
        ("anyone", Anyone()),
        ("group:276f955c-63d7", OfGroup(group="276f955c-63d7")),
        ("group:jira administrators", OfGroup(group="jira administrators")),
        ("group:team:web", OfGroup(group="team:web")),
        ("role:10002", OfRole(role="10002")),
        ("can-edit", CanEdit()),
    ],
)
def test_a_setting_is_read(setting, rule):
    assert who_may(WorkspaceDefaults(who_may=setting).who_may) == rule


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param("role:Developers", id="F82: a role by its name"),
        "role:",
        "role:\u0661",
        "group:",
        "group: ",
        "linked:x",
        "anyone:10",
        "everyone",
        "",
    ],
)
def test_what_says_nothing_is_refused(setting):
    with pytest.raises(ValueError, match="one of `linked`, `anyone`, `can-edit`, `group:ID`, `role:ID`"):
        WorkspaceDefaults(who_may=setting)
