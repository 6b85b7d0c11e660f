"""OAuth requests and answers, as Cloud and Data Center have them: values only. Pure.

What a provider writes is never repeated: it may hold what was sent to it. Only its error's code is looked at.

Source: "OAuth 2.0 (3LO) apps", developer.atlassian.com; "Jira OAuth 2.0 provider API", confluence.atlassian.com;
RFC 6749, section 5.2; RFC 7636.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import orjson

from jirabot.core.grants import Grant, OAuthApp, Site
from jirabot.core.workspaces import gateway
from jirabot.errors import (
    ConsentNeeded,
    InvalidInput,
    InvalidPayload,
    JirabotError,
    JiraBroken,
    JiraRefused,
    RateLimited,
)
from jirabot.jira import answers, bases, shapes
from jirabot.jira.answers import Answer
from jirabot.jira.envelope import parse_json

CLOUD_SCOPES = ("read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook", "offline_access")
"""The classic scopes, which Atlassian recommends; the last one brings a refresh token."""

CLOUD_IDENTITY_SCOPES = ("read:jira-user",)
"""What it takes to be told whose a token is, and for which sites; there is nothing to renew."""

DATA_CENTER_SCOPE = "WRITE"

DATA_CENTER_IDENTITY_SCOPE = "READ"

LONGEST_TOKEN_SECONDS = 31 * 24 * 3600.0
"""No access token lives longer; keeps a wrong number from being a time that no calendar has."""

CONSENT_ENDED = frozenset({"invalid_grant", "unauthorized_client"})
"""What is answered for a code or refresh token that counts no more. Source: "OAuth 2.0 (3LO) apps"."""

CONSENT_AGAIN = "a person has to consent again: open the workspace's page, or call its address for a consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to a token endpoint. Its body holds secrets, and is not in `repr`."""

    url: str
    content_type: str
    body: bytes = field(repr=False)


class Provider(Protocol):
    """One authority: where it is, and how its requests are written."""

    def authorize_url(self, app: OAuthApp, *, redirect_uri: str, state: str, verifier: str, only_identity: bool) -> str:
        """Make the address where a person consents; *only_identity*: to no more than being known."""

    def exchange(self, app: OAuthApp, *, code: str, redirect_uri: str, verifier: str) -> Asked:
        """Ask for the grant that a code stands for."""

    def renew(self, app: OAuthApp, grant: Grant) -> Asked:
        """Ask for a grant in place of *grant*."""

    @property
    def sites_url(self) -> str:
        """Where it is told which sites a token opens; empty where a token opens one site."""

    def identity_url(self, cloud_id: str) -> str:
        """Give where it is told whose a token is."""


class CloudProvider:
    """Atlassian's, for all of Cloud. It knows no PKCE: the app's secret is always needed."""

    def __init__(self, *, auth_url: str, api_url: str) -> None:
        self._auth, self._api = auth_url, api_url

    def authorize_url(self, app: OAuthApp, *, redirect_uri: str, state: str, verifier: str, only_identity: bool) -> str:
        asked = {
            "audience": "api.atlassian.com",
            "client_id": app.client_id,
            "scope": " ".join(CLOUD_IDENTITY_SCOPES if only_identity else CLOUD_SCOPES),
            "redirect_uri": redirect_uri,
            "state": state,
            "response_type": "code",
            "prompt": "consent",
        }
        return f"{self._auth}/authorize?{_query(asked)}"

    def exchange(self, app: OAuthApp, *, code: str, redirect_uri: str, verifier: str) -> Asked:
        return self._token({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}, app)

    def renew(self, app: OAuthApp, grant: Grant) -> Asked:
        return self._token({"grant_type": "refresh_token", "refresh_token": grant.refresh_token}, app)

    @property
    def sites_url(self) -> str:
        return f"{self._api}/oauth/token/accessible-resources"

    def identity_url(self, cloud_id: str) -> str:
        return f"{gateway(self._api, cloud_id)}/rest/api/2/myself"

    def _token(self, fields: Mapping[str, str], app: OAuthApp) -> Asked:
        body = {**fields, "client_id": app.client_id, "client_secret": app.client_secret}
        return Asked(url=f"{self._auth}/oauth/token", content_type="application/json", body=orjson.dumps(body))


