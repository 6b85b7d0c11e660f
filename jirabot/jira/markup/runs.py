"""Inlines as a flat row of runs: a leaf with the set of its marks. Pure.

Nested marks can be written in many ways, runs in one. ADF is made of runs; Markdown and wiki markup are written from
the one nesting that `nest` gives.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby
from typing import assert_never

from jirabot.jira.markup.tree import Code, Emphasis, HardBreak, Inline, Link, Mention, Strike, Strong, Text


class Mark(Enum):
    """What a run looks like; the order is the order of nesting, outermost first."""

    STRONG = auto()
    EMPHASIS = auto()
    STRIKE = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """A leaf, its marks, and the address it links to (empty: none)."""

    leaf: Text | Code | HardBreak | Mention
    marks: frozenset[Mark] = frozenset()
    href: str = ""

    @property
    def is_space(self) -> bool:
        return isinstance(self.leaf, Text) and self.leaf.text.isspace()


_BREAK = Run(HardBreak())
_NODES: dict[Mark, Callable[[tuple[Inline, ...]], Inline]] = {
    Mark.STRONG: Strong,
    Mark.EMPHASIS: Emphasis,
    Mark.STRIKE: Strike,
}


def flatten(content: Iterable[Inline], marks: frozenset[Mark] = frozenset(), href: str = "") -> Iterator[Run]:
    """Give the runs of *content* in order, untidied; in a link in a link the outer address wins."""
    for inline in content:
        match inline:
            case Text() | Code() | HardBreak() | Mention():
                yield Run(inline, marks, href)
            case Strong(inner):
                yield from flatten(inner, marks | {Mark.STRONG}, href)
            case Emphasis(inner):
                yield from flatten(inner, marks | {Mark.EMPHASIS}, href)
            case Strike(inner):
                yield from flatten(inner, marks | {Mark.STRIKE}, href)
            case Link(target, inner):
                yield from flatten(inner, marks, href or target)
            case _:
                assert_never(inline)


def tidy(runs: Iterable[Run]) -> list[Run]:
    """Bring *runs* into normal form.

    A newline in text is a break. Marks and links neither span a break nor a mention, nor begin or end with white space.
    Neighbours that look the same are one run. White space beside a break and at both ends goes.
    """
    return _trim(_merge(_share_spaces([piece for run in runs for piece in _pieces(run)])))


def nest(runs: Sequence[Run]) -> tuple[Inline, ...]:
    """Build the inlines of tidy *runs*: link outermost, then the marks in their order, each spanning all it can."""
    return tuple(
        inline
        for href, group in groupby(runs, key=lambda run: run.href)
        for inline in _linked(href, _marked(list(group), tuple(Mark)))
    )


def plain(content: Iterable[Inline]) -> str:
    """Give what is read of *content*, without marks and addresses; a break is a newline."""
    return plain_runs(flatten(content))


def plain_runs(runs: Iterable[Run]) -> str:
    """Give what is read of *runs*."""
    return "".join(map(_plain, runs))


def words(content: Iterable[Inline]) -> list[Run]:
    """Give the runs of *content*, text split behind each word."""
    split: list[Run] = []
    for run in flatten(content):
        if isinstance(run.leaf, Text):
            split.extend(Run(Text(word), run.marks, run.href) for word in re.findall(r"\s*\S+\s*|\s+", run.leaf.text))
        else:
            split.append(run)
    return split


def _plain(run: Run) -> str:
    match run.leaf:
        case Text(text) | Code(text):
            return text
        case HardBreak():
            return "\n"
        case Mention(id_, label):
            return f"@{label or id_}"
        case _:
            assert_never(run.leaf)


def _linked(href: str, content: tuple[Inline, ...]) -> tuple[Inline, ...]:
    return (Link(href, content),) if href else content


def _marked(runs: list[Run], order: tuple[Mark, ...]) -> tuple[Inline, ...]:
    if not order or not any(run.marks for run in runs):
        return tuple(run.leaf for run in runs)
    mark, *rest = order
    content: list[Inline] = []
    for is_marked, group in groupby(runs, key=lambda run: mark in run.marks):
        inner = _marked(list(group), tuple(rest))
        content.extend([_NODES[mark](inner)] if is_marked else inner)
    return tuple(content)


def _pieces(run: Run) -> Iterator[Run]:
    """Split *run* so that each piece is a break, white space, or begins and ends with something visible."""
    match run.leaf:
        case Text(text):
            for index, line in enumerate(text.split("\n")):
                if index:
                    yield _BREAK
                yield from _bare(run, Text, line)
        case Code(text):
            yield from _bare(run, Code, text.replace("\n", " "))
        case HardBreak():
            yield _BREAK
        case Mention():
            yield Run(run.leaf)
        case _:
            assert_never(run.leaf)


def _bare(run: Run, kind: type[Text | Code], line: str) -> Iterator[Run]:
    core = line.strip()
    before, _, after = line.partition(core) if core else (line, "", "")
    for leaf in (Text(before), kind(core), Text(after)):
        if leaf.text:
            yield Run(leaf, run.marks, run.href)


def _share_spaces(pieces: list[Run]) -> list[Run]:
    """Leave white space only the marks and the link that both its neighbours have too."""
    groups = [list(group) for _, group in groupby(pieces, key=lambda piece: piece.is_space)]
    shared: list[Run] = []
    for before, group, after in zip([[_BREAK], *groups], groups, [*groups[1:], [_BREAK]], strict=False):
        if group[0].is_space:
            around = (before[-1], *group, after[0])
            text = "".join(piece.leaf.text for piece in group if isinstance(piece.leaf, Text))
            shared.append(Run(Text(text), _kept(around), around[0].href if _is_same_link(around) else ""))
        else:
            shared.extend(group)
    return shared


def _is_same_link(around: Sequence[Run]) -> bool:
    return len({piece.href for piece in around}) == 1


def _kept(around: Sequence[Run]) -> frozenset[Mark]:
    """Say which marks span all of *around*; where one ends, those that nest deeper end too."""
    kept: set[Mark] = set()
    for mark in Mark if _is_same_link(around) else ():
        held = [mark in piece.marks for piece in around]
        if all(held):
            kept.add(mark)
        elif held[0] or held[-1]:
            break
    return frozenset(kept)


def _merge(runs: list[Run]) -> list[Run]:
    merged: list[Run] = []
    for (kind, marks, href), group in groupby(runs, key=lambda run: (type(run.leaf), run.marks, run.href)):
        leaves = [run.leaf for run in group]
        if kind is Text or kind is Code:
            text = "".join(leaf.text for leaf in leaves if isinstance(leaf, Text | Code))
            leaves = [Text(text) if kind is Text else Code(text)]
        merged.extend(Run(leaf, marks, href) for leaf in leaves)
    return merged


def _trim(runs: list[Run]) -> list[Run]:
    kept: list[Run] = []
    for index, run in enumerate(runs):
        text = run.leaf.text if isinstance(run.leaf, Text) else None
        if text is None:
            kept.append(run)
            continue
        if index == 0 or runs[index - 1] == _BREAK:
            text = text.lstrip()
        if index + 1 == len(runs) or runs[index + 1] == _BREAK:
            text = text.rstrip()
        if text:
            kept.append(Run(Text(text), run.marks, run.href))
    while kept and kept[0] == _BREAK:
        kept.pop(0)
    while kept and kept[-1] == _BREAK:
        kept.pop()
    return _without_blank_lines(kept)


def _without_blank_lines(runs: list[Run]) -> list[Run]:
    return [run for index, run in enumerate(runs) if run != _BREAK or runs[index - 1] != _BREAK]
