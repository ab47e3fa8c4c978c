"""Finds the service that somebody means by the name they typed; pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from bot.model.errors import NAMED_MAX
from oauth.catalog.service import Service

# Names that are near what was typed, as many as are asked about.
_NEAR_MAX = 3
_LOOSE = re.compile(r"[\s_-]+")


def find_service(given: str, services: Collection[Service]) -> Service | None:
    """Return the service with this name or title, ignoring case, blanks, `_` and `-`; None if there is none."""
    wanted = _folded(given)
    by_name = next((service for service in services if _folded(service.name) == wanted), None)
    return by_name or next((service for service in services if _folded(service.title) == wanted), None)


def nearest_names(given: str, services: Collection[Service]) -> tuple[str, ...]:
    """Return the names that somebody may have meant, best first; if none is near, the first few of all."""
    wanted = _folded(given)
    names = {_folded(service.name): str(service.name) for service in services}
    names |= {_folded(service.title): str(service.name) for service in services}
    begun = [name for folded, name in names.items() if wanted and folded.startswith(wanted)]
    close = [names[folded] for folded in difflib.get_close_matches(wanted, names, n=5, cutoff=0.5)]
    found = tuple(dict.fromkeys([*sorted(begun), *close]))[:_NEAR_MAX]
    return found or tuple(sorted(names.values()))[:NAMED_MAX]


def _folded(text: str) -> str:
    return _LOOSE.sub(" ", text.strip().casefold())
