"""Every table in one `metadata`, for who needs them all: migrations and their tests."""

from __future__ import annotations

from store.schema import metadata

__all__ = ["metadata"]
