"""Handles Slack's events about people's messages in any order: posted, edited, deleted.

A deletion or an edit can arrive before its message, and an `app_mention` before or without its `message` event. What
arrives first is stored under the message's `ts`, so that each message asks once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.keyed_locks import KeyedLocks
from bot.domain.turns.attachments import described
from bot.domain.turns.commands import TurnCommands
from bot.domain.turns.edits import EditCommands
from bot.domain.turns.requests import RequestContext
from bot.domain.turns.stop import thread_in
from bot.domain.turns.turn_queue import turn_id_of
from bot.model.commands import Reply, RewordRequest, WithdrawRequest
from bot.model.errors import SlackUnavailable
from store import asides, early_message_events, turns
from store.database import Tx
from store.records import DeliveryId, Member, MessageRef, Turn

log = structlog.get_logger(__name__)

KEEP_WORDS = timedelta(hours=1)
"""How long an edit waits for its message, since Slack repeats an event for some minutes."""
KEEP = timedelta(days=2)
"""How long a deletion waits: delayed events come hours later, not days (docs/reference/slack.md#repeated-events)."""


class MessageEvents:
    """Handles the events of each message one at a time."""

    def __init__(self, context: RequestContext, *, turns: TurnCommands, edits: EditCommands) -> None:
        self._database, self._clock = context.domain.database, context.domain.clock
        self._history = context.domain.history
        self._turns = turns
        self._edits = edits
        self._files = context.domain.files
        self._locks = KeyedLocks()

    async def written(self, command: Reply, delivery_id: DeliveryId) -> None:
        """Take a message unless it is deleted or has made a turn; an edit that came first replaces its words."""
        async with self._locks.of(_key(command.member, command.source)):
            async with self._database.transaction() as tx:
                known = await early_message_events.find(tx, command.member.workspace_id, command.source)
                made = await self._made_by(tx, command.member, command.source)
                is_ours = await self._is_ours(tx, command)
            if known.is_deleted or (made is not None and made.id != turn_id_of(delivery_id)):
                log.info("message_overtaken", is_deleted=known.is_deleted)
                return
            if known.words is not None:
                command = replace(command, text=known.words)
            await self._turns.reply(await self._with_files(command) if is_ours else command, delivery_id)
            if known.words is not None:
                async with self._database.transaction() as tx:
                    # They are in the turn by now; people's words are kept no longer than needed.
                    await early_message_events.erase_words(tx, command.member.workspace_id, command.source)

    async def edited(self, command: RewordRequest, delivery_id: DeliveryId) -> None:
        """Reword the turn of an edited message; if the edit makes it a request, take it like a new message."""
        async with self._locks.of(_key(command.member, command.source)):
            async with self._database.transaction() as tx:
                known = await early_message_events.find(tx, command.member.workspace_id, command.source)
                made = await self._made_by(tx, command.member, command.source)
                if made is None and not known.is_deleted and await self._may_come(tx, command):
                    edit = (command.edited_ts, command.text)
                    await early_message_events.note_edit(
                        tx, command.member.workspace_id, command.source, edit, self._clock.now()
                    )
            if known.is_deleted:
                return
            if command.heard is not None and (made is None or made.id == turn_id_of(delivery_id)):
                await self._turns.reply(await self._with_files(command.heard), delivery_id)
            elif made is not None:
                await self._edits.reword(command)

    async def deleted(self, command: WithdrawRequest) -> None:
        """Withdraw the turn of a deleted message, or see that it makes none if it comes later."""
        async with self._database.transaction() as tx:
            await early_message_events.note_deleted(tx, command.member.workspace_id, command.source, self._clock.now())
            # Outside the lock, first: a deletion must count even while the message itself is being handled.
            await asides.withdraw(tx, command.member, command.source)
        async with self._locks.of(_key(command.member, command.source)):
            await self._edits.withdraw(command)

    async def read_again(self, command: Reply) -> Reply:
        """Return a mention with its files and attachments, which an `app_mention` may lack."""
        try:
            read = await self._history.message(command.source)
        except SlackUnavailable as error:
            log.warning("message_not_read", error=type(error).__name__)
            return command
        # Gone, or the bot may not read it: the mention's own words are all there is.
        if read is None:
            return command
        return replace(command, files=read.all_files or command.files, said=read.said or command.said)

    async def _with_files(self, command: Reply) -> Reply:
        """Return the request with the details of files of which the event had only the id."""
        files = tuple([await described(self._files, file) for file in command.files])
        return replace(command, files=files)

    async def _made_by(self, tx: Tx, member: Member, source: MessageRef) -> Turn | None:
        return await turns.find_by_source(tx, member.workspace_id, source)

    async def _is_ours(self, tx: Tx, command: Reply) -> bool:
        """Tell whether a message is for Deputy; for messages between other people we ask Slack nothing."""
        if command.is_mention or command.place.is_direct:
            return True
        return await thread_in(tx, command.member, command.place) is not None

    async def _may_come(self, tx: Tx, command: RewordRequest) -> bool:
        """Tell whether the message may still arrive and be for Deputy; other people's words are not stored."""
        place = command.written_in
        if place is None or command.heard is not None:
            return False
        return place.is_direct or command.is_mention or await thread_in(tx, command.member, place) is not None


def _key(member: Member, source: MessageRef) -> str:
    return f"{member.workspace_id}:{source.channel}:{source.ts}"
