"""Finds the account that a token belongs to, in the token response or in userinfo; pure.

It is a label for the token's owner, who may have been signed in to another account; nothing is decided by it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 80
_LONGEST_ID_TOKEN = 16_384
# OpenID Connect Core §5.1, and what GitHub and others call it; what tells two accounts apart best comes first.
_PERSON = ("email", "preferred_username", "login", "username", "name")
_PLACE = ("workspace_name", "team_name", "organization_name")


@dataclass(frozen=True, slots=True)
class Account:
    """Who it is and in which workspace, as the service states it; None where it does not."""

    person: str | None = None
    place: str | None = None
    subject: str | None = None
    """The `sub` of the id_token, empty if that has none; None without an id_token."""

    @property
    def label(self) -> str | None:
        """The account as people read it, such as `ana@example.com (Acme)`; None where the service states none."""
        if self.person and self.place and self.place != self.person:
            return f"{self.person} ({self.place})"
        return self.person or self.place


NOBODY = Account()


def find_account(document: Mapping[str, Any]) -> Account:
    """Return what a token response states of the account."""
    return Account(_first(_people(document)), _first(_places(document)), _find_subject(document.get("id_token")))


def find_person(claims: Mapping[str, Any]) -> str | None:
    """Return the person that OpenID Connect claims name; None if they name nobody."""
    return _first(claims.get(name) for name in _PERSON)


def _find_subject(id_token: object) -> str | None:
    if id_token is None:
        return None
    subject = _read_claims(id_token).get("sub")
    return subject if isinstance(subject, str) else ""


def _people(document: Mapping[str, Any]) -> Iterable[object]:
    claims = _read_claims(document.get("id_token"))
    owner = _table(document, "owner")
    # Notion's is in `owner.user.person`.
    nested = (_table(document, "account"), _table(document, "user"), _table(_table(owner, "user"), "person"))
    yield find_person(claims)
    yield document.get("account")
    # Without `name`: beside a token that may be the application's, or the token's own.
    yield from (document.get(name) for name in _PERSON[:-1])
    yield from (table.get(name) for table in (*nested, _table(owner, "user"), owner) for name in _PERSON)


def _places(document: Mapping[str, Any]) -> Iterable[object]:
    yield from (document.get(name) for name in _PLACE)
    yield _table(document, "team").get("name")


def _first(values: Iterable[object]) -> str | None:
    return next((value.strip() for value in values if isinstance(value, str) and _can_be_shown(value)), None)


def _can_be_shown(value: str) -> bool:
    # Slack would make a link of a URL, and a service could write a page into a long one. Whether people see every
    # character of it is judged where it is stored.
    return 0 < len(value.strip()) <= _LONGEST and "://" not in value


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _read_claims(id_token: object) -> Mapping[str, Any]:
    """Return the claims of an id_token, unverified; empty where it is none."""
    # The signature is not checked: the token came from the token endpoint over TLS (OpenID Connect Core §3.1.3.7), and
    # whoever could forge it there could hand out another account's tokens as well.
    if not isinstance(id_token, str) or len(id_token) > _LONGEST_ID_TOKEN or id_token.count(".") != 2:
        return {}
    payload = id_token.split(".")[1]
    try:
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
