"""The grammar of what is asked of the bot: a command alone on its line, or a task in the writer's own words. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

from jirabot.core.bodies import Body, Line, PickerMention


class Command(StrEnum):
    """A word that, alone behind the mention, is meant for jirabot and not for the agent."""

    HELP = "help"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work for the agent: what was written, in Markdown, without the mention. Empty: the issue itself is the task."""

    text: str


Request = Command | Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """How the bot is spoken to: mention words (`@openhands`) and the service account's ids and names.

    Without a word, blanks aside, only the account speaks to it.
    """

    words: tuple[str, ...]
    accounts: frozenset[str]

    def pattern(self) -> re.Pattern[str]:
        """Match a mention word in text: not inside a longer word, an e-mail address, a domain or a package name."""
        words = "|".join(re.escape(word) for word in self.words if word.strip()) or "(?!)"
        return re.compile(rf"(?<![\w@./+:-])(?:{words})(?![\w@/+-]|\.\w|:/)", re.IGNORECASE)


def request_in(body: Body, address: Address) -> Request | None:
    """Find what *body* asks of the bot; None where it does not speak to it.

    Code, quotations and links have no say: they are not in `Body.lines`.
    """
    for line in body.lines:
        rest = _around_mention(line, address)
        if rest is None:
            continue
        try:
            return Command(rest.strip().rstrip(".!").rstrip().lower())
        except ValueError:
            return Task(text=_without_mention(body.markdown, address))
    return None


def _around_mention(line: Line, address: Address) -> str | None:
    """Give *line* without its first mention of the bot; None where it has none."""
    pattern = address.pattern()
    accounts = {account.lower() for account in address.accounts}
    for index, piece in enumerate(line):
        before, after = _text(line[:index]), _text(line[index + 1 :])
        if isinstance(piece, PickerMention):
            if piece.id.lower() in accounts:
                return before + _behind_mention(after)
        elif match := pattern.search(piece):
            return before + piece[: match.start()] + _behind_mention(piece[match.end() :] + after)
    return None


def _behind_mention(text: str) -> str:
    """Take off the mark that sets a name apart from what is said to it; the picker puts a blank before it."""
    return text.lstrip().removeprefix(":").removeprefix(",")


def _text(pieces: Line) -> str:
    return "".join(piece if isinstance(piece, str) else f"[~{piece.id}]" for piece in pieces)


def _without_mention(markdown: str, address: Address) -> str:
    """Take the first mention out of the text for the agent; the rest stays as it was written."""
    accounts = "|".join(re.escape(account) for account in sorted(address.accounts))
    picker = rf"\\?\[\\?~(?:accountid:)?(?:{accounts})\\?\]" if accounts else r"(?!)"
    mention = re.compile(rf"(?:{address.pattern().pattern}|{picker})[:,]?[ \t]?", re.IGNORECASE)
    return mention.sub("", markdown, count=1).strip()
