"""Other people's words in an owner's thread: offered to the owner, and passed to the agent only if they say so."""

from __future__ import annotations

from dataclasses import replace
from textwrap import indent

from bot.domain.access import policy
from bot.domain.filters.engine import FilteredRequest
from bot.domain.quoting import with_quoted
from bot.domain.turns.attachments import judged
from bot.domain.turns.quoted_messages import fetch_names
from bot.domain.turns.requests import RequestContext
from bot.domain.turns.task_text import require_length
from bot.model.agent_prompts import ASIDE, CONSIDER_ASIDE
from bot.model.commands import PassAside, Reply, Said
from bot.model.errors import NotPermitted, Refusal, Refused
from bot.model.notices import AsideOffered, AsideSettled, ThreadActsAs
from store import asides, form_messages, threads
from store.errors import NotFound
from store.ids import new_id
from store.records import Aside, AsideState, DeliveryId, Quote, Thread


class AsideCommands:
    """The commands about others' words in somebody's thread."""

    def __init__(self, context: RequestContext) -> None:
        self._database, self._clock = context.domain.database, context.domain.clock
        self._screen = context.domain.screen
        self._admission = context.admission
        self._filtering = context.filtering
        self._history = context.domain.history
        self._queue = context.queue

    async def hear(self, thread: Thread, command: Reply) -> None:
        """Offer another person's words to the owner; to somebody who mentions Deputy, say whose thread this is.

        The words never reach the session by themselves: it would carry them out with the owner's credentials.
        """
        if command.is_mention:
            notice = ThreadActsAs(thread.owner.user_id, await self._keep(command))
            return await self._screen.tell(command.member, command.place, notice)
        aside = Aside(
            id=new_id("asd"),
            thread_id=thread.id,
            author=command.member.user_id,
            text=await self._fetch_whole(command),
            source=command.source,
            state=AsideState.OFFERED,
            files=command.files,
        )
        async with self._database.transaction() as tx:
            offered = await asides.offer(tx, aside)
        # Also if the aside was stored before: a crash may have come before the owner was told.
        if offered is not None:
            # The owner decides by what was said and attached; only names are shown, since files may be large.
            names = tuple(file.name for file in offered.files)
            notice_to_owner = AsideOffered(offered.id, offered.author, offered.text, names)
            await self._screen.tell(thread.owner, command.place, notice_to_owner)
        return None

    async def pass_on(self, command: PassAside, delivery_id: DeliveryId) -> None:
        """Pass another person's words to the agent, quoted as such, or drop them, as the owner says; once."""
        aside, thread = await self._find(command)
        policy.require(policy.may_steer(command.member, thread))
        if command.is_passed and aside.state is AsideState.IGNORED:
            raise NotPermitted(Refused(Refusal.GONE))  # its author has deleted it
        looked = FilteredRequest("")
        files, left = judged(tuple(replace(file, is_others=True) for file in aside.files))
        if command.is_passed:
            await self._admission.require(thread)
            said = Said(await self._history.name(aside.author), aside.text or "(no words, only what is attached)")
            task = require_length(with_quoted(CONSIDER_ASIDE, (said,), ASIDE))
            looked = await self._filtering.request(command.member, task)
        wanted = self._queue.build(thread, looked, delivery_id, files=files)
        async with self._database.transaction() as tx:
            is_first = await asides.claim(tx, command.aside_id, command.is_passed)
            # In one transaction with the decision: a crash in between would lose the words.
            is_asked = is_first and command.is_passed
            queued = await self._queue.put(tx, wanted, delivery_id, looked) if is_asked else None
        if queued is not None:
            await self._queue.line_up(thread, *queued)
            await self._queue.tell_left_out(command.member, replace(command.place, response_url=None), left)
        await self._screen.tell(command.member, command.place, AsideSettled(command.is_passed))

    async def _find(self, command: PassAside) -> tuple[Aside, Thread]:
        try:
            async with self._database.transaction() as tx:
                aside = await asides.get(tx, command.aside_id)
                return aside, await threads.get(tx, aside.thread_id)
        except NotFound as error:
            raise NotPermitted(Refused(Refusal.GONE)) from error

    async def _keep(self, command: Reply) -> str:
        """Store a refused request for the form in which its author may ask it; return its id, empty without words."""
        words = await self._fetch_whole(command)
        if not words:
            return ""
        quote_id, author = new_id("qte"), command.member.user_id
        async with self._database.transaction() as tx:
            await form_messages.keep(
                tx, quote_id, command.member, Quote(words, author, command.files), self._clock.now()
            )
        return quote_id

    async def _fetch_whole(self, command: Reply) -> str:
        """Return another person's words and, below them, those that they forwarded, with their authors."""
        said = await fetch_names(self._history, command.said)
        passed_on = (f"({one.author} wrote:)\n{indent(one.text, '> ', lambda _: True)}" for one in said)
        return "\n".join(filter(None, (command.text, *passed_on)))
