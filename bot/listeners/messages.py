"""Messages and mentions: events → commands. What machines write, and what we wrote, is not for us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.commands import Place, Reply, RewordRequest, Said, WithdrawRequest
from bot.listeners.intake import Asked, Body, Install, table
from bot.slack_message import Written, read_message
from bot.text import mentions, plain, without_mention
from store.records import Attachment, ChannelId, MessageRef, MessageTs, UserId

WRITTEN_BY_PEOPLE = (None, "file_share", "thread_broadcast")
SLACKS_OWN = {"USLACKBOT", "USLACK"}
MARKS_OF_MACHINES = ("bot_id", "bot_profile", "app_id")


def parse_message(body: Body, install: Install) -> Asked | None:
    """Return the words somebody wrote where Deputy can read them; None for everything else.

    Slack sends a mention twice, as `app_mention` and as `message`, with different event ids: the
    message's own place and `ts` name it, so that the two are one.
    """
    event = table(body, "event")
    if event.get("subtype") == "message_deleted":
        return _deleted(event, str(event.get("deleted_ts") or ""))
    if event.get("subtype") == "message_changed":
        return _changed(event, install)
    if not _is_from_a_person(event) or event.get("edited"):
        return None
    return _written(event, install)


def _written(event: Body, install: Install) -> Asked | None:
    channel, ts = ChannelId(str(event.get("channel") or "")), MessageTs(str(event.get("ts") or ""))
    read = read_message(event)
    is_direct = event.get("channel_type") == "im" or channel.startswith("D")
    is_mention = mentions(read.markup, install.bot_user_id)
    thread_ts = event.get("thread_ts")
    if not channel or not ts or not (is_direct or is_mention or thread_ts):
        return None
    place = Place(channel, MessageTs(str(thread_ts or ts)), is_direct=is_direct)
    words = plain(without_mention(read.markup, install.bot_user_id)).strip()
    source, said, files = MessageRef(channel, ts), _said(read), _files(read)
    is_empty = not (words or said or files)
    return Asked(
        key=f"message:{channel}:{ts}",
        unverified_user=UserId(str(event["user"])),
        build=lambda member: None if is_empty else Reply(member, words, place, source, is_mention, files, said),
        # A plain reply in somebody's thread is not addressed to us: nothing is refused aloud there.
        place=place if is_direct or is_mention else None,
    )


def _said(read: Written) -> tuple[Said, ...]:
    """Return what came along that is not the author's own words; what a link shows of itself nobody passed on."""
    forwarded = (Said(one.author or "somebody", one.text, one.by) for one in read.forwarded)
    attached = (Said("attached to the message", text) for text in read.attached)
    return (*forwarded, *attached)


def _files(read: Written) -> tuple[Attachment, ...]:
    """Return the author's own files, then those of what they forwarded, which are others'."""
    others = (file for one in read.forwarded for file in one.files)
    return (*read.files, *(replace(file, is_others=True) for file in others))


def _changed(event: Body, install: Install) -> Asked | None:
    """An edit; or the end of a message with replies, of which Slack leaves a tombstone."""
    after, before = table(event, "message"), table(event, "previous_message")
    if after.get("subtype") == "tombstone":
        return _deleted(event, str(after.get("ts") or ""))
    markup = read_message(after).markup
    # Slack says so too when a link unfolds or a reply is counted: then the words are the same.
    if not _is_from_a_person(after) or not after.get("edited") or markup == read_message(before).markup:
        return None
    channel, ts = ChannelId(str(event.get("channel") or "")), MessageTs(str(after.get("ts") or ""))
    words = plain(without_mention(markup, install.bot_user_id)).strip()
    return Asked(
        key=f"edited:{channel}:{ts}:{table(after, 'edited').get('ts')}",
        unverified_user=UserId(str(after["user"])),
        build=lambda member: RewordRequest(member, MessageRef(channel, ts), words),
    )


def _deleted(event: Body, deleted_ts: str) -> Asked | None:
    before = event.get("previous_message")
    if not isinstance(before, Mapping) or not _is_from_a_person(before):
        return None
    channel, ts = ChannelId(str(event.get("channel") or "")), MessageTs(deleted_ts)
    return Asked(
        key=f"deleted:{channel}:{ts}",
        unverified_user=UserId(str(before["user"])),
        build=lambda member: WithdrawRequest(member, MessageRef(channel, ts)),
    )


def _is_from_a_person(event: Body) -> bool:
    user = event.get("user")
    if not isinstance(user, str) or user in SLACKS_OWN or event.get("subtype") not in WRITTEN_BY_PEOPLE:
        return False
    return not any(event.get(mark) for mark in MARKS_OF_MACHINES)
