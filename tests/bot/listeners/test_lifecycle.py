"""What Slack tells about itself: who is gone or a guest, and whether it is Deputy that was removed."""

from __future__ import annotations

import pytest

from bot.listeners.intake import Install
from bot.listeners.lifecycle import parse_shared, parse_uninstalled, parse_user_change
from bot.model.commands import LeaveWorkspace

INSTALL = Install(app_id="A1", team_id="T1", enterprise_id=None, bot_user_id="U0BOT", is_org_wide=False)


def test_a_changed_profile_names_whoever_is_to_be_judged_again():
    body = {"event_id": "Ev1", "event": {"type": "user_change", "user": {"id": "U1", "is_restricted": True}}}

    assert parse_user_change(body) == ("event:Ev1", "U1")


@pytest.mark.parametrize("user", [{"deleted": True}, {"id": 7}, "U1", None])
def test_a_change_of_nobody_is_none(user):
    assert parse_user_change({"event_id": "Ev1", "event": {"type": "user_change", "user": user}}) is None


@pytest.mark.parametrize(("channel", "found"), [("C1", "C1"), ("", None), (7, None), (None, None)])
def test_a_channel_that_another_organisation_reads_now_is_named(channel, found):
    assert parse_shared({"event": {"type": "channel_shared", "channel": channel}}) == found


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
