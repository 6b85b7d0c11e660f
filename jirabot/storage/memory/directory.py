"""Workspaces, their secrets, people, tokens and repositories."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from jirabot.core.ids import (
    AccountId,
    LinkId,
    RepositoryId,
    TokenId,
    UserId,
    WorkspaceId,
    WorkspaceName,
)
from jirabot.core.oauth_states import OAuthState
from jirabot.core.people import Link, LinkState
from jirabot.core.ports import Sealed
from jirabot.core.repositories import Repository
from jirabot.core.scopes import of_workspace
from jirabot.core.tokens import Token
from jirabot.core.workspaces import Workspace
from jirabot.errors import Conflict, WorkspaceExists, WorkspaceNotFound
from jirabot.storage.memory.tables import Store, add_new, newest_first


class Workspaces(Store):
    """Fulfils `WorkspaceStore`."""

    def add(self, workspace: Workspace) -> None:
        self._check(workspace)
        add_new(self._state.workspaces, workspace.id, workspace)

    def save(self, workspace: Workspace) -> None:
        if workspace.id not in self._state.workspaces:
            raise WorkspaceNotFound(f"there is no workspace `{workspace.name}`", hint="it was deleted meanwhile")
        self._check(workspace)
        self._state.workspaces[workspace.id] = workspace

    def _check(self, workspace: Workspace) -> None:
        for other in self._state.workspaces.values():
            if other.id != workspace.id and workspace.name == other.name:
                raise WorkspaceExists("a workspace of that name is there already")
            if other.id != workspace.id and workspace.base_url == other.base_url:
                raise WorkspaceExists("another workspace has that base URL")

    def remove(self, workspace_id: WorkspaceId) -> None:
        deliveries = self._state.deliveries.values()
        gone = {workspace_id, of_workspace(workspace_id), *(e.id for e in deliveries if e.workspace_id == workspace_id)}
        for each in fields(self._state):
            table: dict[Any, Any] = getattr(self._state, each.name)
            for key, value in list(table.items()):
                named = key[0] if isinstance(key, tuple) else key
                if named in gone or _belongs_to(value, workspace_id):
                    del table[key]

    def find(self, workspace_id: WorkspaceId) -> Workspace | None:
        return self._state.workspaces.get(workspace_id)

    def find_by_name(self, name: WorkspaceName) -> Workspace | None:
        return next((each for each in self._state.workspaces.values() if each.name == name), None)

    def list(self) -> Sequence[Workspace]:
        return newest_first(self._state.workspaces.values())


def _belongs_to(value: object, workspace_id: WorkspaceId) -> bool:
    is_its_own = getattr(value, "workspace_id", None) == workspace_id
    return is_its_own or getattr(value, "scope", None) == of_workspace(workspace_id)


class Secrets(Store):
    """Fulfils `SecretStore`."""

    def put(self, workspace_id: WorkspaceId, place: str, sealed: Sealed, *, now: datetime) -> None:
        self._state.secrets[workspace_id, place] = sealed

    def find(self, workspace_id: WorkspaceId, place: str) -> Sealed | None:
        return self._state.secrets.get((workspace_id, place))

    def remove(self, workspace_id: WorkspaceId, place: str) -> None:
        self._state.secrets.pop((workspace_id, place), None)
        self._state.expiries.pop((workspace_id, place), None)

    def expire(self, workspace_id: WorkspaceId, place: str, *, at: datetime) -> None:
        if (workspace_id, place) in self._state.secrets:
            self._state.expiries[workspace_id, place] = at

    def expires_at(self, workspace_id: WorkspaceId, place: str) -> datetime | None:
        return self._state.expiries.get((workspace_id, place))

    def places(self) -> Sequence[tuple[WorkspaceId, str]]:
        return sorted(self._state.secrets)

    def has_any(self) -> bool:
        return bool(self._state.secrets)

    def key_identity(self) -> tuple[str, str] | None:
        return self._state.meta.get("master-key")

    def record_key_identity(self, key_id: str, source: str) -> None:
        self._state.meta["master-key"] = (key_id, source)


class OAuthStates(Store):
    """Fulfils `OAuthStateStore`."""

    def add(self, state: OAuthState) -> None:
        add_new(self._state.oauth_states, state.hash, state)

    def find(self, hash_: str) -> OAuthState | None:
        return self._state.oauth_states.get(hash_)

    def use(self, hash_: str, *, now: datetime) -> OAuthState | None:
        known = self.find(hash_)
        if known is None or known.used_at is not None or known.expires_at <= now:
            return None
        self._state.oauth_states[hash_] = replace(known, used_at=now)
        return self._state.oauth_states[hash_]

    def save(self, state: OAuthState) -> None:
        if state.hash in self._state.oauth_states:
            self._state.oauth_states[state.hash] = state

    def remove(self, hash_: str) -> None:
        self._state.oauth_states.pop(hash_, None)

    def list(self) -> Sequence[OAuthState]:
        by_hash = sorted(self._state.oauth_states.values(), key=lambda each: each.hash)
        return sorted(by_hash, key=lambda each: each.created_at, reverse=True)


class Users(Store):
    """Fulfils `UserStore`."""

    def user_named(self, name: str, *, new_id: UserId, now: datetime) -> UserId:
        return self._state.users.setdefault(name, new_id)

    def add_link(self, link: Link) -> Link:
        name = next(name for name, user_id in self._state.users.items() if user_id == link.user_id)
        kept = replace(link, user_name=name, state=LinkState.ACTIVE)
        if known := self.find_link(link.workspace_id, link.account.id):
            kept = replace(kept, id=known.id, created_at=known.created_at, updated_at=link.created_at)
        self._state.links[kept.id] = kept
        return kept

    def add_pending(self, link: Link) -> Link:
        for known in self.list_links(link.workspace_id):
            if known.state is LinkState.PENDING and known.user_id == link.user_id:
                return known
        name = next(name for name, user_id in self._state.users.items() if user_id == link.user_id)
        self._state.links[link.id] = replace(link, user_name=name, state=LinkState.PENDING)
        return self._state.links[link.id]

    def remove_pending(self, workspace_id: WorkspaceId, user_id: UserId) -> None:
        for known in self.list_links(workspace_id):
            if known.state is LinkState.PENDING and known.user_id == user_id:
                del self._state.links[known.id]

    def find_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        for link in self.list_links(workspace_id):
            if link.account.id == account_id and link.state is LinkState.ACTIVE:
                return link
        return None

    def newest_link(self, workspace_id: WorkspaceId, account_id: AccountId) -> Link | None:
        active = self.find_link(workspace_id, account_id)
        ended = (link for link in self.list_links(workspace_id) if link.account.id == account_id)
        return active or next(ended, None)

    def list_links(self, workspace_id: WorkspaceId | None) -> Sequence[Link]:
        links = self._state.links.values()
        return newest_first(link for link in links if workspace_id in (None, link.workspace_id))

    def links_of(self, user_name: str) -> Sequence[Link]:
        return [link for link in self.list_links(None) if link.user_name == user_name]

    def end_link(self, link_id: LinkId, *, now: datetime, by: str = "") -> None:
        if known := self._state.links.get(link_id):
            ended = replace(known, state=LinkState.ENDED, ended_by=by, updated_at=now)
            self._state.links[link_id] = ended


class Tokens(Store):
    """Fulfils `TokenStore`."""

    def add(self, token: Token) -> None:
        if self.find_by_name(token.name) is not None:
            raise Conflict(f"the name `{token.name}` is taken by another token")
        self._state.tokens[token.id] = token

    def find_by_name(self, name: str) -> Token | None:
        return next((token for token in self._state.tokens.values() if token.name == name), None)

    def find_by_hash(self, hash_: str) -> Token | None:
        return next((token for token in self._state.tokens.values() if token.hash == hash_), None)

    def list(self) -> Sequence[Token]:
        return sorted(self._state.tokens.values(), key=lambda token: (token.created_at, token.id), reverse=True)

    def revoke(self, token_id: TokenId, *, now: datetime) -> None:
        token = self._state.tokens[token_id]
        self._state.tokens[token_id] = replace(token, revoked_at=token.revoked_at or now)


class Repositories(Store):
    """Fulfils `RepositoryStore`."""

    def add(self, repository: Repository) -> None:
        known = self.list(repository.workspace_id)
        if any(repository.name == other.name for other in known):
            raise Conflict("the workspace has a repository of that name already")
        add_new(self._state.repositories, repository.id, repository)
        for other in known:
            if repository.is_default:
                self._state.repositories[other.id] = replace(other, is_default=False)

    def find(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> Repository | None:
        found = self._state.repositories.get(repository_id)
        return found if found and found.workspace_id == workspace_id else None

    def remove(self, workspace_id: WorkspaceId, repository_id: RepositoryId) -> None:
        if self.find(workspace_id, repository_id):
            del self._state.repositories[repository_id]

    def list(self, workspace_id: WorkspaceId) -> Sequence[Repository]:
        found = [each for each in self._state.repositories.values() if each.workspace_id == workspace_id]
        return sorted(found, key=lambda each: (each.created_at, each.id))
