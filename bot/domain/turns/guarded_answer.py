"""An answer that is no longer shown once its channel may not see it: people come and go while an agent works."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.access.admission import Admission
from bot.domain.ports import Answer, Clock
from bot.model.errors import NotPermitted, Refused
from bot.model.progress import Progress
from store.records import Thread

WATCHED_EVERY = timedelta(minutes=1)
"""How long an open message may grow before its readers are checked again.

A new message is checked at once, and so is an open one after an event of Slack's or a change of the settings.
"""


class GuardedAnswer:
    """An `Answer` that checks who reads along before each message, and now and then while one grows."""

    def __init__(
        self, answer: Answer, thread: Thread, admission: Admission, clock: Clock, judged_at: datetime | None
    ) -> None:
        self._answer = answer
        self._thread = thread
        self._admission = admission
        self._clock = clock
        self._judged_at = judged_at
        self._signs = admission.signs(thread)
        self._shown = Progress()
        """What the messages may contain by now."""
        self.refused: Refused | None = None
        """Why nothing more is shown; the owner is told in private."""

    async def show(self, progress: Progress) -> float | None:
        """Show more. Raises `NotPermitted` if the thread may not see it any more."""
        await self._judge()
        self._shown = progress
        return await self._answer.show(progress)

    async def pause(self, progress: Progress) -> None:
        """Show more and close the open message. Raises `NotPermitted`."""
        await self._judge()
        self._shown = progress
        await self._answer.pause(progress)
        # Hours may pass before people decide, so the readers are checked again then in any case.
        self._judged_at = None

    async def finish(self, progress: Progress) -> None:
        """Show the end; if the thread may not see it, only close the open message as it is."""
        try:
            await self._judge()
        except NotPermitted:
            await self._answer.close(self._shown)
        else:
            await self._answer.finish(progress)

    async def close(self, progress: Progress) -> None:
        """Close the open message."""
        await self._answer.close(progress)

    async def may_be_read(self) -> bool:
        """Tell whether more of the turn, such as its files, may be shown in the thread now."""
        try:
            await self._judge()
        except NotPermitted:
            return False
        return True

    async def _judge(self) -> None:
        if self.refused is not None:
            # Once refused, always refused: a thread must not go silent and then continue when the channel changes back.
            raise NotPermitted(self.refused)
        now, signs = self._clock.now(), self._admission.signs(self._thread)
        is_as_before = signs == self._signs
        # `abs`: if the clock was set back meanwhile, the age is unknown and the readers are checked again.
        if is_as_before and self._judged_at is not None and abs(now - self._judged_at) < WATCHED_EVERY:
            return
        try:
            await self._admission.require_audience(self._thread)
        except NotPermitted as error:
            self.refused = error.refused
            raise
        self._judged_at, self._signs = now, signs
