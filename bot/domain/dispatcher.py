"""Takes commands in: stores each before its request is answered, and carries it out once, even across a crash.

It knows the handler of each command and turns every refusal into a private notice.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.domain.context import DomainContext
from bot.domain.stored_replies import Told, as_stored, as_told
from bot.model import commands as c
from bot.model.command_codec import dump, load
from bot.model.config_views import Denied, Panel, Wrong
from bot.model.errors import (
    WINDOWS_FULL,
    AgentsRejected,
    AgentsUnavailable,
    DeputyError,
    FormTooLate,
    Lost,
    Misunderstood,
    NotPermitted,
    Refusal,
    Refused,
    SlackRejected,
    SlackUnavailable,
    Unavailable,
)
from bot.model.notices import Broken, Outage
from bot.model.retry_policy import REQUEST, TELLING
from bot.retry import retry
from store import deliveries, members, turns
from store.database import Tx
from store.errors import SealBroken
from store.records import Delivery, DeliveryId, Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

Handler = Callable[[Any, DeliveryId], Awaitable[None]]
Answerer = Callable[[Any], Awaitable[Panel | Wrong | None]]
"""Carries out a form and returns what to show then; None closes the form."""
Words = c.TellOutcome | c.TellRefused | c.TellAttempt
"""What is only told: for longer than a request is tried."""
MESSAGE_WITHIN = timedelta(seconds=1)
"""How long an `app_mention` waits for its `message` event: Slack sends both at once, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerTable:
    """The one registry of commands and their handlers."""

    commands: Mapping[type, Handler]
    forms: Mapping[type, Answerer]
    """Handlers of forms that are answered in their own request."""
    fetch_mention: Callable[[c.Reply], Awaitable[c.Reply]]
    """Returns a mention with its files and attachments, which an `app_mention` may lack."""


@dataclass(slots=True)
class _Errand:
    """A request that is being carried out.

    `command` is None if it has yet to be read from the store. If the request fails, its reply replaces the command.
    """

    delivery_id: DeliveryId
    command: c.Command | None


