"""The table of Web API methods: the arguments that each reads, its scope and its rate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.slack.errors import SlackError
from simulator.slack.workspace import Workspace


class Args(dict[str, Any]):
    """The arguments of one call that the method declares; others are ignored, as by Slack."""

    def required(self, name: str) -> str:
        """Return a string. Raises `invalid_arguments` naming what is missing."""
        value = self.get(name)
        if value is None or value == "":
            raise SlackError(
                "invalid_arguments",
                response_metadata={"messages": [f"[ERROR] missing required field: {name}"]},
            )
        return str(value)

    def string(self, name: str) -> str | None:
        """Return a string, None when absent or empty."""
        value = self.get(name)
        return None if value in {None, ""} else str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean, given as JSON or as `1`, `0`, `true`, `false`."""
        value = self.get(name)
        if value is None:
            return default
        return value if isinstance(value, bool) else str(value).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """Return a whole number. Raises `invalid_arguments`."""
        try:
            return int(self.get(name) or default)
        except ValueError:
            raise SlackError("invalid_arguments") from None

    def structure(self, name: str, error: str) -> Any:
        """Return what is an object or list, or JSON of one in forms; None when absent. Raises `error`."""
        value = self.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise SlackError(error) from None


Handler = Callable[[Workspace, Args], Mapping[str, Any]]


@dataclass(frozen=True)
class Method:
    """One Web API method. `per_minute` is its rate tier, None for those not limited here."""

    name: str
    arguments: tuple[str, ...]
    handler: Handler
    scopes: tuple[str, ...]
    per_minute: int | None
    is_for_app: bool
    """Whether it takes the app-level token."""
    is_for_config: bool
    """Whether it takes an app configuration token."""


METHODS: dict[str, Method] = {}


def serves(
    name: str,
    arguments: str,
    *,
    scopes: str = "",
    per_minute: int | None = 100,
    is_for_app: bool = False,
    is_for_config: bool = False,
) -> Callable[[Handler], Handler]:
    """Register a handler; `arguments` and `scopes` are separated by spaces, one scope suffices."""

    def register(handler: Handler) -> Handler:
        needs = tuple(scopes.split())
        METHODS[name] = Method(name, tuple(arguments.split()), handler, needs, per_minute, is_for_app, is_for_config)
        return handler

    return register
