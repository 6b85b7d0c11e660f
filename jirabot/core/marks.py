"""The line that every agent is asked to end with, which says whether it is done or asks something. Pure."""

import re
from typing import Literal

Mark = Literal["DONE", "QUESTION"]

DONE_LINE, QUESTION_LINE = "JIRABOT: DONE", "JIRABOT: QUESTION"

_MARK = re.compile(r"[ \t>*_`]*JIRABOT:[ \t]*(DONE|QUESTION)[ \t*_`.]*")


def take_off_mark(text: str) -> tuple[str, Mark | None]:
    """Split the last line off where it is `JIRABOT: DONE` or `JIRABOT: QUESTION`, emphasised or not."""
    text = text.strip()
    above, _, last = text.rpartition("\n")
    found = _MARK.fullmatch(last)
    if found is None:
        return text, None
    return above.rstrip(), "DONE" if found[1] == "DONE" else "QUESTION"
