"""What Slack was seen to send although its documents say otherwise, where `workspace.rough` has it switched on."""

from __future__ import annotations

from typing import Any

from simulator.roughness import Roughness
from simulator.slack.organisation import ORGANISATION, SISTER_TEAM
from simulator.slack.people import TEAM

Payload = dict[str, Any]


def roughened_event(rough: Roughness, event: Payload) -> Payload:
    """Return an event, perhaps without its files or with stubs in their place."""
    if not event.get("files"):
        return event
    if event["type"] == "app_mention" and rough.strikes("slack:mention_without_files"):
        return {name: value for name, value in event.items() if name not in {"files", "subtype"}}
    if rough.strikes("slack:file_stub"):
        return event | {"files": [stub(file, event.get("user")) for file in event["files"]]}
    return event


def stub(file: Payload, user: object) -> Payload:
    """Return a file's stub, as Slack sends it in a shared channel: only `files.info` tells the rest."""
    return {
        "id": file["id"],
        "created": 1_790_000_000,
        "timestamp": 1_790_000_000,
        "mode": "file_access",
        "file_access": "check_file_info",
        "user": user,
        "user_team": TEAM,
    }


def roughened_interaction(rough: Roughness, payload: Payload) -> Payload:
    """Return an interaction in a view, perhaps as in an organisation: `team` is the person's, not the app's."""
    if not payload.get("view") or not rough.strikes("slack:org_payload"):
        return payload
    return payload | {
        "team": {
            "id": SISTER_TEAM,
            "domain": "sister",
            "enterprise_id": ORGANISATION,
            "enterprise_name": "Organisation",
        },
        "enterprise": {"id": ORGANISATION, "name": "Organisation"},
        "user": payload["user"] | {"team_id": SISTER_TEAM},
        "view": payload["view"] | {"team_id": SISTER_TEAM, "app_installed_team_id": TEAM},
    }
