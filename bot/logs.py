"""Structured logging: one JSON line per event on standard error, without secrets or the libraries' chatter."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from bot.model.secret_patterns import without_secrets

_PLAIN = frozenset({"builtins", "store.errors"})
"""Modules whose exceptions are logged with their words: Python's, and ours that have neither prose nor values."""
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
QUIET = (
    "aiosqlite",
    "alembic",
    "anthropic",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "uvicorn",
)
"""Libraries that are heard from WARNING on; at DEBUG some of them log whole payloads
(docs/reference/slack.md#python-sdk)."""


def configure(level: str, stream: TextIO | None = None) -> None:
    """Set logging up for the process; called once, by `__main__`."""
    threshold = logging.getLevelName(level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            with_exception,
            redact,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_is_wanted)
    handler.addFilter(_SocketTrouble().shorten)
    handler.setFormatter(AsJson())
    logging.basicConfig(level=threshold, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def with_exception(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put an exception's traceback into the line, as `describe` writes it."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given is True else None
    if isinstance(given, tuple):
        error = given[1]
    if error is not None:
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """Return an exception and those behind it: where, of which class, with which code; a vendor's words stay out.

    What an API or a library writes into its errors is its own choice, and may be what a member has written.
    """
    lines, seen = list[str](), set[int]()
    nearest: BaseException | None = error
    while nearest is not None and id(nearest) not in seen:
        seen.add(id(nearest))
        inside = [describe(one) for one in nearest.exceptions] if isinstance(nearest, BaseExceptionGroup) else []
        lines = [*traceback.format_tb(nearest.__traceback__), f"{_named(nearest)}\n", *inside, *lines]
        nearest = nearest.__cause__ or (None if nearest.__suppress_context__ else nearest.__context__)
        if nearest is not None:
            lines.insert(0, "\nThe exception above led to this one:\n\n")
    return "".join(lines).rstrip()


def _named(error: BaseException) -> str:
    kind = type(error)
    if kind.__module__ in _PLAIN:
        return f"{kind.__qualname__}: {error}" if str(error) else kind.__qualname__
    facts = {name: getattr(error, name, None) for name in ("code", "error_code", "status", "status_code")}
    told = [f"{name}={fact}" for name, fact in facts.items() if isinstance(fact, int) or _is_code(fact)]
    return " ".join((f"{kind.__module__}.{kind.__qualname__}", *told))


def _is_code(fact: object) -> bool:
    return isinstance(fact, str) and _CODE.fullmatch(fact) is not None


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of every value, tracebacks included."""
    return {key: without_secrets(value) if isinstance(value, str) else value for key, value in event.items()}


def _is_wanted(record: logging.LogRecord) -> bool:
    # By name as well as by level: Bolt gives its own loggers the root's level back.
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in QUIET


class _SocketTrouble:
    """Lets the SDK say once a minute, without a traceback, that its socket cannot be opened."""

    PAUSE_SECONDS = 60.0

    def __init__(self) -> None:
        self._not_before = 0.0

    def shorten(self, record: logging.LogRecord) -> bool:
        """Say whether the record is to be written, and take its traceback out."""
        if not record.name.startswith("slack_sdk.socket_mode") or record.levelno < logging.ERROR:
            return True
        if record.created < self._not_before:
            return False
        self._not_before = record.created + self.PAUSE_SECONDS
        record.exc_info = record.exc_text = None
        return True


class AsJson(logging.Formatter):
    """A library's line in the form of ours."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        said = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        said["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if record.exc_info and record.exc_info[1] is not None:
            said["exception"] = describe(record.exc_info[1])
        return json.dumps({key: without_secrets(value) for key, value in said.items()})
