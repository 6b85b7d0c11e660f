"""The line that names a comment's effect for all to see, where Jira drops the property that should. Pure."""

import re

from jirabot.core.ids import EffectId

_FOOTER = re.compile(r"\W*jirabot\W+([0-9a-f]{8,32})\W*", re.IGNORECASE)

COMPARED_CHARACTERS = 500
"""So much of two texts is compared: the end of a long one may have been cut."""


def mark_in(markdown: str) -> EffectId | None:
    """Find the effect that a comment's last line names."""
    _, last = _last_line(markdown)
    found = _FOOTER.fullmatch(last)
    return EffectId(found[1]) if found else None


def without_footer(markdown: str) -> str:
    """Take the footer off."""
    above, last = _last_line(markdown)
    return above.rstrip() if _FOOTER.fullmatch(last) else markdown


def is_same_text(one: str, other: str) -> bool:
    """Say whether two Markdown texts have the same words; what one of them says is enough."""
    first, second = _letters(one), _letters(other)
    return bool(first) and first == second


def _last_line(markdown: str) -> tuple[str, str]:
    above, _, last = markdown.rstrip().rpartition("\n")
    return above, last


def _letters(markdown: str) -> str:
    return "".join(letter for letter in markdown if letter.isalnum())[:COMPARED_CHARACTERS]
