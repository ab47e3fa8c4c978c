"""Builds what carries a request from its question to its last word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.access.admission import Admission
from bot.domain.approvals.build import Approvals
from bot.domain.budgets.build import BudgetIncreases
from bot.domain.connections.build import MemberConnections
from bot.domain.context import DomainContext
from bot.domain.filters.apply import FilterService
from bot.domain.sessions.build import Sessions
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who takes what members write, press and fill in, and who drives what it becomes."""

    driver: TurnDriver
    stopper: TurnStopper
    commands: TurnCommands
    asides: AsideCommands
    messages: MessageEvents
    form: AskForm


def build_turns(
    context: DomainContext,
    *,
    filters: FilterService,
    budgets: BudgetIncreases,
    access: Admission,
    connections: MemberConnections,
    sessions: Sessions,
    approvals: Approvals,
    count_end: Callable[[str], None],
) -> Turns:
    """Build it on every noun that a turn passes through. `count_end` is told how each one ended."""
    files, messages = FileTransfer(context), ThreadMessages(context, sessions.threads, connections.expiry.met_refusal)
    loop = LoopContext(context, approvals.lifecycle, connections.pinning.called)
    run = RunContext(context, sessions.threads, access, RequestSender(context, files), loop)
    ends = TurnEnds(context, filtering=filters, increases=budgets.commands, count=count_end)
    driver = TurnDriver(run, messages=messages, ends=ends, files=files, filtering=filters)
    stopper = TurnStopper(context, driver=driver, messages=messages)
    requests = RequestContext(context, access, filters, messages, TurnQueue(context, driver, messages))
    asides, placement = AsideCommands(requests), AnswerPlacement(context, access)
    commands = TurnCommands(requests, placement=placement, asides=asides, stopping=stopper)
    edits = EditCommands(requests, stopper)
    return Turns(
        driver=driver,
        stopper=stopper,
        commands=commands,
        asides=asides,
        messages=MessageEvents(requests, turns=commands, edits=edits),
        form=AskForm(context, commands),
    )
