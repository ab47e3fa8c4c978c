"""What members do in their threads: ask, reply, ask again, pass on an aside, edit, withdraw.

Each command stores what was asked and wakes the thread's driver (`driver.TurnDriver`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from textwrap import indent

import structlog

from bot.domain.access import policy
from bot.domain.access.admission import Admission
from bot.domain.access.post_failures import refusal_of
from bot.domain.config.service import ConfigService
from bot.domain.filters.apply import FilterService, named
from bot.domain.filters.engine import FilteredRequest
from bot.domain.ports import Clock, Screen, ThreadHistory
from bot.domain.quoting import ASIDE, own_words, reworded, with_quoted
from bot.domain.turns.attachments import judged
from bot.domain.turns.driver import TurnDriver
from bot.domain.turns.stop import TurnStopper, thread_in
from bot.model.ask_flags import AskWords, UnclearFlag, parse_ask, read_ask
from bot.model.commands import (
    AskAgain,
    AskAgent,
    Conversation,
    PassAside,
    Place,
    RateAnswer,
    Reply,
    RewordRequest,
    Said,
    StopTurn,
    WithdrawRequest,
)
from bot.model.errors import Misunderstood, NotPermitted, Refusal, Refused, SlackRejected, SlackUnavailable
from bot.model.notices import (
    AnsweredPrivately,
    AsideOffered,
    AsideSettled,
    AskedAgain,
    EditUnseen,
    FilesLeftOut,
    LeftOut,
    MaskedInRequest,
    Thanks,
    ThreadActsAs,
)
from store import asides, audit, form_messages, retries, threads, turns
from store.database import Database, Tx
from store.errors import NotFound
from store.ids import new_id
from store.records import (
    OPEN_TURN_STATES,
    Aside,
    AsideState,
    Attachment,
    AuditEntry,
    DeliveryId,
    Member,
    MessageRef,
    Quote,
    SendState,
    SessionState,
    Thread,
    ThreadId,
    Turn,
    TurnId,
    TurnState,
)

log = structlog.get_logger(__name__)

STOP_WORDS = frozenset({"stop", "cancel"})
AGAIN_WORDS = frozenset({"try again", "again", "retry"})
TASK_LIMIT = 30_000
"""Characters; far more than Slack lets anybody type, far less than the API takes."""
TITLE_LIMIT = 60


class TurnCommands:
    """Turns of all threads, as people ask for them."""

    def __init__(
        self,
        *,
        database: Database,
        screen: Screen,
        reading: ThreadHistory,
        runner: TurnDriver,
        stopping: TurnStopper,
        admission: Admission,
        configuration: ConfigService,
        filtering: FilterService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._screen = screen
        self._reading = reading
        self._runner = runner
        self._stopping = stopping
        self._clock = clock
        self._admission = admission
        self._configuration = configuration
        self._filtering = filtering

    async def ask(self, command: AskAgent, delivery_id: DeliveryId) -> None:
        """Start a thread with a turn in it. Idempotent per delivery. Raises `NotPermitted` where there is one."""
        said = read_ask(command.task, is_private=command.is_private or command.place.is_direct)
        is_private, profile = command.is_private or said.is_private, said.profile or command.profile
        command = replace(command, task=said.task, is_private=is_private, profile=profile)
        if not await self._ask(command, delivery_id):
            raise NotPermitted(Refused(Refusal.NOT_YOUR_THREAD))

    async def _ask(self, command: AskAgent, delivery_id: DeliveryId) -> bool:
        """Start a thread with a turn in it; return False where there is one under that message.

        A message stays where it was written; what was typed into a command or a form would be gone, so a refusal gives
        it back.
        """
        asked_in = command.place
        command = replace(command, task=await self._reading.named(command.task))
        words, kept = _task(_words(command.task)), None if command.source else command.task
        command = await self._moved(command)
        thread = await self._draft(command, asked_in, delivery_id)
        await self._require(thread, kept)
        looked = await self._filtering.request(
            command.member, _task(with_quoted(words, await self._quoted(command))), kept
        )
        thread = replace(thread, title=_title(own_words(looked.text)))
        files, left = judged(command.files)
        turn = self._new_turn(thread, looked.text, command.source, delivery_id, files)
        if not await self._opened(thread, turn, delivery_id, looked):
            return False
        await self._root(turn, kept)
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        await self._say_left_out(command.member, place, left)
        await self._say_masked(command.member, place, looked)
        self._runner.wake(thread.id, turn)
        if asked_in.channel not in {"", thread.channel}:
            await self._screen.tell(command.member, asked_in, AnsweredPrivately())
        return True

    async def _require(self, thread: Thread, kept: str | None) -> None:
        """Ask admission; a refusal gives back what was typed. Raises `NotPermitted`."""
        try:
            await self._admission.require(thread)
        except NotPermitted as error:
            raise NotPermitted(replace(error.refused, kept=kept)) from error

    async def _draft(self, command: AskAgent, asked_in: Place, delivery_id: DeliveryId) -> Thread:
        """Return the thread that a request would begin. Raises `Misunderstood`."""
        place = await self._place(command)
        is_moved = command.place is not asked_in
        profile = await self._admission.choose(command.member, asked_in if is_moved else place, command.profile)
        has_rules = is_moved and not (asked_in.is_direct or asked_in.is_group)
        thread = self._new_thread(command, place, profile, delivery_id)
        return replace(thread, asked_in=asked_in.channel if has_rules else None)

    async def _opened(self, thread: Thread, turn: Turn, delivery_id: DeliveryId, looked: FilteredRequest) -> bool:
        """Store a thread with its first turn, once; False where somebody else's began under the same message."""
        async with self._database.transaction() as tx:
            if await turns.find(tx, turn.id) is not None:
                return True
            ts, workspace_id = thread.thread_ts, thread.owner.workspace_id
            if ts and await threads.find_by_root(tx, workspace_id, thread.channel, ts) is not None:
                return False
            await threads.open(tx, thread)
            await turns.queue(tx, turn, delivery_id)
            await audit.record(tx, self._asked(turn, looked))
        return True

    async def _root(self, turn: Turn, kept: str | None) -> None:
        """Post the message that begins a thread: at once and here, where the asker can be told why it is impossible."""
        try:
            await self._runner.rooted(turn)
        except SlackRejected as error:
            await self._runner.abandon(turn, error.code)
            raise NotPermitted(Refused(refusal_of(error.code), kept=kept)) from error
        except SlackUnavailable:
            log.warning("root_not_posted", turn=turn.id)  # the driver tries again, for as long as it takes

    async def reply(self, command: Reply, delivery_id: DeliveryId) -> None:
        """Words in a thread: the owner's go to the session, others' are offered to the owner."""
        thread = await self._thread_at(command.member, command.place) or await self._rooted_meanwhile(command)
        if thread is None:
            if not (command.is_mention or command.place.is_direct):
                return None
            asked = read_ask(command.text, is_private=command.place.is_direct)
            if _plain(asked.task) in STOP_WORDS:
                return await self._stopping.stop(StopTurn(command.member, command.place))
            if await self._ask(_as_question(command, asked), delivery_id):
                return None
            # Two people asked under one message at the same moment, and the other one was first.
            thread = await self._thread_at(command.member, command.place)
            if thread is None:
                raise NotPermitted(Refused(Refusal.GONE))
        # In a thread of people, who talk to each other, only what names Deputy is for it.
        if command.is_mention or not await self._is_among_people(thread):
            await self._hear(thread, command, delivery_id)
        return None

    async def _hear(self, thread: Thread, command: Reply, delivery_id: DeliveryId) -> None:
        """Take words in one of our threads."""
        # Before names are looked up: nobody's name is a flag.
        asked = read_ask(command.text, is_private=thread.is_private)
        said = _plain(asked.task)
        if asked.is_private and not thread.is_private and said not in STOP_WORDS:
            raise NotPermitted(Refused(Refusal.THREAD_IS_PUBLIC, kept=asked.task or None))
        words = command.text if asked.profile else asked.task  # whose agent it is was decided when the thread began
        # Only now: what people write to each other is nothing to ask Slack about.
        command = replace(command, text=await self._reading.named(words))
        if isinstance(policy.may_steer(command.member, thread), Refused):
            return await self._from_another(thread, command)
        if said in STOP_WORDS:
            return await self._stopping.stop(StopTurn(command.member, command.place))
        words = _task(_meant(command))
        await self._admission.require(thread)
        task = _task(with_quoted(words, await self._by_name(command.said)))
        looked = await self._filtering.request(command.member, task)
        files, left = judged(command.files)
        turn = self._new_turn(thread, looked.text, command.source, delivery_id, files)
        await self._queue(thread, turn, delivery_id, looked, is_again=said in AGAIN_WORDS)
        await self._say_left_out(command.member, command.place, left)
        await self._say_masked(command.member, command.place, looked)
        return None

    async def _is_among_people(self, thread: Thread) -> bool:
        """Tell whether a thread was people's before its owner asked: its first request is not its first message."""
        if thread.is_private:
            return False
        async with self._database.transaction() as tx:
            first = await turns.find(tx, TurnId(thread.id.replace("thr", "trn", 1)))
        return first is not None and first.source is not None and first.source.ts != thread.thread_ts

    async def _say_left_out(self, member: Member, place: Place, left: tuple[LeftOut, ...]) -> None:
        if left:
            await self._screen.tell(member, place, FilesLeftOut(left))

    async def _say_masked(self, member: Member, place: Place, looked: FilteredRequest) -> None:
        if looked.masked:
            await self._screen.tell(member, place, MaskedInRequest(tuple(one.words for one in looked.masked)))

    async def _queue(
        self, thread: Thread, wanted: Turn, delivery_id: DeliveryId, looked: FilteredRequest, *, is_again: bool = False
    ) -> None:
        """Put a turn into the thread's line. `is_again`: it is what failed last, if its newest turn has failed."""
        async with self._database.transaction() as tx:
            if is_again and await turns.find(tx, wanted.id) is None and (kept := await retries.claim_last(tx, thread)):
                wanted = replace(wanted, task=kept.task, files=(*kept.files, *wanted.files))
            queued = await self._put(tx, wanted, delivery_id, looked)
        await self._lined_up(thread, *queued)

    async def _put(self, tx: Tx, wanted: Turn, delivery_id: DeliveryId, looked: FilteredRequest) -> tuple[Turn, int]:
        """Store a turn, once; return it with how many are open in its thread."""
        is_known = await turns.find(tx, wanted.id) is not None
        turn = await turns.queue(tx, wanted, delivery_id)
        if not is_known:
            await audit.record(tx, self._asked(turn, looked))
        return turn, len(await turns.list_open_in(tx, wanted.thread_id))

    async def _lined_up(self, thread: Thread, turn: Turn, waiting: int) -> None:
        if waiting > 1:
            await self._runner.show_control(thread, turn)
        self._runner.wake(thread.id, turn)

    async def _from_another(self, thread: Thread, command: Reply) -> None:
        """Another person's words never reach the session by themselves: they would act as the owner."""
        if command.is_mention:
            notice = ThreadActsAs(thread.owner.user_id, await self._kept(command))
            return await self._screen.tell(command.member, command.place, notice)
        aside = Aside(
            id=new_id("asd"),
            thread_id=thread.id,
            author=command.member.user_id,
            text=await self._all_of(command),
            source=command.source,
            state=AsideState.OFFERED,
            files=command.files,
        )
        async with self._database.transaction() as tx:
            offered = await asides.offer(tx, aside)
        # Also the second time: after the first one Deputy may have ended before the owner was told.
        if offered is not None:
            names = tuple(file.name for file in offered.files)
            notice_to_owner = AsideOffered(offered.id, offered.author, offered.text, names)
            await self._screen.tell(thread.owner, command.place, notice_to_owner)
        return None

    async def _kept(self, command: Reply) -> str:
        """Keep a request that was refused here for the form in which its author may ask it; return its place."""
        words = await self._all_of(command)
        if not words:
            return ""
        quote_id, author = new_id("qte"), command.member.user_id
        async with self._database.transaction() as tx:
            await form_messages.keep(
                tx, quote_id, command.member, Quote(words, author, command.files), self._clock.now()
            )
        return quote_id

    async def _all_of(self, command: Reply) -> str:
        """Return what another person wrote with what they passed on below, whose it is said."""
        said = await self._by_name(command.said)
        passed_on = (f"({one.author} wrote:)\n{indent(one.text, '> ', lambda _: True)}" for one in said)
        return "\n".join(filter(None, (command.text, *passed_on)))

    async def pass_aside(self, command: PassAside, delivery_id: DeliveryId) -> None:
        """The owner passes another's words on, quoted as such, or not; once."""
        try:
            async with self._database.transaction() as tx:
                aside = await asides.get(tx, command.aside_id)
                thread = await threads.get(tx, aside.thread_id)
        except NotFound as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error
        policy.require(policy.may_steer(command.member, thread))
        if command.is_passed and aside.state is AsideState.IGNORED:
            raise NotPermitted(Refused(Refusal.GONE))  # its author has deleted it
        looked = FilteredRequest("")
        files, left = judged(tuple(replace(file, is_others=True) for file in aside.files))
        if command.is_passed:
            await self._admission.require(thread)
            said = Said(await self._reading.name(aside.author), aside.text or "(no words, only what is attached)")
            task = _task(with_quoted("Consider this.", (said,), ASIDE))
            looked = await self._filtering.request(command.member, task)
        wanted = self._new_turn(thread, looked.text, None, delivery_id, files)
        async with self._database.transaction() as tx:
            is_first = await asides.claim(tx, command.aside_id, command.is_passed)
            # In one transaction: decided and not asked would be lost.
            queued = await self._put(tx, wanted, delivery_id, looked) if is_first and command.is_passed else None
        if queued is not None:
            await self._lined_up(thread, *queued)
            await self._say_left_out(command.member, replace(command.place, response_url=None), left)
        await self._screen.tell(command.member, command.place, AsideSettled(command.is_passed))

    async def again(self, command: AskAgain, delivery_id: DeliveryId) -> None:
        """The owner asks once more what met a refused credential, in the thread it was asked in. Once."""
        thread = await self._own_thread(command.member, command.turn_id)
        await self._admission.require(thread)
        async with self._database.transaction() as tx:
            await self._asked_again(tx, command, thread, delivery_id)
        self._runner.wake(thread.id)
        await self._screen.tell(command.member, command.place, AskedAgain(thread))

    async def _own_thread(self, member: Member, turn_id: TurnId) -> Thread:
        """Return the thread of one of the member's turns. Raises `NotPermitted`."""
        async with self._database.transaction() as tx:
            turn = await turns.find(tx, turn_id)
            thread = None if turn is None else await threads.get(tx, turn.thread_id)
        if thread is None or not policy.is_same_person(member, thread.owner):
            raise NotPermitted(Refused(Refusal.GONE))
        return thread

    async def _asked_again(self, tx: Tx, command: AskAgain, thread: Thread, delivery_id: DeliveryId) -> None:
        retry = await retries.claim(tx, command.member, command.turn_id)
        if retry is None:
            # Carried out a second time, the same click finds the turn that it made.
            if await turns.find(tx, turn_id_of(delivery_id)) is None:
                raise NotPermitted(Refused(Refusal.GONE))
            return
        wanted = self._new_turn(thread, retry.task, None, delivery_id, retry.files)
        turn = await turns.queue(tx, wanted, delivery_id)
        await audit.record(tx, self._asked(turn))

    async def withdraw(self, command: WithdrawRequest) -> None:
        """The owner deleted their message: a queued turn is withdrawn, a running one stopped."""
        async with self._database.transaction() as tx:
            turn = await turns.find_by_source(tx, command.member.workspace_id, command.source)
        if turn and policy.is_same_person(command.member, turn.owner):
            await self._stopping.stop_turn(turn, command.member)

    async def rate(self, command: RateAnswer) -> None:
        """Record a thumb; only the owner's counts, anybody is thanked."""
        try:
            async with self._database.transaction() as tx:
                turn = await turns.get(tx, command.turn_id)
                if policy.is_same_person(command.member, turn.owner):
                    await audit.record(tx, self._entry(turn, "answer.rated", good=str(command.is_good)))
        except NotFound as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error
        await self._screen.tell(command.member, command.place, Thanks(command.is_good))

    async def _thread_at(self, member: Member, place: Place) -> Thread | None:
        async with self._database.transaction() as tx:
            return await thread_in(tx, member, place)

    async def _rooted_meanwhile(self, command: Reply) -> Thread | None:
        """Look again once every root message of the channel is known: people may reply before Slack has answered us."""
        member, place = command.member, command.place
        if place.thread_ts is None:
            return None
        async with self._database.transaction() as tx:
            unrooted = await threads.list_unrooted(tx, member.workspace_id, place.channel)
            waiting = [turn for thread in unrooted for turn in (await turns.list_open_in(tx, thread.id))[:1]]
        for turn in waiting:
            with suppress(SlackRejected, NotPermitted):  # it has no root, and whoever posts it says so
                await self._admission.require_audience(await self._own_thread(turn.owner, turn.id))
                await self._runner.rooted(turn)
        return await self._thread_at(member, place)

    async def _quoted(self, command: AskAgent) -> Conversation:
        """Return what others wrote that the task is about: the thread or the message that was quoted, and what came."""
        along = await self._by_name(command.said)
        before = command.source.ts if command.source else None
        if command.about and (thread := await self._reading.thread(command.about, before)).said:
            return replace(thread, said=(*thread.said, *along))
        if not command.quoted:
            return Conversation(along)
        quoted = Said("Somebody", command.quoted, command.quoted_by)
        return Conversation((*await self._by_name((quoted,)), *along))

    async def _by_name(self, said: tuple[Said, ...]) -> tuple[Said, ...]:
        """Return what others wrote with their names, as Slack has them now, and those of whom they mention."""
        return tuple(
            [
                Said(await self._reading.name(one.by) if one.by else one.author, await self._reading.named(one.text))
                for one in said
            ]
        )

    async def reword(self, command: RewordRequest) -> None:
        """The owner edited their message: a queued turn gets the new words, of a running one they are told so, once."""
        async with self._database.transaction() as tx:
            turn = await turns.find_by_source(tx, command.member.workspace_id, command.source)
        if turn is None or not policy.is_same_person(command.member, turn.owner):
            return None
        asked = parse_ask(command.text)
        words = command.text if isinstance(asked, UnclearFlag) else asked.task
        if not words.strip():
            return await self.withdraw(WithdrawRequest(command.member, command.source))
        async with self._database.transaction() as tx:
            thread = await threads.get(tx, turn.thread_id)
        place = Place(thread.channel, thread.thread_ts, is_direct=thread.is_private)
        is_for_one = isinstance(asked, UnclearFlag) or asked.is_private
        if is_for_one and not thread.is_private and turn.state in OPEN_TURN_STATES:
            await self.withdraw(WithdrawRequest(command.member, command.source))
            return await self._screen.tell(command.member, place, Refused(Refusal.THREAD_IS_PUBLIC, kept=words))
        if await self._reworded(turn, await self._reading.named(_words(words))):
            return None
        async with self._database.transaction() as tx:
            is_first = await turns.claim_edit_notice(tx, turn.id)
        if is_first:
            await self._screen.tell(command.member, place, EditUnseen())
        return None

    async def _reworded(self, turn: Turn, words: str) -> bool:
        looked = await self._filtering.request(turn.owner, words)
        async with self._database.transaction() as tx:
            current = await turns.get(tx, turn.id)
            if current.state is not TurnState.QUEUED:
                return False
            await turns.reword(tx, turn.id, _task(reworded(current.task, looked.text)))
            await audit.record(tx, self._entry(turn, "turn.reworded", **_masked(looked)))
        return True

    async def _moved(self, command: AskAgent) -> AskAgent:
        """Answer in our direct messages what may not, or cannot, be answered where it is asked."""
        if not await self._is_moved(command):
            return command
        direct = Place(await self._screen.direct_channel(command.member), is_direct=True)
        return replace(command, place=direct, source=None, is_private=True)

    async def _is_moved(self, command: AskAgent) -> bool:
        """Tell whether a request is answered elsewhere: Deputy is not in what people write to each other alone."""
        place = command.place
        if not place.channel:
            return False
        if command.is_private and command.source and not place.is_direct:
            return True
        if place.is_direct:
            is_typed = command.source is None
            return is_typed and place.channel != await self._screen.direct_channel(command.member)
        config = await self._configuration.read(command.member.workspace_id)
        if config.channel(place.channel).answers != "thread":
            return True
        return place.is_group and not await self._admission.is_seen(place.channel)

    async def _place(self, command: AskAgent) -> Place:
        if command.place.channel and (command.place.is_direct or not command.is_private):
            return command.place
        return Place(await self._screen.direct_channel(command.member), is_direct=True)

    def _new_thread(self, command: AskAgent, place: Place, profile: str, delivery_id: DeliveryId) -> Thread:
        root = place.thread_ts or (command.source.ts if command.source else None)
        return Thread(
            # Named after the delivery: carried out twice, the same request is the same thread.
            id=ThreadId(delivery_id.replace("dlv", "thr", 1)),
            owner=command.member,
            channel=place.channel,
            thread_ts=root,
            title=_title(command.task),
            profile=profile,
            is_private=place.is_direct,
            session_state=SessionState.NONE,
            session_id=None,
            session_vault_id=None,
            created_at=self._clock.now(),
        )

    def _new_turn(
        self,
        thread: Thread,
        task: str,
        source: MessageRef | None,
        delivery_id: DeliveryId,
        files: tuple[Attachment, ...] = (),
    ) -> Turn:
        return Turn(
            id=turn_id_of(delivery_id),
            thread_id=thread.id,
            owner=thread.owner,
            state=TurnState.QUEUED,
            send_state=SendState.UNSENT,
            task=task,
            source=source,
            notice=None,
            stop_requested_by=None,
            created_at=self._clock.now(),
            started_at=None,
            files=files,
        )

    def _asked(self, turn: Turn, looked: FilteredRequest | None = None) -> AuditEntry:
        return self._entry(turn, "turn.asked", **(_masked(looked) if looked else {}))

    def _entry(self, turn: Turn, action: str, by: str | None = None, **details: str) -> AuditEntry:
        actor = by or turn.owner.user_id
        return AuditEntry(self._clock.now(), turn.owner.workspace_id, actor, action, turn.id, details)


