"""The example configuration, made from the settings' declarations, so that it can't be out of date."""

import textwrap
from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel

from jirabot.config.settings import OUTSIDE_THE_FILE, AgentSettings, Settings, duration_text

WIDTH = 120

HEAD = """\
# jirabot's configuration. Every setting stands here with its default, or an example where there is none; take away the
# `#` to change one. A variable comes before the file: `JIRABOT_SERVER__PORT` is `port` of `[server]`, and
# `JIRABOT_DATA_DIR` is `data_dir`. One that begins with `JIRABOT_` and that nothing reads is an error, as an unknown
# setting is.
"""
AGENTS = """
# [agents]
# The agent that is used where nothing names another; with one agent it is that one.
# default = "local"

# [agents.local]"""


def example() -> str:
    """Write the example configuration: every setting, its sentence, its default."""
    settings = Settings()
    lines = [HEAD, *_described(Settings, settings)]
    for name in Settings.model_fields:
        section = getattr(settings, name)
        if isinstance(section, BaseModel):
            lines += _section(name, section)
    lines += [AGENTS, *_described(AgentSettings, AgentSettings(type=""))]
    return "\n".join(lines) + "\n"


def _section(name: str, section: BaseModel) -> list[str]:
    """Write a table, and the tables in it; one that holds nothing but tables has no head of its own."""
    described = _described(type(section), section)
    lines = ["", f"[{name}]", *described] if described else []
    for key in type(section).model_fields:
        inner = getattr(section, key)
        if isinstance(inner, BaseModel):
            lines += _section(f"{name}.{key}", inner)
    return lines


def _described(model: type[BaseModel], values: BaseModel) -> list[str]:
    lines: list[str] = []
    for name, field in model.model_fields.items():
        value = getattr(values, name)
        if isinstance(value, BaseModel) or (model is Settings and name in {"agents", *OUTSIDE_THE_FILE}):
            continue
        shown = _toml(field.examples[0] if field.examples else value, name)
        lines += textwrap.wrap(f"{field.description}.", WIDTH, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"# {name} = {shown}")
    return lines


def _toml(value: object, name: str) -> str:
    match value:
        case timedelta():
            return f'"{duration_text(value)}"'
        case bool():
            return str(value).lower()
        case int() if name == "max_body":
            return f'"{value // 10**6}MB"'
        case int():
            return str(value)
        case tuple():
            return "[" + ", ".join(f'"{item}"' for item in value) + "]"
        case Mapping():
            return "{}"
        case _:
            return f'"{value}"'
