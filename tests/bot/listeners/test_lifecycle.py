"""What Slack tells about itself: who is gone or a guest, and whether it is Deputy that was removed."""

from __future__ import annotations

import pytest

from bot.commands import DeactivateMember, LeaveWorkspace
from bot.listeners.intake import Install
from bot.listeners.lifecycle import parse_uninstalled, parse_user_change

INSTALL = Install(app_id="A1", team_id="T1", enterprise_id=None, bot_user_id="U0BOT", is_org_wide=False)


@pytest.mark.parametrize("mark", ["deleted", "is_restricted", "is_ultra_restricted"])
def test_who_is_deactivated_or_a_guest_now_is_off_boarded(mark):
    body = {"event_id": "Ev1", "event": {"type": "user_change", "user": {"id": "U1", mark: True}}}

    assert parse_user_change(body, INSTALL) == ("event:Ev1", DeactivateMember("T1", "U1"))


@pytest.mark.parametrize("user", [{"id": "U1"}, {"id": "U1", "deleted": False}, {"deleted": True}, "U1", None])
def test_any_other_change_is_none(user):
    assert parse_user_change({"event_id": "Ev1", "event": {"type": "user_change", "user": user}}, INSTALL) is None


@pytest.mark.parametrize(
    ("event", "is_removal"),
    [
        ({"type": "app_uninstalled"}, True),
        ({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}, True),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}, False),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}, False),
        ({"type": "tokens_revoked"}, False),
    ],
)
def test_a_member_who_takes_back_their_sign_in_does_not_remove_deputy(event, is_removal):
    found = parse_uninstalled({"event_id": "Ev1", "event": event}, INSTALL)

    assert found == (("event:Ev1", LeaveWorkspace("T1")) if is_removal else None)
