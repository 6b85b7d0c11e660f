"""How long what is finished is kept: what is older than these instants is forgotten. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from jirabot.config import RetentionSettings

QUIET_HOUR = 3
"""When the daemon forgets what is old, by the machine's own clock: at night there are fewest who would notice."""

LEFTOVER_GRACE = timedelta(hours=1)
"""How old a file or folder that no row names has to be: those of a row that is being written are younger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What was finished, or last touched, before them is old."""

    deliveries: datetime
    dead: datetime
    logs: datetime
    checkouts: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How much was forgotten, or would be. `left` are folders that can't be removed."""

    bodies: int = 0
    dead_bodies: int = 0
    reports: int = 0
    rejections: int = 0
    troubles: int = 0
    checkouts: int = 0
    leftovers: int = 0
    left: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How much all of it is."""
        kept = self.rejections + self.troubles + self.checkouts + self.leftovers
        return self.bodies + self.dead_bodies + self.reports + kept

    def __str__(self) -> str:
        """Say how much of what, for people."""
        counted = [
            (self.bodies, "bodies of finished events"),
            (self.dead_bodies, "bodies of events that were given up"),
            (self.reports, "reports of agents"),
            (self.rejections, "refused requests"),
            (self.troubles, "troubles that are over"),
            (self.checkouts, "checkouts of closed conversations"),
            (self.leftovers, "files and folders of none"),
        ]
        return ", ".join(f"{what}: {count}" for count, what in counted if count) or "nothing now"


def next_night(pruned_at: datetime) -> datetime:
    """Give the first quiet hour after *pruned_at*, in its zone."""
    at = pruned_at.replace(hour=QUIET_HOUR, minute=0, second=0, microsecond=0)
    return at if at > pruned_at else at + timedelta(days=1)


def cutoffs(settings: RetentionSettings, *, now: datetime, older_than: timedelta | None = None) -> Cutoffs:
    """Make the instants that `[retention]` means now; *older_than*: one age for everything."""

    def before(kept_for: timedelta) -> datetime:
        return now - (kept_for if older_than is None else older_than)

    return Cutoffs(
        deliveries=before(settings.deliveries),
        dead=before(settings.dead),
        logs=before(settings.logs),
        checkouts=before(settings.checkouts),
    )
