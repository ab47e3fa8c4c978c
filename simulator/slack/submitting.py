"""What happens to a modal after the app has answered its submission."""

from __future__ import annotations

from typing import Any

from simulator.slack.blockkit import MODAL
from simulator.slack.errors import SlackError
from simulator.slack.methods.views import push_onto
from simulator.slack.viewkit import change_view, close_view, parse_view
from simulator.slack.workspace import View, Workspace


def apply_answer(ws: Workspace, view: View, body: Any) -> None:
    """Close the view, or do what `response_action` says. Raises SlackError for a response that Slack would refuse."""
    answer = body if isinstance(body, dict) else {}
    match answer.get("response_action"):
        case None:
            close_view(ws, view)
        case "errors":
            _show_errors(ws, view, answer.get("errors"))
        case "update":
            change_view(ws, view, parse_view(answer.get("view"), MODAL))
        case "push":
            push_onto(ws, ws.modals[view.user], parse_view(answer.get("view"), MODAL))
        case "clear":
            for open_view in ws.modals.pop(view.user, []):
                ws.views.pop(open_view.id, None)
            ws.changed()
        case other:
            raise SlackError("invalid_response_action", given=other)


def _show_errors(ws: Workspace, view: View, errors: Any) -> None:
    inputs = {block["block_id"] for block in view.payload["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or errors.keys() - inputs:
        raise SlackError("invalid_errors", known=sorted(inputs), given=errors)
    view.errors = {str(block_id): str(text) for block_id, text in errors.items()}
    ws.changed()
