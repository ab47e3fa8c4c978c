"""What members do in their threads: ask, reply, ask again, rate the answer.

Each request goes into the thread's queue (`turn_queue`); the thread's driver carries it out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from bot.domain.access import policy
from bot.domain.filters.engine import FilteredRequest
from bot.domain.quoting import own_words, with_quoted
from bot.domain.turns.asides import AsideCommands
from bot.domain.turns.attachments import judged
from bot.domain.turns.placement import AnswerPlacement
from bot.domain.turns.quoted_messages import fetch_names, fetch_quoted
from bot.domain.turns.requests import RequestContext
from bot.domain.turns.stop import TurnStopper, thread_in
from bot.domain.turns.task_text import (
    AGAIN_WORDS,
    STOP_WORDS,
    as_command_word,
    meant_by,
    question_of,
    require_length,
    require_words,
    title_of,
)
from bot.domain.turns.turn_queue import asked_entry, turn_entry, turn_id_of
from bot.model.ask_flags import read_ask
from bot.model.commands import (
    AskAgain,
    AskAgent,
    Place,
    RateAnswer,
    Reply,
    StopTurn,
)
from bot.model.errors import NotPermitted, Refusal, Refused, SlackRejected
from bot.model.notices import (
    AnsweredPrivately,
    AskedAgain,
    Thanks,
)
from store import audit, retries, threads, turns
from store.database import Tx
from store.errors import NotFound
from store.records import (
    DeliveryId,
    Member,
    Thread,
    TurnId,
)


class TurnCommands:
    """The commands that start turns, and the rating of their answers."""

    def __init__(
        self, context: RequestContext, *, placement: AnswerPlacement, asides: AsideCommands, stopping: TurnStopper
    ) -> None:
        self._database, self._clock = context.domain.database, context.domain.clock
        self._screen = context.domain.screen
        self._admission = context.admission
        self._filtering = context.filtering
        self._history = context.domain.history
        self._messages, self._queue = context.messages, context.queue
        self._placement = placement
        self._asides = asides
        self._stopping = stopping

    async def ask(self, command: AskAgent, delivery_id: DeliveryId) -> None:
        """Start a thread with a turn in it. Idempotent per delivery.

        Raises `NotPermitted` if the member may not, or if another thread has begun under the same message, and
        `Misunderstood` for words that are unclear, missing or too many.
        """
        said = read_ask(command.task, is_private=command.is_private or command.place.is_direct)
        is_private, profile = command.is_private or said.is_private, said.profile or command.profile
        command = replace(command, task=said.task, is_private=is_private, profile=profile)
        if not await self._ask(command, delivery_id):
            raise NotPermitted(Refused(Refusal.NOT_YOUR_THREAD))

    async def _ask(self, command: AskAgent, delivery_id: DeliveryId) -> bool:
        """Start a thread with a turn in it; return False if there is one under the same message.

        Words typed into a command or form would be lost with a refusal, so the refusal gives them back; a message stays
        where it was written.
        """
        asked_in = command.place
        command = replace(command, task=await self._history.named(command.task))
        words, kept = require_length(require_words(command.task)), None if command.source else command.task
        command = await self._placement.move(command)
        thread = await self._placement.draft(command, asked_in, delivery_id)
        await self._require(thread, kept)
        looked = await self._filtering.request(
            command.member, require_length(with_quoted(words, await fetch_quoted(self._history, command))), kept
        )
        thread = replace(thread, title=title_of(own_words(looked.text)))
        files, left = judged(command.files)
        turn = self._queue.build(thread, looked, delivery_id, source=command.source, files=files)
        # Stored before its root is posted: a crash in between posts it later instead of losing the request.
        if not await self._queue.open(thread, turn, delivery_id, looked):
            return False
        await self._queue.post_root(turn, kept)
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        await self._queue.tell_left_out(command.member, place, left)
        await self._queue.tell_masked(command.member, place, looked)
        self._queue.wake(thread, turn)
        # Otherwise the request would seem to have vanished from where it was asked.
        if asked_in.channel not in {"", thread.channel}:
            await self._screen.tell(command.member, asked_in, AnsweredPrivately())
        return True

    async def _require(self, thread: Thread, kept: str | None) -> None:
        """Check admission. Raises `NotPermitted`, with the words to give back."""
        try:
            await self._admission.require(thread)
        except NotPermitted as error:
            raise NotPermitted(replace(error.refused, kept=kept)) from error

    async def reply(self, command: Reply, delivery_id: DeliveryId) -> None:
        """Take a message in a thread or channel: queue the owner's words, offer others' to the owner.

        Outside of our threads a mention or direct message starts a new one. Raises like `ask`.
        """
        thread = await self._find_thread(command.member, command.place) or await self._find_rooted_meanwhile(command)
        if thread is None:
            if not (command.is_mention or command.place.is_direct):
                return None
            asked = read_ask(command.text, is_private=command.place.is_direct)
            if as_command_word(asked.task) in STOP_WORDS:
                return await self._stopping.stop(StopTurn(command.member, command.place))
            if await self._ask(question_of(command, asked), delivery_id):
                return None
            # Two people asked under the same message at the same moment, and the other one was first.
            thread = await self._find_thread(command.member, command.place)
            if thread is None:
                raise NotPermitted(Refused(Refusal.GONE))
        # In a thread that people began among themselves, only mentions are meant for Deputy.
        if command.is_mention or not await self._is_among_people(thread):
            await self._hear(thread, command, delivery_id)
        return None

    async def _hear(self, thread: Thread, command: Reply, delivery_id: DeliveryId) -> None:
        """Take words in one of our threads."""
        # Before ids are replaced by names, so that nobody's name can be read as a flag.
        asked = read_ask(command.text, is_private=thread.is_private)
        said = as_command_word(asked.task)
        # An answer in this thread would be public, which is the one mistake that cannot be undone.
        if asked.is_private and not thread.is_private and said not in STOP_WORDS:
            raise NotPermitted(Refused(Refusal.THREAD_IS_PUBLIC, kept=asked.task or None))
        words = command.text if asked.profile else asked.task  # the agent was chosen when the thread began
        # Names are looked up only now, when it is clear that the words are for Deputy.
        command = replace(command, text=await self._history.named(words))
        # Before “stop” is understood: nobody but the owner stops a turn by writing in their thread.
        if isinstance(policy.may_steer(command.member, thread), Refused):
            return await self._asides.hear(thread, command)
        if said in STOP_WORDS:
            return await self._stopping.stop(StopTurn(command.member, command.place))
        words = require_length(meant_by(command))
        await self._admission.require(thread)
        task = require_length(with_quoted(words, await fetch_names(self._history, command.said)))
        looked = await self._filtering.request(command.member, task)
        files, left = judged(command.files)
        turn = self._queue.build(thread, looked, delivery_id, source=command.source, files=files)
        await self._queue.add(thread, turn, delivery_id, looked, is_again=said in AGAIN_WORDS)
        await self._queue.tell_left_out(command.member, command.place, left)
        await self._queue.tell_masked(command.member, command.place, looked)
        return None

    async def _is_among_people(self, thread: Thread) -> bool:
        """Tell whether people had begun the thread before its owner asked: its first request is not its root."""
        if thread.is_private:
            return False
        async with self._database.transaction() as tx:
            first = await turns.find(tx, TurnId(thread.id.replace("thr", "trn", 1)))
        return first is not None and first.source is not None and first.source.ts != thread.thread_ts

    async def again(self, command: AskAgain, delivery_id: DeliveryId) -> None:
        """Ask a kept request again for its owner, in its thread, once. Raises `NotPermitted`."""
        thread = await self._find_own_thread(command.member, command.turn_id)
        await self._admission.require(thread)
        async with self._database.transaction() as tx:
            await self._ask_again(tx, command, thread, delivery_id)
        self._queue.wake(thread)
        await self._screen.tell(command.member, command.place, AskedAgain(thread))

    async def _find_own_thread(self, member: Member, turn_id: TurnId) -> Thread:
        """Return the thread of one of the member's turns. Raises `NotPermitted`."""
        async with self._database.transaction() as tx:
            turn = await turns.find(tx, turn_id)
            thread = None if turn is None else await threads.get(tx, turn.thread_id)
        if thread is None or not policy.is_same_person(member, thread.owner):
            raise NotPermitted(Refused(Refusal.GONE))
        return thread

    async def _ask_again(self, tx: Tx, command: AskAgain, thread: Thread, delivery_id: DeliveryId) -> None:
        # One compare-and-set: a second click asks nothing.
        retry = await retries.claim(tx, command.member, command.turn_id)
        if retry is None:
            # The same click carried out again after a crash finds the turn that it made.
            if await turns.find(tx, turn_id_of(delivery_id)) is None:
                raise NotPermitted(Refused(Refusal.GONE))
            return
        wanted = self._queue.build(thread, FilteredRequest(retry.task), delivery_id, files=retry.files)
        turn = await turns.queue(tx, wanted, delivery_id)
        await audit.record(tx, asked_entry(turn, self._clock.now()))

    async def rate(self, command: RateAnswer) -> None:
        """Record a thumb of the thread's owner; anybody gets thanks."""
        try:
            async with self._database.transaction() as tx:
                turn = await turns.get(tx, command.turn_id)
                # Anybody who sees the answer can press the button.
                if policy.is_same_person(command.member, turn.owner):
                    await audit.record(
                        tx, turn_entry(turn, self._clock.now(), "answer.rated", good=str(command.is_good))
                    )
        except NotFound as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error
        await self._screen.tell(command.member, command.place, Thanks(command.is_good))

    async def _find_thread(self, member: Member, place: Place) -> Thread | None:
        async with self._database.transaction() as tx:
            return await thread_in(tx, member, place)

    async def _find_rooted_meanwhile(self, command: Reply) -> Thread | None:
        """Look for the thread again once all root messages in the channel are known.

        Somebody may reply to a root before Slack's answer has told us its `ts`.
        """
        member, place = command.member, command.place
        if place.thread_ts is None:
            return None
        async with self._database.transaction() as tx:
            unrooted = await threads.list_unrooted(tx, member.workspace_id, place.channel)
            waiting = [turn for thread in unrooted for turn in (await turns.list_open_in(tx, thread.id))[:1]]
        for turn in waiting:
            with suppress(SlackRejected, NotPermitted):  # it gets no root; the command that posts it tells its owner
                await self._admission.require_audience(await self._find_own_thread(turn.owner, turn.id))
                await self._messages.ensure_root(turn)
        return await self._find_thread(member, place)