class DataCenterProvider:
    """A Data Center's own, from 8.22 on: one site, PKCE, forms; scopes are READ, WRITE, ADMIN, SYSTEM_ADMIN."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url

    def authorize_url(self, app: OAuthApp, *, redirect_uri: str, state: str, verifier: str, only_identity: bool) -> str:
        asked = {
            "client_id": app.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": state,
            "scope": DATA_CENTER_IDENTITY_SCOPE if only_identity else DATA_CENTER_SCOPE,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        return f"{self._base}/rest/oauth2/latest/authorize?{_query(asked)}"

    def exchange(self, app: OAuthApp, *, code: str, redirect_uri: str, verifier: str) -> Asked:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._token({**fields, "code_verifier": verifier}, app)

    def renew(self, app: OAuthApp, grant: Grant) -> Asked:
        """Say where the grant was sent to, too: Data Center wants that with each renewal."""
        fields = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
        return self._token({**fields, "redirect_uri": grant.redirect_uri}, app)

    @property
    def sites_url(self) -> str:
        return ""

    def identity_url(self, cloud_id: str) -> str:
        return f"{self._base}/rest/api/2/myself"

    def _token(self, fields: Mapping[str, str], app: OAuthApp) -> Asked:
        body = {**fields, "client_id": app.client_id, "client_secret": app.client_secret}
        return Asked(
            url=f"{self._base}/rest/oauth2/latest/token",
            content_type="application/x-www-form-urlencoded",
            body=_query(body).encode(),
        )


def challenge_of(verifier: str) -> str:
    """Make the S256 challenge of a PKCE verifier. Source: RFC 7636, section 4.2."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_grant(answer: Answer, *, redirect_uri: str, now: datetime, before: Grant | None = None) -> Grant:
    """Read what a token endpoint answers; *before*: the grant that was renewed.

    Raises:
        ConsentNeeded: the code or refresh token counts no more.
        JiraRefused: the app is refused. RateLimited: 429.
        JiraBroken: anything else; whether a token was used up is not known.
    """
    if not 200 <= answer.status < 300:
        raise _refusal(answer, now)
    told = _object(answer.body)
    access, seconds = told.get("access_token"), _number(told.get("expires_in"))
    refresh = told.get("refresh_token") or (before.refresh_token if before else "")
    if not isinstance(access, str) or not access or not isinstance(refresh, str) or seconds is None:
        raise JiraBroken("the answer to a token request holds no token that lasts")
    scopes = told.get("scope")
    lasts = timedelta(seconds=min(max(0.0, seconds), LONGEST_TOKEN_SECONDS))
    return Grant(
        access_token=access,
        refresh_token=refresh,
        expires_at=now + lasts,
        scopes=tuple(scopes.split()) if isinstance(scopes, str) else (),
        redirect_uri=redirect_uri,
    )


def read_sites(answer: Answer, *, now: datetime) -> Sequence[Site]:
    """Read which Cloud sites a token opens.

    Raises:
        ConsentNeeded, RateLimited, JiraBroken: as `read_grant`.
    """
    if not 200 <= answer.status < 300:
        raise _refusal(answer, now)
    try:
        told = parse_json(answer.body)
    except InvalidPayload:
        raise JiraBroken("the list of sites that a consent opens is no JSON") from None
    return [
        Site(
            cloud_id=str(site["id"]),
            name=str(site.get("name") or ""),
            url=_base(site.get("url")),
            scopes=tuple(str(scope) for scope in site.get("scopes") or ()),
        )
        for site in shapes.objects(told)
        if site.get("id")
    ]


def read_json(answer: Answer, *, now: datetime) -> Mapping[str, Any]:
    """Read an object that is told about a token's owner, or about a site.

    Raises:
        ConsentNeeded, RateLimited, JiraBroken: as `read_grant`.
    """
    if not 200 <= answer.status < 300:
        raise _refusal(answer, now)
    return _object(answer.body)


def _refusal(answer: Answer, now: datetime) -> JirabotError:
    code = _code(answer.body)
    if answer.status == 429:
        wait = answers.retry_after(answer.headers, now)
        return RateLimited(f"the OAuth server asks to wait {wait:.0f} s", retry_after_seconds=wait)
    if code in CONSENT_ENDED or (answer.status == 401 and not code):
        return ConsentNeeded(f"the consent counts no more ({answer.status})", status=answer.status, hint=CONSENT_AGAIN)
    if answer.status in (400, 401, 403):
        return JiraRefused(
            f"the OAuth server refuses the app ({answer.status})",
            status=answer.status,
            hint="check client id and secret (`--oauth-client-id`, `--oauth-client-secret -`), and its redirect URL",
        )
    return JiraBroken(f"the OAuth server fails ({answer.status})")


def _code(body: bytes) -> str:
    try:
        return str(_object(body).get("error") or "")
    except JiraBroken:
        return ""


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        told = parse_json(body)
    except InvalidPayload:
        raise JiraBroken("the OAuth server's answer is no JSON") from None
    return told if isinstance(told, Mapping) else {}


def _base(url: object) -> str:
    """Bring a site's address into normal form; empty where it is none."""
    try:
        return bases.normal(url) if isinstance(url, str) else ""
    except InvalidInput:
        return ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _query(fields: Mapping[str, str]) -> str:
    """Encode fields strictly: a blank is `%20`, and nothing but letters, digits and `-._~` stands for itself."""
    return urlencode(fields, quote_via=quote, safe="")
