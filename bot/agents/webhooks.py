"""Verifies a webhook of the API and turns it into a command, or into nothing where Deputy has no use for it.

The SDK verifies the signature (Standard Webhooks, ±5 minutes by this machine's clock). The dispatcher stores the
command, once per webhook id, before the API gets its 200 (docs/reference/managed-agents.md#webhooks).
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
    """Reads deliveries with the key of the endpoint; without a key, everything is forged."""

    def __init__(self, client: AsyncAnthropic, key: Secret | None) -> None:
        self._webhooks = client.beta.webhooks
        self._key = key

    def read(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, LookAtCredential | LookAtVault | None]:
        """Return the delivery's id and what to look at; None for what is not about credentials.

        An event says what happened some time ago, perhaps before something else that came first: it is
        a reason to look, never the news itself. Raises `Forged`.
        """
        if self._key is None:
            raise Forged
        try:
            event = self._webhooks.unwrap(body.decode(), headers=dict(headers), key=self._key.reveal())
        except (WebhookVerificationError, anthropic.AnthropicError, ValueError) as error:
            raise Forged from error
        return _id(headers), _command(getattr(event, "data", None))


def _id(headers: Mapping[str, str]) -> str:
    # The header is signed with the body, and is the same for every try (Standard Webhooks, `webhook-id`).
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
