"""Takes commands in: stored before anybody is answered, each carried out once, again after a crash.

It knows which part of the domain a command belongs to and turns every "no" into a private notice.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot import commands as c
from bot.codec import dump, load
from bot.domain.ports import Clock, Screen
from bot.domain.supervisor import Supervisor
from bot.errors import (
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
from bot.notices import Broken, Notice, Outage
from bot.panels import Denied, Panel, Wrong
from store import deliveries, members
from store.database import Database
from store.records import Delivery, DeliveryId, Member, UserId, WorkspaceId

log = structlog.get_logger(__name__)

Handler = Callable[[Any, DeliveryId], Awaitable[None]]
Answerer = Callable[[Any], Awaitable[Panel | Wrong | None]]
"""Carries a form out and says what is shown then; None: the form may close."""
TRIES = 3
MESSAGE_WITHIN = timedelta(seconds=1)
"""How long a mention waits for the message that it is in: Slack sends both at once, in any order."""
REFUSED = "Refused"
"""The kind of a delivery that nobody carries out: its asker was told no."""
NEEDS_TRIGGER = (
    c.ShowApproval,
    c.ExplainDenial,
    c.OpenAskForm,
    c.OpenTokenForm,
    c.OpenCodeForm,
    c.OpenRaise,
    c.UseSettings,
)
"""Forms open within 3 seconds of the click or never; after a restart the person clicks again."""


class Desk:
    """The way in, and the list of what was let in but not yet carried out."""

    def __init__(
        self,
        *,
        database: Database,
        screen: Screen,
        supervisor: Supervisor,
        clock: Clock,
        handlers: Mapping[type, Handler],
        answers: Mapping[type, Answerer] | None = None,
        read_again: Callable[[c.Reply], Awaitable[c.Reply]],
        on_done: Callable[[c.Command], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._screen = screen
        self._supervisor = supervisor
        self._clock = clock
        self._handlers: dict[type, Handler] = {**handlers, c.HearMention: self._hear}
        self._read_mention = read_again
        self._answers = answers or {}
        self._on_done = on_done

    def now(self) -> datetime:
        """Return the time by which requests are ordered."""
        return self._clock.now()

    async def accept(self, key: str, command: c.Command, judged_at: datetime | None = None) -> bool:
        """Store a command and start carrying it out; False when this request was accepted before.

        `judged_at`: when its asker's standing was asked for; who was deactivated since then is not
        let in. When this returns, Slack may be answered: a crash from here on loses nothing.
        """
        kind, payload = dump(command)
        member: Member | None = getattr(command, "member", None)
        async with self._database.transaction() as tx:
            if member:
                await members.remember(tx, member, judged_at or self._clock.now())
                if await members.find(tx, member.workspace_id, member.user_id) is None:
                    log.info("left_meanwhile", key=key)
                    return False
            delivery = await deliveries.claim(tx, key, kind, payload, self._clock.now())
        if delivery is None:
            log.info("delivery_seen_before", key=key)
            return False
        self._begin(delivery, command)
        return True

    async def answer(self, command: c.Command, judged_at: datetime) -> dict[str, Any]:
        """Carry a form out and return what Slack is answered; nothing is kept of it for later.

        What it changes is stored when this returns, and has a version, so a second copy changes nothing.
        """
        member: Member = command.member  # type: ignore[union-attr]  # forms are always somebody's
        async with self._database.transaction() as tx:
            await members.remember(tx, member, judged_at)
            if await members.find(tx, member.workspace_id, member.user_id) is None:
                return self._shown(Denied(Refusal.DEACTIVATED))
        try:
            said = await self._answers[type(command)](command)
        except NotPermitted as error:
            said = Denied(error.refused.refusal)
        except Unavailable as error:
            log.warning("form_not_carried_out", error=type(error).__name__)
            said = Denied(Refusal.UNVERIFIABLE)
        if isinstance(said, Wrong):
            return {"response_action": "errors", "errors": self._screen.faults(said)}
        return {} if said is None else self._shown(said)

    def _shown(self, panel: Panel) -> dict[str, Any]:
        return {"response_action": "update", "view": self._screen.drawn(panel)}

    async def refuse(self, key: str, user_id: UserId, place: c.Place, refused: Refused) -> None:
        """Tell somebody who is not a member why not, once; beside the request, which is answered at once.

        What was refused is not let in later: a mention comes twice, and one answer to it is enough.
        """
        async with self._database.transaction() as tx:
            first = await deliveries.claim(tx, key, REFUSED, "", self._clock.now())
            if first is not None:
                await deliveries.done(tx, first.id)
        if first is None:
            return

        async def tell() -> None:
            try:
                await self._screen.refuse(user_id, place, refused)
            except (SlackUnavailable, SlackRejected) as error:
                log.warning("refusal_not_told", error=type(error).__name__)

        self._supervisor.start(tell)

    async def recover(self) -> None:
        """Carry out what an earlier process accepted and did not finish."""
        async with self._database.transaction() as tx:
            received = await deliveries.list_received(tx, self._clock.now())
        for delivery in received:
            command = await self._read_again(delivery)
            if command is None or isinstance(command, NEEDS_TRIGGER):
                await self._done(delivery)
            else:
                self._begin(delivery, command)

    def _begin(self, delivery: Delivery, command: c.Command) -> None:
        async def broke(reference: str) -> None:
            await self._tell(command, Broken(reference))
            await self._done(delivery)

        self._supervisor.start(lambda: self._carry_out(delivery, command), broke)

    async def _read_again(self, delivery: Delivery) -> c.Command | None:
        """Return the stored command with its member as they are now; None if they are gone."""
        who = json.loads(delivery.payload).get("member")
        async with self._database.transaction() as tx:
            member = who and await members.find(tx, WorkspaceId(who["workspace_id"]), UserId(who["user_id"]))
        if who and member is None:
            return None
        return load(delivery.kind, delivery.payload, member or None)

    async def _carry_out(self, delivery: Delivery, command: c.Command) -> None:
        """Perform the command; done only after its effect is stored."""
        for attempt in range(1, TRIES + 1):
            try:
                await self._handlers[type(command)](command, delivery.id)
                break
            except Unavailable as error:
                if attempt == TRIES:
                    await self._tell(command, _outage(error))
                else:
                    await self._pause(attempt, error)
            except DeputyError as error:
                await self._tell(command, self._notice(error))
                break
        await self._done(delivery)
        self._on_done(command)

    async def _hear(self, command: c.HearMention, _: DeliveryId) -> None:
        """Let a mention in whose message does not come: it may be one without files, which the message has."""
        if await self._is_known(command.key):
            return
        await self._clock.sleep_until(self._clock.now() + MESSAGE_WITHIN)
        if await self._is_known(command.key):
            return
        reply = await self._read_mention(command.reply)
        await self.accept(command.key, reply, datetime.fromisoformat(command.judged_at))

    async def _is_known(self, key: str) -> bool:
        async with self._database.transaction() as tx:
            return await deliveries.is_known(tx, key)

    async def _pause(self, attempt: int, error: Unavailable) -> None:
        seconds = min(error.retry_after or float(attempt), 30.0)
        await self._clock.sleep_until(self._clock.now() + timedelta(seconds=seconds))

    async def _done(self, delivery: Delivery) -> None:
        async with self._database.transaction() as tx:
            await deliveries.done(tx, delivery.id)

    def _notice(self, error: DeputyError) -> Notice:
        if isinstance(error, NotPermitted):
            return error.refused
        if isinstance(error, Misunderstood):
            return error
        if isinstance(error, FormTooLate):
            # Expected where Slack, or we, were slow: nothing is broken.
            log.info("form_too_late", code=error.code)
            is_full = error.code == "push_limit_reached"
            return Refused(Refusal.WINDOWS_FULL if is_full else Refusal.FORM_TOO_LATE)
        if isinstance(error, (AgentsRejected, SlackRejected, Lost)):
            reference = self._supervisor.new_reference()
            log.error(
                "command_rejected", reference=reference, error=type(error).__name__, code=getattr(error, "code", "")
            )
            return Broken(reference)
        raise error

    async def _tell(self, command: c.Command, notice: Notice) -> None:
        """Answer privately where the request came from; a command without a place has nobody to tell."""
        member: Member | None = getattr(command, "member", None)
        place: c.Place | None = getattr(command, "place", None)
        if member is None or place is None:
            return
        try:
            await self._screen.tell(member, place, notice)
        except (SlackUnavailable, SlackRejected) as error:
            log.warning("notice_not_told", notice=type(notice).__name__, error=type(error).__name__)


def _outage(error: Unavailable) -> Outage:
    return Outage("agents" if isinstance(error, AgentsUnavailable) else "slack")
