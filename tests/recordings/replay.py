"""Plays a recorded stream through `translate` and `reducer.step`, and tells what becomes of it in a few lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.agents.translate import translate
from bot.domain.turns.reducer import step
from bot.domain.turns.reducer_state import Action, Hold, LookFor, ReducerState, Refuse
from bot.model.progress import Progress
from store.records import TurnId

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all recordings."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def load(name: str) -> list[dict[str, Any]]:
    """Return a recording's events as the stream told them."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]


def replay(events: Iterable[object]) -> tuple[ReducerState, list[Action]]:
    """Return the turn's last state and every action on the way."""
    state, actions = ReducerState(TurnId("trn_1")), []
    for event in events:
        state, more = step(state, translate(event))
        actions += more
    return state, actions


def told(events: Iterable[object]) -> str:
    """Return what becomes of a stream: how the turn ended, what it shows, what was to be done."""
    state, actions = replay(events)
    to_do = ", ".join(map(_action, actions)) or "nothing"
    return "\n".join([*_lines(state.progress), f"to do: {to_do}", ""])


def _lines(progress: Progress) -> Iterable[str]:
    outcome = progress.outcome
    yield f"outcome: {outcome.kind if outcome else 'none'}" + (
        f" ({outcome.detail})" if outcome and outcome.detail else ""
    )
    yield f"activity: {progress.activity}"
    usage = progress.usage
    yield f"usage: {usage.cost_cents} cents, {usage.input_tokens} tokens in, {usage.output_tokens} out"
    if progress.needs_reconnect:
        yield f"reconnect: {', '.join(progress.needs_reconnect)}"
    for task in progress.tasks:
        where = f"{task.call.service}/" if task.call.service else ""
        arguments = json.dumps(dict(task.call.arguments), ensure_ascii=False)
        yield f"task: [{task.state}] {where}{task.call.name} {arguments} → {task.result!r}"
    yield f"text: {progress.text!r}"
    if progress.draft:
        yield f"draft: {progress.draft!r}"


def _action(action: Action) -> str:
    if isinstance(action, Hold | Refuse):
        return f"{type(action).__name__.lower()} {action.call.name} {action.call.id}"
    if isinstance(action, LookFor):
        return f"look for {action.call_id}"
    return "interrupt"
