"""The ids that records carry: ours, Slack's and the Managed Agents API's."""

from __future__ import annotations

from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)
"""The enterprise id (`E…`) of an org-wide install, else the team id (`T…`)."""
UserId = NewType("UserId", str)
"""A Slack user id (`U…` or `W…`), unique within its workspace only."""
ChannelId = NewType("ChannelId", str)
MessageTs = NewType("MessageTs", str)
"""A Slack message's `ts`, its id within the channel."""
ThreadId = NewType("ThreadId", str)
TurnId = NewType("TurnId", str)
SegmentId = NewType("SegmentId", str)
ApprovalId = NewType("ApprovalId", str)
AllowanceId = NewType("AllowanceId", str)
DeliveryId = NewType("DeliveryId", str)
TicketId = NewType("TicketId", str)
ConnectionId = NewType("ConnectionId", str)
ServiceName = NewType("ServiceName", str)
"""A catalogue key such as `notion`; lower case, `[a-z0-9_-]{1,64}`."""
SessionId = NewType("SessionId", str)
"""A Managed Agents session (`sesn_…`)."""
EventId = NewType("EventId", str)
"""A Managed Agents event (`sevt_…`)."""
AgentId = NewType("AgentId", str)
EnvironmentId = NewType("EnvironmentId", str)
VaultId = NewType("VaultId", str)
"""A Managed Agents vault (`vlt_…`); always read from a verified member's own row."""
CredentialId = NewType("CredentialId", str)
