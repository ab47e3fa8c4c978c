"""Following: whatever happens to the connection, every persisted event comes once, in its order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.agents.event_stream import Pace, follow
from bot.model.errors import AgentsRejected, AgentsUnavailable, SessionLost
from bot.model.events import (
    ConnectionBack,
    ConnectionLost,
    DraftBegan,
    DraftGrew,
    RequestEchoed,
    SessionGone,
    SessionIdle,
    SessionStarted,
    TextWritten,
    Unrecognised,
)
from simulator.patience import patience

from .conftest import EOF, HOLD, LISTED, QUICK, RESET, frame, refusal

T = "2026-11-23T12:00:{:02d}Z"


def event(number: int, kind: str, **fields: object) -> dict:
    return {"id": f"sevt_{number}", "type": kind, "processed_at": T.format(number), **fields}


def text(words: str) -> dict:
    return {"content": [{"type": "text", "text": words}]}


REQUEST = event(2, "user.message", **text("Request turn_1"))
QUEUED = {**REQUEST, "processed_at": None}
STARTED = event(1, "session.status_running")
WRITTEN = event(4, "agent.message", **text("Grüße, 世界"))
IDLE = event(6, "session.status_idle", stop_reason={"type": "end_turn"})
DRAFTS = [
    {"type": "event_start", "event": {"type": "agent.message", "id": "sevt_4"}},
    {
        "type": "event_delta",
        "event_id": "sevt_4",
        "delta": {"type": "content_delta", "index": 0, "content": {"type": "text", "text": "Grü"}},
    },
]
PERSISTED = [STARTED, REQUEST, event(3, "agent.dreamt"), WRITTEN, event(5, "span.model_request_end"), IDLE]
TURN = b": hello\n\n" + b"".join(map(frame, [QUEUED, *PERSISTED[:3], *DRAFTS])) + b"event: ping\ndata: {}\n\n"
TURN += b"".join(map(frame, PERSISTED[3:]))
IDS = [persisted["id"] for persisted in PERSISTED]


async def follow_turn(agents, session_id="sesn_1", since=None) -> list:
    """All events up to and with the idle one."""
    seen = []
    async with patience(), agents.follow(session_id, since) as events:
        async for ours in events:
            seen.append(ours)
            if isinstance(ours, SessionIdle | SessionGone):
                break
    return seen


def persisted_ids(events) -> list[str]:
    """Ids without previews and without the queued copy of the request."""
    is_queued = [isinstance(ours, RequestEchoed) and not ours.is_processed for ours in events]
    return [ours.id for ours, queued in zip(events, is_queued, strict=True) if getattr(ours, "id", None) and not queued]


async def test_a_turn_is_told_as_it_happens(raw_api, raw_agents) -> None:
    raw_api.session().streams.append([TURN, HOLD])

    events = await follow_turn(raw_agents)

    assert events == [
        RequestEchoed("sevt_2", "turn_1", is_processed=False),
        SessionStarted("sevt_1"),
        RequestEchoed("sevt_2", "turn_1", is_processed=True),
        Unrecognised("sevt_3", "agent.dreamt"),
        DraftBegan("sevt_4"),
        DraftGrew("sevt_4", "Grü"),
        TextWritten("sevt_4", "Grüße, 世界"),
        events[-2],
        SessionIdle("sevt_6", "end_turn"),
    ]


async def test_a_preview_that_lost_a_piece_is_not_gone_on_with(raw_api, raw_agents) -> None:
    """What came between two streams is missing in the middle: the whole message replaces it soon."""
    begun, grown = map(frame, DRAFTS)
    session = raw_api.session()
    rest = b"".join(map(frame, PERSISTED[3:]))
    session.streams.extend([[frame(QUEUED), frame(STARTED), begun, grown, EOF], [grown, grown, rest, HOLD]])

    events = await follow_turn(raw_agents)

    told = [ours for ours in events if isinstance(ours, DraftBegan | DraftGrew | TextWritten)]
    assert told == [DraftBegan("sevt_4"), DraftGrew("sevt_4", "Grü"), TextWritten("sevt_4", "Grüße, 世界")]


async def check_cut(raw_api, raw_agents, cut: int, *, is_chunked: bool) -> None:
    """Cut the first stream after `cut` bytes; from then on everything is in the list."""
    session_id = f"sesn_{cut}"
    session = raw_api.session(session_id, is_chunked=is_chunked)
    session.streams.extend([[LISTED, TURN[:cut], lambda: session.persisted.extend(PERSISTED), EOF], [HOLD]])

    events = await follow_turn(raw_agents, session_id)

    assert persisted_ids(events) == IDS, cut


async def check_cuts(raw_api, raw_agents, cuts: range, *, is_chunked: bool) -> None:
    for start in range(0, len(cuts), 20):
        some = cuts[start : start + 20]
        await asyncio.gather(*(check_cut(raw_api, raw_agents, cut, is_chunked=is_chunked) for cut in some))


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))
async def test_a_stream_that_ends_at_any_byte_loses_and_repeats_nothing(raw_api, raw_agents, quarter) -> None:
    await check_cuts(raw_api, raw_agents, range(quarter, len(TURN) + 1, 4), is_chunked=False)


async def test_a_stream_that_breaks_anywhere_loses_and_repeats_nothing(raw_api, raw_agents) -> None:
    """HTTP notices a broken body before anything of ours does, so a sample of the cuts is enough."""
    await check_cuts(raw_api, raw_agents, range(0, len(TURN) + 1, 7), is_chunked=True)


async def test_the_stream_is_open_before_the_past_is_listed(raw_api, raw_agents) -> None:
    session = raw_api.session(persisted=PERSISTED)
    session.streams.append([HOLD])

    async with raw_agents.follow("sesn_1", datetime(2026, 11, 23, 12, 0, 40, tzinfo=UTC)):
        opened = list(session.requests)
    await follow_nothing(session)

    assert opened == [
        "/v1/sessions/sesn_1/events/stream?event_deltas%5B%5D=agent.message&event_deltas%5B%5D=agent.thinking"
    ]


async def follow_nothing(session) -> None:
    """Wait until the server saw the connection go."""
    async with patience():
        await session.closed.wait()


async def test_leaving_the_context_lets_the_connection_go(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.append([frame(STARTED), HOLD])

    async with raw_agents.follow("sesn_1", None) as events:
        assert await anext(events) == SessionStarted("sevt_1")

    await follow_nothing(session)


async def test_events_of_the_very_moment_followed_from_are_not_missed(raw_api, raw_agents) -> None:
    session = raw_api.session(persisted=PERSISTED)
    session.streams.append([HOLD])

    events = await follow_turn(raw_agents, since=datetime(2026, 11, 23, 12, 0, 6, tzinfo=UTC))

    assert persisted_ids(events) == IDS


async def test_only_the_gap_is_listed_again_after_a_drop(raw_api, raw_client) -> None:
    pace = replace(QUICK, overlap=timedelta(seconds=1))
    session = raw_api.session()
    session.streams.extend([[LISTED, frame(WRITTEN), lambda: session.persisted.extend(PERSISTED), EOF], [HOLD]])

    async with patience(), follow(raw_client, "sesn_1", None, pace) as events:
        seen = [await anext(events) for _ in range(4)]

    assert [ours.id for ours in seen] == ["sevt_4", "sevt_3", "sevt_5", "sevt_6"]
    assert "created_at%5Bgte%5D=2026-11-23T12%3A00%3A03%2B00%3A00" in session.requests[-1]


@pytest.mark.parametrize(
    "drop",
    [
        [RESET],
        [EOF],
        [b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n', HOLD],
        [b"event: agent.message\ndata: {no json\n\n", HOLD],
        [b"event: agent.message\ndata: \xff\xfe\n\n", HOLD],
        [b": heartbeat\n\n", HOLD],
    ],
    ids=["reset", "eof", "error", "no json", "no text", "silence"],
)
async def test_every_kind_of_drop_is_repaired(raw_api, raw_client, drop) -> None:
    pace = replace(QUICK, silence=0.2)
    session = raw_api.session()
    session.streams.extend(
        [[LISTED, frame(STARTED), *drop], refusal(500, "api_error"), refusal(429, "rate_limit_error")]
    )
    session.streams.append([b"".join(map(frame, PERSISTED[1:])), HOLD])

    async with patience(), follow(raw_client, "sesn_1", None, pace) as events:
        seen = [await anext(events)]
        while persisted_ids(seen) != IDS:
            seen.append(await anext(events))

    assert seen.count(ConnectionBack()) == 1


@pytest.mark.fault("D2")
async def test_a_stream_that_is_doubted_is_opened_anew_and_the_past_listed_again(raw_api, raw_client) -> None:
    """Dead, and not known to be: only heartbeats come, and what the session did is in the list."""
    session = raw_api.session()
    come = lambda: session.persisted.extend(PERSISTED)  # noqa: E731
    session.streams.extend([[LISTED, frame(STARTED), come, HOLD], [HOLD]])

    async with patience(), follow(raw_client, "sesn_1", None, QUICK) as events:
        assert not events.is_caught_up
        seen = [await anext(events)]
        waiting = asyncio.ensure_future(anext(events))
        while not events.is_caught_up:  # noqa: ASYNC110 - it is not ours to signal
            await asyncio.sleep(0.001)
        events.doubt()
        seen.append(await waiting)
        while persisted_ids(seen) != IDS:
            seen.append(await anext(events))

    assert ConnectionLost() not in seen


async def test_a_listing_that_breaks_between_pages_is_done_again(raw_api, raw_agents) -> None:
    session = raw_api.session(persisted=PERSISTED, page_size=2)
    session.streams.extend([[HOLD], [HOLD], [HOLD]])
    session.lists.extend([refusal(503, "api_error"), refusal(529, "overloaded_error")])

    assert persisted_ids(await follow_turn(raw_agents)) == IDS


async def test_an_event_delivered_twice_is_told_once(raw_api, raw_agents) -> None:
    session = raw_api.session(persisted=PERSISTED[:4])
    session.streams.append([b"".join(frame(persisted) * 2 for persisted in PERSISTED), HOLD])

    assert persisted_ids(await follow_turn(raw_agents)) == IDS


async def test_a_late_queued_copy_of_a_processed_request_is_not_told(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.append([frame(REQUEST), frame(QUEUED), frame(IDLE), HOLD])

    events = await follow_turn(raw_agents)

    assert events == [RequestEchoed("sevt_2", "turn_1", is_processed=True), SessionIdle("sevt_6", "end_turn")]


@pytest.mark.parametrize("kind", ["session.status_terminated", "session.deleted"])
async def test_nothing_follows_the_end_of_a_session(raw_api, raw_agents, kind) -> None:
    session = raw_api.session()
    session.streams.append([frame(STARTED), frame(event(9, kind)), frame(IDLE), EOF])

    async with patience(), raw_agents.follow("sesn_1", None) as events:
        seen = [ours async for ours in events]

    assert seen == [SessionStarted("sevt_1"), SessionGone("sevt_9")]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(404, "not_found_error"), SessionLost),
        (refusal(400, "invalid_request_error", "Cannot send events to archived session: sesn_1"), SessionLost),
        (refusal(403, "permission_error"), AgentsRejected),
    ],
    ids=["gone", "archived", "forbidden"],
)
async def test_a_refusal_is_not_tried_again(raw_api, raw_agents, answer, error) -> None:
    session = raw_api.session()
    session.streams.append(answer)

    with pytest.raises(error):
        async with raw_agents.follow("sesn_1", None):
            raise AssertionError

    assert len(session.requests) == 1


async def test_a_session_deleted_while_away_is_lost(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.extend([[frame(STARTED), EOF], refusal(404, "not_found_error")])

    with pytest.raises(SessionLost):
        await follow_turn(raw_agents)


async def test_an_outage_longer_than_its_patience_ends_it(raw_api, raw_client) -> None:
    session = raw_api.session()
    session.streams.extend([[frame(STARTED), EOF], refusal(529, "overloaded_error", **{"retry-after": "7"})])
    session.lists.append(refusal(500, "api_error"))

    with pytest.raises(AgentsUnavailable):
        async with follow(raw_client, "sesn_1", None, Pace(first_pause=0, patience=0)) as events:
            await anext(events)


async def test_a_cancelled_wait_loses_nothing(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.extend([[HOLD], [frame(STARTED), frame(IDLE), HOLD]])

    async with patience(), raw_agents.follow("sesn_1", None) as events:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.2)
        seen = [await anext(events), await anext(events)]

    assert seen == [SessionStarted("sevt_1"), SessionIdle("sevt_6", "end_turn")]


async def test_no_task_is_left_when_a_follow_ends(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.extend([[frame(STARTED), RESET], [frame(IDLE), HOLD]])
    before = asyncio.all_tasks()

    await follow_turn(raw_agents)
    await follow_nothing(session)

    leftovers = [task for task in asyncio.all_tasks() - before if "serve" not in repr(task.get_coro())]
    assert leftovers == []


@pytest.mark.fault("D2")
async def test_a_listing_that_fails_is_said_and_logged_with_its_status_until_it_works_again(
    raw_api, raw_agents, logged
) -> None:
    session = raw_api.session(persisted=PERSISTED)
    session.streams.extend([[HOLD]] * 4)
    session.lists.extend([refusal(500, "api_error"), refusal(503, "api_error"), refusal(529, "overloaded_error")])

    events = await follow_turn(raw_agents)

    assert events[:3] == [ConnectionLost(), ConnectionLost(), ConnectionBack()]
    assert persisted_ids(events[3:]) == IDS
    lines = [line for line in logged.lines if "stream_opened_again" in line]
    assert [status in line for line, status in zip(lines, ("500", "503", "529"), strict=True)] == [True] * 3


@pytest.mark.fault("D2")
async def test_a_stream_that_ends_and_opens_again_is_nothing_to_speak_of(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.extend([[LISTED, frame(STARTED), EOF], [frame(IDLE), HOLD]])

    assert [type(ours) for ours in await follow_turn(raw_agents)] == [SessionStarted, SessionIdle]


@pytest.mark.fault("D2")
async def test_a_stream_that_cannot_be_opened_is_the_callers_to_try_again(raw_api, raw_agents) -> None:
    session = raw_api.session()
    session.streams.append(refusal(529, "overloaded_error", **{"retry-after": "7"}))

    with pytest.raises(AgentsUnavailable) as caught:
        async with raw_agents.follow("sesn_1", None):
            raise AssertionError

    assert (caught.value.status, caught.value.retry_after, len(session.requests)) == (529, 7.0, 1)


@pytest.mark.fault("D2")
async def test_the_history_that_a_stream_begins_with_is_not_taken_for_news(raw_api, raw_agents) -> None:
    session = raw_api.session()
    old = [{**event(number, kind), "processed_at": "2026-11-22T12:00:00Z"} for number, kind in ((7, "agent.message"),)]
    session.streams.append([b"".join(map(frame, [*old, *PERSISTED])), HOLD])

    events = await follow_turn(raw_agents, since=datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert persisted_ids(events) == IDS


@pytest.mark.fault("D2")
async def test_history_is_no_news_either_where_the_beginning_is_the_newest_request(raw_api, raw_agents) -> None:
    """The turns before are older than the listing goes back, so that nothing but their time tells them."""
    session = raw_api.session(persisted=PERSISTED)
    old = {**event(7, "agent.message", **text("Of another turn.")), "processed_at": "2026-11-22T12:00:00Z"}
    new = event(9, "session.status_running")
    session.streams.append([LISTED, frame(old), frame(new), HOLD])

    seen = []
    async with patience(), raw_agents.follow("sesn_1", None, is_from_last_request=True) as events:
        async for ours in events:
            seen.append(ours)
            if getattr(ours, "id", None) == new["id"]:
                break

    assert persisted_ids(seen) == [*IDS, new["id"]]
