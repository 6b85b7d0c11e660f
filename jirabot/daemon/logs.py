"""The log of the daemon: one line an event, for operators. Constant names, facts as fields; prose has no place here."""

import logging
from typing import Any, TextIO

import structlog

from jirabot.core.ports import Events


class StructuredLog:
    """The log: one line an event, JSON off a terminal."""

    LEVELS = ("debug", "info", "warning", "error")

    def __init__(self, stream: TextIO, least: str) -> None:
        renderer: Any = (
            structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer(sort_keys=True)
        )
        self._least = self.LEVELS.index(least)
        self._logger: Any = structlog.wrap_logger(
            structlog.PrintLogger(stream),
            processors=[structlog.processors.TimeStamper(fmt="iso", utc=True), renderer],
        )

    def tell(self, event: str, **fields: object) -> None:
        """Write one line, unless it is below the least level."""
        level = str(fields.pop("level", "info"))
        if self.LEVELS.index(level) >= self._least:
            self._logger.msg(event, level=level, **fields)


class _Connections(logging.Handler):
    """Tells what the HTTP library logs in one line: what kind of fault, never what the stranger sent."""

    def __init__(self, log: Events) -> None:
        super().__init__(logging.DEBUG)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a traceback there says only where a stranger's bytes stopped making sense."""
        error = record.exc_info[1] if record.exc_info else None
        self._log.tell("connection.unreadable", cause=type(error).__name__ if error else record.msg)


def connection_log(log: Events) -> logging.Logger:
    """Make the logger of the HTTP library, which writes to *log*."""
    logger = logging.Logger("jirabot.http", logging.DEBUG)  # noqa: LOG001 - an application's own, not the process's
    logger.addHandler(_Connections(log))
    return logger
