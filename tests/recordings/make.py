"""`python -m tests.recordings.make`: record the simulator and write the rest; a stream of one turn a file.

Ids and times are counted, so that a new recording differs from the old one where the stream does.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from anthropic import AsyncAnthropic

from simulator.agents.server import AgentsSimulator
from simulator.agents.state import Session, Subscriber
from simulator.patience import patience
from tests.recordings.composed import NOON, composed
from tests.recordings.replay import FOLDER, told

Json = dict[str, Any]
RULES = {"bash": "always_ask", "web_search": "always_allow"}
PREVIEWED = frozenset({"agent.message", "agent.thinking"})
DONE = ("session.status_terminated", "session.status_idle")


class Recorder:
    """One session of the simulator and everything its stream says."""

    def __init__(self, client: AsyncAnthropic, session: Session) -> None:
        self._events = client.beta.sessions.events
        self._session = session
        self._subscriber = Subscriber(PREVIEWED, lambda: None)
        session.subscribers.append(self._subscriber)
        self.frames: list[Json] = []

    async def ask(self, words: str) -> None:
        content = [{"type": "text", "text": "Request trn_1 — from “Ann”."}, {"type": "text", "text": words}]
        await self.send({"type": "user.message", "content": content})

    async def send(self, *events: Any) -> None:
        await self._events.send(self._session.id, events=list(events))

    async def until(self, holds: Callable[[Json], bool]) -> Json:
        """Record up to the first event of which this is true."""
        async with patience():
            while True:
                event = await self._subscriber.frames.get()
                assert event is not None
                self.frames.append(event)
                if holds(event):
                    return event

    async def idle(self) -> Json:
        return await self.until(lambda event: event["type"] in DONE)


async def answer(r: Recorder) -> None:
    await r.ask("say exactly: Hello, this is all there is to say.")
    await r.idle()


async def tools(r: Recorder) -> None:
    await r.ask("search the web for lighthouses")
    await r.idle()


async def held_and_allowed(r: Recorder) -> None:
    await r.ask("run `ls`")
    await _decide(r, "allow", await r.idle())
    await r.idle()


async def held_and_denied(r: Recorder) -> None:
    await r.ask("run `ls`")
    await _decide(r, "deny", await r.idle(), deny_message="Not today.")
    await r.idle()


async def seven_held_one_by_one(r: Recorder) -> None:
    """Five of them are named at a time."""
    await r.ask("call 7 tools at once")
    for number in range(7):
        idle = await r.idle()
        first = idle | {"stop_reason": {"event_ids": idle["stop_reason"]["event_ids"][:1]}}
        await _decide(r, "deny" if number == 3 else "allow", first)
    await r.idle()


async def two_held_in_one_batch(r: Recorder) -> None:
    await r.ask("call 2 tools at once")
    await _decide(r, "allow", await r.idle())
    await r.idle()


async def interrupted_while_writing(r: Recorder) -> None:
    await r.ask("write a long text of 200 words")
    await r.until(lambda event: event["type"] == "event_delta")
    await r.send({"type": "user.interrupt"})
    await r.idle()


async def interrupted_while_held(r: Recorder) -> None:
    await r.ask("run `ls`")
    await r.idle()
    await r.send({"type": "user.interrupt"})
    await r.idle()


async def rescheduled(r: Recorder) -> None:
    await r.ask("reschedule")
    await r.idle()


async def retries_exhausted(r: Recorder) -> None:
    await r.ask("please fail")
    await r.idle()


async def refused(r: Recorder) -> None:
    await r.ask("please refuse")
    await r.idle()


async def terminated(r: Recorder) -> None:
    await r.ask("terminate")
    await r.idle()


async def budget_reached(r: Recorder) -> None:
    await r.ask("reach the budget")
    await _decide(r, "allow", await r.idle())
    await r.idle()


async def _decide(r: Recorder, result: str, idle: Json, **more: str) -> None:
    ids = idle["stop_reason"]["event_ids"]
    kind = "user.tool_confirmation"
    await r.send(*({"type": kind, "tool_use_id": one, "result": result, **more} for one in ids))


PLAYED = (
    answer,
    tools,
    held_and_allowed,
    held_and_denied,
    seven_held_one_by_one,
    two_held_in_one_batch,
    interrupted_while_writing,
    interrupted_while_held,
    rescheduled,
    retries_exhausted,
    refused,
    terminated,
    budget_reached,
)


async def started(simulator: AgentsSimulator, client: AsyncAnthropic) -> Recorder:
    """Return a recorder of a fresh session."""
    configs: Any = [
        {"type": name, "name": name, "enabled": True, "permission_policy": {"type": rule}}
        for name, rule in RULES.items()
    ]
    toolset: Any = {"type": "agent_toolset_20260401", "default_config": {"enabled": False}, "configs": configs}
    agent = await client.beta.agents.create(model="claude-opus-4-5", name="deputy", tools=[toolset])
    environment = await client.beta.environments.create(name=agent.id, config={"type": "cloud"})
    budget: Any = {"type": "limit", "max_list_cost": {"amount": "500", "currency": "USD"}}
    made = await client.beta.sessions.create(agent=agent.id, environment_id=environment.id, budget=budget)
    return Recorder(client, simulator.sessions[made.id])


def counted(frames: list[Json]) -> list[Json]:
    """Return the frames with ids and times counted."""
    text = json.dumps(frames, ensure_ascii=False)
    for prefix in ("sevt", "sthr"):
        found = dict.fromkeys(re.findall(rf"{prefix}_\w+", text))
        names = {name: f"{prefix}_{number:03}" for number, name in enumerate(found, 1)}
        text = re.sub(rf"{prefix}_\w+", lambda match, names=names: names[match[0]], text)
    times = {time: number for number, time in enumerate(dict.fromkeys(re.findall(r'"processed_at": "([^"]+)"', text)))}
    for time, number in times.items():
        text = text.replace(time, f"{NOON:%Y-%m-%dT%H}:{number // 60:02}:{number % 60:02}Z")
    return list(json.loads(re.sub(r'"active_seconds": [\d.]+', '"active_seconds": 1.0', text)))


async def main() -> None:
    """Write every recording and what becomes of it."""
    recorded = list(composed())
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(AgentsSimulator().running())
        client = AsyncAnthropic(api_key=simulator.api_key, base_url=simulator.url)
        await stack.enter_async_context(client)
        for play in PLAYED:
            simulator.pace = 0.01 if "writing" in play.__name__ else 0.0
            recorder = await started(simulator, client)
            await play(recorder)
            recorded.append((play.__name__, counted(recorder.frames)))
    for name, frames in recorded:
        lines = "".join(json.dumps(frame, ensure_ascii=False) + "\n" for frame in frames)
        (FOLDER / f"{name}.jsonl").write_text(lines, "utf-8")
        (FOLDER / f"{name}.txt").write_text(told(frames), "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
