"""What a person can ask of Deputy: frozen, already verified commands in the imperative.

A listener parses a Slack request into one of these; `bot.domain` carries it out. `member` is always the verified person
who acted, never somebody named in the request.
"""

from __future__ import annotations

from bot.model.commands.admin import (
    AskRaise,
    DeactivateMember,
    DeclineRaise,
    LeaveWorkspace,
    OpenRaise,
    SubmitSettings,
    UseSettings,
)
from bot.model.commands.approvals import (
    AcceptTools,
    AllowAll,
    DecideApproval,
    ExplainDenial,
    RevokeAllowance,
    ShowApproval,
    Verdict,
)
from bot.model.commands.connections import (
    ConfirmCode,
    ConnectService,
    DisconnectService,
    GiveToken,
    LookAtCredential,
    LookAtVault,
    OpenCodeForm,
    OpenTokenForm,
    RefuseToken,
)
from bot.model.commands.home import ShowHelp, ShowHome, ShowStatus
from bot.model.commands.outcomes import TellAttempt, TellOutcome, TellRefused
from bot.model.commands.place import Conversation, Place, Said
from bot.model.commands.turns import (
    AskAgain,
    AskAgent,
    HearMention,
    OpenAskForm,
    PassAside,
    RateAnswer,
    Reply,
    RewordRequest,
    StopTurn,
    WithdrawRequest,
)

__all__ = [
    "AcceptTools",
    "AllowAll",
    "AskAgain",
    "AskAgent",
    "AskRaise",
    "Command",
    "ConfirmCode",
    "ConnectService",
    "Conversation",
    "DeactivateMember",
    "DecideApproval",
    "DeclineRaise",
    "DisconnectService",
    "ExplainDenial",
    "GiveToken",
    "HearMention",
    "LeaveWorkspace",
    "LookAtCredential",
    "LookAtVault",
    "OpenAskForm",
    "OpenCodeForm",
    "OpenRaise",
    "OpenTokenForm",
    "PassAside",
    "Place",
    "RateAnswer",
    "RefuseToken",
    "Reply",
    "RevokeAllowance",
    "RewordRequest",
    "Said",
    "ShowApproval",
    "ShowHelp",
    "ShowHome",
    "ShowStatus",
    "StopTurn",
    "SubmitSettings",
    "TellAttempt",
    "TellOutcome",
    "TellRefused",
    "UseSettings",
    "Verdict",
    "WithdrawRequest",
]

Command = (
    AskAgent
    | Reply
    | PassAside
    | WithdrawRequest
    | RewordRequest
    | HearMention
    | StopTurn
    | DecideApproval
    | AllowAll
    | RevokeAllowance
    | AcceptTools
    | ShowApproval
    | ExplainDenial
    | ConnectService
    | OpenCodeForm
    | ConfirmCode
    | DisconnectService
    | OpenTokenForm
    | GiveToken
    | RefuseToken
    | ShowStatus
    | ShowHelp
    | ShowHome
    | OpenAskForm
    | RateAnswer
    | UseSettings
    | SubmitSettings
    | AskAgain
    | AskRaise
    | OpenRaise
    | DeclineRaise
    | LookAtCredential
    | LookAtVault
    | LeaveWorkspace
    | DeactivateMember
    | TellOutcome
    | TellRefused
    | TellAttempt
)
