"""What a principal may: everything, what belongs to the workspaces that it administers, or what is its own. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jirabot.core.conversations import Conversation, Message
from jirabot.core.ids import AccountId, WorkspaceId
from jirabot.core.people import Account, Link, LinkState, Principal, Role
from jirabot.core.visibility import Public
from jirabot.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody sees in lists: all that belongs to `workspaces`, and the conversations whose `insiders` they are.

    None that is internal, but of `workspaces`: which of `accounts` are customers, only Jira knows.
    `workspaces` None: of every workspace.
    """

    workspaces: frozenset[WorkspaceId] | None
    accounts: frozenset[tuple[WorkspaceId, AccountId]] = frozenset()

    def covers(self, workspace_id: WorkspaceId) -> bool:
        """Say whether all of a workspace is seen."""
        return self.workspaces is None or workspace_id in self.workspaces


EVERYTHING = Sight(workspaces=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a principal may, by its role and its links as they are now."""

    everything: bool
    administers: frozenset[WorkspaceId] = frozenset()
    accounts: Mapping[WorkspaceId, frozenset[Account]] = field(default_factory=dict)
    """Its Jira accounts in each workspace where it has an active link."""

    @property
    def sight(self) -> Sight:
        """What it sees in lists."""
        if self.everything:
            return EVERYTHING
        own = {(workspace_id, account) for workspace_id in self.accounts for account in self._ids(workspace_id)}
        return Sight(workspaces=self.administers, accounts=frozenset(own))

    def _ids(self, workspace_id: WorkspaceId) -> frozenset[AccountId]:
        return frozenset(account.id for account in self.accounts.get(workspace_id, ()))

    def may_administer(self, workspace_id: WorkspaceId) -> bool:
        """Say whether it may change and see all that belongs to a workspace."""
        return self.everything or workspace_id in self.administers

    def is_in(self, conversation: Conversation, insiders: Collection[AccountId]) -> bool:
        """Say whether it may see a conversation by itself: as administrator, or as one of its `insiders`."""
        return self.may_administer(conversation.workspace_id) or bool(self.accounts_in(conversation, insiders))

    def accounts_in(self, conversation: Conversation, insiders: Collection[AccountId]) -> Sequence[Account]:
        """List those of its accounts that are among a conversation's `insiders`."""
        return [each for each in self.accounts.get(conversation.workspace_id, ()) if each.id in insiders]

    def may_ask_jira(self, conversation: Conversation) -> bool:
        """Say whether it is worth asking Jira if it may see the issue of a conversation that it takes no part in.

        What was asked in a comment that not all of the issue's readers see is not told to one of them.
        """
        return bool(self.accounts.get(conversation.workspace_id)) and isinstance(conversation.visibility, Public)


def rights(by: Principal, links: Collection[Link]) -> Rights:
    """Say what *by* may, given the links of its user. One with a workspace has rights in that alone."""
    own = [link for link in links if link.state is not LinkState.ENDED and by.workspace_id in (None, link.workspace_id)]
    administers = {link.workspace_id for link in own if link.role is Role.ADMIN}
    if by.role is Role.ADMIN and by.workspace_id is not None:
        administers.add(by.workspace_id)
    accounts: dict[WorkspaceId, frozenset[Account]] = {}
    for link in own:
        if link.state is LinkState.ACTIVE:
            accounts[link.workspace_id] = accounts.get(link.workspace_id, frozenset()) | {link.account}
    return Rights(everything=by.is_operator, administers=frozenset(administers), accounts=accounts)


def insiders(
    conversation: Conversation, participants: Collection[AccountId], messages: Collection[Message]
) -> frozenset[AccountId]:
    """List those of a conversation's participants who may read all of it.

    Who reads it only narrows: where not all of the issue's readers do, who wrote to its present readers is one of them.
    On a service desk that is not said of customers, whose own comments are taken as internal.
    """
    if isinstance(conversation.visibility, Public):
        return frozenset(participants)
    return frozenset(each.author.id for each in messages if each.visibility == conversation.visibility)


def check_operator(by: Principal) -> None:
    """Let only an administrator of everything go on.

    Raises:
        Forbidden: it is none.
    """
    if not by.is_operator:
        raise Forbidden("only an administrator of this jirabot may do that", hint="ask whoever runs it")
