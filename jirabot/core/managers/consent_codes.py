"""The codes that tie what somebody consented to in a browser to the command that has sent them there.

Whoever is sent to a consent page by somebody else sees a code too, and is asked for it by nobody.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jirabot.core.grants import Grant, KeptGrant, from_text, to_text
from jirabot.core.managers.consents import Consents
from jirabot.core.managers.own_links import link_proved
from jirabot.core.oauth_states import CODE_ATTEMPTS, CODE_LENGTH, CODE_LETTERS, OAuthState, Purpose, hash_of, shown
from jirabot.core.people import Account, Link, Principal
from jirabot.core.ports import Clock, Ids, Storage, Transaction, Vault
from jirabot.core.workspaces import Workspace
from jirabot.errors import CodeRefused, Forbidden, StateUnknown

AGAIN = "begin again where you came from; a visit to the consent page counts once, for ten minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a command that waited has got; *link* where a person was to be proved."""

    workspace: Workspace
    account: Account
    link: Link | None = None


class ConsentCodes:
    """Offers codes, and takes them."""

    def __init__(self, *, storage: Storage, vault: Vault, consents: Consents, clock: Clock, ids: Ids) -> None:
        self._storage, self._vault, self._consents = storage, vault, consents
        self._clock, self._ids = clock, ids

    async def offer(self, state: OAuthState, grant: Grant, account: Account) -> str:
        """Make the code that the command has to be given; a grant for the bot waits for it, sealed."""
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        proved = replace(state, account=account, code_hash=hash_of(code))

        def change(tx: Transaction) -> None:
            tx.oauth_states.save(proved)
            if proved.purpose is Purpose.BOT:
                text = to_text(KeptGrant(grant=grant))
                self._vault.seal(tx, proved.workspace_id, proved.secret_place, text, now=self._clock.now())

        await self._storage.write(change)
        return shown(code)

    async def finish(self, state: str, code: str, *, by: Principal) -> Finished:
        """Do what the shell began, given the code that the page has shown.

        Raises:
            StateUnknown: it was given up, or ten minutes have passed.
            CodeRefused: that is not the code; after five attempts it is given up.
            Forbidden: another account has consented than the one that was named.
            WorkspaceNotFound, SiteNotAccessible, ConsentNeeded, JiraRefused, JiraUnreachable, JiraSilent, JiraBroken:
                the consent for the bot can't be taken (`Consents.accept`).
        """
        done = await self._storage.write(lambda tx: self._finish(tx, hash_of(state), code, by))
        if isinstance(done, CodeRefused | Forbidden):
            raise done
        workspace, account, grant, link = done
        if grant is not None:
            account = await self._consents.accept(workspace.name, grant, by=by)
        return Finished(workspace=workspace, account=account, link=link)

    async def expire(self) -> int:
        """Forget the visits whose time is over, with what is sealed beside them; counts them."""

        def expired(tx: Transaction) -> Sequence[OAuthState]:
            return [each for each in tx.oauth_states.list() if each.expires_at <= self._clock.now()]

        def forget(tx: Transaction) -> int:
            found = expired(tx)
            for each in found:
                remove(tx, each)
            return len(found)

        return await self._storage.write(forget) if await self._storage.read(expired) else 0

    def _finish(
        self, tx: Transaction, hash_: str, code: str, by: Principal
    ) -> tuple[Workspace, Account, Grant | None, Link | None] | CodeRefused | Forbidden:
        """Do it, or give what speaks against it: what is counted then has to stay."""
        known, now = tx.oauth_states.find(hash_), self._clock.now()
        workspace = tx.workspaces.find(known.workspace_id) if known is not None else None
        if known is None or workspace is None or known.expires_at <= now:
            raise StateUnknown("the visit to the consent page counts no more", hint=AGAIN)
        if known.account is None:
            return CodeRefused("nobody has come back from the consent page yet", hint="the page there shows the code")
        if not known.takes(code):
            return self._mistyped(tx, known)
        kept = self._vault.open(tx, workspace.id, known.secret_place) if known.purpose is Purpose.BOT else None
        remove(tx, known)
        if known.wanted and known.wanted.casefold() not in known.account.names:
            return Forbidden(
                f"{known.account.label} has consented, and not `{known.wanted}`: nothing is linked",
                hint="sign in to Jira as that account, and begin again",
            )
        if kept is not None:
            return workspace, known.account, from_text(kept).grant, None
        person = replace(by, user=known.user_name or known.account.id)
        link = link_proved(tx, workspace, person, known.account, role=known.role, ids=self._ids, now=now)
        return workspace, known.account, None, link

    def _mistyped(self, tx: Transaction, known: OAuthState) -> CodeRefused:
        left = CODE_ATTEMPTS - known.attempts - 1
        if left:
            tx.oauth_states.save(replace(known, attempts=known.attempts + 1))
            return CodeRefused("that is not the code which the page shows", hint=f"{left} more attempts count")
        remove(tx, known)
        return CodeRefused(f"{CODE_ATTEMPTS} codes were wrong: the visit is given up", hint=AGAIN)


def remove(tx: Transaction, state: OAuthState) -> None:
    """End a visit, with what is sealed beside it."""
    tx.oauth_states.remove(state.hash)
    tx.secrets.remove(state.workspace_id, state.secret_place)
