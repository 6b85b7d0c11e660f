"""How values of core are written into columns and read back: equal, always."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Dialect, Table, Text
from sqlalchemy.types import TypeDecorator

from jirabot.core.deliveries import Step
from jirabot.core.people import Account
from jirabot.core.visibility import Internal, Public, Restricted, Visibility

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """Count the microseconds from 1970 to *at*, which must be aware."""
    return (at - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware instant as whole microseconds since 1970: exact, sorts and compares in SQL, has no zone to lose."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class Choice(TypeDecorator[StrEnum]):
    """A member of an enumeration, as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.choices(value)


def _same(value: Any) -> Any:
    return value


class Json(TypeDecorator[Any]):
    """A value as JSON text; *read* makes the value from what JSON holds, *write* the contrary where it is needed."""

    impl = Text
    cache_ok = True

    def __init__(self, read: Callable[[Any], Any] = _same, write: Callable[[Any], Any] = _same) -> None:
        super().__init__()
        self.read, self.write = read, write

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(self.write(value)).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.read(orjson.loads(value))


def _account(stored: dict[str, Any]) -> Account:
    return Account(**stored)


def _account_record(value: Account) -> dict[str, Any]:
    """Write who somebody is; what they are at the moment is asked of Jira, and the release before knows it not."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.compare}


def _steps(stored: Sequence[dict[str, str]]) -> tuple[Step, ...]:
    return tuple(Step(**step) for step in stored)


_VISIBILITIES: dict[str, type[Public | Restricted | Internal]] = {
    "public": Public,
    "restricted": Restricted,
    "internal": Internal,
}


def _visibility(stored: dict[str, str]) -> Visibility:
    kind = _VISIBILITIES[stored.pop("to")]
    return kind(**stored)


def _visibility_record(value: Visibility) -> dict[str, str]:
    to = type(value).__name__.lower()
    return {"to": to, **{field.name: getattr(value, field.name) for field in fields(value)}}


def account_column() -> Json:
    """Make the type of a column that holds an Account."""
    return Json(_account, _account_record)


def steps_column() -> Json:
    """Make the type of a column that holds a delivery's steps."""
    return Json(_steps)


def visibility_column() -> Json:
    """Make the type of a column that holds a Visibility."""
    return Json(_visibility, _visibility_record)


def words_column() -> Json:
    """Make the type of a column that holds a tuple of words."""
    return Json(tuple)


def columns_of(table: Table, value: type[Any]) -> Sequence[ColumnElement[Any]]:
    """List the columns of *table* that hold the fields of the dataclass *value*: they have the same names."""
    return [table.c[field.name] for field in fields(value)]


def row_of(value: Any, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Make the row of a dataclass whose fields are named as its columns."""
    left_out = set(without)
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in left_out}
