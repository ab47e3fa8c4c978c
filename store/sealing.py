"""Encrypts ("seals") the columns that hold people's words or secrets; each noun's file seals its own.

AES-256-GCM. The place (table, column, row) is authenticated with the value, so a sealed value that is copied to another
row does not open there.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store.errors import KeysInvalid, SealBroken
from store.records import Secret

# Says how a value was sealed, so that another way can be added while old values still open.
_VERSION = "s1."
# Random 96-bit nonces are safe for 2³² values a key (NIST SP 800-38D §8.3), far above what a workspace writes between
# two rotations.
_NONCE_BYTES = 12
_KEY_BYTES = 32
# JSON may hold half of a surrogate pair: what somebody wrote must not keep it from being stored.
_TEXT = ("utf-8", "surrogatepass")


def parse_keys(text: str) -> tuple[Secret, ...]:
    """Parse comma- or space-separated keys, the newest first; each is urlsafe base64 of 32 bytes.

    Raises:
        KeysInvalid: with the position of the bad key, never the key.
    """
    keys = tuple(Secret(part) for part in text.replace(",", " ").split())
    if not keys:
        raise KeysInvalid("no sealing key is given; make one with: openssl rand -base64 32 | tr '+/' '-_'")
    for position, key in enumerate(keys, start=1):
        _decode(key, position)
    return keys


class Sealer:
    """Seals with the first key and opens with any, so that keys can be rotated; one per `Database`."""

    def __init__(self, keys: tuple[Secret, ...]) -> None:
        if not keys:
            raise KeysInvalid("no sealing key is given")
        self._ciphers = tuple(AESGCM(_decode(key, position)) for position, key in enumerate(keys, start=1))

    def seal(self, value: str, *, place: str) -> str:
        """Return `value` sealed for one place, such as `turns.task:trn_…`; it opens for that place only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, value.encode(*_TEXT), place.encode())
        return _pack(nonce + sealed)

    def open_sealed(self, sealed: str, *, place: str) -> str:
        """Return what was sealed for this place. Raises `SealBroken`."""
        raw = _unpack(sealed, place)
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode(*_TEXT)
            except InvalidTag:
                continue
        raise SealBroken(place)

    def open_if_whole(self, sealed: str | None, *, place: str) -> str | None:
        """Return what was sealed for this place; None where there is nothing or it does not open."""
        try:
            return None if sealed is None else self.open_sealed(sealed, place=place)
        except SealBroken:
            return None

    def seal_secret(self, secret: Secret | None, *, place: str) -> str | None:
        """Return the secret sealed for one place; None for None."""
        return None if secret is None else self.seal(secret.reveal(), place=place)

    def open_secret(self, sealed: str | None, *, place: str) -> Secret | None:
        """Return the secret that was sealed for this place; None for None. Raises `SealBroken`."""
        return None if sealed is None else Secret(self.open_sealed(sealed, place=place))


def _pack(raw: bytes) -> str:
    return _VERSION + base64.urlsafe_b64encode(raw).decode("ascii")


def _unpack(sealed: str, place: str) -> bytes:
    if not sealed.startswith(_VERSION):
        raise SealBroken(place)
    try:
        raw = base64.b64decode(sealed.removeprefix(_VERSION), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise SealBroken(place) from error
    # The last character of base64 has spare bits, so several texts decode to one value; only one of them is ours.
    if len(raw) <= _NONCE_BYTES or _pack(raw) != sealed:
        raise SealBroken(place)
    return raw


def _decode(key: Secret, position: int) -> bytes:
    text = key.reveal().rstrip("=")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        # Not chained: the cause would carry the key's text into a traceback.
        raise KeysInvalid(f"sealing key {position} is not urlsafe base64") from None
    if len(raw) != _KEY_BYTES:
        raise KeysInvalid(f"sealing key {position} has {len(raw)} bytes, 32 are needed")
    return raw


def new_key() -> str:
    """Return a new random sealing key, in the form that `DEPUTY_SECRET_KEYS` takes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
