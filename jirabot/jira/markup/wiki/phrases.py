r"""The text of a paragraph in wiki markup: marks, links, mentions, images, escapes. Pure and total.

A mark opens before a visible character where no letter, digit or backslash precedes it, and closes behind one where no
letter or digit follows; `{*}` opens and closes within words. No mark spans a line, and none stands beside another of
its kind: `--` is a dash, `__init__` a name.

Source: "Text Formatting Notation Help" in Jira, and `PhraseRendererComponent`, `BackslashEscapeRendererComponent` and
`ForceNewLineRendererComponent` of Atlassian's renderer.
"""

import html
import re
from collections.abc import Callable

from jirabot.jira.markup.addresses import BARE
from jirabot.jira.markup.tree import Code, Emphasis, HardBreak, Inline, Link, Mention, Strike, Strong, Text

_ESCAPE = r"(?<!\\)\\[-!\#%()*+?@\[\]^_{|}~]"
_TOKEN = re.compile(
    r"""
      (?P<line_end>(?<!\\)\\\\(?![^\s\\]*\\))                                   # but `\\server\share`
    | (?P<escape>"""
    + _ESCAPE
    + r""")
    | (?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)
    | (?P<code>\{\{)
    | (?P<link>\[(?P<inside>(?:\\.|[^\[\]\\])*)\])
    | (?P<image>!(?P<source>[^\s!|][^!|]{0,250})(?:\|[^!]{0,250})?!)
    | (?P<mark>\{(?:[*_^~+-]|\?\?)\}|\?\?|[*_^~+-])
    | (?P<url>"""
    + BARE
    + ")",
    re.VERBOSE,
)
_ENTITY = re.compile(r"&#?\w{1,31};", re.ASCII)
_ESCAPED = re.compile(_ESCAPE)
_BAR = re.compile(r"(?<!\\)\|")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|mailto:|tel:)\S+", re.IGNORECASE)
_ACCOUNT = re.compile(r"^accountid:", re.IGNORECASE)
_FILE = re.compile(r".*\.\w{2,5}")

_MARKS: dict[str, Callable[[tuple[Inline, ...]], Inline] | None] = {
    "*": Strong,
    "_": Emphasis,
    "-": Strike,
    "??": Emphasis,
    "+": None,
    "^": None,
    "~": None,
}


def phrases(text: str, *, is_linked: bool = False) -> tuple[Inline, ...]:
    """Read *text*, the lines of one paragraph without macros; *is_linked*: the words of a link, which hold no other."""
    content: list[Inline] = []
    for line in text.split("\n"):
        content += [*_Line(line, is_linked=is_linked).read(), HardBreak()]
    return tuple(content[:-1])


class _Line:
    """Reads one line from left to right. What may be a mark's beginning is text until its end is found."""

    def __init__(self, text: str, *, is_linked: bool) -> None:
        self._text = text
        self._is_linked = is_linked
        self._position = 0
        self._read: list[Inline] = []
        self._opened: dict[str, int] = {}
        self._escape_end = -1
        self._may_hold_code = True

    def read(self) -> list[Inline]:
        while token := _TOKEN.search(self._text, self._position):
            self._add_text(self._text[self._position : token.start()])
            self._position = token.end()
            self._take(token)
        self._add_text(self._text[self._position :])
        return self._read

    def _take(self, token: re.Match[str]) -> None:
        match token.lastgroup:
            case "line_end":
                self._read.append(HardBreak())
                self._opened.clear()
            case "escape":
                self._add_text(token[0][1])
                self._escape_end = token.end()
            case "entity":
                self._add_text(html.unescape(token[0]))
            case "code":
                self._code(token)
            case "link":
                self._whole(token, _link(token["inside"]))
            case "image":
                may_open, _ = self._may_open_and_close("!", token.start(), token.start() + 1)
                self._whole(token, _image(token["source"]) if may_open else None)
            case "url":
                self._whole(token, None if self._is_linked else Link(token[0], (Text(token[0]),)))
            case _:
                self._mark(token)

    def _add_text(self, text: str) -> None:
        if text:
            self._read.append(Text(text))

    def _whole(self, token: re.Match[str], inline: Inline | None) -> None:
        """Add *inline*; None: the token's first character is text, and what follows it is read by itself."""
        self._read.append(inline or Text(token[0][0]))
        if inline is None:
            self._position = token.start() + 1

    def _code(self, token: re.Match[str]) -> None:
        end = self._text.find("}}", token.end() + 1) if self._may_hold_code else -1
        if end < 0:
            self._may_hold_code = False
            self._add_text(token[0])
            return
        while self._text.startswith("}", end + 2):
            end += 1
        inside = self._text[token.end() : end]
        if inside.startswith("{}") and inside.endswith("{}"):
            inside = inside[2:-2]
        self._read.append(Code(_unescape(inside)))
        self._position = end + 2

    def _mark(self, token: re.Match[str]) -> None:
        is_braced = token[0].startswith("{")
        mark = token[0].strip("{}")
        may_open, may_close = (True, True) if is_braced else self._may_open_and_close(mark[0], *token.span())
        start = self._opened.get(mark)
        if start is None and may_open:
            self._opened[mark] = len(self._read)
        elif start is not None and may_close and len(self._read) > start + 1:
            self._close(mark, start)
            return
        self._add_text(token[0])

    def _close(self, mark: str, start: int) -> None:
        inner = tuple(self._read[start + 1 :])
        node = _MARKS[mark]
        self._read[start:] = [node(inner)] if node else inner
        self._opened = {other: index for other, index in self._opened.items() if index < start}

    def _may_open_and_close(self, character: str, start: int, end: int) -> tuple[bool, bool]:
        """Say what a mark of *character* from *start* to *end* may do, by what stands on both sides."""
        before, after = self._text[max(start - 1, 0) : start], self._text[end : end + 1]
        is_alone = after != character and (before != character or self._escape_end == start)
        may_open = after.strip() != "" and not before.isalnum() and before != "\\"
        may_close = not before.isspace() and not after.isalnum()
        return is_alone and may_open, is_alone and may_close


def _link(inside: str) -> Inline | None:
    words, *addresses = _BAR.split(inside)
    address = _unslash((addresses or [words])[0].strip())
    alias = phrases(words, is_linked=True) if addresses and words.strip() else ()
    match address[:1]:
        case "~":
            id_ = _ACCOUNT.sub("", address[1:], count=1).strip()
            return Mention(id_, _unescape(words) if addresses else "") if id_ else None
        case "^" if address[1:]:
            return Code(address[1:])
        case "#" if addresses:
            return Link(address, alias or (Text(address),))
        case _:
            return Link(address, alias or (Text(address),)) if _ADDRESS.fullmatch(address) else None


def _image(source: str) -> Inline | None:
    source = source.strip()
    if _ADDRESS.fullmatch(source):
        return Link(source, (Text(source),))
    return Code(source) if _FILE.fullmatch(source) else None


def _unescape(text: str) -> str:
    return _ENTITY.sub(lambda match: html.unescape(match[0]), _unslash(text))


def _unslash(text: str) -> str:
    return _ESCAPED.sub(lambda match: match[0][1], text)
