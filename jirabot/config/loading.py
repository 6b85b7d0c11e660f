"""Where settings come from: flag, environment (`JIRABOT_<SECTION>__<KEY>`), file, default, in this order.

Nothing else reads the environment. What can't be used is told all at once, each as the person wrote it.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_config_path
from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from jirabot.config.problems import at, no_agent, told, unknown, unknown_variables
from jirabot.config.reference import read_reference
from jirabot.config.settings import DATABASE_VARIABLE, OUTSIDE_THE_FILE, PLAIN_VARIABLES, Settings
from jirabot.config.sources import Place, Sources, lines_of
from jirabot.errors import ConfigurationInvalid, InvalidInput


class _Loaded(Settings, BaseSettings):
    """The settings as environment and file give them."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before the file, which comes in as the initial values.

        pydantic-settings' own source for the environment overlooks unknown sections, and gives up at the first list
        that is not JSON: it could not tell all problems at once.
        """
        variables, _ = _variables(os.environ)
        _take_default_agent(variables)
        return InitSettingsSource(settings_cls, init_kwargs=variables), init_settings


def usual_files() -> tuple[Path, ...]:
    """List where the configuration file is looked for, if none is named."""
    return (Path("jirabot.toml"), user_config_path("jirabot") / "jirabot.toml")


def used_file(given: Path | None) -> Path | None:
    """Find the configuration file that `load` would read.

    Raises:
        InvalidInput: the given one is not there, or no file.
        ConfigurationInvalid: whether there is one can't be seen.
    """
    return find_file(given, os.environ)


def find_file(given: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Find the configuration file: the given one, `JIRABOT_CONFIG`, `./jirabot.toml`, the user's configuration folder.

    Raises:
        InvalidInput: the given one is not there, or no file.
        ConfigurationInvalid: whether there is one can't be seen.
    """
    named = given or (Path(environment["JIRABOT_CONFIG"]) if environment.get("JIRABOT_CONFIG") else None)
    if named is None:
        return next((path for path in usual_files() if _is_file(path)), None)
    if _is_file(named):
        return named
    if named.is_dir():
        hint = "give `--config` or `JIRABOT_CONFIG` the path of the file itself"
        raise InvalidInput(f"`{named}` is a folder, and no configuration file", hint=hint)
    raise InvalidInput(f"there is no configuration file `{named}`", hint="check `--config` or `JIRABOT_CONFIG`")


def load(file: Path | None = None, **flags: Any) -> Settings:
    """Load the settings; *flags* are those of the command line, by section, and go before everything else.

    Raises:
        ConfigurationInvalid: with all problems, not the first.
        InvalidInput: the file that was named is not there, or no file.
    """
    environment = dict(os.environ)
    path = find_file(file, environment)
    in_file, lines = _read(path) if path else ({}, {})
    in_variables, variables = _variables(environment)
    sources = Sources(variables, {place: f"{path}:{line}" for place, line in lines.items()})
    problems = [unknown((name,), Sources(lines=sources.lines)) for name in in_file if name in OUTSIDE_THE_FILE]
    defaults = [_take_default_agent(in_variables), _take_default_agent(in_file)]
    default = defaults[0] or defaults[1]
    names = sorted({name for values in (in_file, in_variables) for name in _table(values, "agents")})
    if "default" in names:
        says = "it is no agent's name: give the section `[agents.default]` another one"
        problems.append(at(("agents", "default"), sources, says))
    if default and default not in names:
        problems.append(no_agent(default, names, sources))
    problems += unknown_variables(environment, names, passed_on=_passed_on(in_file) | _passed_on(in_variables))
    reference, wrong = read_reference(environment)
    problems += wrong
    given = {name: value for name, value in in_file.items() if name not in OUTSIDE_THE_FILE}
    try:
        loaded = _Loaded(
            **given,
            default_agent=default if isinstance(default, str) else "",
            environment=environment,
            origins=sources.origins(),
            file=path,
            base_urls={"dc": reference.jira_dc_base_url} if reference.jira_dc_base_url else {},
            oauth_apps=reference.oauth_apps(),
            switched_off=reference.switched_off(),
            without_oauth=reference.without_oauth(),
        )
    except ValidationError as error:
        problems += [told(item, sources) for item in error.errors()]
        problems += _database_problems(environment.get(DATABASE_VARIABLE, ""), None)
        raise _invalid(problems, path) from None
    settings = _with_flags(loaded, flags)
    problems += _database_problems(environment.get(DATABASE_VARIABLE, ""), settings)
    if problems:
        raise _invalid(problems, path)
    return settings


