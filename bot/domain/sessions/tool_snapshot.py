"""The tools that a session was created with and those it has now, as the store keeps them; pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.domain.ports import ServiceTools, SessionTools


def dump_tools(first: SessionTools, now: SessionTools) -> dict[str, Any]:
    """Return both as JSON has them."""
    return {"first": asdict(first), "now": asdict(now)}


def load_tools(kept: dict[str, Any] | None) -> tuple[SessionTools, SessionTools] | None:
    """Return both again; None where nothing was kept."""
    return None if kept is None else (_load(kept["first"]), _load(kept["now"]))


def with_new(first: SessionTools, now: SessionTools) -> SessionTools:
    """Return what was given first together with the services that came since."""
    known = {(service.name, service.url) for service in first.services}
    added = tuple(service for service in now.services if (service.name, service.url) not in known)
    return SessionTools(first.built_in_rules, (*first.services, *added))


def _load(kept: dict[str, Any]) -> SessionTools:
    return SessionTools(kept["built_in_rules"], tuple(ServiceTools(**service) for service in kept["services"]))
