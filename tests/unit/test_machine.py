"""What the machine says of an address that nothing can listen on."""

import errno
import socket

import pytest

from jirabot.machine import why_not_bound

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "the name can't be looked up"),
        (UnicodeError("label empty or too long"), "the name can't be looked up"),
        (OSError(errno.EADDRINUSE, "error while attempting to bind on address"), "Address already in use"),
        (OSError("could not bind on any address"), "could not bind on any address"),
    ],
)
def test_why_nothing_can_listen(error: OSError | UnicodeError, why: str) -> None:
    assert why_not_bound(error) == why
