"""Applies admins' filters to requests and answers. Audit records have a filter's name, never the text that matched."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.context import DomainContext
from bot.domain.filters.engine import AnswerFilter, FilteredRequest, FilterMatch, look_through, mask_asked
from bot.domain.ports import Answer
from bot.model.errors import NotPermitted, Refusal, Refused
from bot.model.progress import Progress
from bot.worker_thread import run_in_thread
from store import audit
from store.database import Tx
from store.records import AuditEntry, Member, Turn


class FilterService:
    """The filters of all workspaces, as admins have set them."""

    def __init__(self, context: DomainContext) -> None:
        self._database, self._clock = context.database, context.clock
        self._configuration = context.config

    async def request(self, member: Member, text: str, kept: str | None = None) -> FilteredRequest:
        """Return a request after the filters. `kept` is what a refusal gives back to the writer.

        Raises `NotPermitted` if a filter refuses it, which is recorded.
        """
        config = await self._configuration.read(member.workspace_id)
        looked = await run_in_thread(lambda: look_through(config, text), len(text))
        if looked.refused_by is not None:
            async with self._database.transaction() as tx:
                details = {"filter": looked.refused_by.name}
                await audit.record(tx, self._entry(member, "request.filtered", member.user_id, details))
            # Before anything is stored: a secret must reach neither the agent nor our database.
            raise NotPermitted(Refused(Refusal.FILTERED, looked.refused_by.words, kept))
        return looked

    async def words(self, member: Member, text: str) -> str:
        """Return words that must reach the agent, such as a denial's reason, with every filter's matches removed."""
        config = await self._configuration.read(member.workspace_id)
        return await run_in_thread(lambda: mask_asked(config, text), len(text))

    async def sieve(self, member: Member) -> AnswerFilter:
        """Return the current filters for an answer to a member."""
        return AnswerFilter(await self._configuration.read(member.workspace_id))

    async def record(self, tx: Tx, turn: Turn, found: Sequence[FilterMatch], *, is_withheld: bool) -> None:
        """Record which filters matched in a turn's answer, if any did."""
        if found:
            details = {"filters": named(found), "did": "withheld" if is_withheld else "masked"}
            await audit.record(tx, self._entry(turn.owner, "answer.filtered", turn.id, details))

    def _entry(self, member: Member, action: str, subject: str, details: dict[str, str]) -> AuditEntry:
        return AuditEntry(self._clock.now(), member.workspace_id, member.user_id, action, subject, details)


class FilteredAnswer:
    """An `Answer` that shows only what the filters let through."""

    def __init__(self, answer: Answer, sieve: AnswerFilter) -> None:
        self._answer = answer
        self._sieve = sieve

    async def show(self, progress: Progress) -> float | None:
        """Show what may be shown."""
        return await self._answer.show(await sifted(self._sieve, progress))

    async def pause(self, progress: Progress) -> None:
        """Show what may be shown, and close the open message."""
        await self._answer.pause(await sifted(self._sieve, progress))

    async def close(self, progress: Progress) -> None:
        """Close the open message with what may be shown."""
        await self._answer.close(await sifted(self._sieve, progress))

    async def finish(self, progress: Progress) -> None:
        """Show all that may be shown, and the end."""
        await self._answer.finish(await sifted(self._sieve, progress))


async def sifted(sieve: AnswerFilter, progress: Progress) -> Progress:
    """Return what may be shown of a turn; long new text is filtered in a worker thread."""
    return await run_in_thread(lambda: sieve.sift(progress), sieve.unseen(progress))


async def found_by(sieve: AnswerFilter, progress: Progress) -> tuple[FilterMatch, ...]:
    """Return which filters matched in a turn that is over."""
    return await run_in_thread(lambda: sieve.found(progress), len(progress.text) + len(progress.draft))


def named(found: Sequence[FilterMatch]) -> str:
    """Return the names of filters, each once."""
    return ", ".join(dict.fromkeys(one.name for one in found))
