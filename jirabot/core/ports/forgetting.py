"""The store of what is held of a person, wherever it stands, so that nothing of it is overlooked."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from jirabot.core.forgetting import Held, Named, Words
from jirabot.core.ids import AccountId, WorkspaceId


class ForgettingStore(Protocol):
    """Finds and removes what is held of a person in a workspace; outcomes stay, under a pseudonym."""

    def held(self, workspace_id: WorkspaceId, account_id: AccountId) -> Held:
        """Find what is held of an account beside the bodies that name it."""

    def named(self, workspace_id: WorkspaceId, words: Words, *, after: int, limit: int) -> tuple[Named, int | None]:
        """Look for deliveries whose bodies name somebody, among the next *limit* that have one beyond number *after*.

        Gives also the number to go on after; None at the end.
        """

    def forget_bodies(self, numbers: Sequence[int]) -> Sequence[str]:
        """Forget the requests of deliveries; give the files that held bodies and that no row names any more."""

    def texts(self) -> Sequence[str]:
        """Name the places that hold texts in which somebody may be named."""

    def take_out(
        self, workspace_id: WorkspaceId, words: Words, place: str, *, after: object, limit: int
    ) -> tuple[int, object]:
        """Take somebody out of the next *limit* texts of a place; count those changed.

        *after*: beyond which; None at first. Gives also where to go on; None at the end.
        """

    def forget(self, workspace_id: WorkspaceId, account_id: AccountId, *, instead: str) -> Mapping[str, int]:
        """Put the pseudonym in the place of an account, end its links, and remove what it wrote; count each.

        Dead comments of its conversations are discarded.
        """
