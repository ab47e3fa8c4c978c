"""Members; holding a `Member` is the authority to act as them."""

from __future__ import annotations

from dataclasses import dataclass

from store.records.ids import UserId, WorkspaceId


@dataclass(frozen=True, slots=True)
class Member:
    """A verified person of a workspace; holding one is the authority to act as them.

    Made in exactly two places, the intake of a verified Slack request and a verified Slack
    id_token, and given back by `store.members`, which only ever remembers those two
    (docs/decisions/0004-authority-is-a-type.md).
    """

    workspace_id: WorkspaceId
    user_id: UserId
    team_id: str
    """The person's own team (`T…`), needed as `recipient_team_id` when streaming."""
    name: str
    """Display name, for people only: never a key."""
