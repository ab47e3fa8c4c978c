"""What an app is sent in an Enterprise Grid organisation, and how `auth.test` differs (docs/reference/slack.md#people).

The app is installed for the whole organisation, or in one workspace, where it meets people of a sister workspace in
channels that both share.
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
    """Whether the app is installed for the whole organisation."""
    views_of: str = TEAM
    """Where the app is installed whose views people use: it may be in a sister workspace, too, with another token."""

    def identity(self) -> Payload:
        """Return the organisation's fields of `auth.test`."""
        team = {"team": _NAME, "team_id": self.id} if self.is_installed else {}
        return {"enterprise_id": self.id, "is_enterprise_install": self.is_installed} | team

    def shape(self, kind: str, payload: Payload) -> Payload:
        """Return a payload in the form that the organisation's app is sent."""
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
        """Return an interaction: without `team` for an app of the whole organisation, else with the person's team."""
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
