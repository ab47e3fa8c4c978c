"""Ids as the API makes them: a prefix and 24 characters. A malformed id is 400, an unknown one 404."""

from __future__ import annotations

import re
import secrets

from simulator.agents.errors import bad_request

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KINDS = {
    "agent": "agent",
    "env": "environment",
    "sesn": "session",
    "sthr": "session thread",
    "sesrsc": "session resource",
    "vlt": "vault",
    "vcrd": "credential",
    "file": "file",
}


def new_id(prefix: str) -> str:
    """Return a new id: `prefix_` and 24 characters of base 58."""
    return f"{prefix}_01" + "".join(secrets.choice(ALPHABET) for _ in range(22))


def check_id(prefix: str, value: str) -> str:
    """Return the id. Raises 400 (`Invalid agent ID.`) if it cannot be an id of this kind."""
    if not re.fullmatch(rf"{prefix}_[A-Za-z0-9]{{6,64}}", value):
        raise bad_request(f"Invalid {KINDS[prefix]} ID.")
    return value
