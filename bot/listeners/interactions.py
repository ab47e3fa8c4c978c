"""Turns buttons, forms and shortcuts into commands.

A button's value only names a row; the domain checks whose row it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot.listeners.config_forms import build_use
from bot.listeners.intake import GROUP, Asked, Body, table
from bot.model import action_ids
from bot.model.commands import (
    AcceptTools,
    AllowAll,
    AskAgain,
    AskAgent,
    AskRaise,
    Command,
    ConfirmCode,
    ConnectService,
    DecideApproval,
    DeclineRaise,
    DisconnectService,
    ExplainDenial,
    GiveToken,
    OpenAskForm,
    OpenCodeForm,
    OpenRaise,
    OpenTokenForm,
    PassAside,
    Place,
    RateAnswer,
    RevokeAllowance,
    ShowApproval,
    ShowStatus,
    StopTurn,
    Verdict,
)
from bot.model.slack_message import read_message
from store.records import (
    AllowanceId,
    ApprovalId,
    ChannelId,
    Member,
    MessageRef,
    MessageTs,
    Secret,
    TicketId,
    TurnId,
    UserId,
)

REASON_LIMIT = 500
CODE_LIMIT = 40
PAGE_DIGITS = 4

Build = Callable[[Member, str, Place, str], Command | None]
"""`(member, value, place, trigger_id)` → command; None if the value means nothing."""

# These decide something or show private arguments, so the person is looked up again.
DECIDES = {
    action_ids.APPROVE,
    action_ids.APPROVE_ALL,
    action_ids.ALWAYS_ALLOW,
    action_ids.DENY,
    action_ids.DENY_WITH_REASON,
    action_ids.SHOW_DETAILS,
    action_ids.DETAILS_PAGE,
    action_ids.REVOKE_ALLOWANCE,
    action_ids.ACCEPT_TOOLS,
    action_ids.RAISE,
    action_ids.NOT_NOW,
}


def parse_action(body: Body) -> Asked | None:
    """Return the request of a click; None for a link, and for a button that this version does not know."""
    listed = body.get("actions")
    action = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
    # After a `/` comes what tells equal buttons of one message apart.
    action_id = str(action.get("action_id") or "").split("/")[0]
    # Turning a page needs the modal's id, which only the payload has.
    build = _turn_page(body) if action_id == action_ids.DETAILS_PAGE else BUTTONS.get(action_id)
    if action_id in {action_ids.SETTINGS, action_ids.SETTINGS_MENU}:
        build = partial(build_use, body)
    if build is None:
        return None
    place, value, trigger_id = _place(body), _value(action), str(body.get("trigger_id") or "")
    return Asked(
        # Each press has a `trigger_id` of its own, so pressing twice makes two requests; the domain decides what the
        # second does.
        key=f"action:{trigger_id or action.get('action_ts')}",
        unverified_user=_user(body),
        build=lambda member: build(member, value, place, trigger_id),
        place=place,
        needs_fresh=action_id in DECIDES
        or action_id in {action_ids.CONNECT, action_ids.SETTINGS, action_ids.SETTINGS_MENU},
    )


def parse_form(body: Body) -> Asked | None:
    """Return the request of a submitted form; None for a form that this version does not know."""
    view = body.get("view")
    if not isinstance(view, Mapping):
        return None
    build = FORMS.get(str(view.get("callback_id") or ""))
    if build is None:
        return None
    return build(body, view)


def parse_shortcut(body: Body) -> Asked | None:
    """Return the request of “Ask about this message”: it opens the form with the message quoted."""
    message = table(body, "message")
    read = read_message(message)
    place, trigger_id, by = _place(body), str(body.get("trigger_id") or ""), message.get("user")
    about = _root_of(message, place.channel)
    return Asked(
        key=f"shortcut:{trigger_id}",
        unverified_user=_user(body),
        build=lambda member: OpenAskForm(
            member,
            place,
            trigger_id,
            quoted=read.seen or None,
            quoted_by=UserId(by) if isinstance(by, str) and by else None,
            about=about,
            files=read.all_files,
        ),
        place=place,
    )


def _root_of(message: Body, channel: ChannelId) -> MessageRef | None:
    """Return a message as the root of its thread; None for a reply."""
    ts = message.get("ts")
    is_root = isinstance(ts, str) and message.get("thread_ts") in {None, ts} and channel
    return MessageRef(channel, MessageTs(str(ts))) if is_root else None


def _decision(verdict: Verdict, *, is_remembered: bool = False) -> Build:
    def build(member: Member, value: str, place: Place, _: str) -> Command | None:
        approval_id, _, shown_hash = value.partition(":")
        return DecideApproval(member, ApprovalId(approval_id), verdict, shown_hash, place, is_remembered=is_remembered)

    return build


def _explain(member: Member, value: str, place: Place, trigger_id: str) -> Command | None:
    approval_id, _, shown_hash = value.partition(":")
    return ExplainDenial(member, ApprovalId(approval_id), shown_hash, trigger_id, place)


def _turn_page(body: Body) -> Build:
    # The modal to turn is the one that the click came from; whether this member may see the call is checked again.
    view_id = str(table(body, "view").get("id") or "")

    def build(member: Member, value: str, place: Place, trigger_id: str) -> Command | None:
        approval_id, _, rest = value.partition(":")
        page = rest.partition(":")[2]
        # `int` takes digits of any script, and time for very long ones.
        is_number = page.isascii() and page.isdigit() and len(page) <= PAGE_DIGITS
        if not (is_number and view_id):
            return None
        return ShowApproval(member, ApprovalId(approval_id), trigger_id, place, int(page), view_id)

    return build


def _feedback(member: Member, value: str, place: Place, _: str) -> Command | None:
    turn_id, _, thumb = value.partition(":")
    return RateAnswer(member, TurnId(turn_id), thumb == "good", place)


BUTTONS: dict[str, Build] = {
    action_ids.APPROVE: _decision(Verdict.ALLOW),
    action_ids.DENY: _decision(Verdict.DENY),
    action_ids.ALWAYS_ALLOW: _decision(Verdict.ALLOW, is_remembered=True),
    action_ids.APPROVE_ALL: lambda member, value, place, _: AllowAll(member, value, place),
    action_ids.REVOKE_ALLOWANCE: lambda member, value, place, _: RevokeAllowance(member, AllowanceId(value), place),
    action_ids.DENY_WITH_REASON: _explain,
    action_ids.SHOW_DETAILS: lambda member, value, place, trigger_id: ShowApproval(
        member, ApprovalId(value.partition(":")[0]), trigger_id, place
    ),
    action_ids.ACCEPT_TOOLS: lambda member, value, place, _: AcceptTools(
        member, value.partition(":")[0], value.partition(":")[2], place
    ),
    action_ids.ASK_RAISE: lambda member, value, place, _: AskRaise(member, value, place),
    action_ids.RAISE: lambda member, value, place, trigger_id: OpenRaise(member, value, trigger_id, place),
    action_ids.NOT_NOW: lambda member, value, place, _: DeclineRaise(member, value, place),
    action_ids.STOP: lambda member, value, place, _: StopTurn(member, place, TurnId(value)) if value else None,
    action_ids.FEEDBACK: _feedback,
    action_ids.ASK_AGAIN: lambda member, value, place, _: AskAgain(member, TurnId(value), place) if value else None,
    action_ids.CONNECT: lambda member, value, place, _: ConnectService(member, value or None, place),
    action_ids.ENTER_CODE: lambda member, value, place, trigger_id: (
        OpenCodeForm(member, TicketId(value), trigger_id, place) if value else None
    ),
    action_ids.DISCONNECT: lambda member, value, place, _: DisconnectService(member, value or None, place),
    action_ids.GIVE_TOKEN: lambda member, value, place, trigger_id: (
        OpenTokenForm(member, value, trigger_id, place) if value else None
    ),
    action_ids.PASS_ASIDE: lambda member, value, place, _: PassAside(member, value, is_passed=True, place=place),
    action_ids.IGNORE_ASIDE: lambda member, value, place, _: PassAside(member, value, is_passed=False, place=place),
    action_ids.OPEN_ASK_FORM: lambda member, _, place, trigger_id: OpenAskForm(member, place, trigger_id),
    action_ids.START_OWN: lambda member, value, place, trigger_id: OpenAskForm(
        member, place, trigger_id, quote_id=value or None
    ),
    action_ids.SHOW_STATUS: lambda member, _, place, __: ShowStatus(member, place),
}


def _ask_form(body: Body, view: Mapping[str, Any]) -> Asked | None:
    kept = _kept_in(view)
    place, quoted, by, quote_id = _place_from(kept), kept.get("quoted"), kept.get("quoted_by"), kept.get("quote")
    quoted = quoted if isinstance(quoted, str) else None  # in forms that an earlier version opened
    quote_id = quote_id if isinstance(quote_id, str) and quote_id else None
    by = UserId(by) if isinstance(by, str) and by else None
    # The form may have been opened in somebody else's thread, so its task starts a thread of its own.
    start = replace(place, thread_ts=None)
    task = _field(view, action_ids.ASK_FIELD_BLOCK, action_ids.ASK_FIELD)
    is_private, profile = place.is_direct or kept.get("is_private") is True, kept.get("profile")
    return Asked(
        key=f"view:{view.get('id')}:{view.get('hash')}",
        unverified_user=_user(body),
        build=lambda member: AskAgent(
            member,
            task,
            start,
            is_private=is_private,
            profile=profile if isinstance(profile, str) and profile else None,
            quoted=quoted,
            quoted_by=by,
            quote_id=quote_id,
            # The thread is read for the quoted message's context; without a message it is not.
            about=_about_from(kept) if quoted or quote_id else None,
        ),
        place=place,
    )


def _deny_form(body: Body, view: Mapping[str, Any]) -> Asked | None:
    approval_id, _, shown_hash = str(view.get("private_metadata") or "").partition(":")
    reason = _field(view, action_ids.DENY_FIELD_BLOCK, action_ids.DENY_FIELD)[:REASON_LIMIT] or None
    place = Place(ChannelId(""))
    return Asked(
        key=f"view:{view.get('id')}:{view.get('hash')}",
        unverified_user=_user(body),
        build=lambda member: DecideApproval(
            member, ApprovalId(approval_id), Verdict.DENY, shown_hash, place, reason=reason
        ),
        place=place,
        needs_fresh=True,
    )


def _details_form(body: Body, view: Mapping[str, Any]) -> Asked | None:
    approval_id, _, shown_hash = str(view.get("private_metadata") or "").partition(":")
    place = Place(ChannelId(""))
    return Asked(
        key=f"view:{view.get('id')}:{view.get('hash')}",
        unverified_user=_user(body),
        build=lambda member: DecideApproval(member, ApprovalId(approval_id), Verdict.ALLOW, shown_hash, place),
        place=place,
        needs_fresh=True,
    )


def _token_form(body: Body, view: Mapping[str, Any]) -> Asked | None:
    service, place = str(view.get("private_metadata") or ""), Place(ChannelId(""), is_direct=True)
    # Wrapped at once: a `Secret` is neither logged nor stored.
    token = Secret(_field(view, action_ids.TOKEN_FIELD_BLOCK, action_ids.TOKEN_FIELD))
    return Asked(
        key=f"view:{view.get('id')}:{view.get('hash')}",
        unverified_user=_user(body),
        build=lambda member: GiveToken(member, service, token, place),
        place=place,
        needs_fresh=True,
    )


def _code_form(body: Body, view: Mapping[str, Any]) -> Asked | None:
    ticket_id = TicketId(str(view.get("private_metadata") or ""))
    code = _field(view, action_ids.CODE_FIELD_BLOCK, action_ids.CODE_FIELD)[:CODE_LIMIT]
    place = Place(ChannelId(""), is_direct=True)
    return Asked(
        key=f"view:{view.get('id')}:{view.get('hash')}",
        unverified_user=_user(body),
        build=lambda member: ConfirmCode(member, ticket_id, code, place),
        place=place,
        needs_fresh=True,
    )


FORMS: dict[str, Callable[[Body, Mapping[str, Any]], Asked | None]] = {
    action_ids.ASK_FORM: _ask_form,
    action_ids.DENY_FORM: _deny_form,
    action_ids.DETAILS_VIEW: _details_form,
    action_ids.TOKEN_FORM: _token_form,
    action_ids.CODE_FORM: _code_form,
}


def _place(body: Body) -> Place:
    """Return where the click was; an empty channel (in App Home or a form) means the direct messages."""
    channel = str(table(body, "channel").get("id") or "")
    container, message = table(body, "container"), table(body, "message")
    thread_ts = container.get("thread_ts") or message.get("thread_ts")
    return Place(
        channel=ChannelId(channel),
        thread_ts=MessageTs(str(thread_ts)) if thread_ts else None,
        response_url=str(body.get("response_url") or "") or None,
        # App Home and modals have no channel; replies to them go to the direct messages.
        is_direct=channel.startswith("D") or not channel,
        is_group=str(table(body, "channel").get("name") or "").startswith(GROUP),
    )


def _kept_in(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return our `private_metadata` of a form; empty if it is not readable, since it comes from outside."""
    try:
        kept = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        kept = {}
    return kept if isinstance(kept, dict) else {}


