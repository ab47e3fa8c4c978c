"""What the steps of connecting share, and the alternative to Sign in with Slack; data only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from oauth.catalog.catalog import Catalog
from oauth.ports import Clock, CredentialStore
from store.database import Database

if TYPE_CHECKING:
    from oauth.guarded_http import GuardedSender

OnHold = Callable[[datetime, Callable[[], Awaitable[None]]], None]
"""Called with the time until which tokens wait for a code, and what to await then; returns at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectContext:
    """The collaborators that the steps share; one per process."""

    database: Database
    catalog: Catalog
    vaults: CredentialStore
    sender: GuardedSender
    clock: Clock
    base_url: str
    """The URL at which browsers reach Deputy, without a slash at the end."""


@dataclass(frozen=True, slots=True)
class CodeInSlack:
    """Instead of Sign in with Slack, a code typed into Slack is the proof (docs/reference/oauth.md#code-in-slack)."""

    on_hold: OnHold
