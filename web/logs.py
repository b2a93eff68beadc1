"""Logs: one JSON object a line on standard error. They hold no personal data: callers pass names of the
schema, codes, numbers and ids of requests."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson


class JsonLines(logging.Formatter):
    """`at`, `level`, `logger`, `event`, and what the caller passes as `extra={"told": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        told = getattr(record, "told", None)
        if isinstance(told, dict):
            entry |= told
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = record.exc_info[0].__name__
            entry["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


def set_up_logging(level: str) -> None:
    """Send all logs to standard error, those of libraries from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("quanxi").setLevel(level.upper())
    quiet_libraries()


def quiet_libraries() -> None:
    """Stop strawberry from logging the errors of operations: it quotes the query's text."""
    logging.getLogger("strawberry.execution").disabled = True
