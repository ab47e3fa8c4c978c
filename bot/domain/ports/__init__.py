"""What the domain needs from outside: Slack, the Managed Agents API and a clock.

`bot.agents` and `bot.slack` implement the ports; only `bot/app.py` and `bot/composition` know which class is which.
"""

from __future__ import annotations

from bot.domain.ports.agents import (
    BUDGET_REACHED,
    WAITING,
    Agents,
    EventFeed,
    OutputFile,
    ProfileSpec,
    ServiceTools,
    SessionTools,
)
from bot.domain.ports.clock import Clock
from bot.domain.ports.slack import (
    SEARCHED_BACK,
    Answer,
    ChannelAudience,
    ChannelInfo,
    HomeWorkspace,
    People,
    PersonInfo,
    Screen,
    SlackFiles,
    ThreadHistory,
)

__all__ = [
    "BUDGET_REACHED",
    "SEARCHED_BACK",
    "WAITING",
    "Agents",
    "Answer",
    "ChannelAudience",
    "ChannelInfo",
    "Clock",
    "EventFeed",
    "HomeWorkspace",
    "OutputFile",
    "People",
    "PersonInfo",
    "ProfileSpec",
    "Screen",
    "ServiceTools",
    "SessionTools",
    "SlackFiles",
    "ThreadHistory",
]
