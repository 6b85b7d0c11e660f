"""Which addresses the bot links to in Jira; the others are shown, so that nothing an agent wrote is lost. Pure."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from jirabot.jira.markup import runs
from jirabot.jira.markup.runs import Run
from jirabot.jira.markup.tree import Inline, Link, Text

BARE = r"""
    (?<![^\W_])(?:https?|ftp)://
    (?:[^\s\[\]{}|<>"^`\\()]|\([^\s\[\]{}|<>"^`\\()]*\))*
    (?:[^\W_]|[/\#=&%@$]|(?<=\)))
"""
"""A verbose pattern for an address in running text, without the punctuation behind it."""

_BARE = re.compile(f"({BARE})", re.VERBOSE | re.IGNORECASE)
_SCHEMES = ("http://", "https://", "ftp://", "mailto:")


def is_linkable(href: str) -> bool:
    """Say whether *href* is a web or mail address: a relative one would lead nowhere, others are not safe."""
    return href.lower().startswith(_SCHEMES)


def linked(content: Iterable[Inline]) -> Iterator[Run]:
    """Give the runs of *content*, which is in normal form, with the links as they are in Jira.

    An address in running text is linked, for Cloud does not do it by itself. A link that may not be one becomes its
    words and its address in brackets.
    """
    for run in runs.flatten(_shown(content)):
        if isinstance(run.leaf, Text) and not run.href:
            for index, part in enumerate(_BARE.split(run.leaf.text)):
                yield Run(Text(part), run.marks, href=part if index % 2 else "")
        else:
            yield run


def _shown(content: Iterable[Inline]) -> Iterator[Inline]:
    for inline in content:
        match inline:
            case Link(href, words) if not is_linkable(href):
                yield from words
                if runs.plain(words) not in (href, unquote(href)):
                    yield Text(f" ({href})")
            case _:
                yield inline
