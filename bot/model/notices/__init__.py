"""What Deputy tells people apart from answers, as data; `renderers/notices.py` has the words."""

from __future__ import annotations

from bot.model.errors import Misunderstood, Refused
from bot.model.notices.approvals import (
    AllowanceRevoked,
    ApprovalWaiting,
    Held,
    SecondAsked,
    ToolChange,
    ToolsChanged,
    Waiting,
)
from bot.model.notices.budgets import RaiseAnswer, RaiseAnswered, RaiseAsked, RaiseSettled, Spending
from bot.model.notices.connections import (
    CodeWanted,
    Connected,
    ConnectFailed,
    ConnectionEnding,
    ConnectLink,
    Disconnected,
    Lapse,
    LinkSent,
    OfferedAgain,
    ReconnectNeeded,
    ServiceChoice,
    ServicePicker,
    TokenWanted,
)
from bot.model.notices.failures import Broken, Outage
from bot.model.notices.files import FilesLeftOut, LeftOut, WhyLeftOut
from bot.model.notices.home import HelpShown, Home, StatusShown
from bot.model.notices.turns import (
    AnsweredPrivately,
    AsideOffered,
    AsideSettled,
    AskedAgain,
    EditUnseen,
    MaskedInRequest,
    Offered,
    Readers,
    RunningTurn,
    Thanks,
    ThreadActsAs,
    TurnPicker,
    TurnsStopping,
)

__all__ = [
    "AllowanceRevoked",
    "AnsweredPrivately",
    "ApprovalWaiting",
    "AsideOffered",
    "AsideSettled",
    "AskedAgain",
    "Broken",
    "CodeWanted",
    "ConnectFailed",
    "ConnectLink",
    "Connected",
    "ConnectionEnding",
    "Disconnected",
    "EditUnseen",
    "FilesLeftOut",
    "Held",
    "HelpShown",
    "Home",
    "Lapse",
    "LeftOut",
    "LinkSent",
    "MaskedInRequest",
    "Notice",
    "Offered",
    "OfferedAgain",
    "Outage",
    "RaiseAnswer",
    "RaiseAnswered",
    "RaiseAsked",
    "RaiseSettled",
    "Readers",
    "ReconnectNeeded",
    "RunningTurn",
    "SecondAsked",
    "ServiceChoice",
    "ServicePicker",
    "Spending",
    "StatusShown",
    "Thanks",
    "ThreadActsAs",
    "TokenWanted",
    "ToolChange",
    "ToolsChanged",
    "TurnPicker",
    "TurnsStopping",
    "Waiting",
    "WhyLeftOut",
]

Notice = (
    Refused
    | Misunderstood
    | StatusShown
    | HelpShown
    | ServicePicker
    | LinkSent
    | ConnectLink
    | TokenWanted
    | Connected
    | CodeWanted
    | ConnectFailed
    | Disconnected
    | TurnsStopping
    | TurnPicker
    | AsideOffered
    | AsideSettled
    | EditUnseen
    | FilesLeftOut
    | MaskedInRequest
    | ThreadActsAs
    | ApprovalWaiting
    | SecondAsked
    | AllowanceRevoked
    | RaiseAsked
    | RaiseAnswered
    | RaiseSettled
    | ToolsChanged
    | AnsweredPrivately
    | ReconnectNeeded
    | ConnectionEnding
    | AskedAgain
    | Thanks
    | Broken
    | Outage
)
