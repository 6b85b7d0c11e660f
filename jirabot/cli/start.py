"""Where the program begins: what needs no command line is answered before one is built."""

import contextlib
import gc
import sys

from jirabot import __version__


def run() -> None:
    """Run the command line and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        # What can't be written is told by the command line.
        with contextlib.suppress(OSError):
            print(f"jirabot {__version__}", flush=True)
            return
    # What is imported stays: to look for garbage among it takes a tenth of the start. `running.finish` begins with it.
    gc.disable()
    from jirabot.cli.main import main

    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character shows `?` in its place; that is no reason to fail. Nor is here what
        # it still holds of a version that can't be written.
        with contextlib.suppress(OSError):
            getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    sys.exit(main(arguments))
