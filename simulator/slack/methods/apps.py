"""`auth.test` and `apps.connections.open`: who the tokens are, and where the socket is.

The socket itself is in `socket.py`.
"""

from __future__ import annotations

from typing import Any

from simulator.slack.methods.registry import Args, serves
from simulator.slack.people import BOT, BOT_ID, TEAM
from simulator.slack.workspace import Workspace

Answer = dict[str, Any]


@serves("auth.test", "", per_minute=None)
def auth_test(_ws: Workspace, _args: Args) -> Answer:
    """Say whose token it is."""
    return {
        "url": "https://deputy.slack.com/",
        "team": "Deputy Test",
        "user": "deputy",
        "team_id": TEAM,
        "user_id": BOT,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


@serves("apps.connections.open", "", scopes="connections:write", per_minute=20, is_for_app=True)
def open_connection(ws: Workspace, _args: Args) -> Answer:
    """Issue a single-use WebSocket address."""
    return {"url": ws.issue_socket_url()}
