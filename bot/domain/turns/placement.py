"""Decides where a request is answered: where it was asked or, if that is not possible or not allowed, privately."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.access.admission import Admission
from bot.domain.context import DomainContext
from bot.domain.turns.task_text import title_of
from bot.model.commands import AskAgent, Place
from store.records import DeliveryId, SessionState, Thread, ThreadId


class AnswerPlacement:
    """Chooses the place and the agent profile of a new thread."""

    def __init__(self, context: DomainContext, admission: Admission) -> None:
        self._clock, self._screen = context.clock, context.screen
        self._admission = admission
        self._configuration = context.config

    async def move(self, command: AskAgent) -> AskAgent:
        """Return the request, moved to our direct messages if it cannot be answered where it was asked."""
        if not await self._is_moved(command):
            return command
        direct = Place(await self._screen.direct_channel(command.member), is_direct=True)
        return replace(command, place=direct, source=None, is_private=True)

    async def draft(self, command: AskAgent, asked_in: Place, delivery_id: DeliveryId) -> Thread:
        """Return the thread that a request would start, not stored yet. Raises `Misunderstood` for an unknown agent."""
        place = await self._place(command)
        is_moved = command.place is not asked_in
        profile = await self._admission.choose(command.member, asked_in if is_moved else place, command.profile)
        has_rules = is_moved and not (asked_in.is_direct or asked_in.is_group)
        thread = self._new_thread(command, place, profile, delivery_id)
        return replace(thread, asked_in=asked_in.channel if has_rules else None)

    async def _is_moved(self, command: AskAgent) -> bool:
        """Tell whether a request is answered in our direct messages instead of where it was asked."""
        place = command.place
        if not place.channel:
            return False
        if command.is_private and command.source and not place.is_direct:
            return True
        if place.is_direct:
            # A command may be typed in the direct messages of two other people, which Deputy is not part of.
            is_typed = command.source is None
            return is_typed and place.channel != await self._screen.direct_channel(command.member)
        config = await self._configuration.read(command.member.workspace_id)
        if config.channel(place.channel).answers != "thread":
            return True
        # Commands work where the bot is not a member, but it could not post the answer there.
        return place.is_group and not await self._admission.is_seen(place.channel)

    async def _place(self, command: AskAgent) -> Place:
        if command.place.channel and (command.place.is_direct or not command.is_private):
            return command.place
        return Place(await self._screen.direct_channel(command.member), is_direct=True)

    def _new_thread(self, command: AskAgent, place: Place, profile: str, delivery_id: DeliveryId) -> Thread:
        root = place.thread_ts or (command.source.ts if command.source else None)
        return Thread(
            # Made from the delivery's id, so that a request that is carried out twice makes one thread.
            id=ThreadId(delivery_id.replace("dlv", "thr", 1)),
            owner=command.member,
            channel=place.channel,
            thread_ts=root,
            title=title_of(command.task),
            profile=profile,
            is_private=place.is_direct,
            session_state=SessionState.NONE,
            session_id=None,
            session_vault_id=None,
            created_at=self._clock.now(),
        )
