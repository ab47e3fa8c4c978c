"""A thread's queue of turns: stores each request once, shows that it waits, and wakes the thread's driver."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from bot.domain.access.post_failures import refusal_of
from bot.domain.context import DomainContext
from bot.domain.filters.apply import named
from bot.domain.filters.engine import FilteredRequest
from bot.domain.turns.driver import TurnDriver
from bot.domain.turns.thread_messages import ThreadMessages
from bot.model.commands import Place
from bot.model.errors import NotPermitted, Refused, SlackRejected, SlackUnavailable
from bot.model.notices import FilesLeftOut, LeftOut, MaskedInRequest
from store import audit, retries, threads, turns
from store.database import Tx
from store.records import (
    Attachment,
    AuditEntry,
    DeliveryId,
    Member,
    MessageRef,
    SendState,
    Thread,
    Turn,
    TurnId,
    TurnState,
)

log = structlog.get_logger(__name__)


class TurnQueue:
    """The queues of all threads."""

    def __init__(self, context: DomainContext, driver: TurnDriver, messages: ThreadMessages) -> None:
        self._database, self._clock, self._screen = context.database, context.clock, context.screen
        self._driver = driver
        self._messages = messages

    def build(
        self,
        thread: Thread,
        looked: FilteredRequest,
        delivery_id: DeliveryId,
        *,
        source: MessageRef | None = None,
        files: tuple[Attachment, ...] = (),
    ) -> Turn:
        """Return the turn that a delivery makes, without storing it."""
        return Turn(
            id=turn_id_of(delivery_id),
            thread_id=thread.id,
            owner=thread.owner,
            state=TurnState.QUEUED,
            send_state=SendState.UNSENT,
            task=looked.text,
            source=source,
            notice=None,
            stop_requested_by=None,
            created_at=self._clock.now(),
            started_at=None,
            files=files,
        )

    async def open(self, thread: Thread, turn: Turn, delivery_id: DeliveryId, looked: FilteredRequest) -> bool:
        """Store a thread with its first turn, once; return False if another one has begun under the same message."""
        async with self._database.transaction() as tx:
            if await turns.find(tx, turn.id) is not None:
                return True
            ts, workspace_id = thread.thread_ts, thread.owner.workspace_id
            # A root belongs to one thread: a second owner under it would see answers made with another's accounts.
            if ts and await threads.find_by_root(tx, workspace_id, thread.channel, ts) is not None:
                return False
            await threads.open(tx, thread)
            await turns.queue(tx, turn, delivery_id)
            await audit.record(tx, asked_entry(turn, self._clock.now(), looked))
        return True

    async def post_root(self, turn: Turn, kept: str | None) -> None:
        """Post the message that starts a thread right away, so that the member can be told if it is impossible.

        Raises `NotPermitted` with the words that they typed.
        """
        try:
            await self._messages.ensure_root(turn)
        except SlackRejected as error:
            # The thread can never be shown, so its turn must not wait for a place.
            await self._driver.abandon(turn, error.code)
            raise NotPermitted(Refused(refusal_of(error.code), kept=kept)) from error
        except SlackUnavailable:
            log.warning("root_not_posted", turn=turn.id)  # the driver waits out the outage

    async def put(self, tx: Tx, wanted: Turn, delivery_id: DeliveryId, looked: FilteredRequest) -> tuple[Turn, int]:
        """Store a turn, once; return it with the number of open turns in its thread."""
        is_known = await turns.find(tx, wanted.id) is not None
        turn = await turns.queue(tx, wanted, delivery_id)
        if not is_known:
            await audit.record(tx, asked_entry(turn, self._clock.now(), looked))
        return turn, len(await turns.list_open_in(tx, wanted.thread_id))

    async def add(
        self, thread: Thread, wanted: Turn, delivery_id: DeliveryId, looked: FilteredRequest, *, is_again: bool = False
    ) -> None:
        """Queue a turn. With `is_again` its words are those of the thread's newest turn, if that has failed."""
        async with self._database.transaction() as tx:
            if is_again and await turns.find(tx, wanted.id) is None and (kept := await retries.claim_last(tx, thread)):
                # “Try again” itself would tell the agent nothing if the failed request never reached it
                # (docs/decisions/0030-what-failed-is-kept-to-be-asked-again.md).
                wanted = replace(wanted, task=kept.task, files=(*kept.files, *wanted.files))
            queued = await self.put(tx, wanted, delivery_id, looked)
        await self.line_up(thread, *queued)

    async def line_up(self, thread: Thread, turn: Turn, waiting: int) -> None:
        """Show that a turn is queued if it has to wait, and wake the driver."""
        # A turn that starts at once gets its line from the driver.
        if waiting > 1:
            await self._messages.show_control(thread, turn)
        self._driver.wake(thread.id, turn)

    def wake(self, thread: Thread, turn: Turn | None = None) -> None:
        """Wake the thread's driver. `turn` is the one whose audience was checked a moment ago."""
        self._driver.wake(thread.id, turn)

    async def tell_left_out(self, member: Member, place: Place, left: tuple[LeftOut, ...]) -> None:
        """Tell the member which files the agent does not get, if any."""
        if left:
            await self._screen.tell(member, place, FilesLeftOut(left))

    async def tell_masked(self, member: Member, place: Place, looked: FilteredRequest) -> None:
        """Tell the member what filters took out of their request, if anything."""
        if looked.masked:
            await self._screen.tell(member, place, MaskedInRequest(tuple(one.words for one in looked.masked)))


def turn_id_of(delivery_id: DeliveryId) -> TurnId:
    """Return the id of a delivery's turn, so that a delivery that is carried out twice makes one turn."""
    return TurnId(delivery_id.replace("dlv", "trn", 1))


def asked_entry(turn: Turn, now: datetime, looked: FilteredRequest | None = None) -> AuditEntry:
    """Return the audit entry for a request."""
    return turn_entry(turn, now, "turn.asked", **(masked_in(looked) if looked else {}))


def turn_entry(turn: Turn, now: datetime, action: str, **details: str) -> AuditEntry:
    """Return the audit entry for something that a turn's owner did about it."""
    return AuditEntry(now, turn.owner.workspace_id, turn.owner.user_id, action, turn.id, details)


def masked_in(looked: FilteredRequest) -> dict[str, str]:
    """Return the names of the filters that masked something in a request, for the audit trail."""
    return {"masked": named(looked.masked)} if looked.masked else {}
