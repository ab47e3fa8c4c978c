"""Reads any Slack message: what a person sees of it, whatever shape it has. Pure.

Requests, quotes, shortcuts, asides and edits all use it (docs/decisions/0036-one-reader-for-slack-messages.md).
People and channels stay `@U…` and `#C…` here, since looking up their names takes a call to Slack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.model.commands import Said
from bot.model.slack_blocks import read_blocks, word
from bot.model.slack_text import escape, plain
from store.records import Attachment, UserId

STUB = "file_access"
"""Slack's `mode` of a file of which an event has only the id; ask `files.info` for the rest (Slack Connect)."""
# Slack cuts texts at 40,000 characters itself (docs/reference/slack.md#messages).
_MOST = 40_000
_READABLE_FILES = frozenset({"", "visible"})
_PREVIEW_MARKS = ("from_url", "original_url", "app_unfurl_url", "is_app_unfurl", "is_msg_unfurl")


@dataclass(frozen=True, slots=True)
class ForwardedMessage:
    """A message that another message forwards."""

    by: UserId | None
    author: str
    """The author's name as the forwarded message has it; may be empty."""
    text: str
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageText:
    """One message as people read it."""

    markup: str
    """The author's own words, in Slack's markup."""
    forwarded: tuple[ForwardedMessage, ...] = ()
    attached: tuple[str, ...] = ()
    """What an app attached below the message."""
    previews: tuple[str, ...] = ()
    """Link previews: a website's words, which nobody chose to pass on."""
    files: tuple[Attachment, ...] = ()

    @property
    def words(self) -> str:
        """Return the author's own words."""
        return plain(self.markup).strip()

    @property
    def said(self) -> tuple[Said, ...]:
        """Return what came along that is not the author's own: forwarded messages and attachments.

        Link previews are left out: nobody chose to pass those words on.
        """
        forwarded = (Said(one.author or "somebody", one.text, one.by) for one in self.forwarded)
        attached = (Said("attached to the message", text) for text in self.attached)
        return (*forwarded, *attached)

    @property
    def all_files(self) -> tuple[Attachment, ...]:
        """Return the author's own files, then those of forwarded messages, marked as others'."""
        others = (file for one in self.forwarded for file in one.files)
        return (*self.files, *(replace(file, is_others=True) for file in others))

    @property
    def seen(self) -> str:
        """Return everything that a person sees, in order, previews included; files by their names."""
        passed_on = (_passed_on(one) for one in self.forwarded)
        files = _named(self.files)
        return "\n".join(part for part in (self.words, *self.attached, *passed_on, *self.previews, files) if part)


def read_message(message: Mapping[str, Any]) -> MessageText:
    """Return what people see of a message, given as Slack's JSON from an event, a shortcut or the Web API."""
    forwarded, attached, previews = [], [], []
    for attachment in _tables(message.get("attachments")):
        # Slack has no type for a forwarded message: it is an attachment with this mark.
        if attachment.get("is_share") is True:
            forwarded.append(_forwarded(attachment))
        # A preview must not count as passed on, or a website's words would become part of the request
        # (docs/decisions/0036-one-reader-for-slack-messages.md).
        elif any(attachment.get(mark) for mark in _PREVIEW_MARKS):
            previews.append(_attached(attachment))
        else:
            attached.append(_attached(attachment))
    return MessageText(
        markup=_own(message),
        forwarded=tuple(one for one in forwarded if one.text or one.files),
        attached=tuple(filter(None, attached)),
        previews=tuple(filter(None, previews)),
        files=read_files(message.get("files")),
    )


def read_files(files: object) -> tuple[Attachment, ...]:
    """Return the files that came with a message, as Slack describes them."""
    return tuple(read_file(file) for file in _tables(files))


def read_file(file: Mapping[str, Any]) -> Attachment:
    """Return one file as Slack describes it; if Slack gives only its id, the mode is `STUB`."""
    mode = "external" if file.get("is_external") else word(file, "mode")
    # In Slack Connect an event may name a file that has to be looked up (docs/reference/slack.md#files).
    if word(file, "file_access") not in _READABLE_FILES:
        mode = STUB
    return Attachment(
        id=word(file, "id"),
        name=word(file, "name") or word(file, "title") or "file",
        size=_number(file.get("size")),
        mode=mode,
        width=_number(file.get("original_w")),
        height=_number(file.get("original_h")),
    )


def _own(message: Mapping[str, Any]) -> str:
    """Return the author's words: from the blocks, which people see instead of the text, else from the text."""
    text = word(message, "text")[:_MOST]
    blocks, is_whole = read_blocks(message.get("blocks"))
    # Blocks first: people see them instead of `text`, so words only in `text` are hidden words.
    if not blocks.strip():
        return text
    if is_whole or not text.strip():
        return blocks[:_MOST]
    # A block of an unknown type: add the text, which Slack shows where it cannot show the blocks.
    return f"{text}\n{blocks}"[:_MOST]


def _forwarded(attachment: Mapping[str, Any]) -> ForwardedMessage:
    inner = [
        read_blocks(message["message"].get("blocks"))
        for message in _tables(attachment.get("message_blocks"))
        if isinstance(message.get("message"), Mapping)
    ]
    is_whole = all(whole for _, whole in inner)
    blocks = "\n".join(words for words, _ in inner if words)
    # The forwarded message's own blocks are what people see; its attachment form may be shortened.
    text = plain(blocks) if blocks and is_whole else _attached(attachment, is_forward=True)
    by = word(attachment, "author_id")
    author = word(attachment, "author_name") or word(attachment, "author_subname")
    return ForwardedMessage(
        UserId(by) if by else None, author, text.strip()[:_MOST], read_files(attachment.get("files"))
    )


def _attached(attachment: Mapping[str, Any], *, is_forward: bool = False) -> str:
    """Return one attachment's words; its fallback only if it shows nothing else."""
    lines = [line for line in _attachment_lines(attachment, is_forward=is_forward) if line]
    files = "" if is_forward else _named(read_files(attachment.get("files")))
    words = "\n".join((*lines, *filter(None, (files,)))) or word(attachment, "fallback")
    return plain(words).strip()[:_MOST]


def _attachment_lines(attachment: Mapping[str, Any], *, is_forward: bool) -> Iterator[str]:
    yield word(attachment, "pretext")
    if not is_forward:
        yield word(attachment, "author_name")
    title, link = word(attachment, "title"), word(attachment, "title_link")
    yield f"{title} ({escape(link)})" if title and link else title
    blocks, is_whole = read_blocks(attachment.get("blocks"))
    yield blocks
    if not blocks or not is_whole:
        yield word(attachment, "text")
    for field in _tables(attachment.get("fields")):
        yield ": ".join(filter(None, (word(field, "title"), word(field, "value"))))
    if attachment.get("image_url"):
        yield "[image]"
    yield word(attachment, "footer")


def _passed_on(one: ForwardedMessage) -> str:
    author = f"@{one.by}" if one.by else " ".join(one.author.split()) or "somebody"
    lines = [line for part in (one.text, _named(one.files)) for line in part.splitlines() if part]
    return "\n".join((f"(forwarded, written by {author}:)", *(f"> {line}" for line in lines)))


def _named(files: tuple[Attachment, ...]) -> str:
    return "\n".join(f"[file: {' '.join(file.name.split())}]" for file in files)


def _tables(listed: object) -> list[Mapping[str, Any]]:
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _number(given: object) -> int:
    return given if isinstance(given, int) else 0
