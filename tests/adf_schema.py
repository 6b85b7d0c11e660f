"""Atlassian's schema of ADF, where it is kept beside the project."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema


class AdfSchema:
    """Judges a whole document as Jira's own schema does."""

    def __init__(self, path: Path) -> None:
        self._check = fastjsonschema.compile(json.loads(path.read_text()))

    def is_valid(self, document: Any) -> bool:
        """Say whether a document is valid."""
        try:
            self.validate(document)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    def validate(self, document: Any) -> None:
        """Raise where a document is not valid."""
        self._check(document)


@cache
def adf_schema(path: Path) -> AdfSchema:
    """Read the schema at *path*, once a process: to make a program of it takes half a second."""
    return AdfSchema(path)
