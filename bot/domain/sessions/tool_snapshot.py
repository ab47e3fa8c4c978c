"""The stored form of the tools that a session was created with and of those it has now; pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.domain.ports import ServiceTools, SessionTools


def dump_tools(first: SessionTools, now: SessionTools) -> dict[str, Any]:
    """Return both as JSON-compatible data."""
    return {"first": asdict(first), "now": asdict(now)}


def load_tools(kept: dict[str, Any] | None) -> tuple[SessionTools, SessionTools] | None:
    """Return both from their stored form; None if nothing was stored."""
    return None if kept is None else (_load(kept["first"]), _load(kept["now"]))


def with_new(first: SessionTools, now: SessionTools) -> SessionTools:
    """Return the first tools with the services that were added since; their rules may not loosen from now on."""
    known = {(service.name, service.url) for service in first.services}
    added = tuple(service for service in now.services if (service.name, service.url) not in known)
    return SessionTools(first.built_in_rules, (*first.services, *added))


def _load(kept: dict[str, Any]) -> SessionTools:
    return SessionTools(kept["built_in_rules"], tuple(ServiceTools(**service) for service in kept["services"]))
