"""Turns Slack's error code for a post into a refusal for the person who waits for it; pure."""

from __future__ import annotations

from bot.model.errors import Refusal

_REFUSALS = {
    "channel_not_found": Refusal.NOT_IN_CHANNEL,
    "not_in_channel": Refusal.NOT_IN_CHANNEL,
    "channel_is_archived": Refusal.CHANNEL_ARCHIVED,
    "is_archived": Refusal.CHANNEL_ARCHIVED,
    "cannot_reply_to_message": Refusal.THREAD_GONE,
    "message_not_found": Refusal.THREAD_GONE,
    "thread_not_found": Refusal.THREAD_GONE,
    "missing_scope": Refusal.SCOPE_MISSING,
    "no_permission": Refusal.SCOPE_MISSING,
}
# Prefixes of the codes for channels where only some people may post (docs/reference/slack.md#refusals).
_RESTRICTED = ("restricted_action", "posting_to_")


def refusal_of(code: str) -> Refusal:
    """Return why nothing can be shown at a place where a post or stream failed with `code`."""
    if code.startswith(_RESTRICTED):
        return Refusal.POSTING_RESTRICTED
    return _REFUSALS.get(code, Refusal.NOT_POSTED)
