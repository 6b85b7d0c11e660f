r"""What must be escaped in wiki markup's text: all that could be a macro, mention, image, icon, link or mark.

Jira takes a backslash before `! [ ] ^ ~ + ? % { } ( ) * _ - | @`; before anything else the backslash shows. The rest,
the backslash itself and the beginnings of lines, is written as a character reference, which Jira keeps.

Source: "Text Formatting Notation Help" in Jira, section "Misc", and `BackslashEscapeRendererComponent`,
`EmoticonRendererComponent` and `HtmlEscapeRendererComponent` of Atlassian's renderer.
"""

import re

_SPECIAL = re.compile(
    r"""
      (?P<backslashed>
          [{}\[\]|]
        | (?<![^\W_])[*_+^~-] | [*_+^~-](?![^\W_])                                # within a word they are letters
        | (?<=\?)\? | \?(?=\?)
        | !(?!\s)                                                                 # no image begins with a space
        | \((?=(?:/|x|!|\?|y|n|i|\+|-|on|off|\*[rgby]?|flag|flagoff)\))           # icons
        | (?<=[:;])[()] | (?<=[:;]-)[()]
      )
    | (?P<referenced>
          \\(?![^\W_]|\s)
        | &(?=\#?\w+;)
        | [:;](?=-?[dp](?![^\W_]))                                                # icons too, even behind a word
      )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BRACES = re.compile(r"\\([{}])")
_LINE_START = re.compile(r"(?P<marks>[*-]*)(?P<first>\#(?=[#*-]*\s)|h(?=[1-6]\.)|b(?=q\.))")


def escape(text: str) -> str:
    """Escape *text*, wherever it stands."""
    return _SPECIAL.sub(lambda match: "\\" + match[0] if match["backslashed"] else _reference(match[0]), text)


def escape_code(text: str) -> str:
    """Escape *text* for `{{` and `}}`, which end at the first brace whatever stands before it."""
    return _BRACES.sub(lambda match: _reference(match[1]), escape(text))


def guard_line(line: str) -> str:
    """Write the first letter of *line*, which may stand in marks, so that it begins no list, heading or quotation."""
    if match := _LINE_START.match(line):
        return match["marks"] + _reference(match["first"]) + line[match.end() :]
    return line


def _reference(character: str) -> str:
    return f"&#{ord(character)};"
