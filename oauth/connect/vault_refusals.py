"""Turns a vault's refusal into a `ConnectError` that names the service; pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from oauth.errors import CredentialNotStored, NoRoom, NotPermittedNow
from oauth.ports import VaultForbidden, VaultFull, VaultRefused
from store.records import ServiceName


@contextmanager
def refusing(service: ServiceName) -> Iterator[None]:
    """Turn a `VaultRefused` in the block into `NotPermittedNow`, `NoRoom` or `CredentialNotStored`."""
    try:
        yield
    except VaultForbidden as error:
        raise NotPermittedNow(service, error.failure) from error
    except VaultFull as error:
        raise NoRoom(service) from error
    except VaultRefused as error:
        raise CredentialNotStored(service, error.code, error.status) from error
