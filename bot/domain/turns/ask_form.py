"""The form for a task, and the message that it was opened on, which is stored until the form is submitted.

A form's private metadata has room for a few hundred words only (docs/reference/slack.md#modals), and the bot may be
unable to read the message again: shortcuts also work in channels where it is not a member.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.context import DomainContext
from bot.domain.turns.attachments import described
from bot.domain.turns.commands import TurnCommands
from bot.domain.turns.turn_queue import turn_id_of
from bot.model.commands import AskAgent, OpenAskForm
from bot.model.errors import NotPermitted, Refusal, Refused
from store import form_messages, turns
from store.records import Attachment, DeliveryId, Quote, UserId

KEEP_QUOTES = timedelta(days=1)
"""How long a message is kept for an open form; after that the form says that it is gone."""


class AskForm:
    """Opens the form, and asks what was filled in."""

    def __init__(self, context: DomainContext, turns: TurnCommands) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._turns = turns
        self._files = context.files

    async def open(self, command: OpenAskForm, delivery_id: DeliveryId) -> None:
        """Store the message that the form is about, and open the form. Raises `NotPermitted` if the message is gone."""
        quote_id = command.quote_id
        if quote_id:
            async with self._database.transaction() as tx:
                quote = await form_messages.find(tx, command.member, quote_id)
            if quote is None:
                raise NotPermitted(Refused(Refusal.GONE))
            command = replace(command, quoted=quote.text, quoted_by=quote.author, files=quote.files)
        elif command.quoted:
            # Made from the delivery's id: carried out twice, the request stores the message once.
            quote_id = delivery_id.replace("dlv", "qte", 1)
            quote = Quote(command.quoted, command.quoted_by, command.files)
            async with self._database.transaction() as tx:
                await form_messages.keep(tx, quote_id, command.member, quote, self._clock.now())
        await self._screen.ask_task(command, quote_id)

    async def ask(self, command: AskAgent, delivery_id: DeliveryId) -> None:
        """Ask what the form says, with its message quoted; the stored message is deleted then.

        Raises `NotPermitted`, with the words, if the message is gone.
        """
        if command.quote_id is None:
            return await self._turns.ask(command, delivery_id)
        async with self._database.transaction() as tx:
            quote = await form_messages.find(tx, command.member, command.quote_id)
            # After a crash the message may be gone because the request was asked already; then it is not refused.
            is_asked = await turns.find(tx, turn_id_of(delivery_id)) is not None
        if quote is None and not is_asked:
            raise NotPermitted(Refused(Refusal.GONE, kept=command.task))
        if quote is not None:
            files = await self._described(quote, command.member.user_id)
            command = replace(command, quoted=quote.text, quoted_by=quote.author, files=files)
        await self._turns.ask(command, delivery_id)
        async with self._database.transaction() as tx:
            # Only now: a crash before this line carries the request out again, and needs the message.
            await form_messages.drop(tx, command.member, str(command.quote_id))
        return None

    async def _described(self, quote: Quote, asker: UserId) -> tuple[Attachment, ...]:
        found = [await described(self._files, file) for file in quote.files]
        return tuple(replace(file, is_others=file.is_others or quote.author != asker) for file in found)
