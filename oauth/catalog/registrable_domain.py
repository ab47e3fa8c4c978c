"""The registrable domain of a host, by the Public Suffix List; pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def get_site(host: str) -> str:
    """Return the domain that somebody registered: `mcp.notion.com` → `notion.com`.

    A host without one (an address, `localhost`, a public suffix such as `github.io`) is its own site.
    """
    if is_address(host):
        return host
    # With the private part of the list: two people's `*.workers.dev` are two sites.
    return _suffixes().privatesuffix(host.lower()) or host.lower()


def list_foreign(hosts: Iterable[str], home: str) -> tuple[str, ...]:
    """Return the hosts that belong to another site than `home`, each once, sorted."""
    site = get_site(home)
    return tuple(sorted({host for host in hosts if get_site(host) != site}))


def is_address(host: str) -> bool:
    """Say whether a host is an IP address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415  # it parses its list, and only admins need it

    return PublicSuffixList()
