"""What a tool call may do to the world outside, read from its name and from what its service says of it; pure.

It decides how a question is asked, never whether: approval does not depend on what a service claims.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Hazard(StrEnum):
    """Why a call is asked about twice."""

    NONE = "none"
    DESTRUCTIVE = "destructive"
    """It may destroy something."""
    OUTWARD = "outward"
    """It may reach other people, or cost money."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_DESTROYING = _words(
    "archive cancel clear delete destroy discard drop erase overwrite prune purge remove replace reset revoke rm trash "
    "truncate uninstall unpublish unshare wipe"
)
_OUTWARD = _words(
    "book buy charge checkout comment deploy donate email forward grant invite mail merge message notify order pay "
    "post publish purchase push refund release reply schedule send share sms submit transfer tweet wire"
)


def words_of(name: str) -> list[str]:
    """Return a tool's name in words, all in lower case: `notes_sendMail` → notes, send, mail."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def hazard_of(tool: str, annotations: Mapping[str, object] | None = None) -> Hazard:
    """Return the worst that the name or the annotations say; what claims to be harmless is not believed.

    A tool that its service calls destructive is so whatever its name; one that it calls read-only still
    is what its name says (MCP: annotations are hints, not to be trusted).
    """
    words = set(words_of(tool))
    hints = annotations or {}
    if words & _DESTROYING or (hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True):
        return Hazard.DESTRUCTIVE
    return Hazard.OUTWARD if words & _OUTWARD else Hazard.NONE