class Dispatcher:
    """Accepts commands, and knows those that were accepted and not yet carried out."""

    def __init__(
        self,
        context: DomainContext,
        handlers: HandlerTable,
        *,
        on_new: Callable[[DeliveryId], None] = lambda _: None,
        on_done: Callable[[c.Command], None] = lambda _: None,
    ) -> None:
        """`on_new` is called with each new delivery, `on_done` with each command that was carried out."""
        self._database, self._clock = context.database, context.clock
        self._screen, self._supervisor = context.screen, context.supervisor
        self._handlers: dict[type, Handler] = {**handlers.commands, c.HearMention: self._hear}
        self._forms = handlers.forms
        self._fetch_mention = handlers.fetch_mention
        self._on_new = on_new
        self._on_done = on_done
        self._in_hand: set[DeliveryId] = set()
        """Requests that this process carries out, or cannot read; the sweep leaves them alone."""

    def now(self) -> datetime:
        """Return the time by which requests are ordered."""
        return self._clock.now()

    async def accept(self, key: str, command: c.Command, judged_at: datetime | None = None) -> bool:
        """Store a command and start carrying it out; return False if this request was accepted before.

        `judged_at` is when Slack last confirmed the member; somebody who was deactivated since then is not let in. Once
        this returns, Slack may be answered: a crash from here on loses nothing.
        """
        kind, payload = dump(command)
        member: Member | None = getattr(command, "member", None)
        delivery: Delivery | None = None
        is_stored = False
        try:
            async with self._database.transaction() as tx:
                # In the same transaction: somebody may be deactivated between Slack's answer and this line.
                if member and not await self._is_still_here(tx, member, judged_at):
                    log.info("member_left_meanwhile", key=key)
                    return False
                delivery = await deliveries.claim(tx, key, kind, payload, self._clock.now())
                if delivery is None:
                    log.info("delivery_seen_before", key=key)
                    return False
                # Before the commit: right after it the sweep could find the request and carry it out too.
                self._in_hand.add(delivery.id)
            is_stored = True
        finally:
            if delivery is not None and not is_stored:
                # If only the answer to the commit was lost, the row exists, and the sweep carries it out.
                self._in_hand.discard(delivery.id)
        self._on_new(delivery.id)
        self._begin(_Errand(delivery.id, command))
        return True

    async def _is_still_here(self, tx: Tx, member: Member, judged_at: datetime | None) -> bool:
        await members.remember(tx, member, judged_at or self._clock.now())
        return await members.find(tx, member.workspace_id, member.user_id) is not None

    async def answer(self, command: c.Command, judged_at: datetime) -> dict[str, Any]:
        """Carry out a form and return the answer for Slack; the form itself is not stored.

        Its change is stored when this returns, and has a version, so a repeated delivery changes nothing.
        """
        member: Member = command.member  # type: ignore[union-attr]  # forms are always somebody's
        async with self._database.transaction() as tx:
            await members.remember(tx, member, judged_at)
            if await members.find(tx, member.workspace_id, member.user_id) is None:
                return self.denied(Refusal.DEACTIVATED)
        try:
            said = await self._forms[type(command)](command)
        except NotPermitted as error:
            return self.denied(error.refused.refusal)
        except Unavailable as error:
            log.warning("form_not_carried_out", error=type(error).__name__)
            # Not tried again: Slack must get its answer within three seconds.
            said = Denied(Refusal.UNVERIFIABLE)
        if isinstance(said, Wrong):
            return {"response_action": "errors", "errors": self._screen.faults(said)}
        return {} if said is None else self._shown(said)

    def denied(self, refusal: Refusal) -> dict[str, Any]:
        """Return the answer to a form that is not carried out."""
        return self._shown(Denied(refusal))

    def _shown(self, panel: Panel) -> dict[str, Any]:
        return {"response_action": "update", "view": self._screen.drawn(panel)}

    async def refuse(self, key: str, user_id: UserId, place: c.Place, refused: Refused) -> None:
        """Store the refusal for somebody who is not a member; it is sent after Slack's request is answered.

        It takes the request's key, so the second copy of a mention gets no second reply and is not let in later.
        """
        await self.accept(key, c.TellRefused(user_id, place, refused.refusal, refused.detail))

    async def recover(self) -> None:
        """Carry out accepted requests that nobody works on: left by a crash, a bug or an outage of the store."""
        async with self._database.transaction() as tx:
            received = await deliveries.list_received(tx)
        for delivery_id in received:
            if delivery_id not in self._in_hand:
                self._begin(_Errand(delivery_id, None))

    def _begin(self, errand: _Errand) -> None:
        self._in_hand.add(errand.delivery_id)

        async def broke(reference: str) -> None:
            if errand.command is not None:
                await self._settle(errand, Broken(reference))
                await self._conclude(errand)

        self._supervisor.start(lambda: self._carry_out(errand), broke)

    async def _carry_out(self, errand: _Errand) -> None:
        """Perform a command and mark it done once its effect is stored. An outage of the store starts it over."""
        try:
            errand.command = command = errand.command or await self._read_again(errand.delivery_id)
        except (SealBroken, ValueError) as error:
            # Damaged, or stored by a later version: it stays in the store and in `_in_hand`, so that the sweep does
            # not try it every few seconds.
            log.exception("request_not_readable", delivery=errand.delivery_id, error=type(error).__name__)
            return None
        if command is None or isinstance(command, Words):
            return await self._conclude(errand)
        told = await self._perform(command, errand.delivery_id)
        if told is not None:
            await self._settle(errand, told)
        await self._conclude(errand)
        return self._on_done(command)

    async def _read_again(self, delivery_id: DeliveryId) -> c.Command | None:
        """Return a stored command with its member as they are now; None if it must not be carried out any more."""
        async with self._database.transaction() as tx:
            delivery = await deliveries.find_received(tx, delivery_id)
            if delivery is None:
                return None
            who = json.loads(delivery.payload).get("member")
            member = who and await members.find(tx, WorkspaceId(who["workspace_id"]), UserId(who["user_id"]))
        if who and member is None:
            return None  # they were deactivated meanwhile
        command = load(delivery.kind, delivery.payload, member or None)
        # A `trigger_id` holds for three seconds, so after a restart it has expired: the person clicks again.
        return None if command.needs_trigger else command

    async def _perform(self, command: c.Command, delivery_id: DeliveryId) -> Told | None:
        """Carry out a command; return the reply to its member if it failed."""
        perform = partial(self._handlers[type(command)], command, delivery_id)
        try:
            await retry(perform, REQUEST, self._clock, on=Unavailable)
        except Unavailable as error:
            return _outage(error)
        except DeputyError as error:
            return self._words(error)
        return None

    async def _settle(self, errand: _Errand, told: Told) -> None:
        """Replace a stored request by the reply that it failed, before that is sent, and drop the turn that it queued.

        Otherwise it could run after all once its member has read that it failed and has asked again. If its turn is
        running already, nothing is replaced: then the request has not failed.
        """
        command = errand.command
        member: Member | None = getattr(command, "member", None)
        place: c.Place | None = getattr(command, "place", None)
        if isinstance(command, c.TellOutcome) or member is None or place is None:
            return
        outcome = as_stored(member, place, told)
        async with self._database.transaction() as tx:
            # One transaction: the turn is gone if and only if the reply says that the request failed.
            if await turns.drop_queued(tx, errand.delivery_id, self._clock.now()):
                await deliveries.settle(tx, errand.delivery_id, *dump(outcome))
                errand.command = outcome

    async def _conclude(self, errand: _Errand) -> None:
        """Send the reply, if there is one, and mark the request done."""
        if isinstance(errand.command, Words):
            await self._tell(errand.command, errand.delivery_id)
        async with self._database.transaction() as tx:
            await deliveries.done(tx, errand.delivery_id)
        self._in_hand.discard(errand.delivery_id)

    async def _hear(self, command: c.HearMention, _: DeliveryId) -> None:
        """Let in a mention whose `message` event does not come, since Slack may deliver only one of the two."""
        if await self._is_known(command.key):
            return
        await self._clock.sleep_until(self._clock.steady() + MESSAGE_WITHIN)
        if await self._is_known(command.key):
            return
        # Only then: the call would be wasted on nearly every mention.
        reply = await self._fetch_mention(command.reply)
        await self.accept(command.key, reply, datetime.fromisoformat(command.judged_at))

    async def _is_known(self, key: str) -> bool:
        async with self._database.transaction() as tx:
            return await deliveries.is_known(tx, key)

    def _words(self, error: DeputyError) -> Told:
        if isinstance(error, NotPermitted):
            return error.refused
        if isinstance(error, Misunderstood):
            return error
        if isinstance(error, FormTooLate):
            # It happens when Slack or we are slow; nothing is broken, so it has no reference.
            log.info("form_too_late", code=error.code)
            is_full = error.code == WINDOWS_FULL
            return Refused(Refusal.WINDOWS_FULL if is_full else Refusal.FORM_TOO_LATE)
        if isinstance(error, (AgentsRejected, SlackRejected, Lost)):
            reference = self._supervisor.new_reference()
            log.error(
                "command_rejected", reference=reference, error=type(error).__name__, code=getattr(error, "code", "")
            )
            return Broken(reference)
        # A class that nobody expects here is a bug, and is reported as one.
        raise error

    async def _tell(self, words: Words, delivery_id: DeliveryId) -> None:
        """Send a reply privately to where the request came from, trying for a while if Slack is out."""
        try:
            await retry(partial(self._tell_now, words, delivery_id), TELLING, self._clock, on=SlackUnavailable)
        except (SlackUnavailable, SlackRejected) as error:
            failed = error.code if isinstance(error, SlackRejected) else type(error).__name__
            log.warning("notice_not_sent", error=failed)

    async def _tell_now(self, words: Words, delivery_id: DeliveryId) -> None:
        if isinstance(words, c.TellOutcome):
            await self._screen.tell(words.member, words.place, as_told(words))
        elif isinstance(words, c.TellAttempt):
            await self._handlers[c.TellAttempt](words, delivery_id)
        else:
            await self._screen.refuse(words.user_id, words.place, Refused(Refusal(words.refusal), words.detail))


def _outage(error: Unavailable) -> Outage:
    return Outage("agents" if isinstance(error, AgentsUnavailable) else "slack")
