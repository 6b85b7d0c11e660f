"""OAuth: what an app is, what a person's consent gave, and when that has to be renewed. Pure.

Source: "OAuth 2.0 (3LO) apps", developer.atlassian.com; "Jira OAuth 2.0 provider API", confluence.atlassian.com.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from jirabot.core.network import AS_THE_MACHINE, Network

RENEWED_AHEAD = timedelta(minutes=2)
"""How long before its end an access token is renewed: longer than any call takes, and than clocks drift apart."""

RENEWING = timedelta(seconds=90)
"""How long one process may take to renew a grant, its call's time-out and the disk included; then another may."""

CONSENT_LASTS = timedelta(days=90)
"""How long Cloud keeps a refresh token that is not used. Source: "OAuth 2.0 (3LO) apps"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Where people consent and tokens are made: one Jira site, or all of Cloud. No workspace has to be there yet."""

    deployment: str
    base_url: str
    network: Network = AS_THE_MACHINE


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """An app (Cloud) or incoming link (Data Center) as it is registered there. The secret is not in `repr`."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a consent gave, as the last answer of the authority says. The tokens are not in `repr`.

    `redirect_uri` is where it was sent to: Data Center wants it again with each renewal.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    scopes: tuple[str, ...] = ()
    redirect_uri: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Say whether its access token is good for a call that begins now."""
        return now < self.expires_at - RENEWED_AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A Cloud site that a grant opens."""

    cloud_id: str
    name: str
    url: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGrant:
    """A workspace's grant as it is stored, all of it sealed.

    `renewing_until`: a process is at renewing it, and nobody else is until then. `is_refused`: the authority takes its
    refresh token no more, and a person has to consent again.
    """

    grant: Grant
    renewing_until: datetime | None = None
    is_refused: bool = False

    def renewed(self, grant: Grant) -> "KeptGrant":
        """Give it with what a renewal brought."""
        return KeptGrant(grant=grant)

    def claimed(self, now: datetime) -> "KeptGrant":
        """Give it as claimed for renewal."""
        return replace(self, renewing_until=now + RENEWING)

    def is_being_renewed(self, now: datetime) -> bool:
        """Say whether a process is at it."""
        return self.renewing_until is not None and now < self.renewing_until


def to_text(kept: KeptGrant) -> str:
    """Write a grant, to be sealed."""
    grant = kept.grant
    return json.dumps(
        {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "expires_at": grant.expires_at.isoformat(),
            "scopes": list(grant.scopes),
            "redirect_uri": grant.redirect_uri,
            "renewing_until": kept.renewing_until.isoformat() if kept.renewing_until else None,
            "is_refused": kept.is_refused,
        }
    )


def from_text(text: str) -> KeptGrant:
    """Read what `to_text` wrote."""
    told: Mapping[str, Any] = json.loads(text)
    return KeptGrant(
        grant=Grant(
            access_token=told["access_token"],
            refresh_token=told["refresh_token"],
            expires_at=datetime.fromisoformat(told["expires_at"]),
            scopes=tuple(told["scopes"]),
            redirect_uri=told["redirect_uri"],
        ),
        renewing_until=datetime.fromisoformat(told["renewing_until"]) if told["renewing_until"] else None,
        is_refused=told["is_refused"],
    )


def app_to_text(app: OAuthApp) -> str:
    """Write an app, to be sealed."""
    return json.dumps({"client_id": app.client_id, "client_secret": app.client_secret})


def app_from_text(text: str) -> OAuthApp:
    """Read what `app_to_text` wrote."""
    return OAuthApp(**json.loads(text))
