"""Turns the settings' buttons, menus and forms into commands. Values are validated later, never trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.listeners.intake import Asked, Body, table
from bot.model import action_ids
from bot.model.commands import Command, Place, SubmitSettings, UseSettings
from store.records import ChannelId, Member, UserId

FORMS = {
    action_ids.SETTINGS_FORM,
    action_ids.SETTINGS_ASK,
    action_ids.SETTINGS_URL,
    action_ids.SETTINGS_PROBED,
    action_ids.SETTINGS_CLAIM,
    action_ids.SETTINGS_CLIENT,
    action_ids.RAISE_FORM,
}
TEXT_LIMIT = 3_000
DIRECT = Place(ChannelId(""), is_direct=True)


def build_use(body: Body, member: Member, value: str, place: Place, trigger_id: str) -> Command:
    """Return the command for a button or menu of the settings; outside of a modal it opens them."""
    verb, _, argument = value.partition(" ")
    view = table(body, "view")
    view_id = str(view.get("id") or "") if view.get("type") == "modal" else ""
    return UseSettings(member, place, verb, argument, trigger_id, view_id)


def parse_settings_form(body: Body) -> Asked | None:
    """Return a submitted form of the settings; None for any other form."""
    view = table(body, "view")
    callback = str(view.get("callback_id") or "")
    if callback not in FORMS:
        return None
    user = table(body, "user").get("id")
    return Asked(
        # The hash changes with each version of the view, so a corrected form is a new request.
        key=f"view:{view.get('id')}:{view.get('hash')}",
        unverified_user=UserId(user) if isinstance(user, str) and user else None,
        build=lambda member: SubmitSettings(
            member=member,
            callback=callback,
            metadata=_metadata(view),
            values=_values(view),
            view_id=str(view.get("id") or ""),
            previous_view_id=str(view.get("previous_view_id") or ""),
        ),
        place=DIRECT,
        is_answered=True,
        needs_fresh=True,
    )


def _metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    try:
        kept = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        kept = {}
    return kept if isinstance(kept, dict) else {}


def _values(view: Mapping[str, Any]) -> dict[str, str | list[str] | None]:
    """Return `block_id` → value of a form."""
    blocks = table(table(view, "state"), "values")
    return {
        str(block): _value(table(fields, action_ids.SETTINGS_FIELD))
        for block, fields in blocks.items()
        if isinstance(fields, Mapping)
    }


def _value(state: Mapping[str, Any]) -> str | list[str] | None:
    for key in ("value", "selected_user", "selected_conversation"):
        if isinstance(state.get(key), str):
            return str(state[key])[:TEXT_LIMIT]
    if isinstance(state.get("selected_option"), Mapping):
        return str(state["selected_option"].get("value") or "")
    for key in ("selected_users", "selected_options"):
        chosen = state.get(key)
        if isinstance(chosen, list):
            return [str(one.get("value") if isinstance(one, Mapping) else one) for one in chosen]
    return None
