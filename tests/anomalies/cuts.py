"""A recorded turn whose stream is cut after each byte: what people see in the end is what they see uncut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from bot.agents.api import ManagedAgents
from bot.agents.client import open_client
from bot.agents.event_stream import Pace
from bot.domain.turns.reducer import step
from bot.domain.turns.reducer_state import ReducerState
from bot.model.progress import Progress
from bot.renderers.answer_frame import render_footer, render_worked
from bot.renderers.answer_page import AnswerPage, fold, render_page, render_task
from simulator.patience import patience
from store.records import Secret, SessionId, TurnId
from tests.bot.agents.raw import EOF, HOLD, LISTED, RawApi, frame
from tests.builders import a_turn
from tests.recordings.replay import load

QUICK = Pace(first_pause=0, longest_pause=0, patience=60, silence=20, read_timeout=20)
AT_ONCE = 20
PREVIEWS = {"event_start", "event_delta"}


def rendered(progress: Progress) -> Any:
    """Return the finished answer as Slack is sent it."""
    lines = fold(tuple(render_task(task, {}) for task in progress.tasks))
    page = AnswerPage(render_worked(progress, 3.0), lines, progress.shown_text)
    return render_page(page, render_footer(a_turn(id="trn_1"), progress, 3.0))


class Cutter:
    """Follows one recording over and over, each time cut elsewhere."""

    def __init__(self, api: RawApi, agents: ManagedAgents, name: str) -> None:
        self._api, self._agents = api, agents
        events = load(name)
        self.turn = b"".join(map(frame, events))
        taken_up = [event for event in events if event["type"] not in PREVIEWS and event["processed_at"]]
        self._persisted = list({event["id"]: event for event in taken_up}.values())

    async def seen(self, cut: int | None) -> Any:
        """Return what people see at last, the first stream cut after so many bytes (None: not at all)."""
        session_id = f"sesn_{cut}"
        session = self._api.session(session_id)
        if cut is None:
            session.streams.append([LISTED, self.turn, HOLD])
        else:
            # What the cut took away is in the list by then.
            come = lambda: session.persisted.extend(self._persisted)  # noqa: E731
            session.streams.extend([[LISTED, self.turn[:cut], come, EOF], [HOLD]])
        state = ReducerState(TurnId("trn_1"))
        async with patience(90), self._agents.follow(SessionId(session_id), None) as events:
            async for event in events:
                state, _ = step(state, event)
                if state.has_ended:
                    break
        return rendered(state.progress)

    async def wrong(self, cuts: Iterable[int]) -> list[int]:
        """Return the cuts after which people see something else."""
        whole, wrong, chosen = await self.seen(None), [], list(cuts)
        for start in range(0, len(chosen), AT_ONCE):
            some = chosen[start : start + AT_ONCE]
            for cut, seen in zip(some, await asyncio.gather(*map(self.seen, some)), strict=True):
                if seen != whole:
                    wrong.append(cut)
        return wrong


async def cut(name: str, every: int = 1) -> tuple[int, list[int]]:
    """Cut a recording after every so many bytes; return how many cuts there were, and those that were seen."""
    api = RawApi()
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with open_client(api_key=Secret("key"), base_url=url, max_retries=0) as client:
            cutter = Cutter(api, ManagedAgents(client=client, pace=QUICK), name)
            cuts = range(0, len(cutter.turn) + 1, every)
            return len(cuts), await cutter.wrong(cuts)
    finally:
        server.close()
        await server.wait_closed()
