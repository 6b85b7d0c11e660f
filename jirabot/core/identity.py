"""Who holds a token of the OIDC issuer, by what it claims. Its signature is proved before. Pure.

Source: OpenID Connect Core 1.0, sections 2 and 5.1; RFC 7519, section 4.1; Keycloak's "Server Administration Guide",
"Audience support": its access tokens name the client that they were given to in `azp`, and in `aud` only those that
an audience mapper, or a client role, has added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jirabot.core.people import Principal, Role
from jirabot.errors import TokenInvalid

OTHER_USES = frozenset({"id", "refresh", "offline", "logout", "logout+jwt"})
"""What `typ` says, with Keycloak among the claims, of tokens that are made for something else than to be sent here."""

LONGEST_SUBJECT = 255
"""Characters of a `sub`. Source: OpenID Connect Core 1.0, section 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """What a token must claim. `audiences`: one of these in `aud`; where there is none, `client_id` decides."""

    issuer: str
    audiences: Sequence[str] = ()
    client_id: str = ""
    admin_role: str = ""
    role_claim: str = "realm_access.roles"
    leeway: timedelta = timedelta(seconds=60)


def principal(claims: Mapping[str, Any], rules: ClaimRules, *, now: datetime) -> Principal:
    """Say who holds a token.

    Raises:
        TokenInvalid: it is of another issuer, for something else, or not of this time.
    """
    if claims.get("iss") != rules.issuer:
        raise _invalid("it is another issuer's")
    if str(claims.get("typ", "")).lower() in OTHER_USES:
        raise _invalid("it is no access token")
    if not _is_for_us(claims, rules):
        raise _invalid("it was made for something else")
    _check_time(claims, now=now.timestamp(), leeway=rules.leeway.total_seconds())
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or len(subject) > LONGEST_SUBJECT:
        raise _invalid("it does not say whose it is")
    return Principal(
        kind="oidc",
        name=_text(claims, "preferred_username") or subject,
        user=subject,
        role=Role.ADMIN if rules.admin_role and rules.admin_role in roles(claims, rules.role_claim) else Role.USER,
        email=_text(claims, "email") if claims.get("email_verified") is True else "",
    )


def roles(claims: Mapping[str, Any], path: str) -> Sequence[str]:
    """List the roles at a claim: of that very name, else on the way that its dots show. One text is one role."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    listed = [found] if isinstance(found, str) else found
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []


def _is_for_us(claims: Mapping[str, Any], rules: ClaimRules) -> bool:
    given = claims.get("aud")
    audiences = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    if rules.audiences:
        return any(each in audiences for each in rules.audiences)
    return bool(rules.client_id) and (claims.get("azp") == rules.client_id or rules.client_id in audiences)


def _check_time(claims: Mapping[str, Any], *, now: float, leeway: float) -> None:
    ends, begins, made = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
    if ends is None:
        raise _invalid("it has no end")
    if now >= ends + leeway:
        raise _invalid("it has expired")
    if any(since is not None and now < since - leeway for since in (begins, made)):
        raise _invalid("it does not count yet")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    given = claims.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _invalid(f"its `{name}` is no time")
    return float(given)


def _text(claims: Mapping[str, Any], name: str) -> str:
    given = claims.get(name)
    return given.strip() if isinstance(given, str) else ""


def _invalid(why: str) -> TokenInvalid:
    return TokenInvalid(f"the token does not count: {why}", hint="sign in again")
