"""What the doctor asks the Managed Agents API: facts only, judged by `bot.doctor`."""

from __future__ import annotations

from anthropic import AsyncAnthropic

from bot.agents.client import errors_translated
from store.records import SavedProfile


async def check_key(client: AsyncAnthropic) -> None:
    """List one agent, which only a key with access to Managed Agents may. Raises our errors."""
    with errors_translated():
        await client.beta.agents.list(limit=1)


async def is_saved(client: AsyncAnthropic, saved: SavedProfile) -> bool:
    """Tell whether the agent and the environment are there and not archived. Raises our errors."""
    with errors_translated():
        agent = await client.beta.agents.retrieve(saved.agent_id)
        environment = await client.beta.environments.retrieve(saved.environment_id)
    return agent.archived_at is None and environment.archived_at is None
