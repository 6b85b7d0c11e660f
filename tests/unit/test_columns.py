"""How values are written into columns, where that is a promise to another release."""

from dataclasses import replace

import orjson
import pytest
from sqlalchemy.dialects import sqlite

from jirabot.storage.columns import account_column

from .values import ADA

pytestmark = pytest.mark.fast


def test_an_account_is_written_with_who_it_is_and_not_with_what_it_is_at_the_moment():
    """The release before reads these rows, and knows nothing of customers."""
    written = account_column().process_bind_param(replace(ADA, customer=True), sqlite.dialect())

    assert written is not None
    assert orjson.loads(written) == {
        "id": "ada-id",
        "name": "ada",
        "display_name": "Ada Lovelace",
        "email": "",
        "app": False,
    }
