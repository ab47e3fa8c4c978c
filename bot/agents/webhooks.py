"""Verifies a webhook of the API and turns it into a command, or into nothing if Deputy has no use for it.

The SDK verifies the signature (Standard Webhooks, ±5 minutes by this machine's clock). The dispatcher stores the
command, once per webhook id, before the API gets its answer (docs/reference/managed-agents.md#webhooks).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anthropic
from anthropic import AsyncAnthropic
from standardwebhooks import WebhookVerificationError

from bot.model.commands import LookAtCredential, LookAtVault
from bot.model.errors import Forged
from store.records import CredentialId, Secret, VaultId

OF_CREDENTIALS = frozenset(
    {"vault_credential.refresh_failed", "vault_credential.archived", "vault_credential.deleted"},
)
OF_VAULTS = frozenset({"vault.archived", "vault.deleted"})
_LONGEST_ID = 256


class Webhooks:
    """Reads deliveries with the endpoint's key; without a key, every delivery counts as forged."""

    def __init__(self, client: AsyncAnthropic, key: Secret | None) -> None:
        self._webhooks = client.beta.webhooks
        self._key = key

    def read(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, LookAtCredential | LookAtVault | None]:
        """Return the delivery's id and what to check; None for events that are not about credentials.

        Deliveries come late and in any order, so an event is only a reason to look at the API, never a fact by itself.
        Raises `Forged`.
        """
        if self._key is None:
            raise Forged
        try:
            event = self._webhooks.unwrap(body.decode(), headers=dict(headers), key=self._key.reveal())
        except (WebhookVerificationError, anthropic.AnthropicError, ValueError) as error:
            raise Forged from error
        return _id(headers), _command(getattr(event, "data", None))


def _id(headers: Mapping[str, str]) -> str:
    # Signed together with the body, and the same for every attempt at a delivery (Standard Webhooks, `webhook-id`).
    given = headers["webhook-id"]
    if len(given) > _LONGEST_ID:
        raise Forged
    return given


def _command(data: Any) -> LookAtCredential | LookAtVault | None:
    kind, what = getattr(data, "type", None), getattr(data, "id", None)
    if not isinstance(what, str) or not what:
        return None
    if kind in OF_CREDENTIALS:
        return LookAtCredential(CredentialId(what))
    if kind in OF_VAULTS:
        return LookAtVault(VaultId(what))
    return None
