"""The stores of workspaces, their secrets and repositories, and of who may do what in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jirabot.core.ids import AccountId, LinkId, RepositoryId, TokenId, UserId, WorkspaceId, WorkspaceName
from jirabot.core.oauth_states import OAuthState
from jirabot.core.pauses import Pause
from jirabot.core.people import Link
from jirabot.core.repositories import Repository
from jirabot.core.tokens import Token
from jirabot.core.workspaces import Workspace


class WorkspaceStore(Protocol):
    """Workspaces; a name and a base URL belong to one."""

    def add(self, workspace: Workspace) -> None:
        """Add a workspace.

        Raises:
            WorkspaceExists: its name or base URL is taken.
        """

    def save(self, workspace: Workspace) -> None:
        """Replace the row of that id."""

    def remove(self, workspace_id: WorkspaceId) -> None:
        """Remove the workspace, and with it every row that carries its id, in whatever store, and its pause."""

    def find(self, workspace_id: WorkspaceId) -> Workspace | None: ...
    def find_by_name(self, name: WorkspaceName) -> Workspace | None: ...
    def list(self) -> Sequence[Workspace]:
        """List all, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A secret as it is stored: AES-256-GCM under the master key of that id."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInUse:
    """The master key that secrets are sealed with, by its name: its id and the kind of place it was found in."""

    id: str
    source: str


class SecretStore(Protocol):
    """Sealed secrets, each at a place of a workspace (`webhook-secret`, `api-key`, …)."""

    def put(self, workspace_id: WorkspaceId, place: str, sealed: Sealed, *, now: datetime) -> None: ...
    def find(self, workspace_id: WorkspaceId, place: str) -> Sealed | None: ...
    def remove(self, workspace_id: WorkspaceId, place: str) -> None: ...
    def expire(self, workspace_id: WorkspaceId, place: str, *, at: datetime) -> None:
        """Say until when what is stored there counts; putting another there leaves that as it is."""

    def expires_at(self, workspace_id: WorkspaceId, place: str) -> datetime | None:
        """Tell until when what is stored there counts; None where it is not there, or counts for ever."""

    def places(self) -> Sequence[tuple[WorkspaceId, str]]:
        """List where secrets are stored, in an order that stays."""

    def has_any(self) -> bool:
        """Say whether any secret is stored at all."""

    def key_identity(self) -> tuple[str, str] | None:
        """Find the id of the master key in use and the kind of its source, as recorded with the first secret."""

    def record_key_identity(self, key_id: str, source: str) -> None: ...


class UserStore(Protocol):
    """jirabot's users and their links."""

    def user_named(self, name: str, *, new_id: UserId, now: datetime) -> UserId:
        """Find the user of that name, or add it with that id."""

    def add_link(self, link: Link) -> Link:
        """Add an active link; the one that is there already for this account and workspace is updated and returned."""

    def add_pending(self, link: Link) -> Link:
        """Add a pending link; the one that its user has there already stays as it is, and is returned."""

    def remove_pending(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        """Remove the pending link of a user: an active one has taken its place, or it is given up."""

    def find_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        """Find the active link of an account."""

    def newest_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        """Find the active link of an account, else the newest of those that were ended."""

    def list_links(self, workspace_id: WorkspaceId | None) -> Sequence[Link]: ...
    def links_of(self, user_name: str) -> Sequence[Link]:
        """List the links of a user, in all workspaces, newest first."""

    def end_link(self, link_id: LinkId, *, now: datetime, by: str = "") -> None:
        """End a link; it stays as the record that it was ended, by its user where *by* names one."""


class Issuer(Protocol):
    """The OIDC issuer that is trusted."""

    async def verified(self, token: str) -> Mapping[str, Any]:
        """Give the claims of a token that the issuer has signed, whatever they are.

        Raises:
            TokenInvalid: it has not signed it.
            IssuerUnreachable: its keys can't be read.
        """


class TokenStore(Protocol):
    """The management API's tokens; a name belongs to one for ever."""

    def add(self, token: Token) -> None:
        """Add a token.

        Raises:
            Conflict: the name is taken.
        """

    def find_by_name(self, name: str) -> Token | None: ...
    def find_by_hash(self, hash_: str) -> Token | None: ...
    def list(self) -> Sequence[Token]:
        """List the newest first."""

    def revoke(self, token_id: TokenId, *, now: datetime) -> None:
        """Record that it counts no longer; when it was first revoked stays."""


class OAuthStateStore(Protocol):
    """Visits to consent pages that have not ended; there are few, and each soon goes."""

    def add(self, state: OAuthState) -> None: ...
    def find(self, hash_: str) -> OAuthState | None: ...
    def use(self, hash_: str, *, now: datetime) -> OAuthState | None:
        """Record that somebody came back, once; None where it is unknown, used already or past its time."""

    def save(self, state: OAuthState) -> None: ...
    def remove(self, hash_: str) -> None: ...
    def list(self) -> Sequence[OAuthState]:
        """List the newest first."""


class RepositoryStore(Protocol):
    """The repositories of a workspace; a name belongs to one."""

    def add(self, repository: Repository) -> None:
        """Add a repository; a new default takes the place of the old.

        Raises:
            Conflict: the name is taken.
        """

    def find(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> Repository | None: ...
    def remove(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> None: ...
    def list(self, workspace_id: WorkspaceId) -> Sequence[Repository]:
        """List those of a workspace, oldest first."""


class PauseStore(Protocol):
    """Where no new run may begin; `ConversationStore.claim_run` heeds it."""

    def add(self, pause: Pause) -> bool:
        """Add a pause; False where that scope is paused already, which stays as it is."""

    def remove(self, scope: str) -> bool:
        """End the pause of that scope; False where there is none."""

    def list(self) -> Sequence[Pause]:
        """List the newest first."""
