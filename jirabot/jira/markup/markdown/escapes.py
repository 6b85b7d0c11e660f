"""What must be escaped in Markdown's text, and where it need not be.

Source: "CommonMark Spec", version 0.31.2, sections 2.4 (backslash escapes), 6.2 (emphasis) and 4 (leaf blocks).
"""

import re
import string

_SPECIAL = re.compile(
    r"""
      [\\`]
    | (?<!\s)\* | \*(?!\s)              # beside white space on both sides it is no emphasis
    | (?<![^\W_])_ | _(?![^\W_])        # within a word neither
    | (?<=~)~ | ~(?=~) | ^~ | ~$        # one alone is nothing
    | \](?=[(\[:])
    | !(?=\[)
    | <(?=[A-Za-z/!?])
    | &(?=\#?\w+;)
    """,
    re.VERBOSE,
)
_SPECIAL_IN_LINK = re.compile(rf"{_SPECIAL.pattern} | [\[\]]", re.VERBOSE)
_BLOCK_START = re.compile(r"\#{1,6}(?=\s|$)|>|-(?=[-\s|:]|$)|\+(?=\s|$)|=+\s*$|:(?=-)|\|")
_DEFINITION = re.compile(r"\[(?:[^\[\]\\]|\\.)*\]:", re.DOTALL)
_NUMBER_START = re.compile(r"^(\d{1,9})([.)](?:\s|$))")


def escape(text: str, *, is_linked: bool) -> str:
    """Escape what would be read as markup wherever it stands; *is_linked*: inside a link's brackets."""
    return (_SPECIAL_IN_LINK if is_linked else _SPECIAL).sub(r"\\\g<0>", text)


def guard_line(line: str) -> str:
    """Escape the beginning of a paragraph's *line* that would begin another block."""
    if _BLOCK_START.match(line):
        return "\\" + line
    return _NUMBER_START.sub(r"\1\\\2", line, count=1)


def guard_paragraph(text: str) -> str:
    """Begin a paragraph's *text* with a break, which is not seen, where code would make a link's definition of it."""
    return f"\\\n{text}" if _DEFINITION.match(text) else text


def is_safe_outside(character: str) -> bool:
    """Say whether a delimiter with *character* outside may have anything inside."""
    return character.isspace() or character in string.punctuation


def refer_first(escaped: str) -> str:
    """Write the first character of *escaped* text so that it begins with punctuation."""
    # An underscore is escaped already, but where it stood within a word, which ends here.
    return _reference(escaped[0]) + re.sub("^_", r"\\_", escaped[1:])


def refer_last(escaped: str) -> str:
    """Write the last character of *escaped* text so that it ends with punctuation."""
    return re.sub(r"(?<=[^\W_])_$", r"\\_", escaped[:-1]) + _reference(escaped[-1])


def _reference(character: str) -> str:
    return f"&#{ord(character)};"
