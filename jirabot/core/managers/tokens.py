"""The tokens of the management API: made, listed, revoked. The right to it is the data folder, so the shell's alone."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from jirabot.core.access import check_operator
from jirabot.core.audit import Act
from jirabot.core.ids import TokenId
from jirabot.core.managers import audit
from jirabot.core.managers.directory import named
from jirabot.core.people import Principal, Role
from jirabot.core.ports import Clock, Ids, Storage, Transaction
from jirabot.core.tokens import PREFIX, Token, TokenState, token_hash
from jirabot.errors import InvalidInput, NotFound, TokenInvalid

NAME = re.compile(r"\w[\w.@-]{0,99}")

LONGEST = timedelta(days=3650)
"""A token may last ten years; one that is to last longer has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What `token create` is given. Without a user it is the user of the token's own name."""

    name: str
    role: Role
    user: str = ""
    workspace: str = ""
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeToken:
    """A token, its workspace's name, whether it counts now, and, only when it was just made, itself."""

    token: Token
    workspace_name: str | None
    state: TokenState
    secret: str = field(default="", repr=False)


class Tokens:
    """Makes, lists and revokes tokens."""

    def __init__(self, *, storage: Storage, clock: Clock, ids: Ids) -> None:
        self._storage, self._clock, self._ids = storage, clock, ids

    async def create(self, wanted: NewToken, *, by: Principal) -> MadeToken:
        """Make a token; it is shown once, and only its hash is kept.

        Raises:
            InvalidInput: the name, the user or the time can't be used.
            WorkspaceNotFound: there is none of that name.
            Conflict: the name is taken, if only by one that was revoked.
        """
        check_operator(by)
        _check(wanted)
        secret = PREFIX + self._ids.secret()

        def change(tx: Transaction) -> MadeToken:
            workspace = named(tx, wanted.workspace) if wanted.workspace else None
            now = self._clock.now()
            token = Token(
                id=TokenId(self._ids.sortable()),
                name=wanted.name,
                role=wanted.role,
                user=wanted.user or wanted.name,
                workspace_id=workspace.id if workspace else None,
                hash=token_hash(secret),
                created_at=now,
                expires_at=now + wanted.lasts if wanted.lasts else None,
            )
            tx.tokens.add(token)
            role = token.role.value
            audit.record(tx, Act.TOKEN_CREATED, by=by, now=now, workspace=workspace, subject=token.name, role=role)
            return replace(self._shown(tx, token), secret=secret)

        return await self._storage.write(change)

    async def holder(self, secret: str) -> Token:
        """Give the token that *secret* is.

        Raises:
            TokenInvalid: it is none, or it expired or was revoked.
        """
        token = await self._storage.read(lambda tx: tx.tokens.find_by_hash(token_hash(secret)))
        if token is None or token.state(self._clock.now()) is not TokenState.ACTIVE:
            raise TokenInvalid("the token does not count", hint="`jirabot token create NAME` makes one")
        return token

    async def list(self, *, by: Principal) -> Sequence[MadeToken]:
        """List all tokens, newest first, those that no longer count included."""
        check_operator(by)
        return await self._storage.read(lambda tx: [self._shown(tx, token) for token in tx.tokens.list()])

    async def revoke(self, name: str, *, by: Principal) -> MadeToken:
        """Let a token count no longer; one that was revoked already stays as it is.

        Raises:
            NotFound: there is none of that name.
        """
        check_operator(by)

        def change(tx: Transaction) -> MadeToken:
            token = _named(tx, name)
            now, workspace = self._clock.now(), tx.workspaces.find(token.workspace_id) if token.workspace_id else None
            tx.tokens.revoke(token.id, now=now)
            audit.record(tx, Act.TOKEN_REVOKED, by=by, now=now, workspace=workspace, subject=token.name)
            return self._shown(tx, _named(tx, name))

        return await self._storage.write(change)

    def _shown(self, tx: Transaction, token: Token) -> MadeToken:
        workspace = tx.workspaces.find(token.workspace_id) if token.workspace_id else None
        return MadeToken(
            token=token, workspace_name=workspace.name if workspace else None, state=token.state(self._clock.now())
        )


def _named(tx: Transaction, name: str) -> Token:
    token = tx.tokens.find_by_name(name)
    if token is None:
        near = difflib.get_close_matches(name, [each.name for each in tx.tokens.list()], n=1)
        hint = f"did you mean `{near[0]}`?" if near else "run `jirabot token list` to see them"
        raise NotFound(f"there is no token `{name}`", hint=hint)
    return token


def _check(wanted: NewToken) -> None:
    for what, name in (("token", wanted.name), ("user", wanted.user or wanted.name)):
        if not NAME.fullmatch(name):
            raise InvalidInput(f"`{name}` is no name for a {what}", hint="letters, digits, `.`, `_`, `-` and `@`")
    if wanted.lasts is not None and not timedelta() < wanted.lasts <= LONGEST:
        raise InvalidInput(
            "a token lasts more than nothing, and at most ten years", hint="leave `--expires` out for one without end"
        )
