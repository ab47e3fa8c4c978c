"""Builds what carries a request from its question to its last word: admission, sessions, approvals, the driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.composition.connections import ConnectionParts
from bot.composition.context import Context
from bot.domain.approvals.lifecycle import ApprovalLifecycle
from bot.domain.budgets.increase_commands import BudgetIncreaseCommands
from bot.domain.budgets.increase_requests import BudgetIncreaseRequests
from bot.domain.maintenance.offboarding import Offboarding
from bot.domain.sessions.agent_profiles import AgentProfiles
from bot.domain.sessions.sessions import ThreadSessions
from bot.domain.turns.asides import AsideCommands
from bot.domain.turns.ask_form import AskForm
from bot.domain.turns.commands import TurnCommands
from bot.domain.turns.driver import TurnDriver
from bot.domain.turns.edits import EditCommands
from bot.domain.turns.file_transfer import FileTransfer
from bot.domain.turns.loop import LoopContext
from bot.domain.turns.message_events import MessageEvents
from bot.domain.turns.placement import AnswerPlacement
from bot.domain.turns.requests import RequestContext
from bot.domain.turns.send_request import RequestSender
from bot.domain.turns.session_run import RunContext
from bot.domain.turns.stop import TurnStopper
from bot.domain.turns.thread_messages import ThreadMessages
from bot.domain.turns.turn_end import TurnEnds
from bot.domain.turns.turn_queue import TurnQueue
from store.records import Turn


@dataclass(frozen=True, slots=True)
class RequestParts:
    """Who takes what members write, press and fill in."""

    turns: TurnCommands
    asides: AsideCommands
    messages: MessageEvents
    form: AskForm


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnParts:
    """Asking the agent, and what ends with the member who asks."""

    profiles: AgentProfiles
    driver: TurnDriver
    stopping: TurnStopper
    requests: RequestParts
    shortages: BudgetIncreaseRequests
    raising: BudgetIncreaseCommands
    offboarding: Offboarding


def build_asking(parts: Context, room: ConnectionParts) -> TurnParts:
    """Build it on the connection parts, which have the vaults."""
    context, configuration = parts.domain, parts.configuration
    profiles = _build_profiles(parts)
    sessions = ThreadSessions(
        context, vaults=room.vaults, profiles=profiles, configuration=configuration, listings=room.inventory
    )
    shortages = BudgetIncreaseRequests(context, configuration)
    raising = BudgetIncreaseCommands(context, configuration=configuration, shortages=shortages, people=parts.people)
    messages = ThreadMessages(context, sessions, room.lapses.met_refusal)
    driver = _build_driver(parts, sessions, messages, partial(parts.on_end, raising))
    stopping = TurnStopper(context, driver=driver, messages=messages, configuration=configuration)
    return TurnParts(
        profiles=profiles,
        driver=driver,
        stopping=stopping,
        requests=_build_requests(parts, TurnQueue(context, driver, messages), stopping),
        shortages=shortages,
        raising=raising,
        offboarding=Offboarding(
            database=context.database,
            stopping=stopping,
            connections=room.connections,
            vaults=room.vaults,
            clock=context.clock,
        ),
    )


def _build_requests(parts: Context, queue: TurnQueue, stopping: TurnStopper) -> RequestParts:
    context = RequestContext(parts.domain, parts.admission, parts.filtering, parts.reading, queue)
    asides = AsideCommands(context)
    placement = AnswerPlacement(parts.domain, parts.admission, parts.configuration)
    turns = TurnCommands(context, placement=placement, asides=asides, stopping=stopping)
    edits = EditCommands(context, stopping)
    messages = MessageEvents(context, turns=turns, edits=edits, files=parts.files)
    return RequestParts(turns, asides, messages, AskForm(parts.domain, turns, parts.files))


def _build_profiles(parts: Context) -> AgentProfiles:
    return AgentProfiles(
        database=parts.domain.database,
        agents=parts.domain.agents,
        catalog=parts.catalog,
        configuration=parts.configuration,
        model=parts.settings.model,
    )


def _build_driver(
    parts: Context, sessions: ThreadSessions, messages: ThreadMessages, on_end: Callable[[Turn, str], None]
) -> TurnDriver:
    context, files = parts.domain, FileTransfer(parts.domain, parts.files)
    approvals = ApprovalLifecycle(
        context,
        sessions=sessions,
        permits=parts.permits,
        lifetime=timedelta(minutes=parts.settings.approval_minutes),
        changed=parts.refreshing.changed,
    )
    run = RunContext(
        domain=context,
        sessions=sessions,
        admission=parts.admission,
        requests=RequestSender(context, files),
        loop=LoopContext(context, approvals, parts.pinning.called),
    )
    ends = TurnEnds(context, filtering=parts.filtering, outbox=parts.outbox, on_end=on_end)
    return TurnDriver(run, messages=messages, ends=ends, files=files, filtering=parts.filtering)
