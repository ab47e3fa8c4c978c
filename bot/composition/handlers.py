"""Maps each command class to its handler, one table per noun, and builds the `Dispatcher` on them."""

from __future__ import annotations

from datetime import timedelta

from bot.composition.admin import build_administering
from bot.composition.connections import ConnectionParts
from bot.composition.context import Context
from bot.composition.turns import TurnParts
from bot.domain.approvals.always_allow import AlwaysAllow
from bot.domain.approvals.decisions import ApprovalDecisions
from bot.domain.budgets.increase_commands import BudgetIncreaseCommands
from bot.domain.connections.commands import ConnectionCommands
from bot.domain.connections.personal_tokens import PersonalTokenForms
from bot.domain.dispatcher import Dispatcher, Handler, HandlerTable
from bot.model import commands as c
from store.records import WorkspaceId


def build_desk(parts: Context, room: ConnectionParts, asking: TurnParts) -> Dispatcher:
    """Build the dispatcher with the handler of every command."""
    administering = build_administering(parts, room, asking)
    handlers: dict[type, Handler] = {
        **_turn_handlers(asking),
        **_approval_handlers(parts, asking),
        **_connection_handlers(parts, room),
        **_token_handlers(parts, room),
        **_home_handlers(parts),
        **_raise_handlers(asking.raising),
        **_lifecycle_handlers(room, asking),
        c.UseSettings: lambda command, _: administering.use(command),
    }
    return Dispatcher(
        parts.domain,
        HandlerTable(
            commands=handlers,
            forms={c.SubmitSettings: administering.submit},
            fetch_mention=asking.requests.messages.read_again,
        ),
        on_new=parts.begun.add,
        on_done=parts.refreshing.after,
    )


def _turn_handlers(asking: TurnParts) -> dict[type, Handler]:
    requests = asking.requests
    return {
        c.OpenAskForm: requests.form.open,
        c.AskAgent: requests.form.ask,
        c.Reply: requests.messages.written,
        c.AskAgain: requests.turns.again,
        c.PassAside: requests.asides.pass_on,
        c.WithdrawRequest: lambda command, _: requests.messages.deleted(command),
        c.RewordRequest: requests.messages.edited,
        c.StopTurn: lambda command, _: asking.stopping.stop(command),
        c.RateAnswer: lambda command, _: requests.turns.rate(command),
    }


def _approval_handlers(parts: Context, asking: TurnParts) -> dict[type, Handler]:
    wake = asking.driver.wake
    decisions = ApprovalDecisions(
        parts.domain,
        permits=parts.permits,
        filtering=parts.filtering,
        admission=parts.admission,
        lifetime=timedelta(minutes=parts.settings.approval_minutes),
    )
    allowances = AlwaysAllow(parts.domain)
    return {
        c.DecideApproval: lambda command, _: decisions.decide(command, wake),
        c.AllowAll: lambda command, _: decisions.allow_all(command, wake),
        c.ShowApproval: lambda command, _: decisions.show(command),
        c.ExplainDenial: lambda command, _: decisions.explain(command),
        c.AcceptTools: lambda command, _: parts.pinning.accept(command),
        c.RevokeAllowance: lambda command, _: allowances.revoke(command),
    }


def _connection_handlers(parts: Context, room: ConnectionParts) -> dict[type, Handler]:
    connecting = ConnectionCommands(
        parts.domain, catalog=parts.catalog, connections=room.connections, admission=parts.admission
    )
    return {
        c.ConnectService: lambda command, _: connecting.connect(command),
        c.OpenCodeForm: lambda command, _: connecting.open_code_form(command),
        c.ConfirmCode: lambda command, _: connecting.confirm(command),
        c.DisconnectService: lambda command, _: connecting.disconnect(command),
        c.TellAttempt: lambda command, _: room.outcomes.tell(command),
        c.LookAtCredential: lambda command, _: room.lapses.look_at_credential(command),
        c.LookAtVault: lambda command, _: room.lapses.look_at_vault(command),
    }


def _token_handlers(parts: Context, room: ConnectionParts) -> dict[type, Handler]:
    tokens = PersonalTokenForms(parts.domain, personal=room.personal, admission=parts.admission, lapses=room.lapses)
    return {
        c.OpenTokenForm: lambda command, _: tokens.open_form(command),
        c.GiveToken: tokens.give,
        c.RefuseToken: lambda command, _: tokens.refuse(command),
    }


def _home_handlers(parts: Context) -> dict[type, Handler]:
    homes = parts.homes
    return {
        c.ShowStatus: lambda command, _: homes.status(command),
        c.ShowHelp: lambda command, _: homes.help(command),
        c.ShowHome: lambda command, _: homes.publish(command),
    }


def _raise_handlers(raising: BudgetIncreaseCommands) -> dict[type, Handler]:
    return {
        c.AskRaise: lambda command, _: raising.ask(command),
        c.OpenRaise: lambda command, _: raising.open_form(command),
        c.DeclineRaise: lambda command, _: raising.decline(command),
    }


def _lifecycle_handlers(room: ConnectionParts, asking: TurnParts) -> dict[type, Handler]:
    return {
        c.DeactivateMember: lambda command, _: asking.offboarding.deactivate(command),
        c.LeaveWorkspace: lambda command, _: room.connections.void_workspace(WorkspaceId(command.workspace_id)),
    }
