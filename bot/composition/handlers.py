"""The registry of commands: maps each command class to what carries it out, and builds the `Dispatcher` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.composition.nouns import Nouns
from bot.domain.context import DomainContext
from bot.domain.dispatcher import Dispatcher, Handler, HandlerTable
from bot.model import commands as c
from bot.slack.answer.unposted import UnpostedMessages
from store.records import WorkspaceId

CarriesOut = Callable[[Any], Awaitable[None]]


def build_dispatcher(context: DomainContext, nouns: Nouns, unposted: UnpostedMessages) -> Dispatcher:
    """Build the dispatcher with the handler of every command."""
    return Dispatcher(context, build_table(nouns), on_new=unposted.add, on_done=nouns.home.refresh.after)


def build_table(nouns: Nouns) -> HandlerTable:
    """Return the registry; what is only told, and a mention without its message, the dispatcher carries out itself."""
    plain = {**_turn_handlers(nouns), **_connection_handlers(nouns), **_other_handlers(nouns)}
    return HandlerTable(
        commands={**_request_handlers(nouns), **{kind: _without_delivery(handle) for kind, handle in plain.items()}},
        forms={c.SubmitSettings: nouns.admin.submit},
        fetch_mention=nouns.turns.messages.read_again,
    )


def _without_delivery(handle: CarriesOut) -> Handler:
    return lambda command, _: handle(command)


def _request_handlers(nouns: Nouns) -> Mapping[type, Handler]:
    """Who needs the delivery's id too: what they make is named after it, so that it is made once."""
    turns = nouns.turns
    return {
        c.OpenAskForm: turns.form.open,
        c.AskAgent: turns.form.ask,
        c.Reply: turns.messages.written,
        c.RewordRequest: turns.messages.edited,
        c.AskAgain: turns.commands.again,
        c.PassAside: turns.asides.pass_on,
        c.GiveToken: nouns.connections.tokens.give,
    }


def _turn_handlers(nouns: Nouns) -> Mapping[type, CarriesOut]:
    turns, decisions, wake = nouns.turns, nouns.approvals.decisions, nouns.turns.driver.wake
    return {
        c.WithdrawRequest: turns.messages.deleted,
        c.StopTurn: turns.stopper.stop,
        c.RateAnswer: turns.commands.rate,
        c.DecideApproval: lambda command: decisions.decide(command, wake),
        c.AllowAll: lambda command: decisions.allow_all(command, wake),
        c.ShowApproval: decisions.show,
        c.ExplainDenial: decisions.explain,
        c.RevokeAllowance: nouns.approvals.allowances.revoke,
    }


def _connection_handlers(nouns: Nouns) -> Mapping[type, CarriesOut]:
    connections = nouns.connections
    return {
        c.ConnectService: connections.commands.connect,
        c.OpenCodeForm: connections.commands.open_code_form,
        c.ConfirmCode: connections.commands.confirm,
        c.DisconnectService: connections.commands.disconnect,
        c.OpenTokenForm: connections.tokens.open_form,
        c.RefuseToken: connections.tokens.refuse,
        c.TellAttempt: connections.outcomes.tell,
        c.LookAtCredential: connections.expiry.look_at_credential,
        c.LookAtVault: connections.expiry.look_at_vault,
        c.AcceptTools: connections.pinning.accept,
        c.LeaveWorkspace: lambda command: connections.browser.void_workspace(WorkspaceId(command.workspace_id)),
    }


def _other_handlers(nouns: Nouns) -> Mapping[type, CarriesOut]:
    homes, increases = nouns.home.pages, nouns.budgets.commands
    return {
        c.ShowStatus: homes.status,
        c.ShowHelp: homes.help,
        c.ShowHome: homes.publish,
        c.AskRaise: increases.ask,
        c.OpenRaise: increases.open_form,
        c.DeclineRaise: increases.decline,
        c.UseSettings: nouns.admin.use,
        c.DeactivateMember: nouns.maintenance.offboarding.deactivate,
    }
