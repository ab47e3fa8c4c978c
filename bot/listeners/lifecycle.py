"""Parses Slack's events about the app and its people: Stop pressed, App Home opened, a user changed."""

from __future__ import annotations

from bot.listeners.intake import Asked, Body, Install, table
from bot.model.commands import LeaveWorkspace, Place, ShowHome, StopTurn
from store.records import ChannelId, MessageTs, UserId


def parse_stopped(body: Body) -> Asked | None:
    """Return the request of `agent_session_stopped`: Slack's own Stop button."""
    event = table(body, "event")
    channel, thread_ts = str(event.get("channel") or ""), str(event.get("thread_ts") or "")
    if not channel or not thread_ts:
        return None
    place = Place(ChannelId(channel), MessageTs(thread_ts), is_direct=channel.startswith("D"))
    return Asked(
        key=_key(body),
        unverified_user=_user(event),
        build=lambda member: StopTurn(member, place),
        place=place,
    )


def parse_home_opened(body: Body) -> Asked | None:
    """Return the request of `app_home_opened` on the Home tab; None on the Messages tab."""
    event = table(body, "event")
    if event.get("tab") != "home":
        return None
    return Asked(key=_key(body), unverified_user=_user(event), build=ShowHome)


def parse_user_change(body: Body) -> tuple[str, UserId] | None:
    """Return the key and the user of `user_change`; the intake asks Slack what they are now."""
    user = table(table(body, "event"), "user").get("id")
    return (_key(body), UserId(user)) if isinstance(user, str) and user else None


def parse_shared(body: Body) -> ChannelId | None:
    """Return the channel of `channel_shared`: another organisation was let in; it does not matter which."""
    channel = table(body, "event").get("channel")
    return ChannelId(channel) if isinstance(channel, str) and channel else None


def parse_uninstalled(body: Body, install: Install) -> tuple[str, LeaveWorkspace] | None:
    """Return the key and command of `app_uninstalled`, or of `tokens_revoked` for our bot's token.

    None if only a member has revoked their own sign-in.
    """
    event = table(body, "event")
    if event.get("type") == "tokens_revoked" and not table(event, "tokens").get("bot"):
        return None
    return _key(body), LeaveWorkspace(install.workspace_id)


def _key(body: Body) -> str:
    return f"event:{body.get('event_id')}"


def _user(event: Body) -> UserId | None:
    user = event.get("user")
    return UserId(user) if isinstance(user, str) and user else None
