"""Errors as a shell sees them: the one table from an error's kind to its exit code, and how an error is told."""

import json
import traceback
from collections.abc import Mapping
from enum import IntEnum

from jirabot.cli import output
from jirabot.errors import ConfigurationInvalid, JirabotError, Kind


class Exit(IntEnum):
    """What a command's end means to the program that called it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNREACHABLE = 5
    CONFIGURATION = 6
    INTERRUPTED = 130


EXIT: Mapping[Kind, Exit] = {
    Kind.INVALID: Exit.USAGE,
    Kind.NOT_FOUND: Exit.NOT_FOUND,
    Kind.CONFLICT: Exit.FAILED,
    Kind.UNAUTHENTICATED: Exit.REFUSED,
    Kind.FORBIDDEN: Exit.REFUSED,
    Kind.LIMITED: Exit.UNREACHABLE,
    Kind.UNREACHABLE: Exit.UNREACHABLE,
    Kind.REJECTED: Exit.FAILED,
    Kind.UNAVAILABLE: Exit.FAILED,
    Kind.CONFIGURATION: Exit.CONFIGURATION,
    Kind.FAILED: Exit.FAILED,
    Kind.INTERNAL: Exit.FAILED,
}


def tell(error: JirabotError, *, as_json: bool, verbose: bool) -> Exit:
    """Write *error* to standard error, and give the code to end with."""
    if as_json:
        from jirabot.core import objects

        output.note(json.dumps(objects.problem(error), ensure_ascii=False))
    else:
        for line in error.problems if isinstance(error, ConfigurationInvalid) else [error.message]:
            output.note(f"error: {line}")
        if error.hint:
            output.note(f"\nhint: {error.hint}")
    if verbose and error.__cause__ is not None:
        output.note("".join(["\n", *traceback.format_exception(error.__cause__)]))
    return EXIT[error.kind]
