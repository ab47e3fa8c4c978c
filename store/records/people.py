"""Members of a workspace."""

from __future__ import annotations

from dataclasses import dataclass

from store.records.ids import UserId, WorkspaceId


@dataclass(frozen=True, slots=True)
class Member:
    """A verified person of a workspace; whoever holds one may act as them.

    Created in two places only, from a verified Slack request and from a verified Slack id_token, and
    returned by `store.members`, which remembers no others (docs/decisions/0004-authority-is-a-type.md).
    """

    workspace_id: WorkspaceId
    user_id: UserId
    team_id: str
    """The person's own team (`T…`), needed as `recipient_team_id` when streaming."""
    name: str
    """The display name, to be shown only: people change it, and two may have the same."""
