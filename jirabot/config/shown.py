"""Every setting with its value and where it comes from, as `config show` tells them; secrets are masked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from jirabot.config.reference import ReferenceSettings, read_reference
from jirabot.config.settings import Settings, without_credentials
from jirabot.config.workspace import plain_value

MASKED = "***"

_SHOWN_FROM_OUTSIDE = ("master_key", "master_key_file")
"""What comes by the environment alone, and is a setting all the same."""


def shown(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """Show all settings by their dotted names, in the order of the example; then the reference's variables."""
    values = {**_of_file(settings), **{name: getattr(settings, name) for name in _SHOWN_FROM_OUTSIDE}}
    ours = {name: {"value": _plain(value), "origin": settings.origin(name)} for name, value in values.items()}
    return {**ours, **_of_reference(settings)}


def _of_file(settings: Settings) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, field in Settings.model_fields.items():
        if name == "agents":
            found["agents.default"] = settings.agent_name()
            for agent, section in settings.agents.items():
                found |= dict(_inside(section, f"agents.{agent}"))
        elif not field.exclude:
            value = getattr(settings, name)
            found |= dict(_inside(value, name)) if isinstance(value, BaseModel) else {name: value}
    return found


def _inside(section: BaseModel, name: str) -> Iterator[tuple[str, object]]:
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from _inside(value, f"{name}.{key}")
        elif isinstance(value, Mapping) and value:
            yield from ((f"{name}.{key}.{inner}", secret) for inner, secret in value.items())
        else:
            yield f"{name}.{key}", value


def _of_reference(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    reference, _ = read_reference(settings.environment)
    found: dict[str, Mapping[str, Any]] = {}
    for name, field in ReferenceSettings.model_fields.items():
        variable = name.upper()
        origin = variable if name in reference.model_fields_set and settings.environment.get(variable) else "default"
        note = {"note": field.description} if field.description else {}
        found[variable] = {"value": _plain(getattr(reference, name)), "origin": origin, **note}
    return found


def _plain(value: object) -> object:
    match value:
        case SecretStr():
            return MASKED
        case Path():
            return str(value)
        case Mapping():
            return dict(value)
        case "":
            return None
        case str():
            return without_credentials(value)
        case _:
            return plain_value(value)
