"""The log with those who listen to it: what is counted is what is told, so that the two can't disagree."""

import contextlib
from collections.abc import Iterator

from jirabot.core.ports import Events


class Announcer:
    """Tells the log, and who listens at that time; fulfils `Events`."""

    def __init__(self, log: Events) -> None:
        self._listeners = [log]

    @contextlib.contextmanager
    def heard_by(self, listener: Events) -> Iterator[None]:
        """Let *listener* hear everything while the context is open."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def tell(self, event: str, **fields: object) -> None:
        for each in self._listeners:
            each.tell(event, **fields)
