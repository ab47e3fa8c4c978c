"""What the doctor asks the Managed Agents API: facts only, judged by `bot.doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from anthropic import AsyncAnthropic

from bot.agents.client import errors_translated, status_of
from bot.errors import AgentsRejected
from store.records import SavedProfile


@dataclass(frozen=True, slots=True)
class ListedVault:
    """A vault as the API lists it; the marker is empty where Deputy did not make it."""

    id: str
    external_user_id: str
    marker: str


async def check_key(client: AsyncAnthropic) -> None:
    """List one agent, which only a key with access to Managed Agents may. Raises our errors."""
    with errors_translated():
        await client.beta.agents.list(limit=1)


async def fetch_drift(client: AsyncAnthropic, saved: SavedProfile) -> str:
    """Return how the agent and environment differ from what was saved, empty where they do not. Raises our errors."""
    try:
        with errors_translated():
            agent = await client.beta.agents.retrieve(saved.agent_id)
            environment = await client.beta.environments.retrieve(saved.environment_id)
    except AgentsRejected as refusal:
        if status_of(refusal) != 404:
            raise
        return "gone at the API"
    if agent.archived_at is not None or environment.archived_at is not None:
        return "archived at the API"
    if agent.version != saved.agent_version:
        return f"changed at the API: version {agent.version} is not ours, {saved.agent_version}"
    return ""


async def fetch_vaults(client: AsyncAnthropic) -> tuple[ListedVault, ...]:
    """Return every vault of the workspace that is not archived. Raises our errors."""
    found = []
    with errors_translated():
        async for vault in client.beta.vaults.list(limit=100):
            metadata = vault.metadata or {}
            listed = ListedVault(vault.id, metadata.get("external_user_id", ""), metadata.get("deputy_vault", ""))
            found.append(listed)
    return tuple(found)
