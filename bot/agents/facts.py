"""The API calls behind `bot doctor`. They return facts; `bot.doctor` judges them."""

from __future__ import annotations

from dataclasses import dataclass

from anthropic import AsyncAnthropic

from bot.agents.client import LIST_PAGE, errors_translated


@dataclass(frozen=True, slots=True)
class ListedVault:
    """A vault as the API lists it; `owner` is from its metadata, `<workspace>/<user>`, or empty."""

    id: str
    owner: str


async def check_key(client: AsyncAnthropic) -> None:
    """List one agent, which works only with a key that has access to Managed Agents. Raises our errors."""
    with errors_translated():
        await client.beta.agents.list(limit=1)


async def fetch_vaults(client: AsyncAnthropic) -> tuple[ListedVault, ...]:
    """Return every vault of the workspace that is not archived. Raises our errors."""
    with errors_translated():
        listed = [vault async for vault in client.beta.vaults.list(limit=LIST_PAGE)]
    return tuple(ListedVault(vault.id, (vault.metadata or {}).get("external_user_id", "")) for vault in listed)
