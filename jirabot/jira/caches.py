"""Answers of Jira that are kept for a while. In memory only; never what proves a trigger or the credentials."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from jirabot.core.ports import Clock

T = TypeVar("T")

MOST_KEPT = 10_000
"""How many answers of a kind are kept; the one that was not asked for the longest goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """For how long answers are kept; `NOTHING_KEPT` switches that off."""

    people: timedelta = timedelta(minutes=5)
    """Who somebody is and what they may: what is taken away refuses them after so long at the latest."""
    issue: timedelta = timedelta(seconds=30)
    """An issue, whose own webhook drops it before."""


NOTHING_KEPT = Ages(people=timedelta(0), issue=timedelta(0))


class Cache:
    """Keeps values for as long as *age* by the clock, counted from when they were asked for."""

    def __init__(self, *, clock: Clock, age: timedelta, most: int = MOST_KEPT) -> None:
        self._clock, self._age, self._most = clock, age, most
        self._kept: OrderedDict[Hashable, tuple[datetime, Any]] = OrderedDict()
        self._asking: dict[Hashable, object] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Give what is kept under *key*, else what *ask* gives. What it raises is not kept."""
        now = self._clock.now()
        kept = self._kept.get(key)
        if kept is not None and timedelta(0) <= now - kept[0] < self._age:
            self._kept.move_to_end(key)
            value: T = kept[1]
            return value
        mine = self._asking[key] = object()
        try:
            answer = await ask()
            # What was dropped while it was asked may be of before: it serves its asker, and nobody else.
            if self._asking.get(key) is mine and self._age:
                self._keep(key, now, answer)
        finally:
            if self._asking.get(key) is mine:
                del self._asking[key]
        return answer

    def drop(self, key: Hashable) -> None:
        """Forget what is kept under *key*, and what is being asked for it."""
        self._kept.pop(key, None)
        self._asking.pop(key, None)

    def clear(self) -> None:
        """Forget all of it."""
        self._kept.clear()
        self._asking.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _keep(self, key: Hashable, at: datetime, value: object) -> None:
        self._kept[key] = (at, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


class Caches:
    """The caches of all workspaces."""

    def __init__(self, *, clock: Clock, ages: Ages) -> None:
        self.people = Cache(clock=clock, age=ages.people)
        self.issues = Cache(clock=clock, age=ages.issue)

    def clear(self) -> None:
        """Forget all."""
        self.people.clear()
        self.issues.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One workspace's part of the caches, as its credentials are now: `owner` names both."""

    caches: Caches
    owner: tuple[str, ...]

    async def of_people(self, key: tuple[str, ...], ask: Callable[[], Awaitable[T]]) -> T:
        """Give an answer about people, the kept one or a new one."""
        return await self.caches.people.get((*self.owner, *key), ask)

    async def issue(self, issue_id: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Give an issue, the kept one or a new one."""
        return await self.caches.issues.get((*self.owner, issue_id), ask)

    def drop_issue(self, issue_id: str) -> None:
        """Forget an issue."""
        self.caches.issues.drop((*self.owner, issue_id))
