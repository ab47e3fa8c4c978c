"""The simulated API sends what the world sends, and only where its switch is on."""

from __future__ import annotations

import anthropic
import pytest

from simulator.agents.rough import listed, sent
from simulator.roughness import Roughness

USE = {
    "id": "sevt_1",
    "type": "agent.mcp_tool_use",
    "mcp_server_name": "notes",
    "evaluated_permission": "ask",
    "processed_at": "2026-11-28T01:00:00Z",
}
ECHO = {"id": "sevt_2", "type": "user.message", "processed_at": "2026-11-28T01:00:00Z"}
USAGE = {"id": "sevt_3", "type": "session.usage", "processed_at": "2026-11-28T01:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "event", "said"),
    [
        ("agents:no_processed_at", ECHO, ECHO | {"processed_at": None}),
        ("agents:no_evaluated_permission", USE, {k: v for k, v in USE.items() if k != "evaluated_permission"}),
        ("agents:no_mcp_server_name", USE, {k: v for k, v in USE.items() if k != "mcp_server_name"}),
        ("agents:no_usage", USAGE, None),
    ],
)
def test_a_field_or_an_event_is_left_out_where_its_kind_is_on_and_nowhere_else(kind, event, said):
    rough = Roughness({kind})

    assert listed(rough, event) == ([said] if said else [])
    assert [listed(Roughness(), one) for one in (USE, ECHO, USAGE)] == [[USE], [ECHO], [USAGE]]
    assert rough.struck[kind] == 1


def test_a_stream_says_an_event_twice_and_a_list_once():
    rough = Roughness({"agents:event_twice"})

    assert (sent(rough, ECHO), listed(rough, ECHO)) == ([ECHO, ECHO], [ECHO])


async def test_answers_have_other_statuses_and_a_refusal_has_no_json(agents, client):
    agents.rough = Roughness({"agents:status_201", "agents:not_found_without_json"})

    made = await client.beta.vaults.with_raw_response.create(display_name="Ada")
    with pytest.raises(anthropic.NotFoundError) as refused:
        await client.beta.sessions.retrieve("sesn_01AAAAAAAAAAAAAAAAAAAAAA")

    assert made.http_response.status_code == 201
    assert refused.value.type is None
