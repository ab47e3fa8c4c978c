"""Builds what a thread's session is made of: the agents, and the services it may use."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.connections.build import MemberConnections
from bot.domain.context import DomainContext
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.domain.sessions.sessions import ThreadSessions


@dataclass(frozen=True, slots=True)
class Sessions:
    """The threads' sessions, and the agents that they run."""

    profiles: AgentProfiles
    threads: ThreadSessions


def build_sessions(context: DomainContext, connections: MemberConnections, model: str) -> Sessions:
    """Build it on the vaults, each of which a session acts with. `model`: where a profile names none."""
    profiles = AgentProfiles(context, model)
    threads = ThreadSessions(context, vaults=connections.vaults, profiles=profiles, listings=connections.inventory)
    return Sessions(profiles, threads)
