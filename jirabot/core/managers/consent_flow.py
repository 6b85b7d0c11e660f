"""Sends people to a consent page, and takes what they come back with, once and where it was begun.

A browser is known by its cookie. A shell has none: there it counts when the code that the page shows is given to the
command that waits. See `docs/decisions/0026-a-state-counts-once-where-it-began.md`.
"""

import contextlib
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from jirabot.core.grants import Grant, OAuthApp
from jirabot.core.managers.consent_codes import AGAIN, ConsentCodes, remove
from jirabot.core.managers.consents import Consents
from jirabot.core.managers.gate import administered
from jirabot.core.managers.grants import Grants
from jirabot.core.managers.own_links import active_here, check_is_somebody, link_proved
from jirabot.core.oauth_states import STATE_LASTS, OAuthState, Purpose, hash_of
from jirabot.core.people import Account, Link, LinkState, Origin, Principal, Role
from jirabot.core.ports import Clock, Deployment, Ids, OAuth, Storage, Transaction, Vault
from jirabot.core.workspaces import Workspace
from jirabot.errors import (
    ConfigurationInvalid,
    ConsentDenied,
    ConsentFailed,
    ConsentNeeded,
    DaemonSilent,
    InvalidInput,
    JiraRefused,
    OtherBrowser,
    StateUnknown,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where a person has to go. `cookie` is for their browser, empty where a shell has begun it; not in `repr`."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    cookie: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """What coming back has led to: a link, a bot that works in somebody's name, or a code for a command."""

    workspace: Workspace
    purpose: Purpose
    account: Account
    link: Link | None = None
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """A visit that somebody came back from, with what was sealed beside it."""

    state: OAuthState
    workspace: Workspace
    app: OAuthApp
    verifier: str = field(repr=False)


class ConsentFlow:
    """Proves people, and takes consents for bots, by OAuth."""

    def __init__(
        self,
        *,
        storage: Storage,
        vault: Vault,
        oauth: OAuth,
        grants: Grants,
        consents: Consents,
        codes: ConsentCodes,
        deployments: Mapping[str, Deployment],
        public_url: str,
        without: Collection[str],
        daemon_runs: Callable[[], bool],
        clock: Clock,
        ids: Ids,
    ) -> None:
        """*without*: the deployments whose people prove nothing by OAuth."""
        self._storage, self._vault, self._oauth = storage, vault, oauth
        self._grants, self._consents, self._codes, self._deployments = grants, consents, codes, deployments
        self._public_url, self._without, self._daemon_runs = public_url, without, daemon_runs
        self._clock, self._ids = clock, ids

    def callback_of(self, deployment: str) -> str:
        """Give the address that people come back to, which their app has to know."""
        return f"{self._public_url}/integration/{self._deployments[deployment].route}/callback"

    async def begin_link(self, deployment: str, name: str, *, by: Principal) -> Begun | None:
        """Send the caller's browser to prove their account; None where people are linked there without proof.

        Raises:
            WorkspaceNotFound, WorkspaceInactive, Forbidden, InvalidInput: as `OwnLinks.link`.
        """

        def change(tx: Transaction) -> Begun | None:
            workspace = active_here(tx, deployment, name, by)
            return self._begin_in_browser(tx, workspace, Purpose.LINK, by, role=Role.USER)

        check_is_somebody(by)
        return await self._storage.write(change)

    async def begin_saved(self, workspace: Workspace, *, by: Principal) -> Begun | None:
        """Send on the browser of who has saved a workspace, where a consent is needed or the proof of who they are.

        Who may do that by a link of theirs brings back no more than that link is good for by then.
        """

        def change(tx: Transaction) -> Begun | None:
            saved = administered(tx, workspace.name, by)
            if self._grants.needs_consent(saved):
                return self._begin_in_browser(tx, saved, Purpose.BOT, by, role=by.role)
            links = [link for link in tx.users.links_of(by.user) if link.workspace_id == saved.id]
            if any(link.state is LinkState.ACTIVE and link.origin is Origin.OAUTH for link in links):
                return None
            return self._begin_in_browser(tx, saved, Purpose.LINK, by, role=by.role)

        return await self._storage.write(change)

    async def begin_in_shell(
        self, name: str, purpose: Purpose, *, by: Principal, user: str = "", role: Role = Role.USER, wanted: str = ""
    ) -> Begun:
        """Begin a visit whose end a command waits for (`ConsentCodes.finish`).

        *user* is whom the proof links, the account itself if empty; *wanted* the account that it has to be, if given.

        Raises:
            WorkspaceNotFound: there is none of that name.
            InvalidInput: the workspace's bot needs nobody's consent.
            ConfigurationInvalid: there is no OAuth app, or OAuth is off.
            DaemonSilent: no daemon runs to which anybody could come back.
        """

        def change(tx: Transaction) -> Begun:
            workspace = administered(tx, name, by)
            if purpose is Purpose.BOT and not self._grants.needs_consent(workspace):
                raise InvalidInput(f"the workspace `{name}` signs in by `{workspace.auth}`, which needs no consent")
            if purpose is Purpose.LINK and workspace.deployment in self._without:
                raise ConfigurationInvalid(
                    ["`JIRA_DC_ENABLE_OAUTH` is off: nobody proves an account of Data Center by OAuth"],
                    hint=f"name the account: `jirabot user link {workspace.name} ACCOUNT`",
                )
            if not self._daemon_runs():
                raise DaemonSilent("no daemon runs to which you could come back", hint="start `jirabot serve` first")
            return self._begin(tx, workspace, purpose, user, role=role, wanted=wanted)

        return await self._storage.write(change)

    def _begin_in_browser(
        self, tx: Transaction, workspace: Workspace, purpose: Purpose, by: Principal, *, role: Role
    ) -> Begun | None:
        """Begin where that can be done: where there is an app, and for people where OAuth is on."""
        if purpose is Purpose.LINK and workspace.deployment in self._without:
            return None
        with contextlib.suppress(ConfigurationInvalid):
            return self._begin(tx, workspace, purpose, by.user, role=role, cookie=self._ids.secret())
        return None

    def _begin(
        self,
        tx: Transaction,
        workspace: Workspace,
        purpose: Purpose,
        user: str,
        *,
        role: Role,
        cookie: str = "",
        wanted: str = "",
    ) -> Begun:
        now, state, verifier = self._clock.now(), self._ids.secret(), secrets.token_urlsafe(32)
        app = self._grants.app_of(tx, workspace)
        begun = OAuthState(
            hash=hash_of(state),
            workspace_id=workspace.id,
            purpose=purpose,
            user_name=user,
            role=role,
            browser_hash=hash_of(cookie) if cookie else "",
            wanted=wanted,
            created_at=now,
            expires_at=now + STATE_LASTS,
        )
        for known in tx.oauth_states.list():
            if _is_before(known, begun):
                remove(tx, known)
        tx.oauth_states.add(begun)
        self._vault.seal(tx, workspace.id, begun.secret_place, verifier, now=now)
        url = self._oauth.authorize_url(
            self._grants.authority_of(workspace),
            app,
            redirect_uri=self.callback_of(workspace.deployment),
            state=state,
            verifier=verifier,
            only_identity=purpose is Purpose.LINK,
        )
        return Begun(url=url, state=state, cookie=cookie)

    async def come_back(
        self, deployment: str, *, state: str, code: str, denied: bool, cookie: str, address: str
    ) -> CameBack:
        """Take what somebody comes back with; the state is used up, whatever becomes of it.

        Raises:
            StateUnknown: nobody has begun that here, or it is used up, or too old.
            OtherBrowser: it was begun in another browser.
            ConsentDenied: the person has not consented. ConsentFailed: the code counts no more, or the app is refused.
            SiteNotAccessible: the consent is not for the workspace's site.
            Forbidden: it is for the bot, and who began it administers the workspace no more.
            RateLimited, JiraUnreachable, JiraSilent, JiraBroken: what the authority answered.
        """
        visit = await self._storage.write(lambda tx: self._use(tx, deployment, state))
        if visit is None:
            raise StateUnknown("nobody is on their way back from a consent page with that", hint=AGAIN)
        if not visit.state.is_of_shell and not visit.state.began_in(cookie):
            raise OtherBrowser("that was begun in another browser", hint="begin again, in this one")
        if denied or not code:
            await self._storage.write(lambda tx: remove(tx, visit.state))
            raise ConsentDenied("nothing was consented to, and nothing is changed", hint=AGAIN)
        try:
            grant = await self._oauth.exchange(
                self._grants.authority_of(visit.workspace),
                visit.app,
                code=code,
                redirect_uri=self.callback_of(deployment),
                verifier=visit.verifier,
            )
            account, _ = await self._consents.whose(visit.workspace, grant)
        except (ConsentNeeded, JiraRefused) as error:
            raise ConsentFailed("what you came back with does not count there", hint=error.hint or AGAIN) from error
        if visit.state.is_of_shell:
            code = await self._codes.offer(visit.state, grant, account)
            return CameBack(workspace=visit.workspace, purpose=visit.state.purpose, account=account, code=code)
        return await self._take(visit, grant, account, address)

    def _use(self, tx: Transaction, deployment: str, state: str) -> _Visit | None:
        """Use a state up; that of a browser goes at once, for nobody asks for it again."""
        found = tx.oauth_states.use(hash_of(state), now=self._clock.now())
        workspace = tx.workspaces.find(found.workspace_id) if found is not None else None
        if found is None or workspace is None or workspace.deployment != deployment:
            return None
        verifier = self._vault.open(tx, workspace.id, found.secret_place) or ""
        app = self._grants.app_of(tx, workspace)
        if found.is_of_shell:
            tx.secrets.remove(workspace.id, found.secret_place)
        else:
            remove(tx, found)
        return _Visit(state=found, workspace=workspace, app=app, verifier=verifier)

    async def _take(self, visit: _Visit, grant: Grant, account: Account, address: str) -> CameBack:
        """Do what a browser came back for."""
        state = visit.state
        by = Principal(
            kind="oauth",
            name=state.user_name,
            user=state.user_name,
            role=state.role,
            workspace_id=state.workspace_id,
            address=address,
        )
        if state.purpose is Purpose.BOT:
            account = await self._consents.accept(visit.workspace.name, grant, by=by)
            return CameBack(workspace=visit.workspace, purpose=state.purpose, account=account)
        link = await self._storage.write(lambda tx: self._link(tx, state, account, by))
        return CameBack(workspace=visit.workspace, purpose=state.purpose, account=account, link=link)

    def _link(self, tx: Transaction, state: OAuthState, account: Account, by: Principal) -> Link:
        workspace = tx.workspaces.find(state.workspace_id)
        if workspace is None:
            raise StateUnknown("the workspace was deleted meanwhile")
        return link_proved(tx, workspace, by, account, role=state.role, ids=self._ids, now=self._clock.now())


def _is_before(known: OAuthState, begun: OAuthState) -> bool:
    """Say whether somebody begins again what they have begun already; in a shell many may at once."""
    same = (known.workspace_id, known.purpose, known.user_name) == (begun.workspace_id, begun.purpose, begun.user_name)
    return same and not known.is_of_shell and not begun.is_of_shell
