"""Counts what is turned away at the door, for the audit: a row a sender, cause and minute, however many come.

Whoever sends what does not prove itself can't make the audit grow faster than that, and costs no commit each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jirabot.core.audit import Act, Entry, Outcome
from jirabot.core.people import STRANGER, Principal
from jirabot.core.workspaces import Workspace

WRITTEN_EVERY = timedelta(minutes=1)

MOST_ORIGINS = 5
"""So many of the addresses that it came from are told."""


@dataclass(slots=True)
class Tally:
    """So many of a kind since the last row; *workspace*: whom it was for, if it was for one."""

    workspace: Workspace | None
    act: Act
    by: Principal
    due_at: datetime
    count: int = 0
    origins: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, Act, str, str]:
        """What is counted together."""
        return (self.workspace.id if self.workspace else "", self.act, self.by.kind, self.by.name)

    def entry(self, now: datetime) -> Entry:
        """Make the row of it."""
        return Entry(
            at=now,
            by=Principal(kind=self.by.kind, name=self.by.name, address=self.origins[0] if self.origins else ""),
            act=self.act,
            workspace_id=self.workspace.id if self.workspace else "",
            workspace_name=self.workspace.name if self.workspace else "",
            outcome=Outcome.REFUSED,
            facts={"count": self.count, "origins": list(self.origins)},
        )


class TurnedAway:
    """Keeps count until it is written down: the first of a kind at once, those of the minute after it together."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, Act, str, str], Tally] = {}

    def count(
        self, workspace: Workspace | None, act: Act, *, origin: str, now: datetime, by: Principal = STRANGER
    ) -> None:
        """Count one."""
        new = Tally(workspace, act, by, due_at=now)
        tally = self._tallies.setdefault(new.key, new)
        tally.count += 1
        if origin and origin not in tally.origins and len(tally.origins) < MOST_ORIGINS:
            tally.origins.append(origin)

    @property
    def waits(self) -> bool:
        """Say whether anything is counted that is not written down."""
        return any(tally.count for tally in self._tallies.values())

    def take(self, now: datetime, *, everything: bool = False) -> Sequence[Tally]:
        """Give what is to be written down now, and begin to count anew; *everything*: also what could still wait."""
        found: list[Tally] = []
        for key, tally in list(self._tallies.items()):
            if tally.due_at > now and not (everything and tally.count):
                continue
            del self._tallies[key]
            if tally.count:
                found.append(tally)
                self._tallies[key] = Tally(tally.workspace, tally.act, tally.by, due_at=now + WRITTEN_EVERY)
        return found

    def put_back(self, tallies: Sequence[Tally]) -> None:
        """Count again what could not be written down."""
        for tally in tallies:
            known = self._tallies.setdefault(tally.key, tally)
            if known is not tally:
                known.count += tally.count
                known.origins = [*dict.fromkeys([*tally.origins, *known.origins])][:MOST_ORIGINS]
