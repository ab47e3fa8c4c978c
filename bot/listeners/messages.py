"""Turns messages and mentions into commands. Messages of bots, Deputy included, are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.listeners.intake import Asked, Body, Install, table
from bot.model.commands import Place, Reply, RewordRequest, WithdrawRequest
from bot.model.slack_message import MessageText, read_message
from bot.model.slack_text import mentions, plain, without_mention
from store.records import ChannelId, Member, MessageRef, MessageTs, UserId

WRITTEN_BY_PEOPLE = (None, "file_share", "me_message", "thread_broadcast")
SLACKS_OWN = {"USLACKBOT", "USLACK"}
MARKS_OF_MACHINES = ("bot_id", "bot_profile", "app_id")


@dataclass(frozen=True, slots=True)
class _Look:
    """What Deputy needs to know about a message."""

    read: MessageText
    place: Place
    source: MessageRef
    is_mention: bool
    is_reply: bool
    words: str
    """The author's own words without the mention that addresses Deputy."""

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.read.said or self.read.all_files)

    def reply(self, member: Member) -> Reply:
        return Reply(member, self.words, self.place, self.source, self.is_mention, self.read.all_files, self.read.said)


def parse_message(body: Body, install: Install) -> Asked | None:
    """Return the request in a message, an edit or a deletion by a person; None for anything else.

    Slack sends a mention twice, as `app_mention` and as `message`, with different event ids and in any order. So the
    key is made of the channel and the message's `ts`, which both have in common.
    """
    event = table(body, "event")
    if event.get("subtype") == "message_deleted":
        return _deleted(event, str(event.get("deleted_ts") or ""))
    if event.get("subtype") == "message_changed":
        return _changed(event, install)
    # An edit comes as another `app_mention` with `edited`, besides its `message_changed`.
    if not _is_from_a_person(event) or event.get("edited"):
        return None
    return _written(event, install)


def _look(message: Body, event: Body, install: Install) -> _Look | None:
    """Return the message in an event; None if it does not say where it is."""
    channel, ts = ChannelId(str(event.get("channel") or "")), MessageTs(str(message.get("ts") or ""))
    if not channel or not ts:
        return None
    read, thread_ts = read_message(message), message.get("thread_ts")
    is_direct = event.get("channel_type") == "im" or channel.startswith("D")
    return _Look(
        read=read,
        place=Place(channel, MessageTs(str(thread_ts or ts)), is_direct=is_direct),
        source=MessageRef(channel, ts),
        is_mention=mentions(read.markup, install.bot_user_id),
        is_reply=bool(thread_ts),
        words=plain(without_mention(read.markup, install.bot_user_id)).strip(),
    )


def _written(event: Body, install: Install) -> Asked | None:
    look = _look(event, event, install)
    if look is None:
        return None
    is_addressed = look.is_mention or look.place.is_direct
    # Somebody who addresses Deputy without a word is told what it can do; an empty reply to others is no request.
    if not is_addressed and (not look.is_reply or look.is_empty):
        return None
    return Asked(
        key=f"message:{look.source.channel}:{look.source.ts}",
        unverified_user=UserId(str(event["user"])),
        build=look.reply,
        # A plain reply may be meant for other people in the thread, so a refusal of it is not told.
        place=look.place if is_addressed else None,
        is_stand_in=event.get("type") == "app_mention",
    )


def _changed(event: Body, install: Install) -> Asked | None:
    """Return the request of an edit, or of the deletion of a message with replies, which leaves a tombstone."""
    after, before = table(event, "message"), table(event, "previous_message")
    if after.get("subtype") == "tombstone":
        return _deleted(event, str(after.get("ts") or ""))
    new, old = _look(after, event, install), _look({"ts": after.get("ts"), **before}, event, install)
    # Slack sends `message_changed` also when a link unfurls or a reply is counted; then the words are the same.
    is_edit = _is_from_a_person(after) and bool(after.get("edited"))
    if new is None or old is None or not is_edit or new.read.markup == old.read.markup:
        return None
    if not (new.place.is_direct or new.is_mention or old.is_mention or new.is_reply):
        return None  # words between people that were never meant for us
    # A mention without words was no request, so adding words to it is like adding the mention.
    is_added = new.is_mention and not new.place.is_direct and not (old.is_mention and not old.is_empty)
    # In the key, so that each edit of a message counts.
    edited_ts = str(table(after, "edited").get("ts") or "")
    return Asked(
        key=f"edited:{new.source.channel}:{new.source.ts}:{edited_ts}",
        unverified_user=UserId(str(after["user"])),
        build=lambda member: RewordRequest(
            member=member,
            source=new.source,
            text=new.words,
            edited_ts=edited_ts,
            written_in=new.place,
            is_mention=new.is_mention or old.is_mention,
            heard=new.reply(member) if is_added else None,
        ),
        place=new.place if is_added else None,
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
