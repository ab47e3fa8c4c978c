"""What the runner tells the driver: a module of its own, since the driver is a process of its own."""

from __future__ import annotations

REVISION = "2026-07-28"
DATABASE = "DEPUTY_CONFORMANCE_DATABASE"
"""Path of a database that has its tables; each driver copies it."""
KEY = "DEPUTY_CONFORMANCE_KEY"
