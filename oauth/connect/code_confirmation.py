"""Tokens that wait until their member types a code into Slack, where Sign in with Slack is not configured.

The code goes from the browser to Slack, never the other way: a code that Deputy sent could be relayed together with
the link (docs/reference/oauth.md#code-in-slack). Everything here is only in memory and gone with the process; whoever
has claimed an attempt here may use it once.
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
MOST_TRIES = 5
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like a digit."""
_LENGTH = 8
_MISREAD = str.maketrans("OIL", "011")


@dataclass(slots=True)
class UnconfirmedToken:
    """What a code stands for; `repr` shows no token and no code."""

    attempt: Attempt
    service: Service
    exchange: CodeExchange
    tokens: TokenResponse
    code: Secret
    received_at: datetime
    ends_at: datetime
    tries_left: int = MOST_TRIES


class CodeConfirmation:
    """All of them, by ticket; one per process."""

    def __init__(self) -> None:
        self._held: dict[TicketId, UnconfirmedToken] = {}

    def hold(
        self, attempt: Attempt, service: Service, exchange: CodeExchange, tokens: TokenResponse, now: datetime
    ) -> UnconfirmedToken:
        """Keep tokens until their code is typed, five minutes at most and no longer than the link's time."""
        ends_at = min(now + CODE_LIFE, attempt.ticket.expires_at)
        held = UnconfirmedToken(attempt, service, exchange, tokens, Secret(new_code()), now, ends_at)
        self._held[attempt.ticket.id] = held
        return held

    def find(self, cookies: Mapping[str, str], now: datetime) -> UnconfirmedToken | None:
        """Return what this very browser began and may see the code of; None once it is over."""
        for held in self._held.values():
            is_ours = is_same_browser(held.attempt.ticket, held.attempt.cookie_hash, cookies)
            if is_ours and now < held.ends_at:
                return held
        return None

    def take(self, owner: Member, ticket_id: TicketId, given: str, now: datetime) -> UnconfirmedToken:
        """Return what the code stands for, once, to its own member.

        Raises `CodeMissed` where there is nothing to take, `CodeWrong` with the tries that are left; with
        none left the tokens are there to be `drop`ped. Another member's try counts for nothing.
        """
        held = self._held.get(ticket_id)
        ticket_owner = held.attempt.ticket.owner if held else owner
        is_owner = (ticket_owner.workspace_id, ticket_owner.user_id) == (owner.workspace_id, owner.user_id)
        if held is None or not is_owner or now >= held.ends_at or held.tries_left == 0:
            raise CodeMissed
        held.tries_left -= 1
        if not hmac.compare_digest(read_code(given).encode(), held.code.reveal().encode()):
            raise CodeWrong(held.tries_left)
        del self._held[ticket_id]
        return held

    def drop(self, ticket_id: TicketId) -> UnconfirmedToken | None:
        """Take away what nobody may use any more, to be revoked; None where it was used."""
        return self._held.pop(ticket_id, None)


def new_code() -> str:
    """Return 40 random bits as a person can type them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def read_code(given: str) -> str:
    """Return a code as it was meant: case, blanks and hyphens do not count, O is 0, I and L are 1."""
    return "".join(given.upper().split()).replace("-", "").translate(_MISREAD)


def show_code(code: Secret) -> str:
    """Return the code in two halves, for the page."""
    text = code.reveal()
    return f"{text[: _LENGTH // 2]}-{text[_LENGTH // 2 :]}"
