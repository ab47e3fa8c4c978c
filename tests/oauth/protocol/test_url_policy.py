"""What we talk to (docs/oauth-threats.md#a-urls-and-addresses)."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import UrlRefused
from oauth.protocol.url_policy import UrlPolicy, insert_well_known, is_allowed_address, is_resource_of, require_url

PUBLIC, LOOPBACK = UrlPolicy(), UrlPolicy(allow_loopback=True)


@pytest.mark.threat(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18)
@pytest.mark.parametrize("policy", [PUBLIC, LOOPBACK])
@pytest.mark.parametrize(
    "url",
    [
        "http://mcp.example.com/mcp",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://good@evil.example/",
        "https://good:pw@evil.example/",
        "https://good.example\\@evil.example/",
        " https://a.example/",
        "https://a.example/\r\nx",
        "https://a.exa\tmple/",
        "https://a.example/#part",
        "https://a.example:0/",
        "https://a.example:99999/",
        "https://a.example:22/",
        "https://a.example:/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::ffff:127.0.0.1%25lo]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/",
        "https://100.100.100.200/",
        "https://10.0.0.1/",
        "https://[fd00:ec2::254]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fec0::1]/",
        "https://[fc00::1]/",
        "https://a.example./",
        "https://a..example/",
        "https://bücher.example/",
        "https://intranet/",
        "https:///path",
        "https://",
        "HTTPS://A.example/",
        "https://a.example/" + "x" * 3000,
        "",
        None,
        7,
        ["https://a.example"],
    ],
)
def test_a_url_against_the_rules_is_refused(url, policy):
    with pytest.raises(UrlRefused):
        require_url(url, policy)


@pytest.mark.parametrize(
    "url",
    [
        "https://mcp.notion.com/mcp",
        "https://api.githubcopilot.com/mcp/",
        "https://xn--bcher-kva.example/mcp?a=b",
        "https://mcp.example.com:443/mcp",
        "https://8.8.8.8/mcp",
    ],
)
def test_a_public_https_url_is_taken_unchanged(url):
    assert require_url(url, PUBLIC) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/mcp", "http://localhost:3000/", "https://[::1]:9/x"])
def test_loopback_is_for_those_who_ask_for_it(url):
    assert require_url(url, LOOPBACK) == url
    with pytest.raises(UrlRefused):
        require_url(url, PUBLIC)


@given(st.text(max_size=60) | st.text(max_size=60).map("https://{}".format))
def test_any_text_is_a_url_or_refused(text):
    try:
        assert require_url(text, PUBLIC) == text
    except UrlRefused:
        return
    assert text.startswith("https://")


@pytest.mark.threat(8, 9, 10)
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "10.1.2.3", "172.16.0.1",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0", "255.255.255.255", "224.0.0.1",
        "239.1.1.1", "ff02::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "fe80::1%eth0", "2606:4700::1111%eth0",
        "2002:7f00:1::", "2001:0:1::1", "::", "192.0.2.1", "198.18.0.1", "2001:db8::1", "240.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_allowed_address(ip_address(address), PUBLIC)


WRAPPERS = {
    "mapped": lambda inside: IPv6Address(0xFFFF << 32 | int(inside)),
    "nat64": lambda inside: IPv6Address(int(IPv6Address("64:ff9b::")) | int(inside)),
    "6to4": lambda inside: IPv6Address(0x2002 << 112 | int(inside) << 80),
    "teredo": lambda inside: IPv6Address(0x20010000 << 96 | int(inside) << 64 | (int(inside) ^ 0xFFFF_FFFF)),
}


@pytest.mark.threat(9)
@pytest.mark.fault("F29")
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
@given(st.ip_addresses(v=4))
def test_an_address_that_wraps_another_is_judged_by_that(wrap, inside):
    assert is_allowed_address(wrap(inside), PUBLIC) is is_allowed_address(inside, PUBLIC)


@pytest.mark.fault("F29")
@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_allowed(address):
    assert is_allowed_address(ip_address(address), PUBLIC)


@pytest.mark.threat(8)
def test_loopback_policy_opens_loopback_and_nothing_else():
    assert is_allowed_address(ip_address("127.0.0.1"), LOOPBACK)
    assert is_allowed_address(ip_address("::ffff:127.0.0.1"), LOOPBACK)
    assert not is_allowed_address(ip_address("10.0.0.1"), LOOPBACK)
    assert not is_allowed_address(ip_address("169.254.169.254"), LOOPBACK)


@pytest.mark.threat(24)
@pytest.mark.parametrize(
    ("resource", "covers"),
    [
        ("https://mcp.example.com/mcp", True),
        ("https://mcp.example.com/mcp/", True),
        ("https://mcp.example.com", True),
        ("https://mcp.example.com/", True),
        ("https://MCP.example.com:443/mcp", True),
        ("https://mcp.example.com/mcp2", False),
        ("https://mcp.example.com/mc", False),
        ("https://mcp.example.com/mcp/deeper", False),
        ("https://other.example.com/mcp", False),
        ("http://mcp.example.com/mcp", False),
        ("https://mcp.example.com:8443/mcp", False),
        ("https://mcp.example.com/mcp?tenant=2", False),
    ],
)
def test_a_resource_covers_its_own_segments_only(resource, covers):
    assert is_resource_of(resource, "https://mcp.example.com/mcp") is covers


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://as.example/t1", "https://as.example/.well-known/x/t1"),
        ("https://as.example/t1/", "https://as.example/.well-known/x/t1"),
        ("https://as.example/", "https://as.example/.well-known/x"),
        ("https://as.example", "https://as.example/.well-known/x"),
        ("https://github.com/login/oauth", "https://github.com/.well-known/x/login/oauth"),
    ],
)
def test_a_well_known_is_inserted_before_the_path(url, expected):
    assert insert_well_known(url, "x") == expected
