"""What the parts of `bot.slack` share that write: the Web API, the store, the time."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.ports import Clock
from bot.slack.client import SlackApi
from store.database import Database


@dataclass(frozen=True, slots=True)
class SlackContext:
    """Passed whole, for one workspace's token."""

    api: SlackApi
    database: Database
    clock: Clock
