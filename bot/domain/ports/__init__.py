"""What the domain needs of the outside, in its own words: agents, a screen, a clock.

`bot.agents` and `bot.slack` implement these; only `bot/app.py` knows which class is behind which.
"""

from __future__ import annotations

from bot.domain.ports.agents import BUDGET_REACHED, WAITING, Agents, Output, ProfileSpec, ServiceTools, SessionTools
from bot.domain.ports.clock import Clock
from bot.domain.ports.slack import (
    SLACK_PATIENCE,
    Answer,
    Channel,
    Openness,
    People,
    Person,
    Reading,
    Screen,
    SlackFiles,
)

__all__ = [
    "BUDGET_REACHED",
    "SLACK_PATIENCE",
    "WAITING",
    "Agents",
    "Answer",
    "Channel",
    "Clock",
    "Openness",
    "Output",
    "People",
    "Person",
    "ProfileSpec",
    "Reading",
    "Screen",
    "ServiceTools",
    "SessionTools",
    "SlackFiles",
]
