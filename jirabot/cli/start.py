"""Where the program begins: what needs no command line is answered before one is built."""

import sys

from jirabot import __version__


def run() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(f"jirabot {__version__}")
        return
    from jirabot.cli.main import main

    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character shows `?` in its place; that is no reason to fail.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    sys.exit(main(arguments))
