"""Limits how often an IP address may call the browser's routes, by a token bucket for each.

`oauth/connect/connections.py` limits how many links a member and a workspace may have.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cachetools import LRUCache

# Connecting once takes about six requests: an office behind one address can connect twenty times a minute.
MOST = 120
"""Requests a minute from one address."""
# A private address is a proxy's that `proxies` does not count: everybody comes from it.
MOST_SHARED = 1_200
"""Requests a minute from a private address."""
_PER = timedelta(minutes=1)
KNOWN_MAX = 10_000
"""Addresses that are remembered."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class IpRateLimit:
    """The buckets of the addresses that called most recently; one per process."""

    def __init__(self, *, most: int = MOST, most_shared: int = MOST_SHARED, known: int = KNOWN_MAX) -> None:
        self._most, self._most_shared = most, most_shared
        # Bounded, since the sender of a flood chooses how many addresses there are (an IPv6 network has 2^64).
        self._buckets = LRUCache[str, _Bucket](known)

    def seconds_to_wait(self, address: str, now: datetime) -> int:
        """Count a request; return 0 if it may be served, else the seconds until the next one may."""
        most = self._most_shared if is_shared(address) else self._most
        bucket = self._buckets.setdefault(address, _Bucket(most, now))
        # A clock that is set back must not take tokens away.
        refill = most * max(0.0, (now - bucket.at) / _PER)
        bucket.left, bucket.at = min(float(most), bucket.left + refill), now
        if bucket.left < 1:
            return 1 + int((1 - bucket.left) * _PER.total_seconds() / most)
        bucket.left -= 1
        return 0


def find_address(peer: str, forwarded: str, proxies: int) -> str:
    """Return the client's address: the peer's, or the one that the outermost of our `proxies` saw (RFC 7239 §5.2)."""
    # Only the last `proxies` entries of `X-Forwarded-For` are ours; the client may have written those before them.
    seen = [part.strip() for part in forwarded.split(",") if part.strip()]
    return _without_port(seen[-proxies]) or peer if proxies and len(seen) >= proxies else peer


def _without_port(node: str) -> str:
    # Some proxies append the port (RFC 7239 §6): each connection would be an address of its own.
    for address in (node, node.removeprefix("[").partition("]")[0], node.rpartition(":")[0]):
        try:
            return str(ip_address(address))
        except ValueError:
            continue
    return ""


def is_shared(address: str) -> bool:
    """Say whether many people may come from the address: it is not public, so a proxy's that we were not told of."""
    try:
        return not ip_address(address).is_global
    except ValueError:
        return False
