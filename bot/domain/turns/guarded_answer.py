"""An answer that stops being shown when its channel may no longer see it: members come and go while an agent works."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.access.admission import Admission
from bot.domain.ports import Answer, Clock
from bot.model.errors import NotPermitted, Refused
from bot.model.progress import Progress
from store.records import Thread

WATCHED_EVERY = timedelta(minutes=1)
"""How long an open message may grow before it is asked again who reads it, where nothing says that this changed.

A new message is asked about at once, and so is an open one after Slack's event or a change of the settings.
"""


class GuardedAnswer:
    """An `Answer` that asks who reads along before each message, and now and then while one grows."""

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
        """What may be in the messages by now."""
        self.refused: Refused | None = None
        """Why nothing more is shown; its owner is to be told elsewhere."""

    async def show(self, progress: Progress) -> float | None:
        """Show more. Raises `NotPermitted` where it may not be read there any more."""
        await self._judge()
        self._shown = progress
        return await self._answer.show(progress)

    async def pause(self, progress: Progress) -> None:
        """Show more and close the open message: hours may pass before the next one. Raises `NotPermitted`."""
        await self._judge()
        self._shown = progress
        await self._answer.pause(progress)
        self._judged_at = None

    async def finish(self, progress: Progress) -> None:
        """Show the end. Where it may not be read any more, only the open message is closed, with what it shows."""
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
        """Tell whether something else of the turn, such as its files, may be shown there now."""
        try:
            await self._judge()
        except NotPermitted:
            return False
        return True

    async def _judge(self) -> None:
        if self.refused is not None:
            raise NotPermitted(self.refused)
        now, signs = self._clock.now(), self._admission.signs(self._thread)
        is_as_before = signs == self._signs
        # Either way: where the clock was set back meanwhile, nobody knows how old that is.
        if is_as_before and self._judged_at is not None and abs(now - self._judged_at) < WATCHED_EVERY:
            return
        try:
            await self._admission.require_audience(self._thread)
        except NotPermitted as error:
            self.refused = error.refused
            raise
        self._judged_at, self._signs = now, signs
