"""The one syntax tree of rich text: frozen values, closed unions.

A node is made by position, `Strong((Text("now"),))`, because trees are written and matched by hand. Any tree may be
built; `normal.document` gives the one form of it that every notation can express.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Words as they are read: no markup, no escapes."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Words in a fixed-width type: a name, a command, an attachment. Never the writer's own speech."""

    text: str


@dataclass(frozen=True, slots=True)
class HardBreak:
    """The end of a line inside a paragraph or table cell."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A person chosen from Jira's picker.

    `id` is an account id (Cloud), user name or user key (Data Center); `label` is the name shown, without `@`, or empty
    where the notation does not tell.
    """

    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Strong:
    """Bold."""

    content: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Italic."""

    content: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Strike:
    """Struck out."""

    content: "tuple[Inline, ...]"


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to `href`, which may have any scheme or none: each writer decides what it links."""

    href: str
    content: "tuple[Inline, ...]"


Inline = Text | Code | HardBreak | Mention | Strong | Emphasis | Strike | Link


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together."""

    content: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title of `level` 1 to 6; one line."""

    level: int
    content: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines kept letter by letter, without the last line's end; `language` is empty where none was named."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody else's words."""

    blocks: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item; no blocks where it is empty."""

    blocks: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class BulletList:
    """Items in no order."""

    items: tuple[ListItem, ...]


@dataclass(frozen=True, slots=True)
class OrderedList:
    """Items counted from `start`."""

    items: tuple[ListItem, ...]
    start: int = 1


Cell = tuple[Inline, ...]
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; `header` is empty where no row heads the table, and rows may differ in length."""

    header: Row
    rows: tuple[Row, ...]

    @property
    def width(self) -> int:
        """The number of columns."""
        return max((len(row) for row in (self.header, *self.rows)), default=0)


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


Block = Paragraph | Heading | CodeBlock | Quote | BulletList | OrderedList | Table | Rule


@dataclass(frozen=True, slots=True)
class Document:
    """A whole comment or description."""

    blocks: tuple[Block, ...]
