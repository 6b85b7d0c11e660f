"""What to do about a refusal, told by its status, headers and words. Pure.

Source: "Manage API tokens for your Atlassian account", support.atlassian.com; "Disabling basic authentication",
confluence.atlassian.com; the response headers `X-AUSERNAME`, `X-Seraph-LoginReason` and
`X-Authentication-Denied-Reason`, as Data Center writes them.
"""

from collections.abc import Mapping

CAPTCHA = "Jira wants a CAPTCHA: sign in once in a browser as the service account"
NO_PASSWORDS = "this Jira takes no passwords: give a personal access token"
NO_SUCH_SCOPE = (
    "the token lacks a scope: it needs `read:jira-work`, `write:jira-work` and `read:jira-user`; scopes are fixed when "
    "a token is made, so make a new one"
)
MAY_HAVE_SCOPES = (
    "its token is wrong, expired or of another site: make a new one; one that has scopes is taken with "
    "`--auth scoped-token` only"
)
NOBODY = "its token is wrong, expired or revoked: Jira takes the request for nobody's. Make a new one"
NO_TOKEN = "its token is wrong, expired or of another site: make a new one"  # noqa: S105 - a sentence
FORGERY = (
    "Jira takes the request for a forgery: what stands between takes `X-Atlassian-Token` away, or changes `User-Agent`"
)
NOT_ALLOWED = "its account may not sign in: see whether it is active, and may use this Jira"
NO_RIGHTS = "give the service account the rights it lacks on the project: browse, add and edit comments"

_BY_WORDS = (
    (b"Basic Authentication has been disabled", NO_PASSWORDS),
    (b"scope does not match", NO_SUCH_SCOPE),
    (b"XSRF check failed", FORGERY),
)
"""What Jira, or Atlassian's gateway, writes."""


def hint_of(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Say what to do about a 401 or 403."""
    told = {name.lower(): value for name, value in headers.items()}
    reason = told.get("x-seraph-loginreason", "")
    if "CAPTCHA" in told.get("x-authentication-denied-reason", "") or "AUTHENTICATION_DENIED" in reason:
        return CAPTCHA
    if by_words := next((hint for words, hint in _BY_WORDS if words in body), ""):
        return by_words
    if "AUTHORISATION_FAILED" in reason:
        return NOT_ALLOWED
    if status == 401 and b"Client must be authenticated" in body:
        return MAY_HAVE_SCOPES
    if told.get("x-ausername") == "anonymous" or "AUTHENTICATED_FAILED" in reason:
        return NOBODY
    return NO_TOKEN if status == 401 else NO_RIGHTS
