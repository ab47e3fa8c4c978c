"""Tokens that wait until their member types a code into Slack, where Sign in with Slack is not configured.

The code goes from the browser to Slack, never the other way: one that Deputy sent could be relayed together with the
link (docs/reference/oauth.md#code-in-slack). The tokens are only in memory, and gone with the process: a token at rest
could leak (docs/decisions/0019).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from oauth.catalog.service import Service
from oauth.connect.browser import is_same_browser
from oauth.errors import CodeMissed, CodeWrong
from oauth.protocol.tokens import CodeExchange, TokenResponse
from store.records import Attempt, Member, Secret, TicketId

CODE_LIFE = timedelta(minutes=5)
MOST_TRIES = 5  # hopeless for guessing one of 32^8 codes, enough for whoever mistypes
# Crockford's base 32: no letter that looks like a digit or another letter.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 8
_MISREAD = str.maketrans("OIL", "011")


@dataclass(slots=True)
class UnconfirmedToken:
    """The tokens behind a code; `repr` shows neither tokens nor code."""

    attempt: Attempt
    service: Service
    exchange: CodeExchange
    tokens: TokenResponse
    code: Secret
    received_at: datetime
    ends_at: datetime
    tries_left: int = MOST_TRIES


class CodeConfirmation:
    """The tokens that wait for a code, by ticket; one per process."""

    def __init__(self) -> None:
        self._held: dict[TicketId, UnconfirmedToken] = {}

    def hold(
        self, attempt: Attempt, service: Service, exchange: CodeExchange, tokens: TokenResponse, now: datetime
    ) -> UnconfirmedToken:
        """Keep the tokens until their code is typed, for `CODE_LIFE` at most and no longer than the link lives."""
        ends_at = min(now + CODE_LIFE, attempt.ticket.expires_at)
        held = UnconfirmedToken(attempt, service, exchange, tokens, Secret(new_code()), now, ends_at)
        self._held[attempt.ticket.id] = held
        return held

    def find(self, cookies: Mapping[str, str], now: datetime) -> UnconfirmedToken | None:
        """Return the tokens of the attempt that this browser began, to show it their code; None once they are gone."""
        for held in self._held.values():
            is_ours = is_same_browser(held.attempt.ticket, held.attempt.cookie_hash, cookies)
            if is_ours and now < held.ends_at:
                return held
        return None

    def take(self, owner: Member, ticket_id: TicketId, given: str, now: datetime) -> UnconfirmedToken:
        """Return the tokens behind the code, once, to its own member.

        Raises `CodeMissed` where there is nothing to take, `CodeWrong` with the tries that are left; after the
        last one the caller must `drop` the tokens and revoke them.
        """
        held = self._held.get(ticket_id)
        ticket_owner = held.attempt.ticket.owner if held else owner
        is_owner = (ticket_owner.workspace_id, ticket_owner.user_id) == (owner.workspace_id, owner.user_id)
        # Another member gets the same answer as for no code at all, and does not use up the owner's tries.
        if held is None or not is_owner or now >= held.ends_at or held.tries_left == 0:
            raise CodeMissed
        held.tries_left -= 1
        if not hmac.compare_digest(read_code(given).encode(), held.code.reveal().encode()):
            raise CodeWrong(held.tries_left)
        del self._held[ticket_id]
        return held

    def drop(self, ticket_id: TicketId) -> UnconfirmedToken | None:
        """Remove and return the tokens, so that nobody can take them any more; None where they were taken."""
        return self._held.pop(ticket_id, None)


def new_code() -> str:
    """Return a code of 40 random bits that a person can type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def read_code(given: str) -> str:
    """Return a typed code as it was meant: without case, blanks and hyphens; O is 0, I and L are 1."""
    return "".join(given.upper().split()).replace("-", "").translate(_MISREAD)


def show_code(code: Secret) -> str:
    """Return the code as the page shows it, in two halves: `7K3M-Q9ZX`."""
    text = code.reveal()
    return f"{text[: _LENGTH // 2]}-{text[_LENGTH // 2 :]}"
