"""Every event that the installed SDK knows is in a recording, and what becomes of each recording is written beside it.

After a change that is meant: `python -m tests.recordings.make`, and read the difference.
"""

from __future__ import annotations

from typing import Any, get_args

import pytest
from anthropic._models import construct_type
from anthropic.types.beta.sessions import BetaManagedAgentsSessionErrorEvent, BetaManagedAgentsSessionStatusIdleEvent
from anthropic.types.beta.sessions.beta_managed_agents_stream_session_events import (
    BetaManagedAgentsStreamSessionEvents,
)

from bot.domain.following import End
from simulator.agents.schemas import event as checked
from tests.recordings.replay import FOLDER, load, names, replay, told

NAMES = names()
PREVIEWS = {"event_start", "event_delta"}
EVENTS = [event for name in NAMES for event in load(name)]


def arms(annotation: Any) -> list[Any]:
    """Return the models of a union, however it is wrapped."""
    inner = get_args(annotation)
    if not inner:
        return [annotation]
    return [model for one in inner if not isinstance(one, str) for model in arms(one) if hasattr(model, "model_fields")]


def kinds(annotation: Any) -> set[str]:
    """Return the values of `type` in a union of models."""
    return {get_args(model.model_fields["type"].annotation)[0] for model in arms(annotation)}


def field(model: Any, name: str) -> Any:
    return model.model_fields[name].annotation


IDLE = "session.status_idle"
ERROR = "session.error"
KNOWN = {
    "events": (kinds(BetaManagedAgentsStreamSessionEvents), {event["type"] for event in EVENTS}),
    "stop reasons": (
        kinds(field(BetaManagedAgentsSessionStatusIdleEvent, "stop_reason")),
        {event["stop_reason"]["type"] for event in EVENTS if event["type"] == IDLE},
    ),
    "errors": (
        kinds(field(BetaManagedAgentsSessionErrorEvent, "error")),
        {event["error"]["type"] for event in EVENTS if event["type"] == ERROR},
    ),
    "retry states": (
        kinds(field(arms(field(BetaManagedAgentsSessionErrorEvent, "error"))[0], "retry_status")),
        {event["error"]["retry_status"]["type"] for event in EVENTS if event["type"] == ERROR},
    ),
}


@pytest.mark.parametrize("what", KNOWN)
def test_everything_the_sdk_knows_is_recorded(what: str) -> None:
    known, recorded = KNOWN[what]

    assert len(known) > 2
    assert known - recorded == set(), "record it (tests/recordings/composed.py) and decide what it means"


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_what_the_api_may_send(name: str) -> None:
    for event in load(name):
        assert checked(event)["type"] == event["type"]


@pytest.mark.parametrize("name", NAMES)
def test_what_becomes_of_a_recording_is_what_is_written_beside_it(name: str) -> None:
    assert told(load(name)) == (FOLDER / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_sdks_objects_and_plain_json_become_the_same(name: str) -> None:
    built = [construct_type(type_=BetaManagedAgentsStreamSessionEvents, value=event) for event in load(name)]

    assert replay(built) == replay(load(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_turn_ends_once_and_the_same_without_previews_and_with_everything_twice(name: str) -> None:
    events = load(name)
    state, actions = replay(events)
    plain = [event for event in events if event["type"] not in PREVIEWS]

    listed, _ = replay(plain)
    twice, again = replay([copy for event in plain for copy in (event, event)])

    assert [type(action) for action in actions].count(End) == [type(a) for a in again].count(End) == 1
    assert (listed.progress.text, listed.progress.tasks) == (state.progress.text, state.progress.tasks)
    assert listed.progress.outcome == twice.progress.outcome == state.progress.outcome
    assert twice.progress == listed.progress