def _plain(words: str) -> str:
    """Return words as they are compared with those that command."""
    return words.strip().lower().rstrip(".!")


def _masked(looked: FilteredRequest) -> dict[str, str]:
    return {"masked": named(looked.masked)} if looked.masked else {}


def turn_id_of(delivery_id: DeliveryId) -> TurnId:
    """Return the id of the turn that a delivery makes: carried out twice, it is the same turn."""
    return TurnId(delivery_id.replace("dlv", "trn", 1))


def _as_question(command: Reply, asked: AskWords) -> AskAgent:
    """Return the question that a mention or direct message asks; in somebody's thread, that is what it is about."""
    thread_ts = command.place.thread_ts
    is_inside = thread_ts is not None and thread_ts != command.source.ts and not command.place.is_direct
    about = MessageRef(command.place.channel, thread_ts) if is_inside and thread_ts else None
    return AskAgent(
        command.member,
        _meant(replace(command, text=asked.task)),
        command.place,
        source=command.source,
        is_private=asked.is_private,
        profile=asked.profile,
        about=about,
        files=command.files,
        said=command.said,
    )


def _meant(command: Reply) -> str:
    """Return the words, or what is plainly meant without any: what came along is to be looked at.

    Raises `Misunderstood` where nothing came along either.
    """
    if command.text:
        return command.text
    if command.said:
        return "Look at the forwarded message."
    if command.files:
        return "Look at the attached files."
    raise Misunderstood("nothing_asked", "")


def _words(given: str) -> str:
    words = given.strip()
    if not words:
        raise Misunderstood("task_missing", "")
    return words


def _task(task: str) -> str:
    """Return what the session gets, if it is not too long."""
    if len(task) > TASK_LIMIT:
        raise Misunderstood("task_too_long", str(len(task)))
    return task


def _title(task: str) -> str:
    line = " ".join(task.split())
    return line if len(line) <= TITLE_LIMIT else line[: TITLE_LIMIT - 1].rstrip() + "…"
