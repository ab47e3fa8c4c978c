"""The `metadata` with every table in it, for migrations and their tests."""

from __future__ import annotations

from store.schema import metadata

__all__ = ["metadata"]
