"""Where programs are installed: what a process has to see of folders that are hidden, so that a program runs there."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

MOST_LINKS = 40
"""How many links to a program are followed: as many as Linux follows itself."""

_SHARED = ".local"
"""A folder above `bin` that is not a program's own: keyrings and what other programs keep are in it, too."""


def installation(program: Path, *, path: str) -> list[Path]:
    """Guess what belongs to *program* and to the one that runs it as a script, which is looked for in *path*.

    That is the program, its folder, and the one above `bin`: of each link that leads to it, as a program may look for
    its own files by any of these names.
    """
    found: list[Path] = []
    for each in (program, *_interpreter(program, path)):
        for place in (*_links(each), each.resolve()):
            folder = place.parent
            found += [place, folder]
            if folder.name == "bin" and len(folder.parts) > 3:
                found.append(folder.parent / "lib" if folder.parent.name == _SHARED else folder.parent)
    return list(dict.fromkeys(found))


def _links(program: Path) -> Iterator[Path]:
    """Give *program*, and what each link on the way to it names."""
    for _ in range(MOST_LINKS):
        yield program
        if not program.is_symlink():
            return
        program = Path(os.path.normpath(program.parent.resolve() / program.readlink()))


def _interpreter(program: Path, path: str) -> list[Path]:
    """Find what the first line of a script names: a program, or one that `env` looks for."""
    try:
        with program.open("rb") as file:
            first = file.readline(256)
    except OSError:
        return []
    words = [os.fsdecode(word) for word in first.removeprefix(b"#!").split()] if first.startswith(b"#!") else []
    if words and words[0].endswith("/env"):
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    named = shutil.which(words[0], path=path) if words else None
    return [Path(named)] if named else []
