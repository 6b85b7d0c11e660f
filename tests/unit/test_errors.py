"""What is told of a fault that nobody foresaw."""

import pytest

from jirabot.core.tokens import token_hash
from jirabot.errors import kind_and_place

pytestmark = pytest.mark.fast


def test_a_fault_is_named_without_its_text() -> None:
    """Its text may be what somebody sent."""
    with pytest.raises(UnicodeEncodeError) as raised:
        token_hash("jbt_secret\udca0")
    kind, _, place = kind_and_place(raised.value).partition(" at ")
    module, _, line = place.partition(":")
    assert (kind, module) == ("UnicodeEncodeError", "jirabot.core.tokens")
    assert int(line) > 0


def test_a_fault_outside_is_named_too() -> None:
    assert kind_and_place(ValueError("secret")) == "ValueError at elsewhere"
