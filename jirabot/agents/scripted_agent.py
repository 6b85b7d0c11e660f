"""The scripted agent: a program that works like a coding agent, without a model. Standard library only.

It reads the prompt from standard input and obeys the request's first word: `ask`, `fail`, `stall`, `crash` or `edit`;
everything else is an edit too. It edits a file that the request names, or `NOTES.md`, and commits. With an argument it
plays that file instead: lines of the protocol, with `after` (seconds) before each, up to the next ending a turn.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

REQUEST_HEADING = "## What you are asked"
ENDINGS = frozenset({"question", "finished", "failed", "stopped"})
COMMENTS = {
    "# ": (".py", ".sh", ".rb", ".toml", ".yml", ".yaml", ".cfg"),
    "// ": (".js", ".ts", ".java", ".go", ".c", ".cpp", ".h", ".rs", ".kt", ".swift", ".cs"),
    "- ": (".md", ".txt", ".rst", ""),
}
CRASH_EXIT = 70


def main() -> None:
    """Work for one turn."""
    memory = Memory(Path(os.environ["JIRABOT_SESSION_DIR"]) / "scripted.json")
    if len(sys.argv) > 1:
        play(Path(sys.argv[1]), memory)
        return
    request = find_request(sys.stdin.read())
    if question := memory.take("question"):
        edit(f"{question} {request}")
        return
    word, _, rest = request.partition(" ")
    match word.lower().strip(":,.!"):
        case "ask":
            question = (rest or "What should I do").rstrip("?") + "?"
            memory.keep("question", question)
            tell("question", text=question)
        case "fail":
            tell("failed", text=rest or "I was asked to fail.")
            sys.exit(1)
        case "stall":
            stall()
        case "crash":
            sys.stderr.write(f"{rest or 'I was asked to crash.'}\n")
            sys.exit(CRASH_EXIT)
        case "edit" if rest:
            edit(rest)
        case _:
            edit(request)


def find_request(prompt: str) -> str:
    """Find what a person asked: the last message of the prompt's last section, on one line, without who said it."""
    _, found, section = f"\n{prompt}".rpartition(f"\n{REQUEST_HEADING}\n")
    messages = re.split(r"^\*\*[^*\n]+:\*\* ", section if found else prompt, flags=re.MULTILINE)
    return " ".join(messages[-1].split())


class Memory:
    """What the agent knows from its earlier turns: a small JSON file in its session folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, name: str, value: object) -> None:
        """Remember *value*."""
        self._known[name] = value
        self._path.write_text(json.dumps(self._known))

    def take(self, name: str) -> Any:
        """Give what was remembered, and forget it; None where there was nothing."""
        value = self._known.pop(name, None)
        if value is not None:
            self._path.write_text(json.dumps(self._known))
        return value


def tell(kind: str, **fields: object) -> None:
    """Report one event."""
    print(json.dumps({"type": kind, **fields}), flush=True)  # noqa: T201 - this is how an agent reports


def edit(request: str) -> None:
    """Do the work: write the request into a file, and commit it."""
    key = os.environ["JIRABOT_ISSUE_KEY"]
    tell("progress", text="Looking for the file that this is about", tool="read")
    path = find_file(request) or Path("NOTES.md")
    tell("progress", text=f"Editing {path}", tool="edit")
    before = path.read_text(errors="surrogateescape") if path.exists() else ""
    separator = "\n" if before and not before.endswith("\n") else ""
    note = f"{comment_sign(path)}{key}: {request}\n"
    path.write_text(f"{before}{separator}{note}", errors="surrogateescape")
    if not Path(".git").exists():
        tell("finished", summary=f"I wrote the request down in `{path}`. There is no repository here to commit it to.")
        return
    tell("progress", text="Committing", tool="git commit")
    git("add", "--", str(path))
    git("commit", "--quiet", "--message", f"{key}: {request[:60]}")
    commit = git("rev-parse", "--short", "HEAD")
    tell("finished", summary=f"I wrote the request down in `{path}` and committed it as `{commit}`.")


def find_file(request: str) -> Path | None:
    """Find the first existing file that the request names, inside the clone."""
    here = Path.cwd()
    for word in request.split():
        path = Path(word.strip("`'\"()[]{}<>*_,;:!?").rstrip("."))
        inside = (here / path).resolve().is_relative_to(here.resolve()) and ".git" not in path.parts
        if path.name and inside and path.is_file():
            return path
    return None


def comment_sign(path: Path) -> str:
    """Say how a line begins that does not break a file of that kind."""
    return next((sign for sign, kinds in COMMENTS.items() if path.suffix in kinds), "")


def git(*arguments: str) -> str:
    """Run git in the clone; where it fails, the turn does."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tell("failed", text=f"git {arguments[0]}: {done.stderr.strip()}")
        sys.exit(1)
    return done.stdout.strip()


def stall() -> NoReturn:
    """Say nothing until somebody ends it."""
    while True:
        signal.pause()


def play(script: Path, memory: Memory) -> None:
    """Play the script's next stretch, up to its ending; after the last one it begins anew."""
    lines = [json.loads(line) for line in script.read_text().splitlines() if line.strip()]
    start = memory.take("played") or 0
    for number, line in enumerate(lines[start:], start + 1):
        time.sleep(line.pop("after", 0))
        kind = line.pop("type")
        tell(kind, **line)
        if kind in ENDINGS:
            memory.keep("played", number % len(lines))
            return


if __name__ == "__main__":
    main()
