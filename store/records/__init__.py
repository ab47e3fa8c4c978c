"""What Deputy remembers, as frozen dataclasses, and the ids they carry: data only.

Database rows stay inside `store`; its callers get these. They import nothing of ours.
"""

from __future__ import annotations

from store.records.approvals import Allowance, Approval, ApprovalState, Second, SecondView
from store.records.asides import Aside, AsideState, Quote
from store.records.audit import AuditEntry
from store.records.budgets import Asker, Budget, BudgetKind, Shortfall, ShortfallState
from store.records.config import SavedProfile, Setting
from store.records.connections import Connection, ConnectionState
from store.records.deliveries import Delivery, DeliveryState
from store.records.ids import (
    AgentId,
    AllowanceId,
    ApprovalId,
    ChannelId,
    ConnectionId,
    CredentialId,
    DeliveryId,
    EnvironmentId,
    EventId,
    MessageTs,
    SegmentId,
    ServiceName,
    SessionId,
    ThreadId,
    TicketId,
    TurnId,
    UserId,
    VaultId,
    WorkspaceId,
)
from store.records.messages import Attachment, MessageRef
from store.records.people import Member
from store.records.secret import Secret
from store.records.services import Registration, RegistrationKind, SavedService, ServiceTool
from store.records.threads import SessionState, Thread
from store.records.tickets import LINK_LIFE, Attempt, Ticket, TicketState
from store.records.turns import (
    ACTIVE_TURN_STATES,
    OPEN_TURN_STATES,
    Output,
    OutputState,
    Retry,
    Segment,
    SendState,
    Turn,
    TurnState,
    UsageBase,
)
from store.records.vaults import Vault, VaultState

__all__ = [
    "ACTIVE_TURN_STATES",
    "LINK_LIFE",
    "OPEN_TURN_STATES",
    "AgentId",
    "Allowance",
    "AllowanceId",
    "Approval",
    "ApprovalId",
    "ApprovalState",
    "Aside",
    "AsideState",
    "Asker",
    "Attachment",
    "Attempt",
    "AuditEntry",
    "Budget",
    "BudgetKind",
    "ChannelId",
    "Connection",
    "ConnectionId",
    "ConnectionState",
    "CredentialId",
    "Delivery",
    "DeliveryId",
    "DeliveryState",
    "EnvironmentId",
    "EventId",
    "Member",
    "MessageRef",
    "MessageTs",
    "Output",
    "OutputState",
    "Quote",
    "Registration",
    "RegistrationKind",
    "Retry",
    "SavedProfile",
    "SavedService",
    "Second",
    "SecondView",
    "Secret",
    "Segment",
    "SegmentId",
    "SendState",
    "ServiceName",
    "ServiceTool",
    "SessionId",
    "SessionState",
    "Setting",
    "Shortfall",
    "ShortfallState",
    "Thread",
    "ThreadId",
    "Ticket",
    "TicketId",
    "TicketState",
    "Turn",
    "TurnId",
    "TurnState",
    "UsageBase",
    "UserId",
    "Vault",
    "VaultId",
    "VaultState",
    "WorkspaceId",
]
