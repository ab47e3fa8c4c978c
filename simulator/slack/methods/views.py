"""`views.*`: modals with their stack of three, App Homes with their hash (docs/reference/slack.md#modals).

What a view may contain is checked in `viewkit.py`.
"""

from __future__ import annotations

from typing import Any

from simulator.slack.blockkit import HOME, MODAL
from simulator.slack.errors import SlackError
from simulator.slack.methods.registry import Args, serves
from simulator.slack.viewkit import change_view, new_view, parse_view, view_json
from simulator.slack.workspace import Trigger, View, Workspace

Answer = dict[str, Any]
STACK_LIMIT = 3


def _use_trigger(ws: Workspace, args: Args) -> Trigger:
    trigger = ws.triggers.get(args.required("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.is_used:
        raise SlackError("exchanged_trigger_id")
    if ws.clock.felt() > trigger.expires_at:
        raise SlackError("expired_trigger_id")
    trigger.is_used = True
    return trigger


@serves("views.open", "trigger_id view")
def open_view(ws: Workspace, args: Args) -> Answer:
    """Open a modal for the person who caused the trigger."""
    payload = parse_view(args.get("view"), MODAL)
    trigger = _use_trigger(ws, args)
    view = new_view(ws, trigger.user, payload)
    for replaced in ws.modals.get(trigger.user, []):
        ws.views.pop(replaced.id, None)
    ws.modals[trigger.user] = [view]
    ws.changed()
    return {"view": view_json(view)}


@serves("views.push", "trigger_id view")
def push_view(ws: Workspace, args: Args) -> Answer:
    """Put a modal onto the one the trigger came from."""
    payload = parse_view(args.get("view"), MODAL)
    trigger = _use_trigger(ws, args)
    stack = ws.modals.get(trigger.user, [])
    if trigger.view_id not in {view.id for view in stack}:
        raise SlackError("not_found")
    view = push_onto(ws, stack, payload)
    return {"view": view_json(view)}


def push_onto(ws: Workspace, stack: list[View], payload: dict[str, Any]) -> View:
    """Push a checked modal. Raises `push_limit_reached`."""
    if len(stack) >= STACK_LIMIT:
        raise SlackError("push_limit_reached")
    view = new_view(ws, stack[-1].user, payload, stack[-1])
    stack.append(view)
    ws.changed()
    return view


@serves("views.update", "view external_id view_id hash")
def update_view(ws: Workspace, args: Args) -> Answer:
    """Replace an open modal."""
    external = args.string("external_id")
    if external is not None:
        view = next((one for one in ws.views.values() if one.payload.get("external_id") == external), None)
    else:
        view = ws.views.get(args.required("view_id"))
    if view is None:
        raise SlackError("not_found")
    payload = parse_view(args.get("view"), view.payload["type"])
    if args.string("hash") not in {None, view.hash}:
        raise SlackError("hash_conflict")
    change_view(ws, view, payload)
    return {"view": view_json(view)}


@serves("views.publish", "user_id view hash")
def publish_view(ws: Workspace, args: Args) -> Answer:
    """Publish a person's App Home."""
    user = args.required("user_id")
    if user not in ws.people:
        raise SlackError("invalid_arguments")
    payload = parse_view(args.get("view"), HOME)
    view = ws.homes.get(user)
    if user not in ws.late_homes and ws.rough.strikes("slack:late_view"):
        ws.late_homes[user] = payload
        raise SlackError("internal_error")
    if args.string("hash") is not None and args.string("hash") != (view.hash if view else None):
        raise SlackError("hash_conflict")
    if view is None:
        view = ws.homes[user] = new_view(ws, user, payload)
        ws.changed()
    else:
        change_view(ws, view, payload)
    answer = {"view": view_json(view)}
    if late := ws.late_homes.pop(user, None):
        change_view(ws, view, late)
    return answer
