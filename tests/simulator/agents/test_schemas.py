"""The SDK's types as the schema of what we take and say."""

from __future__ import annotations

import pytest
from anthropic.types.beta import BetaManagedAgentsVault, SessionCreateParams

from simulator.agents.errors import ApiError
from simulator.agents.schemas import SchemaDrift, answer, event, read_body


@pytest.mark.parametrize(
    "body",
    [
        b'{"agent": "agent_1"}',
        b'{"agent": "agent_1", "environment_id": "env_1", "vault": "vlt_1"}',
        b'{"agent": {"type": "agent", "id": "agent_1", "name": "x"}, "environment_id": "env_1"}',
        b'{"agent": "agent_1", "environment_id": 7}',
        b'{"agent": "agent_1", "environment_id": "env_1", "betas": ["x"]}',
        b"[]",
        b"{",
    ],
)
def test_a_body_that_the_sdk_would_not_send_is_refused(body):
    with pytest.raises(ApiError) as refused:
        read_body(SessionCreateParams, body)

    assert refused.value.status == 400


def test_an_answer_with_a_field_that_the_sdk_does_not_know_is_drift():
    with pytest.raises(SchemaDrift, match="owner"):
        answer(
            BetaManagedAgentsVault,
            {
                "owner": "alice",
                **dict.fromkeys(("id", "display_name"), "x"),
                "type": "vault",
                "metadata": {},
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z",
            },
        )


@pytest.mark.parametrize("data", [{"type": "agent.sang"}, {"type": "agent.message", "id": "sevt_1"}])
def test_an_event_that_the_sdk_does_not_know_is_drift(data):
    with pytest.raises(SchemaDrift):
        event(data)
