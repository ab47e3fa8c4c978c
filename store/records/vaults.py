"""A member's vault at the Managed Agents API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from store.records.ids import VaultId
from store.records.people import Member


class VaultState(StrEnum):
    """Whether the vault is there."""

    CREATING = "creating"
    """About to be made, and perhaps made already: stored before the API is called."""
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Vault:
    """A member's vault."""

    marker: str
    """Stands in the vault's metadata too, so that it is found where the API's answer was lost."""
    owner: Member
    state: VaultState
    vault_id: VaultId | None
