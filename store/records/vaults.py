"""A member's vault at the API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from store.records.ids import VaultId
from store.records.people import Member


class VaultState(StrEnum):
    """`creating` is a stored intent: the API may or may not have made it yet."""

    CREATING = "creating"
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Vault:
    """A member's vault; `marker` is in the vault's metadata, to find it after a lost answer."""

    marker: str
    owner: Member
    state: VaultState
    vault_id: VaultId | None
