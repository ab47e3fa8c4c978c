"""Whatever a request needs from the question to the last word: admission, sessions, approvals, the runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.composition.connections import Room
from bot.composition.context import Parts
from bot.domain.access.admission import Admission
from bot.domain.approvals.lifecycle import Approvals
from bot.domain.budgets.increase_commands import Raising
from bot.domain.budgets.increase_requests import Shortages
from bot.domain.maintenance.offboarding import Offboarding
from bot.domain.sessions.agent_profiles import Profiles
from bot.domain.sessions.sessions import Sessions
from bot.domain.supervisor import Supervisor
from bot.domain.turns.ask_form import AskForm
from bot.domain.turns.commands import Turns
from bot.domain.turns.driver import Runner
from bot.domain.turns.file_transfer import Bringing
from bot.domain.turns.message_events import MessageEvents
from bot.domain.turns.stop import Stopping
from store.records import ChannelId


@dataclass(frozen=True, slots=True)
class Asking:
    """Asking the agent, and what ends with the member who asks."""

    admission: Admission
    profiles: Profiles
    runner: Runner
    stopping: Stopping
    turns: Turns
    messages: MessageEvents
    form: AskForm
    shortages: Shortages
    raising: Raising
    offboarding: Offboarding

    def doubt(self, supervisor: Supervisor) -> Callable[[ChannelId], None]:
        """Return what has the answers in a channel judged anew, at once."""

        def doubted(channel: ChannelId) -> None:
            self.admission.doubt(channel)
            supervisor.wake_all()

        return doubted


def build_asking(parts: Parts, room: Room) -> Asking:
    """Build it on the OAuth room, which has the vaults."""
    database, configuration, clock = parts.database, parts.configuration, parts.outside.clock
    profiles = _build_profiles(parts)
    admission = parts.admission
    sessions = Sessions(
        database=database,
        agents=parts.outside.agents,
        vaults=room.vaults,
        profiles=profiles,
        configuration=configuration,
        clock=clock,
        listings=room.inventory,
    )
    shortages, raising = _build_raising(parts)
    runner = _build_runner(parts, room, sessions, admission, raising)
    stopping = Stopping(
        database=database, screen=parts.outside.screen, runner=runner, configuration=configuration, clock=clock
    )
    turns = Turns(
        database=database,
        screen=parts.outside.screen,
        reading=parts.reading,
        runner=runner,
        stopping=stopping,
        admission=admission,
        configuration=configuration,
        filtering=parts.filtering,
        clock=clock,
    )
    offboarding = Offboarding(
        database=database, stopping=stopping, connections=room.connections, vaults=room.vaults, clock=clock
    )
    messages = MessageEvents(database=database, turns=turns, reading=parts.reading, files=parts.files, clock=clock)
    form = AskForm(database=database, screen=parts.outside.screen, turns=turns, files=parts.files, clock=clock)
    return Asking(admission, profiles, runner, stopping, turns, messages, form, shortages, raising, offboarding)


def _build_profiles(parts: Parts) -> Profiles:
    return Profiles(
        database=parts.database,
        agents=parts.outside.agents,
        catalog=parts.catalog,
        configuration=parts.configuration,
        model=parts.settings.model,
    )


def _build_raising(parts: Parts) -> tuple[Shortages, Raising]:
    database, configuration = parts.database, parts.configuration
    screen, clock = parts.outside.screen, parts.outside.clock
    shortages = Shortages(database=database, configuration=configuration, screen=screen, clock=clock)
    raising = Raising(
        database=database,
        configuration=configuration,
        shortages=shortages,
        screen=screen,
        people=parts.people,
        supervisor=parts.supervisor,
        clock=clock,
    )
    return shortages, raising


def _build_runner(parts: Parts, room: Room, sessions: Sessions, admission: Admission, raising: Raising) -> Runner:
    database, outside, clock = parts.database, parts.outside, parts.outside.clock
    approvals = Approvals(
        database=database,
        agents=outside.agents,
        screen=outside.screen,
        sessions=sessions,
        clock=clock,
        permits=parts.permits,
        minutes=parts.settings.approval_minutes,
        changed=parts.refreshing.changed,
    )
    return Runner(
        database=database,
        outside=outside,
        sessions=sessions,
        admission=admission,
        approvals=approvals,
        supervisor=parts.supervisor,
        bringing=Bringing(
            database=database, agents=outside.agents, slack=parts.files, screen=outside.screen, clock=clock
        ),
        filtering=parts.filtering,
        outbox=parts.outbox,
        on_call=parts.pinning.called,
        on_reconnect=room.lapses.met_refusal,
        on_end=partial(parts.on_end, raising),
    )
