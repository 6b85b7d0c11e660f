"""The one family of errors: what happened, for a person, and the next thing to do.

Imports nothing. Core knows neither exit codes nor HTTP: `jirabot.cli.exits` and `jirabot.daemon.problems` hold one
table each from `Kind` to theirs, and a test demands that both hold every kind.
"""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """Whose fault it is and what a caller can do; decides exit code and HTTP status."""

    INVALID = "invalid"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    LIMITED = "limited"
    UNREACHABLE = "unreachable"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    CONFIGURATION = "configuration"
    FAILED = "failed"
    INTERNAL = "internal"


class JirabotError(Exception):
    """Root of everything jirabot raises on purpose.

    The message says what happened, values in backticks, no full stop; the hint is the next thing to do. Neither ever
    holds a secret.
    """

    kind = Kind.INTERNAL
    code = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def fault_of(error: BaseException) -> JirabotError:
    """Stand in for what nobody foresaw. Of *error* its kind alone is told: its text may hold anything."""
    return JirabotError(f"a fault in jirabot: `{type(error).__name__}`")


def kind_and_place(error: BaseException) -> str:
    """Name what nobody foresaw for the log: its kind, and the innermost line of ours. Its text may hold anything."""
    place, step = "elsewhere", error.__traceback__
    while step is not None:
        module = str(step.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == __name__.partition(".")[0]:
            place = f"{module}:{step.tb_lineno}"
        step = step.tb_next
    return f"{type(error).__name__} at {place}"


class InvalidInput(JirabotError):
    """What a person or program gave us can't be used as it is."""

    kind = Kind.INVALID
    code = "invalid-input"


class InvalidPayload(InvalidInput):
    """A webhook's body is not what Jira sends."""

    code = "invalid-payload"


class UnsupportedEncoding(InvalidInput):
    """A request with a Content-Encoding: nothing is inflated."""

    code = "unsupported-encoding"


class TooLarge(InvalidInput):
    """A body over the limit (`[server] max_body`)."""

    code = "too-large"


class TooSlow(InvalidInput):
    """A body that does not come within its time; Jira Cloud sends it again."""

    code = "too-slow"


class HostMismatch(InvalidInput):
    """An authentic payload that names another Jira than the workspace's own."""

    code = "host-mismatch"


class FieldsInvalid(InvalidInput):
    """Fields of a request that are missing, unknown, or not what they may be; `fields` says of each what is wrong."""

    code = "invalid-fields"

    def __init__(self, fields: Mapping[str, str], *, hint: str = "") -> None:
        super().__init__("; ".join(f"`{name}`: {told}" if name else told for name, told in fields.items()), hint=hint)
        self.fields = dict(fields)


class NoJson(InvalidInput):
    """A body that does not say that it is JSON."""

    code = "no-json"


class StateUnknown(InvalidInput):
    """Nobody has begun what somebody comes back from, or it is used up, or older than it may be."""

    code = "oauth-state-unknown"


class ConsentDenied(InvalidInput):
    """A person has not consented."""

    code = "consent-denied"


class ConsentFailed(InvalidInput):
    """What a person came back with from the consent page does not count there."""

    code = "consent-failed"


class WorkspaceInactive(InvalidInput):
    """The workspace is there, and is not worked on now."""

    code = "workspace-inactive"


class NotFound(JirabotError):
    """No such workspace, event, user, conversation, repository."""

    kind = Kind.NOT_FOUND
    code = "not-found"


class WorkspaceNotFound(NotFound):
    """No workspace of that name, id or address."""

    code = "workspace-not-found"


class DeliveryNotFound(NotFound):
    """No delivery of that id."""

    code = "event-not-found"


class ConversationNotFound(NotFound):
    """No conversation of that id, or none on that issue."""

    code = "conversation-not-found"


class EffectNotFound(NotFound):
    """Nothing of that id is owed to Jira, or was."""

    code = "effect-not-found"


class Conflict(JirabotError):
    """Something of that name or role is there already."""

    kind = Kind.CONFLICT
    code = "conflict"


class WorkspaceExists(Conflict):
    """The workspace's name or base URL is taken."""

    code = "workspace-exists"


class DaemonRunning(Conflict):
    """Another daemon holds the data folder."""

    code = "daemon-running"


class AmbiguousLink(Conflict):
    """More than one link is meant, and only one can be."""

    code = "ambiguous-link"


class Forbidden(JirabotError):
    """Refused: permission, safety, or Jira said 401 or 403."""

    kind = Kind.FORBIDDEN
    code = "forbidden"


class TokenInvalid(JirabotError):
    """A token of the management API that is missing, or does not count."""

    kind = Kind.UNAUTHENTICATED
    code = "token-invalid"


class SiteNotAccessible(JirabotError):
    """Who consented may not see the workspace's site, or has not chosen it."""

    kind = Kind.UNAUTHENTICATED
    code = "site-not-accessible"


class OtherBrowser(Forbidden):
    """Somebody comes back from a consent page to which another browser was sent."""

    code = "oauth-other-browser"


class CodeRefused(Forbidden):
    """A one-time code that is not the one which the page has shown."""

    code = "code-refused"


class SignatureRejected(Forbidden):
    """A delivery that does not prove itself: one text for every reason, so that nobody outside learns which.

    `cause` says it to administrators: no part of the message.
    """

    code = "signature-rejected"

    def __init__(self, cause: str) -> None:
        super().__init__(
            "the delivery does not prove that it comes from the workspace's Jira",
            hint="`jirabot webhook list WORKSPACE` tells why, and `jirabot webhook register` gives Jira the secret",
        )
        self.cause = cause


class JiraRefused(Forbidden):
    """Jira answered 401 or 403: the credentials or the service account's rights; `status` says which."""

    code = "jira-refused"

    def __init__(self, message: str, *, status: int = 403, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class ConsentNeeded(JiraRefused):
    """A person has to consent (again) before Jira lets the service account in by OAuth."""

    code = "consent-needed"


class RateLimited(JirabotError):
    """Somebody asked us to wait; `retry_after_seconds` says how long, `reason` in Jira's words which limit it was."""

    kind = Kind.LIMITED
    code = "rate-limited"

    def __init__(self, message: str, *, retry_after_seconds: float, reason: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds
        self.reason = reason


class BudgetSpent(RateLimited):
    """Our own budget of calls to a Jira allows no more for now; Jira was not asked."""

    code = "budget-spent"


class Unreachable(JirabotError):
    """Nobody answered, or what answered is broken."""

    kind = Kind.UNREACHABLE
    code = "unreachable"


class IssuerUnreachable(Unreachable):
    """The OIDC issuer does not tell its keys, so that nobody it vouches for can be let in."""

    code = "issuer-unreachable"


class DaemonSilent(Unreachable):
    """No daemon does what was written down for it."""

    code = "daemon-silent"


class DaemonEnding(Unreachable):
    """The daemon is about to end, and does not wait for what may take long."""

    code = "daemon-ending"


class JiraUnreachable(Unreachable):
    """No connection to Jira: DNS, refused, TLS. What was asked did not happen."""

    code = "jira-unreachable"


class JiraSilent(Unreachable):
    """Jira did not answer what was asked: time-out, connection lost. What was asked may have happened."""

    code = "jira-silent"


class JiraBroken(Unreachable):
    """Jira answered 5xx, or something that is not Jira's. What was asked may have happened.

    `retry_after_seconds` says how long it asks to wait; 0 where it does not ask.
    """

    code = "jira-broken"

    def __init__(self, message: str, *, retry_after_seconds: float = 0.0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class JiraRejected(JirabotError):
    """Jira understood and said no (4xx): it did not happen."""

    kind = Kind.REJECTED
    code = "jira-rejected"

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class JiraGone(JiraRejected):
    """Jira says 404 or 410: the issue or comment is not there, or may not be seen."""

    code = "jira-gone"


class StorageUnavailable(JirabotError):
    """Our database or disk refuses."""

    kind = Kind.UNAVAILABLE
    code = "storage-unavailable"


class BodyUnreadable(StorageUnavailable):
    """The file of one body can't be read; the database is well."""

    code = "body-unreadable"


class DatabaseUnusable(JirabotError):
    """The database is of another version, corrupt, not ours, or not there: nothing can be done until that is mended."""

    kind = Kind.UNAVAILABLE
    code = "database-unusable"


class DatabaseMissing(DatabaseUnusable):
    """There is no database where one is needed."""

    code = "database-missing"


class DatabaseOfOtherVersion(DatabaseUnusable):
    """The database is whole and ours, and of an earlier or a newer version than this jirabot works with."""

    code = "database-version"


class SecretSealed(JirabotError):
    """A stored secret does not open; the database is well, and nothing but what needs that secret stands still."""

    kind = Kind.CONFIGURATION
    code = "secret-sealed"

    def anew(self) -> "SecretSealed":
        """Give the same error once more: one that is kept, or raised again, holds nothing of where it was met."""
        return SecretSealed(self.message, hint=self.hint)


class ConfigurationInvalid(JirabotError):
    """The settings can't be used; `problems` holds all of them, one sentence each."""

    kind = Kind.CONFIGURATION
    code = "configuration-invalid"

    def __init__(self, problems: list[str], *, hint: str = "") -> None:
        super().__init__("; ".join(problems), hint=hint)
        self.problems = problems


class SettingsOutdated(ConfigurationInvalid):
    """Another version has stored settings of a workspace that this one does not take."""

    code = "settings-outdated"


class MasterKeyMissing(JirabotError):
    """Secrets are stored, and the key that opens them is not the one found."""

    kind = Kind.CONFIGURATION
    code = "master-key-missing"


class GitFailed(JirabotError):
    """Git said no; `retryable` tells whether the same again may work."""

    kind = Kind.FAILED
    code = "git-failed"

    def __init__(self, message: str, *, retryable: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


class GitUnreachable(GitFailed):
    """The git host is not reached, does not answer in time, or is broken: the same again may work."""

    kind = Kind.UNREACHABLE
    code = "git-unreachable"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, retryable=True, hint=hint)


class AgentUnavailable(JirabotError):
    """An agent backend can't be started: its command is missing or its section is wrong."""

    kind = Kind.FAILED
    code = "agent-unavailable"


class CommandFailed(JirabotError):
    """What a command was asked to do did not work out."""

    kind = Kind.FAILED
    code = "failed"


class WebhookMissing(CommandFailed):
    """A webhook that was waited for did not come; the message says why, as far as that can be told."""

    code = "webhook-missing"
