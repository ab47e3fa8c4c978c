"""Creates ids: a prefix and a random part. Each noun has its prefix."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Return an id with 128 random bits, such as `trn_5f0c…`; URL-safe."""
    return f"{prefix}_{secrets.token_hex(16)}"