def _read(path: Path) -> tuple[dict[str, Any], Mapping[Place, int]]:
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text), lines_of(text)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        hint = "the file is TOML in UTF-8; `config.example.toml` shows every setting"
        raise ConfigurationInvalid([f"`{path}` can't be read as TOML: {_no_toml(error)}"], hint=hint) from error


def _no_toml(error: Exception) -> str:
    match error:
        case tomllib.TOMLDecodeError():
            return str(error)
        case UnicodeDecodeError():
            return "it is no text in UTF-8"
        case RecursionError():
            return "its lists lie too deep within each other"
        case _:
            return "a number in it has too many digits"


def _is_file(path: Path) -> bool:
    """Say whether a file is there.

    Raises:
        ConfigurationInvalid: that can't be seen.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ConfigurationInvalid:
    hint = "give the user that runs jirabot the right to read it, or name another with `--config`"
    return ConfigurationInvalid([f"`{path}` can't be read: {error.strerror}"], hint=hint)


def _variables(environment: Mapping[str, str]) -> tuple[dict[str, Any], Mapping[Place, str]]:
    """Nest what the variables say as the file would, and name the variable of each place.

    Empty ones say nothing, and most of one word are no settings: `unknown_variables` tells which should be.
    """
    values: dict[str, Any] = {}
    names: dict[Place, str] = {}
    for variable, text in sorted(environment.items()):
        name = variable.removeprefix("JIRABOT_")
        # What is deeper than a section, an agent and its key is a name of the agent's own, in its own case.
        place = tuple(part.lower() if depth < 3 else part for depth, part in enumerate(name.split("__")))
        if name == variable or not text or (len(place) == 1 and place[0] not in PLAIN_VARIABLES):
            continue
        inner = values
        for part in place[:-1]:
            inner[part] = inner[part] if isinstance(inner.get(part), dict) else {}
            inner = inner[part]
        inner[place[-1]] = text
        names[place] = variable
    return values, names


def _take_default_agent(values: dict[str, Any]) -> object:
    """Take `[agents] default` out of *values*; a table of that name stays, to be told as the problem that it is."""
    agents = _table(values, "agents")
    return "" if isinstance(agents.get("default", {}), dict) else agents.pop("default")


def _passed_on(values: Mapping[str, Any]) -> frozenset[str]:
    """Name the variables that agents get of the daemon, whatever their `pass_env` is written as."""
    agents = [agent for agent in _table(values, "agents").values() if isinstance(agent, dict)]
    return frozenset(name for agent in agents for name in re.findall(r"\w+", str(agent.get("pass_env", ""))))


def _table(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = values.get(name)
    return table if isinstance(table, dict) else {}


def _database_problems(address: str, settings: Settings | None) -> list[str]:
    """Refuse any database but the one that is used; *settings*: None where they can't tell which that is.

    The address may hold a password: it is not repeated.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("no address")
    is_sqlite = parts.scheme.partition("+")[0] == "sqlite"
    here = "in SQLite in its data folder"
    if settings is not None:
        is_sqlite = is_sqlite and Path(parts.path[1:]) == settings.database.absolute()
        here += f", `sqlite:///{settings.database.absolute()}`"
    if not address or is_sqlite:
        return []
    says = f"names another database than this version can use: it keeps everything {here}; unset it"
    return [f"`{DATABASE_VARIABLE}` {says}"]


def _with_flags(loaded: Settings, flags: Mapping[str, Any]) -> Settings:
    changes: dict[str, Any] = {}
    origins = dict(loaded.origins)
    for section, given in flags.items():
        if isinstance(given, Mapping):
            present = {name: value for name, value in given.items() if value is not None}
            changes[section] = getattr(loaded, section).model_copy(update=present)
            origins |= {f"{section}.{name}": "flag" for name in present}
        elif given is not None:
            changes[section] = given
            origins[section] = "flag"
    return loaded.model_copy(update={**changes, "origins": origins})


def _invalid(problems: list[str], path: Path | None) -> ConfigurationInvalid:
    where = f"in `{path}` or the environment" if path else "in the environment"
    return ConfigurationInvalid(problems, hint=f"look {where}; `config.example.toml` shows every setting")
