"""Limits how often an IP address may call the browser's routes: a token bucket for each.

`oauth/connect/connections.py` limits how many links a member and a workspace may have.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

MOST = 120
"""Requests a minute from one address; connecting once takes about six."""
MOST_SHARED = 1_200
"""The same for an address that many come from: a proxy's, on this machine or in a private network."""
_PER = timedelta(minutes=1)


@dataclass(slots=True)
class _Bucket:
    left: float
    at: datetime


class IpRateLimit:
    """Remembers the addresses that came last; one per process."""

    def __init__(self, *, most: int = MOST, most_shared: int = MOST_SHARED, known: int = 10_000) -> None:
        self._most, self._most_shared, self._known = most, most_shared, known
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def seconds_to_wait(self, address: str, now: datetime) -> int:
        """Count a request; return 0 where it is welcome, else in how many seconds the next one is."""
        most = self._most_shared if is_shared(address) else self._most
        bucket = self._buckets.setdefault(address, _Bucket(most, now))
        self._buckets.move_to_end(address)
        if len(self._buckets) > self._known:
            self._buckets.popitem(last=False)
        refill = most * max(0.0, (now - bucket.at) / _PER)
        bucket.left, bucket.at = min(float(most), bucket.left + refill), now
        if bucket.left < 1:
            return 1 + int((1 - bucket.left) * _PER.total_seconds() / most)
        bucket.left -= 1
        return 0


def find_address(peer: str, forwarded: str, proxies: int) -> str:
    """Return whose request it is: the peer's, or what the nearest of our own proxies saw (RFC 7239 §5.2).

    Only what our proxies appended to `X-Forwarded-For` is believed: the last `proxies` entries. What
    stands before them anybody can write.
    """
    seen = [part.strip() for part in forwarded.split(",") if part.strip()]
    return _without_port(seen[-proxies]) or peer if proxies and len(seen) >= proxies else peer


def _without_port(node: str) -> str:
    """Return the address of what a proxy wrote, which may have a port (RFC 7239 §6); empty: it is none."""
    for address in (node, node.removeprefix("[").partition("]")[0], node.rpartition(":")[0]):
        try:
            return str(ip_address(address))
        except ValueError:
            continue
    return ""


def is_shared(address: str) -> bool:
    """Say whether an address is a proxy's that we were not told of; what is no address is one sender's."""
    try:
        return not ip_address(address).is_global
    except ValueError:
        return False
