"""What is wrong with settings, in sentences: where it was written, what stands there, what is allowed, what is near."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from jirabot.config.settings import (
    GIVEN_VARIABLES,
    MADE_VARIABLES,
    OUTSIDE_THE_FILE,
    PLAIN_VARIABLES,
    AgentSettings,
    Settings,
    duration_text,
    without_credentials,
)
from jirabot.config.sources import Place, Sources, leaves

LONGEST_VALUE = 80
"""Characters of a wrong value that are shown: enough to find it again."""

_OF_A_CLUSTER = re.compile(
    r"JIRABOT_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=.*"
    r"|JIRABOT_(\w+_)?PORT=\w+://.*",
    re.DOTALL,
)
"""What each container is given for every service whose name begins with ours.

Source: "Service", section "Environment variables", https://kubernetes.io/docs/concepts/services-networking/service/.
"""

_ALLOWED: Mapping[str, str] = {
    "missing": "it is missing",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_from_float": "a whole number",
    "finite_number": "a whole number",
    "bool_type": "`true` or `false`",
    "bool_parsing": "`true` or `false`",
    "string_type": "a text, in quotes",
    "string_unicode": "a text in UTF-8",
    "path_type": "a path, in quotes",
    "tuple_type": "a list",
    "dict_type": "a table",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}
"""What may stand in a setting, by the type of pydantic's error: every one that a setting or an option may raise."""

_ELSE = "a value of another kind, as `config.example.toml` shows it"


def told(error: Mapping[str, Any], sources: Sources) -> str:
    """Tell one of pydantic's errors."""
    place = tuple(part for part in error["loc"] if isinstance(part, str))
    kind = error["type"]
    if kind == "extra_forbidden":
        return unknown(place, sources)
    if kind in ("model_type", "model_attributes_type"):
        return at(place, sources, f"it is a table of its own, `[{'.'.join(place)}]`")
    if kind == "missing":
        return at(place, sources, _ALLOWED[kind])
    # What is wrong with several settings together has their whole table as its input.
    value = None if isinstance(error["input"], Mapping) else error["input"]
    return at(place, sources, allowed(error), value=value)


def at(place: Place, sources: Sources, says: str, *, value: object = None) -> str:
    """Say something of a setting, under the name that its writer gave it; *value*: what stands there."""
    variable, line = sources.variable(place), sources.line(place)
    shown = "" if value is None else f" is `{_shown(place, value)}`"
    if variable is not None:
        return f"`{variable}`{shown}: {says}"
    return f"{_where(line)}`{'.'.join(place)}`{shown}: {says}"


def allowed(error: Mapping[str, Any]) -> str:
    """Tell what may stand where pydantic found something else."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        choices: Sequence[str] = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
        listed = ", ".join(f"`{choice}`" for choice in choices)
        return f"one of {listed}{_near(str(error['input']), choices)}"
    if error["type"] == "value_error":
        # It is of a validator of ours, in `settings`.
        return str(context["error"])
    return _ALLOWED.get(error["type"], _ELSE).format_map(context)


def unknown(place: Place, sources: Sources) -> str:
    """Say that there is no such setting, and which it may be meant to be. What it holds may be secret: not told."""
    *inside, key = place
    variable, line = sources.variable(place), sources.line(place)
    near = difflib.get_close_matches(key, _known(inside), n=1)
    meant = _variable((*inside, near[0])) if near and variable else "".join(near)
    hint = f"; did you mean `{meant}`?" if near else ""
    if variable is not None:
        return f"there is no setting `{variable}`{hint}"
    return f"{_where(line)}there is no setting `{'.'.join(place)}`{hint}"


def unknown_variables(
    environment: Mapping[str, str], agents: Sequence[str], *, passed_on: Collection[str]
) -> list[str]:
    """Tell of the variables of one word that nobody reads; those with `__` are told as other settings are.

    *agents*: the names of those that are configured; *passed_on*: the variables that they are given.
    """
    known = {*map(_variable, ((name,) for name in PLAIN_VARIABLES)), *GIVEN_VARIABLES}
    strange = [
        name
        for name, text in sorted(environment.items())
        if name.startswith("JIRABOT_") and "__" not in name and text
        if name not in {*known, *MADE_VARIABLES, *passed_on} and not _OF_A_CLUSTER.fullmatch(f"{name}={text}")
    ]
    if not strange:
        return []
    places = [("agents", "default"), *(("agents", name, key) for name in agents for key in AgentSettings.model_fields)]
    settings = {*known, *map(_variable, [*leaves(Settings().model_dump()), *places])}
    sections = {shown.removesuffix("__…"): shown for shown in (_variable((name,)) for name in _known([]))}
    settable = {**sections, **{name: name for name in settings}}
    return [f"there is no setting `{name}`{_meant(name, settable)}" for name in strange]


def _meant(variable: str, settable: Mapping[str, str]) -> str:
    """Guess what a variable is meant to be: the one whose key alone it names, or the nearest."""
    word = variable.removeprefix("JIRABOT_").upper()
    ends = [name for name in settable if name.endswith(f"__{word}")]
    words = {name.removeprefix("JIRABOT_"): shown for name, shown in settable.items()}
    near = ends if len(ends) == 1 else [words[each] for each in difflib.get_close_matches(word, words, n=1)]
    return f"; did you mean `{near[0]}`?" if near else ""


def no_agent(default: object, names: Sequence[str], sources: Sources) -> str:
    """Say that the default agent is not configured."""
    place = ("agents", "default")
    if not isinstance(default, str):
        return at(place, sources, "the name of an agent, in quotes", value=default)
    near = _near(default, names)
    variable, line = sources.variable(place), sources.line(place)
    name = f"`{variable}`" if variable else f"{_where(line)}`agents.default`"
    return f"{name} names `{default}`, which is not configured{near}"


def _written(value: object) -> object:
    """Write a duration as it stands in the file: pydantic has it as it was read."""
    return duration_text(value) if isinstance(value, timedelta) else value


def _where(line: str | None) -> str:
    return f"{line}: " if line else ""


def _near(word: str, words: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _shown(place: Place, value: object) -> str:
    """Show a wrong value; secrets (an agent's variables, the master key, where alerts go) are masked."""
    secret = place[:1] == ("master_key",) or place == ("alerts", "webhook")
    if secret or (place[:1] == ("agents",) and place[2:3] == ("env",)):
        return "***"
    text = str(value).lower() if isinstance(value, bool) else without_credentials(str(_written(value))) or '""'
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _variable(place: Place) -> str:
    """Name the variable of a setting, or those of a section."""
    name = "__".join(place).upper()
    return f"JIRABOT_{name}" if len(place) > 1 or name.lower() in PLAIN_VARIABLES else f"JIRABOT_{name}__…"


def _known(inside: Sequence[str]) -> list[str]:
    """List the keys that a table of the file may hold."""
    match inside:
        case []:
            return [name for name in Settings.model_fields if name not in OUTSIDE_THE_FILE]
        case ["agents", *_]:
            return list(AgentSettings.model_fields)
        case _:
            table: object = Settings()
            for name in inside:
                table = getattr(table, name, None)
            return list(type(table).model_fields) if isinstance(table, BaseModel) else []
