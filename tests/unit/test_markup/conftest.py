"""Atlassian's schema of ADF, where it is kept beside the project."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft4Validator


@pytest.fixture
def schema(shared: Path) -> Draft4Validator:
    """Judges a whole document as Jira's own schema does."""
    return Draft4Validator(json.loads((shared / "adf" / "full.json").read_text()))
