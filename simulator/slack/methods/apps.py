"""`auth.test`, `bots.info`, `apps.connections.open`, `apps.manifest.export`: the tokens' identity, the app's setup."""

from __future__ import annotations

from typing import Any

from simulator.slack.errors import SlackError
from simulator.slack.methods.registry import Args, serves
from simulator.slack.people import APP, BOT, BOT_ID, TEAM
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]


@serves("auth.test", "", per_minute=None)
def auth_test(ws: Workspace, _args: Args) -> Answer:
    """Return the identity behind the token."""
    return {
        "url": "https://deputy.slack.com/",
        "team": "Deputy Test",
        "user": "deputy",
        "team_id": TEAM,
        "user_id": BOT,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    } | (ws.organisation.identity() if ws.organisation else {})


@serves("apps.connections.open", "", scopes="connections:write", per_minute=20, is_for_app=True)
def open_connection(ws: Workspace, _args: Args) -> Answer:
    """Issue a single-use WebSocket address."""
    return {"url": ws.issue_socket_url()}


@serves("bots.info", "bot team_id", scopes="users:read", per_minute=50)
def bot_info(_ws: Workspace, args: Args) -> Answer:
    """Return the bot's app."""
    if args.required("bot") != BOT_ID:
        raise SlackError("bot_not_found")
    return {"bot": {"id": BOT_ID, "deleted": False, "name": "deputy", "user_id": BOT, "app_id": APP}}


@serves("apps.manifest.export", "app_id", per_minute=50, is_for_config=True)
def export_manifest(ws: Workspace, args: Args) -> Answer:
    """Return the app's manifest as JSON."""
    app_id = args.required("app_id")
    if not app_id.startswith("A"):
        raise SlackError("invalid_app_id")
    if app_id != APP:
        raise SlackError("app_not_found")
    return {"manifest": ws.manifest}


@serves("team.info", "team domain", scopes="team:read", per_minute=50)
def team_info(ws: Workspace, args: Args) -> Answer:
    """Return the workspace, or an organisation that one of the token's channels is shared with."""
    wanted = args.string("team") or TEAM
    known = {TEAM: "Deputy Test"}
    for channel in ws.channels.values():
        known |= channel.connected_teams if BOT in channel.members else {}
    if wanted not in known:
        raise SlackError("team_not_found")
    return {"team": {"id": wanted, "name": known[wanted], "domain": wanted.lower()}}
