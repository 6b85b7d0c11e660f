"""What a principal may: the whole table of who is what, and whose it is."""

from dataclasses import replace
from typing import Any

import pytest

from jirabot.core.access import EVERYTHING, Rights, Sight, check_operator, insiders, rights
from jirabot.core.conversations import Message, MessageKind
from jirabot.core.ids import AccountId, ConversationId, MessageId, TriggerKey, UserId, WorkspaceId
from jirabot.core.people import DAEMON, SHELL, Account, Link, LinkState, Principal, Role
from jirabot.core.visibility import Internal, Public, Restricted, Visibility
from jirabot.errors import Forbidden

from .values import ADA, GRACE, NOW, WS, conversation, link

pytestmark = pytest.mark.fast

OTHER = WorkspaceId("other")
NOBODY = Account(id=AccountId(""))


def linked(account: Account = ADA, **changes: Any) -> Link:
    given: dict[str, Any] = {"user_id": UserId("u"), "user_name": "ada", "state": LinkState.ACTIVE, "created_at": NOW}
    return replace(link(account), **{**given, **changes})


def token(**how: Any) -> Principal:
    return Principal(**{"kind": "token", "name": "ci", "user": "ada", **how})


USER, INSTANCE_ADMIN = token(), token(role=Role.ADMIN)
OF_WS, ADMIN_OF_WS = token(workspace_id=WS), token(role=Role.ADMIN, workspace_id=WS)
BOTH = [linked(role=Role.ADMIN), linked(workspace_id=OTHER, role=Role.ADMIN)]


@pytest.mark.parametrize(
    ("by", "links", "may"),
    [
        pytest.param(SHELL, [], {WS, OTHER}, id="the shell"),
        pytest.param(DAEMON, [], {WS, OTHER}, id="the daemon"),
        pytest.param(INSTANCE_ADMIN, [], {WS, OTHER}, id="an administrator of everything"),
        pytest.param(ADMIN_OF_WS, [], {WS}, id="one of a workspace"),
        pytest.param(ADMIN_OF_WS, BOTH, {WS}, id="one of a workspace, whose user has another: only the token's"),
        pytest.param(USER, [], set(), id="a user without links"),
        pytest.param(USER, [linked()], set(), id="a user with a link"),
        pytest.param(USER, [linked(role=Role.ADMIN)], {WS}, id="F32: who has a link as administrator"),
        pytest.param(USER, BOTH, {WS, OTHER}, id="in two workspaces"),
        pytest.param(OF_WS, BOTH, {WS}, id="with a token of one of them"),
        pytest.param(
            USER,
            [linked(NOBODY, role=Role.ADMIN, state=LinkState.PENDING)],
            {WS},
            id="who made it, with no account yet",
        ),
        pytest.param(USER, [linked(role=Role.ADMIN, state=LinkState.ENDED)], set(), id="whose link has ended"),
        pytest.param(Principal(kind="x", name="x"), [], set(), id="somebody of whom nothing is said"),
    ],
)
def test_who_administers_what(by, links, may):
    assert {each for each in (WS, OTHER) if rights(by, links).may_administer(each)} == may


@pytest.mark.parametrize(
    ("by", "links", "seen"),
    [
        pytest.param(SHELL, [], EVERYTHING, id="the shell"),
        pytest.param(ADMIN_OF_WS, [], Sight(workspaces=frozenset({WS})), id="administrator of a workspace"),
        pytest.param(
            USER,
            [linked(), linked(GRACE), linked(workspace_id=OTHER)],
            Sight(workspaces=frozenset(), accounts=frozenset({(WS, ADA.id), (WS, GRACE.id), (OTHER, ADA.id)})),
            id="a user, by each account",
        ),
        pytest.param(
            USER,
            [linked(NOBODY, state=LinkState.PENDING), linked(state=LinkState.ENDED)],
            Sight(workspaces=frozenset()),
            id="a link that is pending or has ended shows nothing",
        ),
    ],
)
def test_what_is_seen_in_lists(by, links, seen):
    assert rights(by, links).sight == seen


HERS = Rights(everything=False, accounts={WS: frozenset({ADA})})


def test_a_conversation_is_seen_by_who_takes_part():
    assert HERS.is_in(conversation(), {ADA.id, GRACE.id})
    assert not HERS.is_in(conversation(), {GRACE.id})
    assert not HERS.is_in(replace(conversation(), workspace_id=OTHER), {ADA.id})
    assert Rights(everything=False, administers=frozenset({WS})).is_in(conversation(), set())


DEVELOPERS = Restricted(type="role", value="Developers")


def wrote(author: Account, visibility: Visibility) -> Message:
    return Message(
        id=MessageId("m"),
        workspace_id=WS,
        conversation_id=ConversationId("c"),
        seq=1,
        kind=MessageKind.REQUEST,
        author=author,
        visibility=visibility,
        text="x",
        cause=TriggerKey("comment:1"),
        given_to=None,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("visibility", "hers", "may"),
    [
        pytest.param(Public(), Public(), {ADA.id, GRACE.id}, id="public"),
        pytest.param(DEVELOPERS, Public(), {GRACE.id}, id="narrowed since she asked"),
        pytest.param(DEVELOPERS, DEVELOPERS, {ADA.id, GRACE.id}, id="narrowed, and she wrote there, too"),
        pytest.param(Internal(), Public(), {GRACE.id}, id="internal since she asked"),
    ],
)
def test_who_takes_part_reads_what_they_may_read(visibility, hers, may):
    """Ada asked, and Grace wrote to the present readers."""
    messages = [wrote(ADA, hers), wrote(GRACE, visibility)]
    assert insiders(conversation(visibility=visibility), {ADA.id, GRACE.id}, messages) == may


@pytest.mark.parametrize(
    ("mine", "of", "asks"),
    [
        pytest.param(HERS, conversation(), True, id="a linked person"),
        pytest.param(Rights(everything=False), conversation(), False, id="somebody without an account there"),
        pytest.param(HERS, replace(conversation(), workspace_id=OTHER), False, id="in another workspace"),
        pytest.param(HERS, replace(conversation(), visibility=Internal()), False, id="internal"),
        pytest.param(
            HERS, replace(conversation(), visibility=Restricted(type="role", value="Admins")), False, id="restricted"
        ),
    ],
)
def test_jira_is_asked_only_where_its_answer_would_do(mine, of, asks):
    assert mine.may_ask_jira(of) is asks


@pytest.mark.parametrize("by", [USER, OF_WS, ADMIN_OF_WS], ids=["a user", "of a workspace", "its administrator"])
def test_what_is_about_everything_is_for_administrators_of_it(by):
    with pytest.raises(Forbidden):
        check_operator(by)
    check_operator(INSTANCE_ADMIN)
