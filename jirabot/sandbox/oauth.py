"""The state of the sandbox's OAuth server: apps, codes, tokens. Which fields come over HTTP is the matter of `consent`.

Source: "OAuth 2.0 (3LO) apps", developer.atlassian.com; "Jira OAuth 2.0 provider API", confluence.atlassian.com.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jirabot.sandbox.issues import Person
from jirabot.sandbox.refusals import Refusal

CODE_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """How long tokens of one kind of Jira last. `leeway`: how long a refresh token that was used is taken again."""

    access: timedelta
    unused: timedelta | None
    leeway: timedelta
    voids_access: bool
    """Whether a refresh voids the access token before it, too."""
    refusal: int
    """The status that says that a grant counts no more."""


CLOUD = TokenRules(
    access=timedelta(seconds=3600),
    unused=timedelta(days=90),
    leeway=timedelta(minutes=10),
    voids_access=False,
    refusal=403,
)
DATA_CENTER = TokenRules(
    access=timedelta(seconds=7200), unused=None, leeway=timedelta(0), voids_access=True, refusal=400
)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A registered app; its redirect address is compared as it stands."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a consent leads to; it counts once."""

    app: App
    person: Person
    scopes: tuple[str, ...]
    challenge: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A token that calls are made with; `ends_at` None: for ever. `app`: whose it is, where no person has it."""

    token: str
    person: Person
    app: App | None = None
    scopes: tuple[str, ...]
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """A refresh token; `used_at`: when it was used first."""

    token: str
    app: App
    person: Person
    scopes: tuple[str, ...]
    access: str
    made_at: datetime
    used_at: datetime | None = None


class OAuth:
    """All apps and tokens. *clock* tells the time; *rules*: how long tokens last."""

    def __init__(self, *, rules: TokenRules, clock: Callable[[], datetime]) -> None:
        self.rules, self._clock = rules, clock
        self.apps: dict[str, App] = {}
        self.refreshes_count = 0
        self.fails = 0
        """How many of the next token requests are answered 503."""
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Refresh] = {}

    def add_app(self, redirect_uri: str, scopes: Collection[str]) -> App:
        """Register an app, as an administrator does in the browser."""
        app = App(
            client_id=secrets.token_hex(8),
            client_secret=secrets.token_urlsafe(24),
            redirect_uri=redirect_uri,
            scopes=frozenset(scopes),
        )
        self.apps[app.client_id] = app
        return app

    def add_scoped_token(self, person: Person, scopes: Collection[str]) -> str:
        """Make an API token with scopes, as a person or the administrator of a service account does."""
        made = Access(token=secrets.token_urlsafe(24), person=person, scopes=tuple(scopes), ends_at=None)
        self._access[made.token] = made
        return made.token

    def consent(self, app: App, person: Person, scopes: tuple[str, ...], challenge: str) -> str:
        """Give the code that a consent leads to."""
        code = secrets.token_urlsafe(16)
        ends_at = self._clock() + CODE_LASTS
        self._codes[code] = Code(app=app, person=person, scopes=scopes, challenge=challenge, ends_at=ends_at)
        return code

    def exchange(self, app: App, code: str, *, redirect_uri: str, verifier: str) -> tuple[Access, Refresh]:
        """Make tokens of a code.

        Raises:
            Refusal: the code is another app's, used, old, or not its verifier's.
        """
        found = self._codes.pop(code, None)
        if found is None or found.app != app or self._clock() >= found.ends_at or redirect_uri != app.redirect_uri:
            raise self._invalid_grant(code)
        if found.challenge and challenge_of(verifier) != found.challenge:
            raise self._invalid_grant(verifier)
        return self._tokens(app, found.person, found.scopes)

    def refresh(self, app: App, token: str) -> tuple[Access, Refresh]:
        """Make tokens in place of others.

        Raises:
            Refusal: the refresh token is another app's, used, old or taken back.
        """
        self.refreshes_count += 1
        found, now, rules = self._refresh.get(token), self._clock(), self.rules
        if found is None or found.app != app:
            raise self._invalid_grant(token)
        is_used = found.used_at is not None and now >= found.used_at + rules.leeway
        is_old = rules.unused is not None and now >= found.made_at + rules.unused
        if is_used or is_old:
            raise self._invalid_grant(token)
        self._refresh[token] = replace(found, used_at=found.used_at or now)
        if rules.voids_access:
            self._access.pop(found.access, None)
        return self._tokens(app, found.person, found.scopes)

    def find(self, token: str) -> Access | None:
        """Find an access token that counts."""
        found = self._access.get(token)
        return found if found and (found.ends_at is None or self._clock() < found.ends_at) else None

    def knows(self, token: str) -> bool:
        """Say whether a token was ever made here."""
        return token in self._access

    def end_access(self) -> None:
        """Let all access tokens end before their time, as a change of the organisation's policy does."""
        self._access.clear()

    def revoke(self, person: Person) -> None:
        """Take back all that somebody has consented to."""
        self._access = {token: each for token, each in self._access.items() if each.person != person}
        self._refresh = {token: each for token, each in self._refresh.items() if each.person != person}

    def _tokens(self, app: App, person: Person, scopes: tuple[str, ...]) -> tuple[Access, Refresh]:
        now = self._clock()
        access = Access(
            token=secrets.token_urlsafe(32), person=person, app=app, scopes=scopes, ends_at=now + self.rules.access
        )
        refresh = Refresh(
            token=secrets.token_urlsafe(32), app=app, person=person, scopes=scopes, access=access.token, made_at=now
        )
        self._access[access.token], self._refresh[refresh.token] = access, refresh
        return access, refresh

    def _invalid_grant(self, given: str) -> Refusal:
        """Refuse as servers do that name in their error what they were given; who repeats it gives a secret away."""
        body = {"error": "invalid_grant", "error_description": f"Unknown or invalid: {given}"}
        return Refusal(self.rules.refusal, "invalid_grant", body=body)


def challenge_of(verifier: str) -> str:
    """Make a verifier's S256 challenge. Source: RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
