"""Every event that the installed SDK knows is in a recording, and what becomes of each recording is written beside it.

After a change that is meant: `python -m tests.recordings.make`, and read the difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from anthropic._models import construct_type
from anthropic.types.beta.sessions import (
    BetaManagedAgentsSessionErrorEvent,
    BetaManagedAgentsSessionEvent,
    BetaManagedAgentsSessionEventType,
    BetaManagedAgentsSessionStatusIdleEvent,
)
from anthropic.types.beta.sessions.beta_managed_agents_stream_session_events import (
    BetaManagedAgentsStreamSessionEvents,
)

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


NOT_OF_A_TURN = re.compile(r"\[session\.updated\]\.agent\[|\[session\.error\].*\.retry_status\[")
"""An agent's whole settings; and which retry state comes with which error, as each is recorded with some."""


def words(annotation: Any) -> set[str]:
    """Return the strings that a field may be, those inside models left out."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    inner = [one for one in get_args(annotation) if not isinstance(one, str)]
    return set() if hasattr(annotation, "model_fields") else {word for one in inner for word in words(one)}


def shapes(annotation: Any, path: str = "", above: tuple[Any, ...] = ()) -> Iterator[str]:
    """Name every model and every word that there can be below a field, as `[type].field[type].field=word`."""
    for model in arms(annotation):
        if not hasattr(model, "model_fields") or model in above:
            continue
        kind = get_args(model.model_fields["type"].annotation)[0] if "type" in model.model_fields else None
        here = f"{path}[{kind}]" if kind else path
        yield here
        for name in set(model.model_fields) - {"type"}:
            below = model.model_fields[name].annotation
            yield from (f"{here}.{name}={word}" for word in words(below))
            yield from shapes(below, f"{here}.{name}", (*above, model))


def recorded(value: Any, path: str = "") -> Iterator[str]:
    """Name likewise what there is in a recorded value."""
    if isinstance(value, list):
        for one in value:
            yield from recorded(one, path)
    elif isinstance(value, dict):
        here = f"{path}[{value['type']}]" if "type" in value else path
        yield here
        for name in set(value) - {"type"}:
            yield from recorded(value[name], f"{here}.{name}")
    elif isinstance(value, str):
        yield f"{path}={value}"


def missing(events: list[dict[str, Any]]) -> list[str]:
    """Return what the SDK knows inside events and no recording has."""
    there = {name for event in events for name in recorded(event)}
    known = set(shapes(BetaManagedAgentsStreamSessionEvents))
    return sorted(name for name in known - there if not NOT_OF_A_TURN.search(name))


def test_every_shape_inside_the_sdks_events_is_recorded() -> None:
    assert missing(EVENTS) == [], "record it (tests/recordings/composed.py) and decide what it means"


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        ("workflow_run.error", "[workflow_run.error].error[program_error]"),
        ("session.status_idle", "[session.status_idle].stop_reason[budget_reached]"),
        ("session.status_idle", "[session.status_idle].stop_details[refusal].category=bio"),
        ("agent.tool_use", "[agent.tool_use].evaluation[auto].evaluated_permission[deny]"),
        ("event_delta", "[event_delta].delta[content_delta]"),
    ],
)
def test_a_shape_that_is_in_no_recording_is_found(kind: str, lost: str) -> None:
    assert lost in missing([event for event in EVENTS if event["type"] != kind])


def test_what_a_list_can_be_asked_for_is_what_the_stream_tells() -> None:
    listed, streamed = set(get_args(BetaManagedAgentsSessionEventType)), kinds(BetaManagedAgentsStreamSessionEvents)

    assert kinds(BetaManagedAgentsSessionEvent) - listed == {"session.deleted"}
    assert streamed - listed == PREVIEWS | {"session.deleted"}


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
def test_a_turn_ends_and_is_the_same_without_previews_and_with_everything_twice(name: str) -> None:
    events = load(name)
    state, _ = replay(events)
    plain = [event for event in events if event["type"] not in PREVIEWS]

    listed, _ = replay(plain)
    twice, _ = replay([copy for event in plain for copy in (event, event)])

    assert state.has_ended
    assert (listed.progress.text, listed.progress.tasks) == (state.progress.text, state.progress.tasks)
    assert listed.progress.outcome == twice.progress.outcome == state.progress.outcome
    assert twice.progress == listed.progress
