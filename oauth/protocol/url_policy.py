"""Decides which URLs and addresses Deputy may contact, and whether one URL is within another; pure.

`oauth/guarded_http.py` checks again, with the resolved address, when it sends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from oauth.errors import UrlRefused

_VISIBLE = re.compile(r"https?://[!-~]+")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
"""RFC 8215: a network's own translation prefix; where it puts the IPv4 address cannot be known from outside."""
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What may be contacted: public https; loopback too where tests and the demo allow it."""

    allow_loopback: bool = False


def require_url(url: object, policy: UrlPolicy) -> str:
    """Return the URL unchanged if it keeps every rule, else raise `UrlRefused`.

    The rules and their sources: docs/reference/oauth.md#guarded-requests.
    """
    if not isinstance(url, str) or len(url) > _LONGEST:
        raise UrlRefused("not a URL")
    # The text before its parts: parsers differ on blanks, controls and backslashes, so the host that is judged
    # here could be another than the one that is contacted.
    if not _VISIBLE.fullmatch(url) or any(mark in url for mark in '\\#<>"`{}|^'):
        raise UrlRefused("not an http URL of plain characters without fragment")
    parts = urlsplit_strictly(url)
    # `https://good@evil/` reads as the good one; escapes hide a host from whoever compares it.
    if "@" in parts.netloc or "%" in parts.netloc:
        raise UrlRefused("user info or escapes in the host")
    _require_place(parts, policy)
    return url


def urlsplit_strictly(url: str) -> SplitResult:
    """Split the URL; raises `UrlRefused` where host or port cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlRefused("host or port cannot be read") from error
    if not parts.hostname or port == 0 or parts.netloc.endswith(":"):
        raise UrlRefused("host or port cannot be read")
    return parts


def _require_place(parts: SplitResult, policy: UrlPolicy) -> None:
    host = parts.hostname or ""
    # Before scheme and port: the servers of tests have http and a port of the moment.
    if policy.allow_loopback and host in _LOOPBACK_HOSTS:
        return
    if parts.scheme != "https":
        raise UrlRefused("not https")
    # Any port would make Deputy a scanner of other people's hosts.
    if parts.port not in (None, 443):
        raise UrlRefused("port other than 443")
    _require_host(host, policy)


def _require_host(host: str, policy: UrlPolicy) -> None:
    if ":" in host or host.rpartition(".")[2].isdigit() or host.lower().startswith("0x"):
        _require_literal(host, policy)
    # A name without a dot is completed by the machine's search domain: it would be a host of our own network.
    elif len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")) or "." not in host:
        raise UrlRefused("not a host name")


def _require_literal(host: str, policy: UrlPolicy) -> None:
    # `127.1`, `0x7f000001` and `2130706433` are addresses to some resolvers and names to others.
    try:
        address = ip_address(host)
    except ValueError as error:
        raise UrlRefused("not a canonical address") from error
    if not is_allowed_address(address, policy):
        raise UrlRefused("address is not public")


def is_allowed_address(address: IPv4Address | IPv6Address, policy: UrlPolicy) -> bool:
    """Say whether we may connect to the address: a public one, or loopback under a policy that allows it.

    An address that only wraps others is judged by those.
    """
    # `is_global` alone is not enough: it is true of NAT64, 6to4, site-local and multicast.
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:  # a zone is a network interface of this machine
            return False
        if address.ipv4_mapped is not None:
            return is_allowed_address(address.ipv4_mapped, policy)
        if inside := _list_inside(address):
            # Not under `policy`: whatever a translator makes of loopback is not this machine.
            return all(is_allowed_address(one, UrlPolicy()) for one in inside)
        if address.is_site_local or address in _LOCAL_NAT64:
            return False
    if address.is_loopback:
        return policy.allow_loopback
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _list_inside(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses at which packets to this one end up; empty for an ordinary address.

    NAT64 (RFC 6052 §2.1), 6to4 (RFC 3056 §2), Teredo's server and client (RFC 4380 §4).
    """
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    wrapped = (address.sixtofour, *(address.teredo or ()))
    return tuple(one for one in wrapped if one is not None)


def get_host(url: str) -> str:
    """Return the host in lower case, to be shown and to be compared with allow-lists."""
    return (urlsplit_strictly(url).hostname or "").lower()


def get_origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port with the default filled in (RFC 6454 §4)."""
    parts = urlsplit_strictly(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def get_place(url: str) -> str:
    """Return origin and path without a slash at the end: URLs of which this is equal are one server to a vault."""
    scheme, host, port = get_origin(url)
    return f"{scheme}://{host}:{port}{urlsplit_strictly(url).path.rstrip('/')}"


def is_resource_of(resource: str, mcp_url: str) -> bool:
    """Say whether a `resource` covers the MCP URL: same origin, and its path is a prefix by whole segments."""
    if get_origin(resource) != get_origin(mcp_url):
        return False
    ours, theirs = urlsplit_strictly(mcp_url), urlsplit_strictly(resource)
    if theirs.query:  # it may select a tenant, so it has no parents
        return resource == mcp_url
    # RFC 9728 §3.3 wants identity, but Slack's names its origin only: a parent passes, a sibling (`/mcp` and `/mcp2`)
    # never (docs/reference/oauth.md#protected-resource-metadata-rfc-9728).
    return f"{ours.path.rstrip('/')}/".startswith(f"{theirs.path.rstrip('/')}/")


def insert_well_known(url: str, name: str) -> str:
    """Return the well-known URL followed by the URL's own path (RFC 8414 §3.1, RFC 9728 §3.1)."""
    parts = urlsplit_strictly(url)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path.removesuffix('/')}"
