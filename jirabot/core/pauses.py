"""Pauses: where no new run may begin. Deliveries and first answers go on; runs that have begun do too. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause: of everything, a workspace, or an agent, as its `scope` says."""

    scope: str
    paused_by: str
    paused_at: datetime
