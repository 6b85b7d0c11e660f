"""The settings of one workspace over the configured ones: what `--set` changes, and where each value comes from."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from jirabot.config.problems import allowed
from jirabot.config.settings import Settings, WorkspaceDefaults, duration_text
from jirabot.errors import InvalidInput, SettingsOutdated

AGENT = "agent"
"""What `--set` changes too, though it has a place of its own in the workspace."""


def read_changes(given: Sequence[str]) -> Mapping[str, Any]:
    """Read `KEY=VALUE` pairs; the values as JSON can hold them.

    Raises:
        InvalidInput: with all that is wrong: no pair, an unknown key, a value that the key does not take.
    """
    changes: dict[str, Any] = {}
    problems: list[str] = []
    for pair in given:
        key, equals, text = pair.partition("=")
        if not equals:
            problems.append(f"`--set {pair}` has no value: it is `KEY=VALUE`")
        elif key == AGENT:
            changes[key] = text
        elif key not in WorkspaceDefaults.model_fields:
            near = difflib.get_close_matches(key, [AGENT, *WorkspaceDefaults.model_fields], n=1)
            problems.append(f"there is no setting `{key}`" + (f"; did you mean `{near[0]}`?" if near else ""))
        else:
            try:
                changes[key] = plain_value(getattr(WorkspaceDefaults.model_validate({key: text}), key))
            except ValidationError as error:
                problems.append(f"`--set {pair}`: {allowed(error.errors()[0])}")
    if problems:
        raise InvalidInput("; ".join(problems), hint="`config.example.toml` tells them, in its section `[workspace]`")
    return changes


def overlaid(configured: WorkspaceDefaults, changed: Mapping[str, Any], *, of: str) -> WorkspaceDefaults:
    """Put what the workspace *of* that name has changed over the configured settings.

    Raises:
        SettingsOutdated: another version has stored what this one does not take; all of it is named, with no value.
    """
    try:
        return WorkspaceDefaults.model_validate({**configured.model_dump(), **changed})
    except ValidationError as error:
        wrong = {str(each["loc"][0]): each for each in error.errors()}
        command = f"jirabot workspace update {of} {' '.join(f'--unset {key}' for key in wrong)}"
        raise SettingsOutdated(
            [f"workspace `{of}`: {_not_taken(key, each)}" for key, each in wrong.items()],
            hint=f"`{command}` takes the configured ones; `--set KEY=VALUE` gives others",
        ) from error


def _not_taken(key: str, error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return f"this version has no setting `{key}`"
    return f"this version does not take the value of its setting `{key}`: {allowed(error)}"


def shown_settings(effective: WorkspaceDefaults, changed: Mapping[str, Any], settings: Settings) -> Mapping[str, Any]:
    """Show a workspace's settings, each with its value and where it comes from: the workspace itself, or outside."""
    return {
        name: {
            "value": plain_value(getattr(effective, name)),
            "origin": "workspace" if name in changed else settings.origin(f"workspace.{name}"),
        }
        for name in WorkspaceDefaults.model_fields
    }


def plain_value(value: object) -> object:
    """Give a setting's value as JSON can hold it."""
    match value:
        case timedelta():
            return duration_text(value)
        case tuple():
            # Words and networks: each stands in the file as a text.
            return [str(item) for item in value]
        case _:
            return value
