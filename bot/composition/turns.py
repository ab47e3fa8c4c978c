"""Builds what carries a request from its question to its last word: admission, sessions, approvals, the driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bot.composition.connections import ConnectionParts
from bot.composition.context import Context
from bot.domain.access.admission import Admission
from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.budgets.increase_commands import BudgetIncreaseCommands
from bot.domain.budgets.increase_requests import BudgetIncreaseRequests
from bot.domain.maintenance.offboarding import Offboarding
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.domain.sessions.sessions import ThreadSessions
from bot.domain.supervisor import Supervisor
from bot.domain.turns.ask_form import AskForm
from bot.domain.turns.commands import TurnCommands
from bot.domain.turns.driver import TurnDriver
from bot.domain.turns.file_transfer import FileTransfer
from bot.domain.turns.message_events import MessageEvents
from bot.domain.turns.stop import TurnStopper
from store.records import ChannelId


@dataclass(frozen=True, slots=True)
class TurnParts:
    """Asking the agent, and what ends with the member who asks."""

    admission: Admission
    profiles: AgentProfiles
    runner: TurnDriver
    stopping: TurnStopper
    turns: TurnCommands
    messages: MessageEvents
    form: AskForm
    shortages: BudgetIncreaseRequests
    raising: BudgetIncreaseCommands
    offboarding: Offboarding

    def doubt(self, supervisor: Supervisor) -> Callable[[ChannelId], None]:
        """Return what has the answers in a channel judged anew, at once."""

        def doubted(channel: ChannelId) -> None:
            self.admission.doubt(channel)
            supervisor.wake_all()

        return doubted


def build_asking(parts: Context, room: ConnectionParts) -> TurnParts:
    """Build it on the connection parts, which have the vaults."""
    database, configuration, clock = parts.database, parts.configuration, parts.outside.clock
    profiles = _build_profiles(parts)
    admission = parts.admission
    sessions = ThreadSessions(
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
    stopping = TurnStopper(
        database=database, screen=parts.outside.screen, runner=runner, configuration=configuration, clock=clock
    )
    turns = TurnCommands(
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
    return TurnParts(admission, profiles, runner, stopping, turns, messages, form, shortages, raising, offboarding)


def _build_profiles(parts: Context) -> AgentProfiles:
    return AgentProfiles(
        database=parts.database,
        agents=parts.outside.agents,
        catalog=parts.catalog,
        configuration=parts.configuration,
        model=parts.settings.model,
    )


def _build_raising(parts: Context) -> tuple[BudgetIncreaseRequests, BudgetIncreaseCommands]:
    database, configuration = parts.database, parts.configuration
    screen, clock = parts.outside.screen, parts.outside.clock
    shortages = BudgetIncreaseRequests(database=database, configuration=configuration, screen=screen, clock=clock)
    raising = BudgetIncreaseCommands(
        database=database,
        configuration=configuration,
        shortages=shortages,
        screen=screen,
        people=parts.people,
        supervisor=parts.supervisor,
        clock=clock,
    )
    return shortages, raising


def _build_runner(
    parts: Context,
    room: ConnectionParts,
    sessions: ThreadSessions,
    admission: Admission,
    raising: BudgetIncreaseCommands,
) -> TurnDriver:
    database, outside, clock = parts.database, parts.outside, parts.outside.clock
    approvals = ApprovalLifecycle(
        database=database,
        agents=outside.agents,
        screen=outside.screen,
        sessions=sessions,
        clock=clock,
        permits=parts.permits,
        minutes=parts.settings.approval_minutes,
        changed=parts.refreshing.changed,
    )
    return TurnDriver(
        database=database,
        outside=outside,
        sessions=sessions,
        admission=admission,
        approvals=approvals,
        supervisor=parts.supervisor,
        bringing=FileTransfer(
            database=database, agents=outside.agents, slack=parts.files, screen=outside.screen, clock=clock
        ),
        filtering=parts.filtering,
        outbox=parts.outbox,
        on_call=parts.pinning.called,
        on_reconnect=room.lapses.met_refusal,
        on_end=partial(parts.on_end, raising),
    )
