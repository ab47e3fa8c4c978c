"""Reads a session's events without gaps: opens the stream, lists the past, tails, and starts over after a drop.

In that order, since a stream gives only what happens after it was opened
(docs/reference/managed-agents.md#event-stream). `translate` says what an event means; the domain decides what to do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import httpx2
import structlog
from anthropic import AsyncAnthropic, AsyncStream, omit
from anthropic.pagination import AsyncPageCursor

from bot.agents.client import API_ERRORS, translate_error
from bot.agents.lenient_json import UNREADABLE
from bot.agents.translate import is_processed, read, read_id, read_processed_at, read_type, translate
from bot.model.errors import AgentsUnavailable
from bot.model.events import AgentEvent, ConnectionBack, ConnectionLost, DraftBegan, DraftGrew, SessionGone
from store.records import EventId, SessionId

log = structlog.get_logger(__name__)

PAGE_SIZE = 1000
# How many of the newest requests are searched for one that the session has taken up.
_REQUESTS = 20
PREVIEWED: Final[tuple[Literal["agent.message", "agent.thinking"], ...]] = ("agent.message", "agent.thinking")
"""Event types of which the stream sends previews while the model writes them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently a session is followed; in seconds."""

    first_pause: float = 0.5
    longest_pause: float = 10.0
    patience: float = 600.0
    """After so long without any success it gives up."""
    silence: float = 60.0
    """After so long without an event the stream is opened again: heartbeats keep even a dead one from timing out."""
    read_timeout: float = 90.0
    """After so long without a byte the connection counts as dead."""
    overlap: timedelta = timedelta(seconds=30)
    """How far before the last known time a listing begins: events may share a timestamp, and clocks differ."""


class _StreamEnded(Exception):
    """The stream ended cleanly although the session goes on; the server may do that at any time."""


class _FrameBroken(Exception):
    """A frame was not JSON."""


# Failures in a row after which people are told: streams end now and then, and a single time is nobody's concern.
_SAID_AFTER = 2

# A cut inside a character surfaces as a ValueError of the SDK's decoder.
_DROPS = (*API_ERRORS, httpx2.StreamError, TimeoutError, ValueError, _StreamEnded, _FrameBroken)


@asynccontextmanager
async def follow(
    client: AsyncAnthropic,
    session_id: SessionId,
    since: datetime | None,
    pace: Pace,
    *,
    is_from_last_request: bool = False,
) -> AsyncIterator[EventStream]:
    """Open the stream, then yield the events; see `Agents.follow`."""
    follower = EventStream(client, session_id, since, pace, is_from_last_request=is_from_last_request)
    try:
        await follower.open()
        yield follower
    finally:
        await follower.close()


class EventStream:
    """The events of one session as an iterator that survives dropped connections; for one consumer at a time.

    Cancelling an `anext` loses no event but breaks the stream: the next `anext` opens it again.
    """

    def __init__(
        self,
        client: AsyncAnthropic,
        session_id: SessionId,
        since: datetime | None,
        pace: Pace,
        *,
        is_from_last_request: bool = False,
    ) -> None:
        timeout = httpx2.Timeout(60, connect=5, read=pace.read_timeout)
        # Retries are our own: they treat a drop while opening and one while reading the same way.
        self._events = client.with_options(max_retries=0, timeout=timeout).beta.sessions.events
        self._session_id = session_id
        self._pace = pace
        self._stream: AsyncStream[Any] | None = None
        self._drafts: set[EventId] = set()
        """Messages whose previews began on the open stream. Previews are not listed, so those of others have holes."""
        self._gap: deque[object] = deque()
        self._page: AsyncPageCursor[Any] | None = None
        self._is_listing = True
        self._tailing: asyncio.Timeout | None = None
        """The timeout of the current wait for the stream; None while there is no wait."""
        self._is_over = False
        self._told: deque[AgentEvent] = deque()
        """Events of our own, about the connection."""
        self._since = since - pace.overlap if since else None
        self._cursor = since
        """The time of the newest known event, by the API's clock; this machine's clock is never compared with it."""
        self._has_no_beginning = is_from_last_request
        self._is_processed: dict[EventId, bool] = {}
        self._pause = pace.first_pause
        self._rest = 0.0
        """Seconds to wait before the next attempt."""
        self._unread: set[str] = set()
        """Digests of frames that were not JSON: the list is searched for each of them once."""
        self._failures = 0
        self._failing_since: float | None = None

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> AgentEvent:
        while not self._is_over:
            if self._told:
                return self._told.popleft()
            if (event := await self._read()) is None:
                continue
            # In this order: `_take` marks an event as known.
            if self._is_news(event) and self._is_whole(ours := self._take(event)):
                return ours
        raise StopAsyncIteration

    @property
    def is_caught_up(self) -> bool:
        """See `EventFeed`."""
        return self._tailing is not None

    def doubt(self) -> None:
        """See `EventFeed`."""
        if self._tailing is not None:
            self._tailing.reschedule(asyncio.get_running_loop().time())

    async def open(self) -> None:
        """Open the stream, in one attempt. Raises `SessionLost`, `AgentsRejected`, `AgentsUnavailable`.

        Only the caller knows whether the turn still wants a second attempt.
        """
        try:
            await self._open_stream()
        except _DROPS as error:
            raise translate_error(error, in_session=True) from error

    async def close(self) -> None:
        """Release the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(*_DROPS):  # we drop it anyway, and it may be broken already
                await _unwind(stream)
                await stream.close()

    async def _read(self) -> object:
        """Return the API's next event, or None if there is an event of our own about the connection."""
        while not self._told:
            rest, self._rest = self._rest, 0.0
            if rest:
                await asyncio.sleep(rest)
            try:
                if self._stream is None:
                    await self._open_stream()
                return await self._read_once()
            except _DROPS as error:
                await self._fail(error)
        return None

    async def _open_stream(self) -> None:
        self._stream = await self._events.stream(self._session_id, event_deltas=list(PREVIEWED))
        # What was listed for the old stream is listed again, and known events are dropped by id.
        self._gap.clear()
        self._drafts.clear()
        self._page = None
        self._is_listing = True

    async def _read_once(self) -> object:
        while not self._gap:
            if not self._is_listing:
                return await self._tail()
            await self._list_more()
            if self._told:
                return None
        return self._gap.popleft()

    async def _find_beginning(self) -> None:
        """Begin at the newest request that the session has taken up, ours or the one before, or else at the start."""
        page = await self._events.list(self._session_id, types=["user.message"], order="desc", limit=_REQUESTS)
        times = (read_processed_at(event) for event in page.data or ())
        self._cursor = next((time for time in times if time is not None), None)
        # A stream may begin with the session's whole history; events of older turns are not news.
        self._since = self._cursor - self._pace.overlap if self._cursor else None
        self._has_no_beginning = False

    async def _list_more(self) -> None:
        if self._has_no_beginning:
            await self._find_beginning()
        since = self._cursor - self._pace.overlap if self._cursor else omit
        page = (
            await self._page.get_next_page()
            if self._page
            else await self._events.list(self._session_id, created_at_gte=since, limit=PAGE_SIZE)
        )
        self._page = page
        self._gap.extend(page.data or ())
        self._is_listing = page.has_next_page()
        # Only a listing counts as success: an opened stream may still end before it has said anything.
        if self._failures >= _SAID_AFTER:
            self._told.append(ConnectionBack())
        self._failures, self._failing_since = 0, None

    async def _tail(self) -> object:
        assert self._stream is not None  # noqa: S101 - `_read` opened it
        async with asyncio.timeout(self._pace.silence) as limit:
            self._tailing = limit
            try:
                event = await anext(self._stream)
            except StopAsyncIteration as end:
                raise _StreamEnded from end
            finally:
                self._tailing = None
        self._look_for_unread(event)
        self._pause = self._pace.first_pause
        return event

    def _look_for_unread(self, event: object) -> None:
        """Raise for a frame that was not JSON, so that the event is read from the list; skip it the second time."""
        digest = read(event, "of") if read_type(event) == UNREADABLE else None
        if isinstance(digest, str) and digest not in self._unread:
            self._unread.add(digest)
            raise _FrameBroken

    async def _fail(self, error: Exception) -> None:
        """Prepare another attempt. Raises our error if no attempt would help, or if patience has run out."""
        await self.close()
        ours = translate_error(error, in_session=True)
        if not isinstance(ours, AgentsUnavailable) or self._is_out_of_patience():
            raise ours from error
        self._failures += 1
        self._rest = max(self._pause, ours.retry_after or 0.0)
        self._pause = min(self._pause * 2, self._pace.longest_pause)
        log.warning(
            "stream_opened_again",
            session=self._session_id,
            cause=type(error).__name__,
            status=ours.status,
            failures=self._failures,
            retry_in=self._rest,
        )
        if self._failures >= _SAID_AFTER:
            self._told.append(ConnectionLost())

    def _is_out_of_patience(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._failing_since is None:
            self._failing_since = now
        return now - self._failing_since >= self._pace.patience

    def _is_news(self, event: object) -> bool:
        """Tell whether this copy of an event is new, or is the processed one of a request known as queued."""
        event_id = read_id(event)
        if event_id is None:
            return True
        if event_id not in self._is_processed:
            return not self._is_of_before(event)
        # A request comes twice: first queued, then once the session has taken it up.
        return is_processed(event) and not self._is_processed[event_id]

    def _is_of_before(self, event: object) -> bool:
        """Tell whether an event is older than the turn that is followed."""
        processed_at = read_processed_at(event)
        return self._since is not None and processed_at is not None and processed_at < self._since

    def _is_whole(self, event: AgentEvent) -> bool:
        """Tell whether an event can be shown: a preview only if all pieces of its message came on this stream."""
        if isinstance(event, DraftBegan):
            self._drafts.add(event.message_id)
        return not isinstance(event, DraftGrew) or event.message_id in self._drafts

    def _take(self, event: object) -> AgentEvent:
        if event_id := read_id(event):
            self._is_processed[event_id] = is_processed(event)
        if processed_at := read_processed_at(event):
            # Never back: a listing may give an older event after a newer one.
            self._cursor = max(processed_at, self._cursor or processed_at)
        ours = translate(event)
        self._is_over = isinstance(ours, SessionGone)
        return ours


async def _unwind(stream: AsyncStream[Any]) -> None:
    """Cancel a read at once, so that the SDK's nested generators end here and not in the event loop's own tasks."""
    with suppress(TimeoutError, StopAsyncIteration):
        async with asyncio.timeout(0):
            while True:
                await anext(stream)
