"""Fetches the messages of others that a request is about, with their authors' current names."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.ports import ThreadHistory
from bot.model.commands import AskAgent, Conversation, Said


async def fetch_quoted(history: ThreadHistory, command: AskAgent) -> Conversation:
    """Return the quoted thread or message, followed by what came along with the request."""
    along = await fetch_names(history, command.said)
    before = command.source.ts if command.source else None
    if command.about and (thread := await history.thread(command.about, before)).said:
        return replace(thread, said=(*thread.said, *along))
    if not command.quoted:
        return Conversation(along)
    quoted = Said("Somebody", command.quoted, command.quoted_by)
    return Conversation((*await fetch_names(history, (quoted,)), *along))


async def fetch_names(history: ThreadHistory, said: tuple[Said, ...]) -> tuple[Said, ...]:
    """Return others' words with the names of their authors and of the people whom they mention."""
    return tuple(
        [Said(await history.name(one.by) if one.by else one.author, await history.named(one.text)) for one in said]
    )
