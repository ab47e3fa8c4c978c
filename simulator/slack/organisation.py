"""What an app is sent, and told of itself, in an Enterprise Grid organisation (docs/reference/slack.md#people).

Installed for all of it, or in one of its workspaces only: then a sister workspace's people are met in channels that
both have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.slack.people import TEAM

Payload = dict[str, Any]
SISTER_TEAM = "T0S1STER0"
"""Another workspace of the same organisation."""
ORGANISATION = "E0RGAN1ZE"
_NAME = "Organisation"


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation around the workspace."""

    id: str = ORGANISATION
    is_installed: bool = False
    """Whether the app is installed for all of it."""
    views_of: str = TEAM
    """Where the app is installed whose views people use: it may be in a sister workspace, too, with another token."""

    def identity(self) -> Payload:
        """Return what `auth.test` says of it."""
        team = {"team": _NAME, "team_id": self.id} if self.is_installed else {}
        return {"enterprise_id": self.id, "is_enterprise_install": self.is_installed} | team

    def shape(self, kind: str, payload: Payload) -> Payload:
        """Return a payload as the organisation's app is sent it."""
        if kind == "events_api":
            ours = {"enterprise_id": self.id, "is_enterprise_install": self.is_installed}
            authorizations = [one | ours for one in payload["authorizations"]]
            return payload | {"context_enterprise_id": self.id, "authorizations": authorizations}
        if kind == "slash_commands":
            is_installed = str(self.is_installed).lower()
            return payload | {
                "enterprise_id": self.id,
                "enterprise_name": _NAME,
                "is_enterprise_install": is_installed,
            }
        return self._interaction(payload)

    def _interaction(self, payload: Payload) -> Payload:
        """Of an app of the whole organisation there is no `team`; else it is where the person is."""
        home = payload["user"]["team_id"]
        theirs = {"id": home, "domain": "sister", "enterprise_id": self.id, "enterprise_name": _NAME}
        shaped = payload | {
            "team": None if self.is_installed else theirs,
            "enterprise": {"id": self.id, "name": _NAME},
            "is_enterprise_install": self.is_installed,
        }
        if view := payload.get("view"):
            shaped["view"] = view | {"app_installed_team_id": self.id if self.is_installed else self.views_of}
        return shaped
