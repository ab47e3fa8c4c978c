"""What the writing parts of `bot.slack` share: the Web API, the store and the clock."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.ports import Clock
from bot.slack.client import SlackApi
from store.database import Database


@dataclass(frozen=True, slots=True)
class SlackContext:
    """The collaborators for one workspace's token, passed as one."""

    api: SlackApi
    database: Database
    clock: Clock
