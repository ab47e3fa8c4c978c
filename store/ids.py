"""Owns how our own ids look; which noun has which prefix is its creator's business."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Return an unguessable id such as `trn_…`; 128 bits, URL-safe."""
    return f"{prefix}_{secrets.token_hex(16)}"
