"""How a person is forgotten: by which words they are known in texts and bodies, and what stands there instead. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jirabot.core.conversations import Conversation
from jirabot.core.people import Account

SHORTEST = 3
"""A shorter name is a word of every text."""


def pseudonym(number: int) -> str:
    """Name somebody who is forgotten: the same wherever they stood."""
    return f"forgotten-{number}"


class Words:
    """The words that somebody is known by: id, user name, display name and e-mail, as whole words in any case."""

    def __init__(self, account_id: str, known: Iterable[Account], *, instead: str) -> None:
        self.instead = instead
        given = {account_id, *(word for each in known for word in (each.id, each.name, each.display_name, each.email))}
        plain = {word for word in given if len(word) >= SHORTEST} | {account_id}
        escaped = {json.dumps(word)[1:-1] for word in plain}
        # The longest first: a name may begin with another.
        either = "|".join(re.escape(word) for word in sorted(plain | escaped, key=lambda word: (-len(word), word)))
        self._text = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
        # In bytes a letter beyond ASCII has no case and belongs to no word: it is found wherever it stands.
        self._body = re.compile(rf"(?<![0-9A-Za-z_])(?:{either})(?![0-9A-Za-z_])".encode(), re.IGNORECASE)

    def are_in(self, body: bytes) -> bool:
        """Say whether a payload names them, however its letters are written."""
        return self._body.search(body) is not None

    def taken_out(self, text: str) -> str:
        """Give a text with the pseudonym in their place."""
        return self._text.sub(self.instead, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is held of somebody in a workspace.

    `accounts`: as they are known; `service`: whether they are the bot itself; `open`: their conversations that are not
    over; `closed`: those that are; `owed`: how many comments of these are not sent.
    """

    accounts: tuple[Account, ...] = ()
    service: bool = False
    open: tuple[Conversation, ...] = ()
    closed: tuple[Conversation, ...] = ()
    owed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The deliveries whose bodies name somebody: those that are over, by number, and how many are not."""

    over: tuple[int, ...] = ()
    unfinished: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was removed of somebody, and what else is left: `beside` are files, `branches` are at git hosts.

    `swept`: nothing of it is left in the files of the database.
    """

    workspace_name: str
    pseudonym: str
    counts: Mapping[str, int] = field(default_factory=dict)
    issues: Sequence[str] = ()
    branches: Sequence[str] = ()
    beside: Sequence[str] = ()
    swept: bool = False

    def __str__(self) -> str:
        """Say how much of what, for people."""
        return ", ".join(f"{what}: {count}" for what, count in self.counts.items() if count) or "what names them"
