"""Who carries out which command: one table by noun, and the desk that looks in it."""

from __future__ import annotations

from bot.composition.admin import build_administering
from bot.composition.connections import Room
from bot.composition.context import Parts, new_reference
from bot.composition.turns import Asking
from bot.domain.approvals.always_allow import Allowances
from bot.domain.approvals.decisions import Decisions
from bot.domain.approvals.held_calls import Calls
from bot.domain.budgets.increase_commands import Raising
from bot.domain.connections.commands import Connecting
from bot.domain.connections.personal_tokens import Tokens
from bot.domain.dispatcher import Desk, Handler
from bot.model import commands as c
from store.records import WorkspaceId


def build_desk(parts: Parts, room: Room, asking: Asking) -> Desk:
    """Build the desk with everybody who carries something out behind it."""
    administering = build_administering(parts, room, asking)
    handlers: dict[type, Handler] = {
        **_turn_handlers(asking),
        **_approval_handlers(parts, asking),
        **_connection_handlers(parts, room, asking),
        **_token_handlers(parts, room, asking),
        **_home_handlers(parts),
        **_raise_handlers(asking.raising),
        **_lifecycle_handlers(room, asking),
        c.UseSettings: lambda command, _: administering.use(command),
    }
    return Desk(
        database=parts.database,
        screen=parts.outside.screen,
        supervisor=parts.supervisor,
        clock=parts.outside.clock,
        handlers=handlers,
        answers={c.SubmitSettings: administering.submit},
        read_again=asking.messages.read_again,
        on_new=parts.begun.add,
        on_done=parts.refreshing.after,
    )


def _turn_handlers(asking: Asking) -> dict[type, Handler]:
    turns, messages = asking.turns, asking.messages
    return {
        c.OpenAskForm: asking.form.open,
        c.AskAgent: asking.form.ask,
        c.Reply: messages.written,
        c.AskAgain: turns.again,
        c.PassAside: turns.pass_aside,
        c.WithdrawRequest: lambda command, _: messages.deleted(command),
        c.RewordRequest: messages.edited,
        c.StopTurn: lambda command, _: asking.stopping.stop(command),
        c.RateAnswer: lambda command, _: turns.rate(command),
    }


def _approval_handlers(parts: Parts, asking: Asking) -> dict[type, Handler]:
    database, screen, clock = parts.database, parts.outside.screen, parts.outside.clock
    wake = asking.runner.wake
    decisions = Decisions(
        database=database,
        screen=screen,
        clock=clock,
        calls=Calls(parts.outside.agents),
        permits=parts.permits,
        filtering=parts.filtering,
        admission=asking.admission,
        minutes=parts.settings.approval_minutes,
    )
    allowances = Allowances(database=database, screen=screen, clock=clock)
    return {
        c.DecideApproval: lambda command, _: decisions.decide(command, wake),
        c.AllowAll: lambda command, _: decisions.allow_all(command, wake),
        c.ShowApproval: lambda command, _: decisions.show(command),
        c.ExplainDenial: lambda command, _: decisions.explain(command),
        c.AcceptTools: lambda command, _: parts.pinning.accept(command),
        c.RevokeAllowance: lambda command, _: allowances.revoke(command),
    }


def _connection_handlers(parts: Parts, room: Room, asking: Asking) -> dict[type, Handler]:
    connecting = Connecting(
        database=parts.database,
        screen=parts.outside.screen,
        catalog=parts.catalog,
        connections=room.connections,
        admission=asking.admission,
        clock=parts.outside.clock,
    )
    return {
        c.ConnectService: lambda command, _: connecting.connect(command),
        c.OpenCodeForm: lambda command, _: connecting.open_code_form(command),
        c.ConfirmCode: lambda command, _: connecting.confirm(command),
        c.DisconnectService: lambda command, _: connecting.disconnect(command),
        c.LookAtCredential: lambda command, _: room.lapses.look_at_credential(command),
        c.LookAtVault: lambda command, _: room.lapses.look_at_vault(command),
    }


def _token_handlers(parts: Parts, room: Room, asking: Asking) -> dict[type, Handler]:
    tokens = Tokens(
        database=parts.database,
        screen=parts.outside.screen,
        personal=room.personal,
        admission=asking.admission,
        lapses=room.lapses,
        new_reference=new_reference,
    )
    return {
        c.OpenTokenForm: lambda command, _: tokens.open_form(command),
        c.GiveToken: tokens.give,
        c.RefuseToken: lambda command, _: tokens.refuse(command),
    }


def _home_handlers(parts: Parts) -> dict[type, Handler]:
    homes = parts.homes
    return {
        c.ShowStatus: lambda command, _: homes.status(command),
        c.ShowHelp: lambda command, _: homes.help(command),
        c.ShowHome: lambda command, _: homes.publish(command),
    }


def _raise_handlers(raising: Raising) -> dict[type, Handler]:
    return {
        c.AskRaise: lambda command, _: raising.ask(command),
        c.OpenRaise: lambda command, _: raising.open_form(command),
        c.DeclineRaise: lambda command, _: raising.decline(command),
    }


def _lifecycle_handlers(room: Room, asking: Asking) -> dict[type, Handler]:
    return {
        c.DeactivateMember: lambda command, _: asking.offboarding.deactivate(command),
        c.LeaveWorkspace: lambda command, _: room.connections.void_workspace(WorkspaceId(command.workspace_id)),
    }
