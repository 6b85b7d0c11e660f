"""Troubles: what administrators are told of, once as it begins and once as it ends. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from jirabot.errors import JirabotError, JiraRefused, SecretSealed, Unreachable

WINDOW = timedelta(minutes=5)
"""Failures that are further apart are no trouble: each was retried, and told where it was."""


class Reason(StrEnum):
    """What the trouble is; stable, and shown as the workspace's `degraded` where it is a workspace's."""

    COMMENTING_REFUSED = "commenting-refused"
    """Jira refuses what the bot would write."""
    JIRA_FAILING = "jira-failing"
    """Jira does not answer, or not rightly."""
    TOKEN_REFUSED = "token-refused"  # noqa: S105 - a reason's name
    """Jira does not accept the service account's token."""
    CONSENT_NEEDED = "consent-needed"
    """A person has to consent again: Jira takes the OAuth grant no more."""
    TOKEN_EXPIRES = "token-expires"  # noqa: S105 - a reason's name
    """The service account's token, or consent, is near its end, or past it."""
    THROTTLED = "throttled"
    """Jira asks to be left alone for longer than an hour."""
    WEBHOOK_SILENT = "webhook-silent"
    """Issues change, and no webhook tells of it."""
    WEBHOOK_EXPIRING = "webhook-expiring"
    """A webhook that expires could not be refreshed."""
    AGENT_FAILING = "agent-failing"
    """An agent fails whoever asks: no run is begun with it."""
    NOT_STARTED = "not-started"
    """A conversation could not be begun."""
    EVENT_DEAD = "event-dead"
    """An event was given up."""
    EFFECT_DEAD = "effect-dead"
    """A comment was given up."""
    MISMATCH = "mismatch"
    """A proved event says what Jira does not confirm: somebody else may hold the webhook secret."""
    PERMISSION_UNREADABLE = "permission-unreadable"
    """Jira does not let the service account know who may trigger the bot."""
    EVENTS_MISSED = "events-missed"
    """Nobody listened to a Jira for longer than is made good unasked."""
    CATCH_UP_FAILING = "catch-up-failing"
    """A Jira does not take the search for what no webhook told."""
    SECRET_SEALED = "secret-sealed"  # noqa: S105 - as above
    """A stored secret of the workspace does not open."""
    DATABASE = "database"
    """The database or its disk refuses."""


class Strike(StrEnum):
    """A single failure of the kind that is no trouble until there are several."""

    EFFECT_REFUSED = "effect-refused"
    """A comment was given up."""
    ATTEMPT_REFUSED = "attempt-refused"
    """A comment was refused that is tried again: `jirabot.core.retry` says how often."""
    PROBE_FAILED = "probe-failed"
    AGENT_FAILED = "agent-failed"


DEGRADING = frozenset(
    {
        Reason.COMMENTING_REFUSED,
        Reason.JIRA_FAILING,
        Reason.TOKEN_REFUSED,
        Reason.CONSENT_NEEDED,
        Reason.THROTTLED,
    }
)
"""What a good probe of a workspace's Jira ends."""

AWAY = frozenset({Reason.JIRA_FAILING, Reason.TOKEN_REFUSED, Reason.CONSENT_NEEDED})
"""What says that nothing at all can be asked of a Jira."""

ENOUGH: Mapping[Strike, int] = {Strike.EFFECT_REFUSED: 3, Strike.PROBE_FAILED: 2, Strike.AGENT_FAILED: 3}
"""So many within the window are a trouble."""


def is_away(error: JirabotError, degraded: Collection[str]) -> bool:
    """Say whether it was the Jira itself that failed, as is known of it, and no fault of what was asked.

    Without the secret that signs us in, nothing can be asked of it either.
    """
    is_known = isinstance(error, Unreachable | JiraRefused) and not AWAY.isdisjoint(degraded)
    return is_known or isinstance(error, SecretSealed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One trouble. While `ended_at` is None it stands, and there is no other of its scope and reason.

    `text` says what is wrong, `fix` what to do, preferably a command. `begin_told_at` and `end_told_at`: when
    administrators were told of its begin and end.
    """

    id: str
    scope: str
    reason: Reason
    text: str
    fix: str
    begun_at: datetime
    ended_at: datetime | None = None
    begin_told_at: datetime | None = None
    end_told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A trouble with the name of where it is: a workspace or an agent; neither where it is everywhere."""

    trouble: Trouble
    workspace: str = ""
    agent: str = ""

    @property
    def where(self) -> str:
        """Name the place for a person."""
        return self.workspace or (f"agent {self.agent}" if self.agent else "everywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What administrators are told of a trouble: that it began, or that it ended."""

    placed: Placed
    ended: bool

    @property
    def event(self) -> str:
        """Name it as the log does."""
        return "trouble.ended" if self.ended else "trouble.begun"

    @property
    def at(self) -> datetime:
        """Tell when that was."""
        trouble = self.placed.trouble
        return trouble.ended_at if self.ended and trouble.ended_at is not None else trouble.begun_at

    @property
    def told(self) -> Trouble:
        """Give the trouble as it is once this was told, for `TroubleStore.told`."""
        trouble = self.placed.trouble
        return trouble if self.ended else replace(trouble, ended_at=None)

    @property
    def sentence(self) -> str:
        """Say it in one line, as a chat shows it."""
        trouble = self.placed.trouble
        about = f"{self.placed.where}: {trouble.reason.value}"
        if self.ended:
            return f"jirabot: {about} is over: {trouble.text}"
        return f"jirabot: {about}: {trouble.text}. What to do: {trouble.fix}"


def alerts(placed: Placed) -> Sequence[Alert]:
    """List what was not told yet, the begin before the end."""
    trouble = placed.trouble
    begin = [Alert(placed=placed, ended=False)] if trouble.begin_told_at is None else []
    end = [Alert(placed=placed, ended=True)] if trouble.ended_at is not None and trouble.end_told_at is None else []
    return begin + end
