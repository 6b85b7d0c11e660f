"""Whether Jira lets somebody see what is talked about on an issue: asked where they open it."""

from collections.abc import Collection

from jirabot.core.conversations import Conversation
from jirabot.core.managers.directory import Directory
from jirabot.core.people import Account


class Sights:
    """Asks Jira who may see what; an answer counts for five minutes, as all that it says of people's rights."""

    def __init__(self, *, directory: Directory) -> None:
        self._directory = directory

    async def may_see(self, conversation: Conversation, accounts: Collection[Account]) -> bool:
        """Say whether one of these accounts may see the issue of a conversation.

        Raises:
            WorkspaceNotFound: its workspace is gone.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: Jira does not say.
        """
        site = self._directory.site(await self._directory.get(conversation.workspace_id))
        for account in sorted(accounts, key=lambda each: each.id):
            if await site.can_see(conversation.issue_key, account):
                return True
        return False

    async def has_no_customer(self, conversation: Conversation, accounts: Collection[Account]) -> bool:
        """Say whether none of these accounts is a customer of the service desk where a conversation is.

        Raises:
            WorkspaceNotFound: its workspace is gone.
            JiraRefused, JiraUnreachable, JiraSilent, JiraBroken: Jira does not say.
        """
        site = self._directory.site(await self._directory.get(conversation.workspace_id))
        for account in accounts:
            if await site.is_customer(account):
                return False
        return True