def _place_from(kept: Mapping[str, Any]) -> Place:
    """Return where the form was opened; without a channel, in the direct messages."""
    channel = str(kept.get("channel") or "")
    thread_ts = kept.get("thread_ts")
    return Place(
        channel=ChannelId(channel),
        thread_ts=MessageTs(str(thread_ts)) if thread_ts else None,
        response_url=kept.get("response_url") if isinstance(kept.get("response_url"), str) else None,
        is_direct=bool(kept.get("is_direct")) or not channel,
        is_group=bool(kept.get("is_group")),
    )


def _about_from(kept: Mapping[str, Any]) -> MessageRef | None:
    about = table(kept, "about")
    channel, ts = about.get("channel"), about.get("ts")
    if not isinstance(channel, str) or not isinstance(ts, str):
        return None
    return MessageRef(ChannelId(channel), MessageTs(ts))


def _value(action: Mapping[str, Any]) -> str:
    value = action.get("value")
    if value is None and isinstance(action.get("selected_option"), Mapping):
        value = action["selected_option"].get("value")
    return value if isinstance(value, str) else ""


def _field(view: Mapping[str, Any], block: str, field: str) -> str:
    found = table(table(table(table(view, "state"), "values"), block), field)
    return str(found.get("value") or "").strip()


def _user(body: Body) -> UserId | None:
    found = table(body, "user").get("id")
    return UserId(found) if isinstance(found, str) and found else None
